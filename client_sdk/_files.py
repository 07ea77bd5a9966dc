"""Files of the SDK: written durably and whole, with mode 0600; failures are ``ConfigError``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk import _durable
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cannot_be_written", "replace_file", "write_private"]


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
