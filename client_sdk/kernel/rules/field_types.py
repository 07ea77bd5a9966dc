"""Run-time check of dataclass fields against their declared types; subclasses such as bool for int are rejected.

Facts are made by programs: a fraction where money belongs, or a moment where a date belongs, would otherwise be found
only while the facts are encoded, far from the record that they belong to.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import NamedTuple

from client_sdk.kernel.formats.words import Kind, Purpose, Standing
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_parts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.kernel.rules.fact_words import (
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    SubjectRole,
)

__all__ = ["check_field_types"]

# Exact types: datetime is a subclass of date, and bool of int; both are rejected.
_EXACT: dict[str, type] = {"int": int, "str": str, "bool": bool, "bytes": bytes, "date": date, "datetime": datetime}
_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *(Amounts, Arrangement, Consent, ContactCount, Debt, NoticeEvidence),
        *(ArrangementOutcome, ArrangementPeriod, DefaultCause),
        *(CollectionStage, ConsentForm, JudgmentResult, JudgmentStage, LegalBasis, Measure, NoticeChannel, Product),
        *(ListingGround, ListingOrigin, ListingPerformance),
        *(Kind, Purpose, Standing, SubjectRole),
    )
}
_WORDS = {
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "bytes": "bytes",
    "date": "a date",
    "datetime": "a time with its zone",
}
_TUPLE = "tuple["


def check_field_types(value: object, place: str) -> None:
    """Check the fields of facts, or of another dataclass, and of what they hold.

    Args:
        value: a dataclass whose fields are declared as text, as under ``from __future__ import annotations``.
        place: path of the value, for the error; empty for none.

    Raises:
        RuleError: FACTS_INVALID; a field holds something of another type, or a text that UTF-8 cannot write. ``got``
            names the type, never the value.
    """
    cls: type = value.__class__
    for name, declared, optional, many in _declared(cls):
        path = f"{place}.{name}" if place else name
        held = getattr(value, name)
        if held is None and optional:
            continue
        if many and not isinstance(held, tuple):
            raise _refused(path, held, "a tuple")
        for item in held if many else (held,):
            _check(item, declared, path)


class _Declared(NamedTuple):
    """A field as its class declares it: name, type of one value, whether it may be None, whether it is a tuple."""

    name: str
    of: str
    optional: bool
    many: bool


@cache
def _declared(cls: type) -> tuple[_Declared, ...]:
    if not is_dataclass(cls):
        raise TypeError(cls.__name__)
    found = []
    for field in fields(cls):
        text = str(field.type)
        of = text.removesuffix(" | None")
        many = of.startswith(_TUPLE)
        of = of.removeprefix(_TUPLE).removesuffix(", ...]") if many else of
        found.append(_Declared(field.name, of, text.endswith(" | None"), many))
    return tuple(found)


def _check(held: object, declared: str, path: str) -> None:
    exact, cls = _EXACT.get(declared), _CLASSES.get(declared)
    naive = exact is datetime and isinstance(held, datetime) and held.tzinfo is None
    if exact is not None and (type(held) is not exact or naive):
        raise _refused(path, held, _WORDS[declared])
    if isinstance(held, str) and not held.isascii():
        _check_utf_8(held, path)
    if cls is not None and not isinstance(held, cls):
        want = f"one of {', '.join(cls.__members__)}" if issubclass(cls, Enum) else f"a value of type {declared}"
        raise _refused(path, held, want)
    if cls is not None and is_dataclass(held) and not isinstance(held, type):
        check_field_types(held, path)


def _check_utf_8(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Not chained: the error holds the text.
        want = "no control characters and no half of a surrogate pair"
        raise RuleError(RuleReason.FACTS_INVALID, path, "text.characters", want=want) from None


def _refused(path: str, held: object, want: str) -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, path, "field.type", got=type(held).__name__, want=want)
