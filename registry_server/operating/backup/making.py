"""Making a backup: one snapshot of the database, read page by page and encrypted as it is written.

Servers go on meanwhile. The file gets its name once it is whole and durable; until then it is ``.unfinished.backup`` in
the same folder, of which there is one at most: the next run writes it anew.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from client_sdk import _durable
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.ledger.trust_root import TrustRoot
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.container import BackupHeader, BackupWriter, is_backup, read_header
from registry_server.operating.backup.keys import key_id_of, read_public_key
from registry_server.operating.register import register_of
from registry_server.sequencing.clock import SystemClocks
from registry_server.sequencing.errors import NoGenesisError
from registry_server.serving.files import FileError, open_regular, take_folder
from registry_server.settings import SettingsError
from registry_server.storage import head, leaves, migrations, schema, wholesale
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.register import compare_register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["MadeBackup", "backups_in", "make_backup", "show_backup"]

SUFFIX = ".backup"
_DRAFT = f".unfinished{SUFFIX}"
# Rows of one chunk.
_ROWS = 256


class MadeBackup(NamedTuple):
    """A backup that is whole.

    Attributes:
        path: of its file.
        header: what it says of itself.
        rows: of each table.
    """

    path: Path
    header: BackupHeader
    rows: dict[str, int]


def make_backup(
    settings: Settings, folder: Path | None = None, key: Path | None = None, clocks: Clocks | None = None
) -> MadeBackup:
    """Write a backup of the database into a folder; servers may be running.

    Args:
        settings: of the registry.
        folder: is made where there is none; None for ``backup_folder`` of the settings.
        key: file of the public key; None for ``backup_key`` of the settings.
        clocks: this machine's where none are given.

    Raises:
        SettingsError: there is no folder or no key.
        BackupError: the database is not the one that was signed last, the key is none, or another run is under way.
        NoGenesisError: there is no log yet.
        StorageError: the database failed.
        FileError: a file cannot be written; nothing of it is left.
    """
    folder = folder or (settings.home / settings.backup_folder if settings.backup_folder else None)
    key = key or (settings.home / settings.backup_key if settings.backup_key else None)
    if folder is None or key is None:
        raise SettingsError("name folder and public key: set backup_folder and backup_key, or give --folder and --key")
    public_key = read_public_key(key)
    migrations.check(settings.database)
    take_folder(folder)
    now = (clocks or SystemClocks()).wall()
    with _alone(folder), Database(settings.database, serving=False) as database:
        _check_signed_last(settings, database)
        with _draft(folder / _DRAFT) as file, database.snapshot() as work:
            header = _header(settings, work, public_key, now)
            writer = BackupWriter(file, header, public_key)
            for table in schema.metadata.sorted_tables:
                with wholesale.pages(work, table, _ROWS) as pages:
                    for page in pages:
                        writer.write(table, page)
            writer.end()
        return MadeBackup(_name(folder, header), header, writer.rows)


def show_backup(path: Path) -> BackupHeader:
    """Return what a backup says of itself; no key is needed, and nothing of it is verified.

    Raises:
        BackupError: it is no backup.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        return read_header(file, path)


def backups_in(folder: Path, origin: str) -> list[tuple[Path, BackupHeader]]:
    """Return the backups of a log in a folder, the oldest first; those of other logs are left out.

    Raises:
        BackupError: a file of that name is no backup.
        OSError: one cannot be read.
    """
    found = [(path, show_backup(path)) for path in folder.glob(f"[!.]*{SUFFIX}")]
    return sorted((item for item in found if item[1].origin == origin), key=lambda item: item[1].made_at_ms)


def _check_signed_last(settings: Settings, database: Database) -> None:
    with closing(register_of(settings)) as register:
        state = compare_register(database, register)
    if state.problem or state.mismatch is not None:
        why = state.problem or f"{state.mismatch}: the database is not the one that was signed last"
        raise BackupError(f"{why}; see registry-server register show")


def _header(settings: Settings, work: UnitOfWork, public_key: bytes, now: int) -> BackupHeader:
    row = head.read(work)
    if row is None:
        raise NoGenesisError
    root = TrustRoot.from_genesis(leaves.leaf_range(work, 0, 1)[0].leaf)
    return BackupHeader(
        registry=root.registry,
        fingerprint=root.fingerprint,
        origin=settings.log_origin,
        size=row.size,
        root=Frontier.from_bytes(row.frontier).root().hex(),
        newest_at_ms=row.logged_at,
        made_at_ms=now,
        tables=migrations.newest(),
        key=key_id_of(public_key),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second run out of the folder."""
    lock = FileLock(folder / ".lock", timeout=0, mode=_durable.FILE_MODE)
    try:
        lock.acquire()
    except Timeout:
        raise BackupError(f"{folder}: another backup is being made") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _draft(path: Path) -> Iterator[IO[bytes]]:
    """Yield the draft, empty; durable afterwards, and gone where anything failed.

    Raises:
        FileError: something else is there, or it cannot be written.
    """
    try:
        _clear(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _durable.FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", error) from error


def _clear(draft: Path) -> None:
    """Remove what a run left that was killed.

    Not written over: it may have given its file a second name already.

    Raises:
        FileError: something else is there.
        OSError: it cannot be removed.
    """
    if draft.exists() and not is_backup(draft):
        raise FileError(f"{draft} is no backup that was interrupted: move it away")
    draft.unlink(missing_ok=True)


def _name(folder: Path, header: BackupHeader) -> Path:
    """Give the draft its name, by registry, time and size; never that of another file."""
    seconds, thousandths = divmod(header.made_at_ms, 1_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%S")
    path = folder / f"{header.registry}-{moment}.{thousandths:03d}Z-{header.size}{SUFFIX}"
    draft = folder / _DRAFT
    try:
        _durable.give_name(draft, path)
        draft.unlink(missing_ok=True)
        _durable.sync(folder)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", error) from error
    return path
