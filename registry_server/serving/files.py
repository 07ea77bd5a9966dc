"""Files of the two servers: written durably and whole, private ones for their owner only.

It imports nothing of ours, so that every part of the servers may use it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FileError", "check_private", "replace_file", "take_folder", "write_secret"]

_FOLDER_MODE = 0o700
_MODE = 0o600
_OTHERS = 0o077


class FileError(OSError):
    """A file or folder cannot be written, or is not its owner's alone; the text names it and nothing that is in it."""

    def __init__(self, text: str, cause: OSError | None = None) -> None:
        super().__init__(text)
        if cause is not None:
            self.errno, self.strerror = cause.errno, cause.strerror

    def __str__(self) -> str:
        return str(self.args[0])


def take_folder(folder: Path) -> None:
    """Make a folder with mode 0700, or take one that is there; an empty one is given that mode.

    Raises:
        FileError: others may enter it, and it holds something already; or it cannot be made.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        open_to_others = bool(_mode(folder) & _OTHERS)
        is_empty = not any(folder.iterdir())
        if open_to_others and is_empty:
            folder.chmod(_FOLDER_MODE)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error.strerror}", error) from error
    if open_to_others and not is_empty:
        want = f"name a folder of its own, or run: chmod 700 {folder}"
        raise FileError(f"{folder} is open to others and not empty: {want}")


def check_private(path: Path) -> None:
    """Check that only its owner can read a folder or a file.

    Raises:
        FileError: other users can, or it is not there.
    """
    try:
        mode = _mode(path)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}", error) from error
    if mode & _OTHERS:
        want = _FOLDER_MODE if path.is_dir() else _MODE
        raise FileError(
            f"{path} is readable for others (mode {mode:04o}): its mode must be {want:04o}, "
            f"run: chmod {want:o} {path}; who could read it until now may have its secrets"
        )


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600, durably and whole or not at all; none is ever overwritten.

    Raises:
        FileError: there is one already, or it cannot be written; nothing of it is left then.
    """
    try:
        with _draft(path, data) as draft:
            _give_name(draft, path)
        _sync(path.parent)
    except FileExistsError as error:
        raise FileError(f"{path} exists already", error) from None
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", error) from error


def replace_file(path: Path, data: bytes) -> None:
    """Put a file with mode 0600 in its place, durably: after a crash the old one is there or the new one, whole.

    Two processes that replace the same file at once must keep each other out: the draft always has the same name, so
    that crashes leave one at most.

    Raises:
        FileError: it cannot be written; the old one is still there.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as file:
            _write(file, data)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", error) from error


@contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a file beside a path that durably holds the data; it is gone afterwards, unless it was moved."""
    descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _give_name(draft: Path, path: Path) -> None:
    """Give a draft the name of a path at which nothing is; never over anything."""
    try:
        # A link, unlike a rename, fails where something is.
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: the name is taken first, then the draft put in the place of our own file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
        try:
            draft.replace(path)
        except OSError:
            path.unlink()
            raise


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
