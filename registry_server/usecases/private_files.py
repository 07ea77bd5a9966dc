"""The registry's folder is its owner's alone: who can read it reads keys, and pseudonyms in the database."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["check_private", "take_folder"]

_OTHERS = 0o077


def take_folder(folder: Path) -> None:
    """Make a folder with mode 0700, or take one that is there; an empty one is given that mode.

    Raises:
        PermissionError: others may enter it, and it holds something already.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _mode(folder) & _OTHERS:
        return
    if any(folder.iterdir()):
        raise PermissionError(
            f"{folder} is open to others and not empty: name a folder of its own, or run: chmod 700 {folder}"
        )
    folder.chmod(0o700)


def check_private(folder: Path, keys: Iterable[Path]) -> None:
    """Check before serving that files with secrets are readable by their owner only.

    Args:
        folder: of the registry.
        keys: private keys, in the folder or elsewhere; missing ones are reported when they are read.

    Raises:
        PermissionError: other users can.
        OSError: the folder is not there.
    """
    if _mode(folder) & _OTHERS:
        raise PermissionError(
            f"{folder} is open to others (mode {_mode(folder):04o}): run: chmod 700 {folder}; whoever could read its "
            "keys until now may have them"
        )
    for key in keys:
        if key.exists() and _mode(key) & _OTHERS:
            raise PermissionError(
                f"{key} is readable for others (mode {_mode(key):04o}): run: chmod 600 {key}; whoever could read the "
                "key until now may have it"
            )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
