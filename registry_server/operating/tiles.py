"""Export of the log as static files (C2SP tlog-tiles), for a file server or an object store.

    DIR/checkpoint                    0644, replaced as the last file of each export
    DIR/tile/<level>/<number>         0644, hashes
    DIR/tile/entries/<number>         0600 in a folder 0700, leaves: for auditors alone

An export goes up to what the checkpoint register holds, for members may hold receipts up to there; where the database
does not hold that checkpoint yet, it is signed anew, the same bytes. It writes what is new since the checkpoint that
the folder holds. One that was interrupted is done again: what it has written is compared, not written over. A partial
tile goes once the full one is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk import _durable
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.tiles import TILE_WIDTH, EntryBundle, Tile
from registry_server.operating.register import register_of
from registry_server.sequencing.committed import open_trees
from registry_server.sequencing.errors import InconsistentError
from registry_server.serving.files import FileError
from registry_server.storage import head, migrations
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.tiles import (
    CHECKPOINT_PATH,
    LogTiles,
    new_files,
    registered_size,
    right_edge,
    stored_log,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import Checkpoint, SignedCheckpoint
    from client_sdk.kernel.formats.keys import Signer
    from registry_server.settings import Settings
    from registry_server.storage.register import Register
    from registry_server.usecases.tiles import LeftOut

__all__ = ["ExportedTiles", "export_tiles"]

_ENTRIES = "tile/entries"
_OPEN_FILE = 0o644
_OPEN_FOLDER = 0o755


@dataclass(frozen=True, slots=True)
class ExportedTiles:
    """Result of an export.

    Attributes:
        size: leaves of the checkpoint that the folder holds now.
        written: tiles and bundles of leaves that were written.
        kept: of those to be written, how many were there already, left by an export that was interrupted.
        left_out: leaves for which members may hold receipts, where the register cannot say so; None for none.
    """

    size: int
    written: int
    kept: int
    left_out: LeftOut | None = None


def export_tiles(settings: Settings, folder: Path, *, entries: bool = True) -> ExportedTiles:
    """Write the files of the newest checkpoint that a folder lacks; a server may be running, or have died.

    Args:
        settings: of the registry.
        folder: made where there is none; holds an earlier export of this log, or nothing.
        entries: bundles of leaves too; they may be added later, not left out later.

    Raises:
        NoGenesisError: nothing was signed yet.
        InconsistentError: the folder holds a checkpoint that this database does not continue, or the database lacks
            what its checkpoint has.
        FileError: the folder holds something else, or a file cannot be written; nothing was written over.
        StorageError: the database failed.
    """
    migrations.check(settings.database)
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    with Database(settings.database, serving=False) as database, closing(register_of(settings)) as register:
        return export(database, register, signer, settings.log_origin, folder, entries=entries)


def export(
    database: Database, register: Register, signer: Signer, origin: str, folder: Path, *, entries: bool = True
) -> ExportedTiles:
    """Do what ``export_tiles`` does with a database and a register that are open; raises the same."""
    key = VerifierKey.ed25519(origin, signer.public_key.raw)
    registered, left_out = registered_size(database, register, signer)
    tiles = LogTiles(stored_log(database, registered))
    with _alone(folder):
        newest = parse_checkpoint(tiles.checkpoint().note, key)
        writing = _Folder(folder, tiles)
        known = writing.checkpoint(key)
        if known is not None:
            _check_continued(database, known.checkpoint, newest.checkpoint)
        known_size = 0 if known is None else known.checkpoint.size
        for file in _files(writing, known_size, newest.checkpoint.size, entries=entries):
            writing.put(file)
        writing.publish(newest.raw if known_size < newest.checkpoint.size else b"")
        writing.remove_partial(known_size)
        return ExportedTiles(newest.checkpoint.size, writing.written, writing.kept, left_out)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other exports out of a folder: the slower one would put an older checkpoint back. It is made if missing.

    The lock is on the folder itself: it leaves no file among those that are published, and ends with the process.

    Raises:
        FileError: another export writes there, or the folder cannot be made or opened.
    """
    try:
        folder.mkdir(_OPEN_FOLDER, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FileError(f"{folder} cannot be written: {error.strerror}", error) from error
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileError(f"{folder} is being written by another export: run it again afterwards", error) from error
        yield
    finally:
        os.close(opened)


def _check_continued(database: Database, known: Checkpoint, newest: Checkpoint) -> None:
    """Compare the checkpoint of an earlier export with the log.

    Raises:
        InconsistentError: the log is shorter, or has another beginning.
    """
    if known.size > newest.size:
        raise InconsistentError("database", got=f"{newest.size} leaves", want=f"the {known.size} that were exported")
    with database.snapshot() as work:
        row = head.read(work)
    if open_trees(database, row)[0].root_of(known.size) != known.root:
        raise InconsistentError("database", got=f"another root of {known.size} leaves", want="the one exported")


def _files(folder: _Folder, known: int, size: int, *, entries: bool) -> Iterator[Tile | EntryBundle]:
    """Yield what is to be written: bundles of leaves from the beginning where the folder has none yet."""
    if not entries and folder.has_entries:
        raise FileError(f"{folder.path} holds leaves: an export without them would leave a gap, name another folder")
    # They are written in order: where the last of an earlier export is, all before it are.
    had = known if folder.has_entries_of(known) else 0
    if entries:
        yield from (file for file in new_files(had, size) if isinstance(file, EntryBundle))
    yield from (file for file in new_files(known, size) if isinstance(file, Tile))


class _Folder:
    """The folder of an export.

    Args:
        path: of the folder.
        tiles: where content comes from.
    """

    def __init__(self, path: Path, tiles: LogTiles) -> None:
        self.path = path
        self.written = self.kept = 0
        self.has_entries = (path / _ENTRIES).is_dir()
        with contextlib.suppress(OSError):
            # What a publication left that was killed.
            for draft in path.glob(f".{CHECKPOINT_PATH}.*.new"):
                draft.unlink()
        self._tiles = tiles
        # Folders that are made and have their modes.
        self._folders: set[Path] = set()

    def checkpoint(self, key: VerifierKey) -> SignedCheckpoint | None:
        """Return the checkpoint of the last export; None where there was none.

        Raises:
            FileError: what is there is no checkpoint of this log, or the folder holds other files.
        """
        file = self.path / CHECKPOINT_PATH
        try:
            return parse_checkpoint(file.read_bytes(), key)
        except FileNotFoundError:
            self._check_ours()
            return None
        except (FormatError, SignatureError):
            raise FileError(f"{file} is no checkpoint of {key.name}: name a folder of its own") from None
        except OSError as error:
            raise FileError(f"{file} cannot be read: {error.strerror}", error) from error

    def has_entries_of(self, size: int) -> bool:
        """Whether the last bundle of leaves of a tree is there, as long or longer than the tree has it."""
        if not size:
            return False
        index = (size - 1) // TILE_WIDTH
        last = EntryBundle(index, size - index * TILE_WIDTH)
        return any((self.path / file.path).is_file() for file in (EntryBundle(index), last))

    def _check_ours(self) -> None:
        """Refuse a folder without a checkpoint that holds more than an export which was interrupted."""
        strangers = [item.name for item in self.path.iterdir() if item.name != "tile"] if self.path.exists() else []
        if strangers:
            raise FileError(f"{self.path} holds {min(strangers)}: name a folder of its own")

    def put(self, file: Tile | EntryBundle) -> None:
        """Write a file, or compare the one that is there.

        Raises:
            FileError: another content is there, or it cannot be written.
        """
        path, content = self.path / file.path, self._tiles.read(file)
        is_open = isinstance(file, Tile)
        try:
            self._make_folders(path.parent, is_open=is_open)
            try:
                _durable.create(path, content)
                self.written += 1
            except FileExistsError:
                if path.read_bytes() != content:
                    raise FileError(f"{path} is another file than the log's, and is not written over") from None
                self.kept += 1
            if is_open:
                path.chmod(_OPEN_FILE)
        except FileError:
            raise
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror}", error) from error

    def publish(self, note: bytes) -> None:
        """Put the checkpoint in its place, after all that it covers; empty where it is there already.

        Raises:
            FileError: it cannot be written; the old one is still there.
        """
        path = self.path / CHECKPOINT_PATH
        try:
            if note:
                _durable.replace(path, note)
            path.chmod(_OPEN_FILE)
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror}", error) from error

    def remove_partial(self, known: int) -> None:
        """Remove what led up to the rightmost files of a smaller tree, where these are full by now.

        Raises:
            FileError: a file cannot be read or removed.
        """
        for file in right_edge(known):
            full = self.path / replace(file, width=TILE_WIDTH).path
            folder = (self.path / file.path).parent
            try:
                if not full.is_file() or not folder.is_dir():
                    continue
                content = full.read_bytes()
                for partial in folder.iterdir():
                    # Files that are no beginning of the full one stay.
                    if partial.is_file() and content.startswith(partial.read_bytes()):
                        partial.unlink()
                with contextlib.suppress(OSError):
                    folder.rmdir()
            except OSError as error:
                raise FileError(f"{folder} cannot be tidied: {error.strerror}", error) from error

    def _make_folders(self, folder: Path, *, is_open: bool) -> None:
        """Make a folder and those above it, open to all or to their owner alone."""
        missing = [folder, *folder.parents]
        for part in reversed(missing[: missing.index(self.path) + 1]):
            if part in self._folders:
                continue
            part.mkdir(exist_ok=True)
            closed = not is_open and part.is_relative_to(self.path / _ENTRIES)
            # Also of one that was made by an export which was killed before it came to this.
            part.chmod(_durable.FOLDER_MODE if closed else _OPEN_FOLDER)
            self._folders.add(part)
