"""The folder of a registry on this machine: one run at a time, and nothing deleted that such a run did not make."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK", "delete_left", "empty", "reserved"]

LOCK = "lock"


@contextmanager
def reserved(folder: Path, mark: str) -> Iterator[None]:
    """Keep a folder for the block; it is made if there is none.

    Args:
        folder: to be kept.
        mark: name of a file that marks a folder as made by this program.

    Raises:
        ConfigError: another run has it, or it holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not {mark, LOCK} & {path.name for path in folder.iterdir()}:
        raise ConfigError(f"{folder} holds something else")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise ConfigError(f"another run is using {folder}") from None
    try:
        yield
    finally:
        lock.release()


def empty(folder: Path) -> None:
    """Delete everything in a reserved folder, to start over."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def delete_left(parent: Path, prefix: str) -> None:
    """Delete the temporary folders of runs that were killed: those of this user whose lock nobody holds any more.

    Args:
        parent: where they are made.
        prefix: with which their names begin.
    """
    for folder in parent.glob(f"{prefix}*"):
        lock = folder / LOCK
        # What cannot be looked at is not ours.
        with suppress(OSError, Timeout):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not lock.is_file():
                continue
            with FileLock(lock, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
