"""Removal of separators and invisible characters from typed numbers."""

from __future__ import annotations

import unicodedata

__all__ = ["without_separators"]

# White space, dashes and invisible format characters; the minus sign is a symbol, not a dash.
_SEPARATORS = frozenset(("Zs", "Zl", "Zp", "Pd", "Cf"))
_SEPARATOR_SIGNS = frozenset("\t\n\r\v\f\u2212")


def without_separators(text: str) -> str:
    """Return a text in NFKC, without white space, dashes and invisible characters."""
    if text.isascii() and text.isalnum():
        return text
    return "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_separator(char))


def _is_separator(char: str) -> bool:
    return char in _SEPARATOR_SIGNS or unicodedata.category(char) in _SEPARATORS
