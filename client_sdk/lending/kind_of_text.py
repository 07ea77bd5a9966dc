"""Description of a cell's content for error messages, without the content: it may be an identity number."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["kind_of_text"]

_MAX_SIGNS = 3
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# In this order: the first that fits a whole cell is what it is called.
_KINDS = (
    (re.compile(r"#[A-Za-z/0-9]+[!?]?"), "an error of a spreadsheet"),
    (re.compile(r"(?i)n/?a|nan|null|none|nil|unknown"), "a word for nothing"),
    (re.compile(r"(?i)[+-]?[0-9]+([.,][0-9]+)?E[+-]?[0-9]+"), "a number in scientific notation"),
    (re.compile(r"[0-9]*\.[0-9]+|[0-9]+\."), "digits with a decimal point"),
    (re.compile(r"[0-9]{1,3}([,'\u00a0 ][0-9]{3})+(\.[0-9]+)?"), "digits with separators"),
    (re.compile(r"[-\u2212][0-9]+([.,][0-9]+)?"), "a number below 0"),
)


def kind_of_text(text: str) -> str:
    """Return in a few words what kind of text it is: how long, of which characters, with which signs."""
    if not text.strip():
        return "nothing"
    for pattern, kind in _KINDS:
        if pattern.fullmatch(text):
            return kind
    if text.isascii() and text.isdigit():
        return "1 digit" if len(text) == 1 else f"{len(text)} digits"
    parts = [word for word, found in _characters(text).items() if found]
    signs = sorted({char for char in text if char.isascii() and char.isprintable() and not char.isalnum()} - {" "})
    parts += [f"'{sign}'" for sign in signs[:_MAX_SIGNS]]
    if len(text) == 1:
        return f"1 character: {', '.join(parts)}" if parts else "1 character"
    return f"{len(text)} characters: {', '.join(parts)}" if parts else f"{len(text)} characters"


def _characters(text: str) -> dict[str, bool]:
    categories = {unicodedata.category(char) for char in text}
    digits = {char for char in text if unicodedata.category(char) == "Nd"}
    return {
        "letters": any(category.startswith("L") for category in categories),
        "digits": any(char.isascii() for char in digits),
        "digits of another width or script": not all(char.isascii() for char in digits),
        "blanks": any(char.isspace() for char in text),
        "invisible characters": bool(categories & _INVISIBLE),
    }
