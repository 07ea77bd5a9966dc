"""Output of the demo: numbered steps in words, and the commands that did them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Narrator"]


class Narrator:
    """Tells people what happens; everything goes to standard output.

    Args:
        console: where to; standard output if left out.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._step = 0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def title(self, text: str, *lines: str) -> None:
        """Print the title."""
        self._console.print(f"[bold]{escape(text)}[/]")
        for line in lines:
            self._console.print(escape(line))

    def step(self, title: str, *lines: str) -> None:
        """Begin the next step."""
        self._step += 1
        clock = f"[dim]{self.seconds:5.1f} s[/]"
        self._console.print(f"\n{clock}  [bold cyan]{self._step}. {escape(title)}[/]")
        for line in lines:
            self._console.print(f"          {escape(line)}")

    def command(self, text: str) -> None:
        """Show a command that is run."""
        self._console.print(f"          [dim]$ {escape(text)}[/]")

    def say(self, text: str) -> None:
        """Say one line about the step."""
        self._console.print(f"          {escape(text)}")

    def good(self, text: str) -> None:
        """Say what turned out as it should."""
        self._console.print(f"          [green]✓[/] {escape(text)}")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show a table; every column but the first is of numbers."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for place, name in enumerate(header):
            table.add_column(escape(name), justify="right" if place else "left")
        for row in rows:
            table.add_row(*map(escape, row))
        self._console.print(_indented(table))

    def failed(self, text: str, advice: str) -> None:
        """Say what went wrong, and where to look."""
        self._console.print(f"\n[dim]{self.seconds:5.1f} s[/]  [bold red]{escape(text)}[/]")
        self._console.print(f"         {escape(advice)}")

    def end(self, text: str) -> None:
        """Print the last lines."""
        self._console.print(f"\n[dim]{self.seconds:5.1f} s[/]  [bold green]{escape(text)}[/]")


def _indented(table: Table) -> Table:
    frame = Table.grid(padding=0)
    frame.add_column(width=10)
    frame.add_column()
    frame.add_row("", table)
    return frame
