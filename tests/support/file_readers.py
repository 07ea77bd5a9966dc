"""Processes that a program has started to read files of columns, as the system lists them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["file_readers"]


def file_readers(program: int) -> list[int]:
    """Return the processes of a program, by its id, that read files and have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Others may end meanwhile.
        with suppress(OSError):
            is_of_it = f"PPid:\t{program}\n" in (process / "status").read_text()
            if is_of_it and b"columnar_process" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
