"""Files of the SDK: written durably and whole, with mode 0600; failures are ``ConfigError``."""

from __future__ import annotations

import os
import stat
from glob import escape
from pathlib import Path

from client_sdk import _durable
from client_sdk._durable import create_for_sqlite
from client_sdk.errors import ConfigError
from client_sdk.whole_file import MAX_BYTES, read_whole

__all__ = [
    "cannot_be_written",
    "create_for_sqlite",
    "drafts_of",
    "path_of",
    "read_private",
    "replace_file",
    "write_private",
]


def read_private(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file with a secret; its mode must be 0600.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ConfigError: it is missing, no regular file or longer, or its mode lets group or others in.
    """
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & _durable.OTHERS:
            raise ConfigError(f"{path} is readable for others: its mode must be 0600")
        return read_whole(path, most)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        raise ConfigError("a path cannot be read: it holds characters that no name of a file has") from None


def drafts_of(path: Path) -> list[Path]:
    """Return the drafts beside a file that runs left which were killed; of a key, one may be under no passphrase."""
    return list(path.parent.glob(f".{escape(path.name)}.*.new"))


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
        path.parent.mkdir(mode=_durable.FOLDER_MODE, parents=True, exist_ok=True)
        _durable.create(path, data)
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
        path.parent.mkdir(mode=_durable.FOLDER_MODE, parents=True, exist_ok=True)
        _durable.replace(path, data)
    except OSError as error:
        raise cannot_be_written(path, error) from error


def cannot_be_written(path: Path, error: OSError) -> ConfigError:
    """Return the error of a file that the system refuses to write."""
    return ConfigError(f"{path} cannot be written: {error.strerror}")
