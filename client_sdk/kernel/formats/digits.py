"""Digits of a text, in whatever script and form they are written: a number of a person is one in each of them.

Beside the decimal digits of all scripts these are digits in circles and the like, those of scripts without a zero,
counting rods, and the numerals of Chinese, also those of cheques. What Unicode 14.0 has is said by code points
(``assigned.py``), not by what the running Python knows of it.
"""

from __future__ import annotations

import unicodedata

__all__ = ["plain_digits"]

# First of nine characters in a row, from 1 to 9: Ethiopic, double circled, negative circled, circled sans-serif,
# negative circled sans-serif, Hangzhou, Rumi, Brahmi, and rods.
_ONES = "\u1369\u24f5\u2776\u2780\u278a\u3021\U00010e60\U00011052\U0001d360"
# Others, by their value.
_OTHERS = {
    0: "\u24ff零〇",
    1: "\u19da\U00010a40一壹壱弌幺",
    2: "\U00010a41二贰貳弐弍两兩",
    3: "\U00010a42三叁參参叄弎",
    4: "\U00010a43四肆",
    5: "五伍",
    6: "六陆陸",
    7: "七柒",
    8: "八捌",
    9: "九玖",
}
_PLAIN = {ord(one) + place: str(place + 1) for one in _ONES for place in range(9)} | {
    ord(char): str(value) for value, chars in _OTHERS.items() for char in chars
}


def plain_digits(text: str) -> str:
    """Return a text in NFKC with each digit as one of 0 to 9."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in folded)
