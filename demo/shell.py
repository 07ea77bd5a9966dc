"""Running commands the way people do: in one folder, typed as they are shown."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.testing.programs import Programs
    from demo.console import Narrator

__all__ = ["Shell"]


class Shell:
    """Runs programs of the registry and shows each command as it could be typed in their folder.

    Args:
        programs: run the commands.
        narrator: shows them.
    """

    def __init__(self, programs: Programs, narrator: Narrator) -> None:
        self.programs = programs
        self._narrator = narrator

    def __call__(self, *command: str, expected: int = 0) -> str:
        """Show and run one command; return what it wrote.

        Raises:
            ConfigError: it ended otherwise than expected.
        """
        self.show(*command)
        return self.programs.run(command, expected=expected)

    def show(self, *command: str) -> None:
        """Show a command."""
        self._narrator.command(shlex.join(command))

    def quietly(self, *command: str) -> str:
        """Run one command without showing it; return what it wrote.

        Raises:
            ConfigError: it has failed.
        """
        return self.programs.run(command)

    def alike(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """Show the first of several commands that are alike, and run all, some at a time; return what each wrote.

        Raises:
            ConfigError: one has failed.
        """
        self._narrator.command(shlex.join(commands[0]))
        if len(commands) > 1:
            self._narrator.say(f"  … and {len(commands) - 1} more like it")
        return self.programs.run_all(commands)
