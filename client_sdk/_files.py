"""Files of the SDK: written durably and whole, with mode 0600."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cannot_be_written", "give_name", "path_of", "replace_file", "sync", "write_private"]

_FOLDER_MODE = 0o700
_MODE = 0o600


def path_of(value: str | Path, name: str) -> Path:
    """Return the path that an argument or a setting gives.

    Args:
        value: of the argument.
        name: of the argument, for the error.

    Raises:
        ConfigError: it is no text and no Path, or holds a character that the name of no file has.
    """
    given: object = value
    if not isinstance(given, str | Path):
        raise ConfigError(f"{name}: want a path as text or as a Path, got {type(given).__name__}")
    try:
        written = os.fsencode(given)
    except UnicodeEncodeError:
        # Not chained: the error holds the text.
        written = b"\0"
    if b"\0" in written:
        raise ConfigError(f"{name}: want a path, got characters that no name of a file has")
    return Path(given)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600, durably and whole or not at all; its folder is made where there is none.

    Raises:
        ConfigError: it exists already, or cannot be written; nothing of it is left then.
    """
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with _draft(path) as (descriptor, draft):
            _write(descriptor, data)
            give_name(draft, path)
        sync(path.parent)
    except FileExistsError:
        raise ConfigError(f"{path} exists already") from None
    except OSError as error:
        raise cannot_be_written(path, error) from error


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically and durably; a crash leaves the old one or the new one.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with _draft(path) as (descriptor, draft):
            _write(descriptor, data)
            draft.replace(path)
        sync(path.parent)
    except OSError as error:
        raise cannot_be_written(path, error) from error


def give_name(draft: Path, path: Path) -> None:
    """Give a whole draft the name of a path at which nothing is; never over anything.

    Raises:
        FileExistsError: something is there.
        OSError: the folder takes no file.
    """
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


def sync(path: Path) -> None:
    """Make durable what a file holds, or which names a folder has.

    Raises:
        OSError: it cannot be.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_be_written(path: Path, error: OSError) -> ConfigError:
    """Return the error of a file that the system refuses to write."""
    return ConfigError(f"{path} cannot be written: {error.strerror}")


@contextmanager
def _draft(path: Path) -> Iterator[tuple[int, Path]]:
    """Yield a new file beside a path; it is gone afterwards, unless it was moved."""
    descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)
    try:
        yield descriptor, Path(name)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.fsync(descriptor)
