"""Texts that stay: they can be read, look as they were signed, and name nobody.

The log keeps the ground of an act and the notice of a breach for good, and everybody who may read it reads them. A
person's own statement is held to the same rule on numbers.
"""

from __future__ import annotations

import re
import unicodedata

from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.digits import plain_digits
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.readable import flaw_of, is_visible

__all__ = ["NO_LONG_NUMBER", "check_ground", "holds_long_number"]

# What is wanted of a text that holds what looks like one.
NO_LONG_NUMBER = "no identity or account number; a word or a comma between two dates or other numbers"
# A resident number, a card or an account, also in groups with blanks or punctuation between them. The letters stand
# for the kinds of character that _kind_of tells apart.
_LONG_NUMBER = re.compile("d(?:-{0,3}d){14}")
# They end a number as a word does: what is listed are several numbers.
_LISTING = frozenset(",;\u3001")


def holds_long_number(text: str) -> bool:
    """Say whether a text holds what looks like an identity, card or account number, in digits of any script and form.

    That is 15 or more digits, between each two of which stand at most three characters that are no letters, digits,
    commas or semicolons: blanks, dashes, dots, slashes, characters without width.
    """
    kinds = "".join(map(_kind_of, plain_digits(text)))
    return _LONG_NUMBER.search(kinds) is not None


def check_ground(ground: str, part: str, rule: str, want: str) -> str:
    """Return the ground of an act, if who approves it reads what is signed, and it names nobody.

    Args:
        ground: of the act.
        part: that it is part of.
        rule: that asks for a ground.
        want: for the error.

    Raises:
        FormatError: nothing can be seen of it, it is not read as it was written (``flaw_of``), or it holds what looks
            like an identity number.
    """
    if not is_visible(ground):
        raise FormatError(part, rule, got="nothing that can be seen" if ground else "none", want=want)
    if flaw := flaw_of(ground):
        raise FormatError(part, "ground.characters", got=flaw.got, want=flaw.want)
    if holds_resident_number(ground) or holds_long_number(ground):
        want = f"a ground that names nobody: {NO_LONG_NUMBER}"
        raise FormatError(part, "ground.number", got="what looks like an identity number", want=want)
    return ground


def _kind_of(char: str) -> str:
    """Return d for a digit, w for what ends a number, and - for what may stand between its digits."""
    if char.isdecimal():
        return "d"
    return "w" if unicodedata.category(char)[0] in "LN" or char in _LISTING else "-"
