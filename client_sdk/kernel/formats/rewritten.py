"""Detection of numbers damaged by a spreadsheet or data frame: scientific notation, NaN, dates.

    2.02601E+15     a long number, shortened for show and then saved
    12345.0         a whole number that was read as a fraction
    #REF!, nan      an error, or nothing

Leaving out the signs, as canonical forms do, would hide it: several contracts would become one, or one several.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["rewritten"]

_SHORTENED = re.compile(r"(?i)[+-]?[0-9]+(?:[.,][0-9]*)?E[+-]?[0-9]+")
_FRACTION = re.compile(r"[+-]?[0-9]+[.][0-9]*")
_ERROR = re.compile(r"(?i)#(?:REF!?|N/A|NAME\?|VALUE!?|DIV/0!?|NUM!?|NULL!?|SPILL!?|CALC!?|#+)")
_NOTHING = frozenset(("nan", "nat", "null", "none", "n/a", "<na>", "undefined"))


def rewritten(text: str) -> str:
    """Return a description of the damage; empty for any other text."""
    plain = text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()
    if _SHORTENED.fullmatch(plain):
        return "a number in scientific notation"
    if _FRACTION.fullmatch(plain):
        return "digits with a decimal point"
    if _ERROR.fullmatch(plain):
        return "an error of a spreadsheet"
    return "a word for nothing" if plain.lower() in _NOTHING else ""
