"""Characters that show nothing by themselves: in them a text could carry what nobody sees, or two texts look alike.

Writing needs some of them, and those count where writing has them: joiners between letters of scripts that join, the
Mongolian separator and selectors at Mongolian letters, a variation selector that picks the form of a Han character. All
is said by the code points of Unicode 14.0 (``assigned.py``), not by what the running Python knows of them.
"""

from __future__ import annotations

import re

__all__ = ["BLANKS", "is_shapeless"]

# Letters and symbols that have a width and no shape: fillers of Hangul, the empty pattern of Braille, what stands for
# an object that is not there, and a note without a head.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159"
# The category Cf.
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f"
)
# The grapheme joiner, two vowels of Khmer that are inherent, and the filler of Khitan.
_MARKS = "\u034f\u17b4\u17b5\U00016fe4"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SHAPELESS = re.compile(f"[{BLANKS}{_FORMAT}{_MARKS}{_SELECTORS}]")

# Arabic, Syriac, N'Ko, Mandaic, and the supplements of Arabic.
_ARABIC = "\u0600-\u077f\u07c0-\u07ff\u0840-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
# Devanagari to Sinhala, Myanmar and Khmer, and what supplements them.
_INDIC = "\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1cd0-\u1cff\ua8e0-\ua8ff"
_MONGOLIAN = "\u1820-\u18aa"
_HAN = (
    "\u3400-\u4dbf\u4e00-\u9fff\ufa0e-\ufa29\U00020000-\U0002a6df\U0002a700-\U0002b738\U0002b740-\U0002b81d"
    "\U0002b820-\U0002cea1\U0002ceb0-\U0002ebe0\U00030000-\U0003134a"
)
_WRITTEN = re.compile(
    f"(?<=[{_ARABIC}])[\u200c\u200d](?=[{_ARABIC}])"
    f"|(?<=[{_INDIC}])[\u200c\u200d](?=[{_INDIC}])"
    f"|(?<=[{_MONGOLIAN}])[\u180e\u200c\u200d](?=[{_MONGOLIAN}])"
    f"|(?<=[{_MONGOLIAN}])[\u180b-\u180d\u180f]"
    f"|(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
)


def is_shapeless(text: str) -> bool:
    """Say whether a text holds a character that shows nothing, other than where writing needs it."""
    return _SHAPELESS.search(_WRITTEN.sub("", text)) is not None
