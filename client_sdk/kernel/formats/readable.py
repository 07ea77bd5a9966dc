"""Texts that are read as they were written: the one rule on the characters of what people type and others are shown.

Names, grounds, notices, statements and labels are held to it, and so are settings. Which character is which is said by
the code points of Unicode 14.0, not by what the running Python knows of them: every Python says the same of a text.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import NamedTuple

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.shapeless import BLANKS, is_shapeless

__all__ = ["Flaw", "flaw_of", "is_visible"]

# Control characters and halves of surrogate pairs, which canonical protobuf does not hold, and what breaks a line.
_NO_TEXT = frozenset(("Cc", "Cs", "Zl", "Zp"))
# Bidirectional control characters: the text shown could differ from the text signed.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The replacement character of a failed decoding.
_REPLACEMENT = "\ufffd"
# Of which each program shows what it likes.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
# More on one letter than any writing has, Tibetan included: they cover each other, and what stands around them.
_MOST_MARKS = 8
# Categories that show something: letters, numbers, punctuation, symbols.
_SHOWN = frozenset("LNPS")


class Flaw(NamedTuple):
    """Why a text is not read as it was written.

    Attributes:
        rule: stable id of the broken rule.
        got: what was found; never the text.
        want: what the rule asks for.
    """

    rule: str
    got: str
    want: str


def is_visible(text: str) -> bool:
    """Say whether a text shows anything at all."""
    return any(unicodedata.category(char)[0] in _SHOWN and char not in BLANKS for char in text)


def flaw_of(text: str) -> Flaw | None:
    """Return the first reason why a text is not read as it was written; None for any other text, and for an empty one.

    That is a character that breaks the line, turns the text round, shows nothing or that Unicode 14.0 does not assign,
    or leaves to each program; marks heaped on a letter; nothing to be seen at all; or a text that is not in NFC, of
    which another one looks the same.
    """
    if any(unicodedata.category(char) in _NO_TEXT for char in text if not char.isprintable()):
        got, want = (
            "a control character or a line break",
            "no control characters, no line breaks and no half of a surrogate pair",
        )
        return Flaw("text.characters", got=got, want=want)
    if not is_assigned(text):
        return Flaw("text.assigned", got="an unassigned character", want="characters that Unicode 14.0 assigns")
    if _PRIVATE.search(text):
        want = "the character that Unicode has for it: each program shows a private one as it likes"
        return Flaw("text.private", got="a character of a private use area", want=want)
    if _REPLACEMENT in text:
        return Flaw("text.decoded", got="U+FFFD", want="the text as it was before a wrong decoding")
    if not _DIRECTION.isdisjoint(text):
        return Flaw("text.direction", got="a direction mark", want="text without marks that turn it round")
    if is_shapeless(text):
        return Flaw("text.shapeless", got="a character that shows nothing", want="characters that are seen")
    if _marks_in_a_row(text) > _MOST_MARKS:
        got, want = f"more than {_MOST_MARKS} marks on one letter", f"at most {_MOST_MARKS} combining marks in a row"
        return Flaw("text.marks", got=got, want=want)
    if text and not is_visible(text):
        return Flaw("text.visible", got="nothing that can be seen", want="text that can be read")
    if not unicodedata.is_normalized("NFC", text):
        return Flaw("text.nfc", got="another form of Unicode", want="text in Unicode's form NFC")
    return None


def _marks_in_a_row(text: str) -> int:
    """Return how many combining marks stand behind each other at most."""
    if text.isascii() or len(text) <= _MOST_MARKS:
        return 0
    runs = groupby(text, lambda char: unicodedata.category(char)[0] == "M")
    return max((sum(1 for _ in run) for are_marks, run in runs if are_marks), default=0)
