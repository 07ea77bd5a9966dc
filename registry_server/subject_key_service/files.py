"""Files of a key service's folder: written once and durably, secrets for their owner only."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SetupError", "check_private", "replace_file", "take_folder", "write_secret"]


class SetupError(Exception):
    """The folder, a setting or a file of the key service is missing or not in order; never shows a secret."""


def take_folder(folder: Path) -> None:
    """Make a folder with mode 0700, or take one that is there; an empty one is given that mode.

    Raises:
        SetupError: others may enter it, and it holds something already; or it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        open_to_others = stat.S_IMODE(folder.stat().st_mode) & 0o077
        if open_to_others and any(folder.iterdir()):
            raise SetupError(
                f"{folder} is open to others and not empty: name a folder of its own, or run: chmod 700 {folder}"
            )
        folder.chmod(0o700)
    except OSError as error:
        raise SetupError(f"{folder} cannot be made: {error.strerror}") from error


def check_private(path: Path) -> None:
    """Check that only its owner can read a folder or a file.

    Raises:
        SetupError: other users can, or it does not exist.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        want = "0700" if path.is_dir() else "0600"
        raise SetupError(f"{path} is readable for others (mode {mode:04o}): its mode must be {want}")


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
    """Put a file in its place, whole, with mode 0600: settings may hold a password, and what is handed out is copied.

    Raises:
        SetupError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        _write(draft, data, os.O_TRUNC, 0o600)
        draft.replace(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error


def _write(path: Path, data: bytes, flag: int, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
