"""Files of the two servers: written durably and whole, private ones for their owner only.

Of ours it imports only what writes them, so that every part of the servers may use it.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from client_sdk import _durable, whole_file
from client_sdk._durable import create_for_sqlite

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

__all__ = [
    "FileError",
    "check_private",
    "create_for_sqlite",
    "destroy_file",
    "open_regular",
    "read_whole",
    "replace_file",
    "take_folder",
    "write_secret",
]


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
        taken = _durable.take_folder(folder)
    except OSError as error:
        raise FileError(f"{folder} cannot be made: {error.strerror}", error) from error
    if not taken:
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
    if mode & _durable.OTHERS:
        want = _durable.FOLDER_MODE if path.is_dir() else _durable.FILE_MODE
        raise FileError(
            f"{path} is readable for others (mode {mode:04o}): its mode must be {want:04o}, "
            f"run: chmod {want:o} {path}; who could read it until now may have its secrets"
        )


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read it; a pipe could wait for its writer for ever, and a device may have no end.

    Raises:
        FileError: it is no regular file, or cannot be opened.
    """
    try:
        return whole_file.open_regular(path)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}", error) from None


def read_whole(path: Path, most: int = whole_file.MAX_BYTES) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        FileError: it is no regular file, is longer, or cannot be read.
    """
    try:
        return whole_file.read_whole(path, most)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}", error) from None


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600, durably and whole or not at all; none is ever overwritten.

    Raises:
        FileError: there is one already, or it cannot be written; nothing of it is left then.
    """
    try:
        _durable.create(path, data)
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
    try:
        _durable.replace_by(path.with_name(f"{path.name}.new"), path, data)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", error) from error


def destroy_file(path: Path) -> bool:
    """Overwrite a file with zeros and remove it, durably; return whether it was there.

    A disk that writes elsewhere than it is told, as flash memory does, may keep the old bytes until it uses them again.

    Raises:
        FileError: it cannot be overwritten or removed.
    """
    try:
        _durable.destroy(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FileError(f"{path} cannot be destroyed: {error.strerror}", error) from error
    return True


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
