"""Help in the program's language: what a verb, its options and its group say of themselves.

The message ids of help are the texts as they stand in the code, a paragraph each. They are said when a verb is loaded,
so that English needs nothing for it. Chinese help is plain text: the library's panels break lines at blanks alone, of
which Chinese has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from typer._click.formatting import HelpFormatter

from client_sdk.texts import N_, Language, say, spoken_language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer._click.core import Command

__all__ = ["LIBRARY_ERRORS", "WideFormatter", "paragraphs", "said_record", "say_help", "wrapped"]

# What the library says of a command line, which is recognised like other errors.
LIBRARY_ERRORS = (
    "Invalid value for {0}: {1}",
    "Missing option {0}.",
    "Missing option {0}. {1}",
    "Missing argument {0}.",
    "Missing argument {0}. {1}",
    "No such option: {0}",
    "No such option: {0} Did you mean {1}?",
    "No such option: {0} (Possible options: {1})",
    "Option {0} requires an argument.",
    "Option {0} does not take a value.",
    "{0} is not one of {1}.",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be greater than or equal to {0}",
    "Input should be less than or equal to {0}",
)
# What the library writes behind the help of an option.
_REMARKS = {"required": N_("required"), "default: ": N_("default: ")}
_REMARK = re.compile(r"  \[([^\[\]]*)\]$")
# A word of Latin letters, or one character of Chinese, with opening marks before it, closing marks and blanks behind.
_PIECE = re.compile(r"[（“《【]*(?:[!-~]+|[^\s（“《【])[，。；：、）”》】？！]*\s*")
_WIDE = frozenset("WF")
# As wide as the first column may be.
_NAMES_WIDTH = 30
_LEAST_WIDTH = 20


class WideFormatter(HelpFormatter):
    """Writes help whose characters are two columns wide."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; a line that stands further in, such as a command, is left whole."""
        indent = " " * self.current_indent
        for paragraph in text.split("\n"):
            whole = paragraph.startswith(" ")
            lines = [paragraph] if whole else wrapped(paragraph, self.width - len(indent))
            self.write("".join(f"{indent}{line}".rstrip() + "\n" for line in lines))

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = _NAMES_WIDTH, col_spacing: int = 2) -> None:
        """Write names, each with its text beside it."""
        names = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, text in rows:
            lines = wrapped(text, max(self.width - names - len(indent), _LEAST_WIDTH))
            if len(name) > names - col_spacing:
                lines.insert(0, "")
            first, *others = lines or [""]
            self.write(f"{indent}{name:<{names}}{first}".rstrip() + "\n")
            self.write("".join(f"{indent}{'':<{names}}{line}\n" for line in others))


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most so many columns; no line begins with a mark that closes."""
    lines = [text[: len(text) - len(text.lstrip())]]
    for piece in _PIECE.findall(text):
        if _columns(lines[-1] + piece.rstrip()) > width and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _columns(text: str) -> int:
    import unicodedata  # noqa: PLC0415 - English needs none of its tables

    return sum(1 + (unicodedata.east_asian_width(character) in _WIDE) for character in text)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a help text, each on one line: these are its message ids."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def say_help(command: Command) -> None:
    """Put the help of a verb, or of a group and its verbs, and of their options into the program's language."""
    if spoken_language() is Language.ENGLISH:
        command.help = without_markup(command.help or "") or None
    else:
        command.help = "\n\n".join(map(say, paragraphs(command.help or ""))) or None
        # Plain text, by our own formatter.
        command.rich_markup_mode = None  # type: ignore[attr-defined]  # the library's commands have it
    for parameter in command.params:
        told = getattr(parameter, "help", None)
        if told:
            english = spoken_language() is Language.ENGLISH
            spoken = without_markup(told) if english else say(" ".join(told.split()))
            parameter.help = spoken  # type: ignore[attr-defined]  # options and arguments have it
    for inner in getattr(command, "commands", {}).values():
        say_help(inner)


def without_markup(text: str) -> str:
    """Return a text whose square brackets the panels of the library show, and do not read as markup."""
    return text.replace("[", "\\[")


def said_record(record: tuple[str, str]) -> tuple[str, str]:
    """Return the names of an option with its help, whose remarks are said in the program's language."""
    names, text = record
    found = _REMARK.search(text)
    if found is None:
        return record
    remarks = found[1]
    for word, marked in _REMARKS.items():
        remarks = remarks.replace(word, say(marked))
    return names, f"{text[: found.start()]}  [{remarks}]"
