"""Invented people: identity numbers that nobody living can own, and which lenders each of them owes."""

from __future__ import annotations

from datetime import date, timedelta

from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.models import Identity, IdType

__all__ = ["holders", "subject"]

_REGION = "110105"
_FIRST_BIRTH = date(1800, 1, 1)
_SEQUENCE = "001"
_SHARED_EVERY = 10


def subject(number: int) -> Identity:
    """Return the synthetic identity of a person, by a running number from 1: nobody living was born so long ago."""
    born = _FIRST_BIRTH + timedelta(days=number - 1)
    body = f"{_REGION}{born:%Y%m%d}{_SEQUENCE}"
    return Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))


def holders(number: int, lenders: int) -> tuple[int, ...]:
    """Return which lenders have a person, by their place in the list; the second one where it is shared.

    Args:
        number: of the person, from 1.
        lenders: how many there are; the first is the one of n mod N = 1, the last that of n mod N = 0.
    """
    own = (number - 1) % lenders
    shared = lenders > 1 and (number // lenders) % _SHARED_EVERY == 0
    return (own, (own + 1) % lenders) if shared else (own,)
