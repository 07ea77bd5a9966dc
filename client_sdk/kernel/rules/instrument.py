"""Enforceable instruments other than judgments: arbitration awards, notarised instruments; their numbers.

    （2024）京仲裁字第9000001号        an award: the body that made it stands between year and 字
    京仲裁〔2024〕9000001号            the same, as some bodies write it
    （2024）京方圆执证字第9000001号    a notary's certificate of enforcement, or the instrument itself

No authority lays these forms down. The name of the body must say what it is (仲, 裁 or 证), so that no number of a
court is taken for one.
"""

from __future__ import annotations

import re

__all__ = ["canonical_instrument", "is_instrument"]

_YEAR = r"[（(〔\[](?P<year>19[0-9]{2}|2[01][0-9]{2})[）)〕\]]"
_BODY = r"(?P<body>(?=[\u4e00-\u9fff]*[仲裁证])[\u4e00-\u9fff]{2,16}?)"
_NUMBER = r"(?P<number>[1-9A-Z][0-9]{0,9})号"
_YEAR_FIRST = re.compile(rf"{_YEAR}{_BODY}字?第{_NUMBER}")
_BODY_FIRST = re.compile(rf"{_BODY}{_YEAR}第?{_NUMBER}")


def is_instrument(text: str) -> bool:
    """Say whether a text has the form of the number of an award or a notarised instrument."""
    return bool(_YEAR_FIRST.fullmatch(text) or _BODY_FIRST.fullmatch(text))


def canonical_instrument(text: str) -> str:
    """Return such a number with full-width brackets round the year, and otherwise as it is."""
    found = _YEAR_FIRST.fullmatch(text) or _BODY_FIRST.fullmatch(text)
    if found is None:
        return text
    start, end = found.span("year")
    return f"{text[: start - 1]}（{text[start:end]}）{text[end + 1 :]}"
