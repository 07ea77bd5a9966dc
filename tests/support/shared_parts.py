"""Parts of a work that end the process that does them; in a module of their own, which workers can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

__all__ = ["die", "die_once"]


def die_once(marker: str) -> str:
    """End this process by signal 9 where the file is not there yet."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return "done"
    die()
    return "never"


def die(_: object = None) -> None:
    """End this process by signal 9."""
    os.kill(os.getpid(), signal.SIGKILL)
