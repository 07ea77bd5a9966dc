"""Invented people: identity numbers that nobody living can own, and which lenders each of them owes."""

from __future__ import annotations

from datetime import date, timedelta

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.models import Identity, IdType

__all__ = ["holders", "invented_person"]

_REGION = "110105"
_FIRST_BIRTH = date(1800, 1, 1)
_SEQUENCE = "001"
# The last is born in 1898.
_NUMBERS = range(1, 36_001)
_SHARED_EVERY = 10


def invented_person(number: int) -> Identity:
    """Return a person with a resident number that is right by every rule and nobody's: born in the 1800s.

    Args:
        number: 1 to 36000; each is another person.

    Raises:
        ConfigError: it is out of range.
    """
    if number not in _NUMBERS:
        raise ConfigError(f"number: want {_NUMBERS.start} to {_NUMBERS.stop - 1}, got {number}")
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
