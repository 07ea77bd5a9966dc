"""The folder of a demo: one run at a time, and nothing deleted that the demo did not make."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FolderError", "empty", "reserved"]

_LOCK = "lock"


class FolderError(RuntimeError):
    """The folder is in use, or holds something else."""


@contextmanager
def reserved(folder: Path, mark: str) -> Iterator[None]:
    """Keep a folder for the block; it is made if there is none.

    Args:
        folder: to be kept.
        mark: name of a file that marks a folder as made by this program.

    Raises:
        FolderError: another run has it, or it holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not {mark, _LOCK} & {path.name for path in folder.iterdir()}:
        raise FolderError(f"{folder} holds something else")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise FolderError(f"another run is using {folder}") from None
    try:
        yield
    finally:
        lock.release()


def empty(folder: Path) -> None:
    """Delete everything in a reserved folder, to start over."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
