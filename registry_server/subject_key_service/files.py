"""Files of a key service's folder: written once and durably, secrets for their owner only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SetupError", "replace_file", "write_secret"]


class SetupError(Exception):
    """The folder, a setting or a file of the key service is missing or not in order; never shows a secret."""


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file with mode 0600.

    Raises:
        SetupError: there is one already, or it cannot be written.
    """
    try:
        _write(path, data, os.O_EXCL, 0o600)
    except FileExistsError:
        raise SetupError(f"{path} exists already") from None
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error


def replace_file(path: Path, data: bytes) -> None:
    """Put a file that everybody may read in its place, whole.

    Raises:
        SetupError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        _write(draft, data, os.O_TRUNC, 0o644)
        draft.replace(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error


def _write(path: Path, data: bytes, flag: int, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
