"""Input files named on the command line; errors do not repeat the argument, which may be an identity number.

What stands where a file belongs may be an identity number, so no message here repeats it.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from client_sdk.cli.ui.failures import UsageError
from client_sdk.texts import say

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_file", "check_readable"]


def check_file(path: Path, hint: str, *, pipe: bool = False) -> bool:
    """Check that a path leads to a regular file, and return whether it is a pipe.

    Args:
        path: as it was typed.
        hint: what to do instead.
        pipe: take a pipe too, which can be read only once.

    Raises:
        UsageError: nothing is there, or something else.
    """
    mode = _mode(path, hint)
    if not stat.S_ISREG(mode) and not (pipe and stat.S_ISFIFO(mode)):
        what = say("a folder") if stat.S_ISDIR(mode) else say("a device, a pipe or a socket")
        raise UsageError(say("that is not a regular file but {what}", what=what), hint)
    # What a shell has opened, such as /dev/stdin, is a stream wherever it leads to.
    return stat.S_ISFIFO(mode) or any(path.is_relative_to(folder) for folder in ("/dev/stdin", "/dev/fd", "/proc"))


def check_readable(path: Path, hint: str, *, option: str = "") -> None:
    """Check that a path leads to what can be read as a stream: anything but a folder.

    Args:
        path: as it was typed.
        hint: what to do instead.
        option: that names the path, said before the error; empty for an argument.

    Raises:
        UsageError: nothing is there, or a folder.
    """
    place = f"{option}: " if option else ""
    if stat.S_ISDIR(_mode(path, hint, place)):
        raise UsageError(say("{place}that is not a file but a folder", place=place), hint)


def _mode(path: Path, hint: str, place: str = "") -> int:
    try:
        return path.stat().st_mode
    except PermissionError:
        raise UsageError(say("{place}that file may not be looked at from here", place=place), hint) from None
    except OSError:
        raise UsageError(say("{place}there is no file of that name", place=place), hint) from None
