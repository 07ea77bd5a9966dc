"""The folder of a registry on this machine: one run at a time, and nothing deleted that such a run did not make."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK", "empty", "reserved"]

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
