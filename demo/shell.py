"""Running commands the way people do: in one folder, typed as they are shown."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from demo.commands import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.console import Narrator

__all__ = ["Shell"]

# As many programs at once as a small machine has cores.
_AT_ONCE = 2


class Shell:
    """Runs programs of the registry in a folder and shows each command as it could be typed there.

    Args:
        folder: in which they run.
        narrator: shows the commands.
    """

    def __init__(self, folder: Path, narrator: Narrator) -> None:
        self.folder = folder
        self._narrator = narrator

    def __call__(self, *command: str, expected: int = 0) -> str:
        """Show and run one command; return what it wrote.

        Raises:
            CommandError: it ended otherwise than expected.
        """
        self._narrator.command(shlex.join(command))
        return run(command, self.folder, expected=expected)

    def alike(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """Show the first of several commands that are alike, and run all, some at a time; return what each wrote.

        Raises:
            CommandError: one has failed.
        """
        self._narrator.command(shlex.join(commands[0]))
        if len(commands) > 1:
            self._narrator.say(f"  … and {len(commands) - 1} more like it")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda command: run(command, self.folder), commands))
