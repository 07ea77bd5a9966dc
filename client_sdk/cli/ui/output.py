"""Output of a verb: text for people, or one JSON document for programs.

With ``--json`` standard output holds exactly one JSON document, also where the verb fails, or where a verb follows
something one a line; questions and notes go to
standard error. Keys are stable; hashes and ids are hexadecimal or UUIDs, times are ISO 8601 with their
offset, dates YYYY-MM-DD.
"""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from client_sdk.forms import Json
from client_sdk.texts import Language, say, spoken_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

__all__ = ["Json", "Output", "counted", "pairs", "table"]

# Blanks between two columns.
_GAP = 2


class Output:
    """Destination of a verb's results and notes.

    Args:
        as_json: whether results are JSON.

    Attributes:
        printed: whether the result was printed.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.printed = False
        # JSON is UTF-8 whatever the console has.
        if as_json and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        self.out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self.err = Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def result(self, content: Json, *lines: RenderableType) -> None:
        """Print the result of the verb: the content as JSON, or the lines."""
        self.printed = True
        if self.as_json:
            self.out.file.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
            return
        for line in lines:
            self.out.print(_plain(line))

    def line(self, content: Json, line: str) -> None:
        """Print one of any number of results as it comes: the content as JSON on one line, or the line."""
        self.printed = True
        if self.as_json:
            self.out.file.write(json.dumps(content, ensure_ascii=False) + "\n")
        else:
            self.out.print(_plain(line))
        self.out.file.flush()

    def end(self) -> None:
        """Print an empty document where the verb was to print JSON and had nothing to say."""
        if self.as_json and not self.printed:
            self.result({})

    def note(self, *lines: RenderableType) -> None:
        """Tell people something beside the result; silent with ``--json``."""
        if not self.as_json:
            self.tell(*lines)

    def tell(self, *lines: RenderableType) -> None:
        """Print to standard error whatever the form, such as what a question is about."""
        for line in lines:
            self.err.print(_plain(line))


def counted(number: int, noun: str) -> str:
    """Return how many there are of something, in the singular or the plural; Chinese has a measure word.

    Its message id is ``{count} noun``.
    """
    if spoken_language() is Language.CHINESE:
        return say(f"{{count}} {noun}", count=f"{number:,}")
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def pairs(rows: Iterable[tuple[str, object]]) -> Text:
    """Return names with their values, one a line; the names are said in the program's language."""
    return _aligned([(Text(_label(name), style="dim"), _cell(value)) for name, value in rows])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Text:
    """Return a table as wide as it is: an id that is cut short is of no use, and lines may run on.

    The names of columns are said in the program's language.
    """
    header = tuple(Text(_label(column), style="bold") for column in columns)
    return _aligned([header, *(tuple(_cell(value) for value in row) for row in rows)])


def _label(name: str) -> str:
    """Return a name in the program's language, as far in as it stands."""
    bare = name.lstrip()
    return name[: len(name) - len(bare)] + say(bare)


def _cell(value: object) -> Text:
    # Text as it is, never read as markup.
    return value if isinstance(value, Text) else Text(str(value))


def _aligned(rows: Sequence[Sequence[Text]]) -> Text:
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    lines: list[Text] = []
    for row in rows:
        line = Text()
        for cell, width in zip(row, widths, strict=True):
            line.append_text(cell).append(" " * (width - cell.cell_len + _GAP))
        line.rstrip()
        lines.append(line)
    return Text("\n").join(lines)


def _plain(line: RenderableType) -> RenderableType:
    # Square brackets in a file name or a rule are no markup.
    return Text(line) if isinstance(line, str) else line
