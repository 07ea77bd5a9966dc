"""Money as people write it at the desk."""

from __future__ import annotations

import re

from client_sdk.forms import MINOR_UNITS

__all__ = ["is_amount", "minor_units", "places_of"]

# With commas between thousands, or without.
_WHOLE = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+")
_MOST_CHARACTERS = 32


def places_of(currency: str) -> int:
    """Return how many places an amount has after the point; 0 for a currency that is not known."""
    return MINOR_UNITS.get(currency, 0)


def is_amount(text: str) -> bool:
    """Whether a text is an amount of some currency."""
    whole, point, part = text.partition(".")
    places = range(1, max(MINOR_UNITS.values()) + 1)
    has_places = not point or (len(part) in places and part.isascii() and part.isdigit())
    return len(text) <= _MOST_CHARACTERS and _WHOLE.fullmatch(whole) is not None and has_places


def minor_units(text: str, currency: str) -> int | None:
    """Return an amount in minor units; None for one that is none, or that could be read in two ways.

    Args:
        text: such as ``12,500.00``: with all places of its currency after the point, or with none.
        currency: ISO 4217.
    """
    places = places_of(currency)
    whole, point, part = text.partition(".")
    if len(text) > _MOST_CHARACTERS or not _WHOLE.fullmatch(whole):
        return None
    if point and (len(part) != places or not (part.isascii() and part.isdigit())):
        return None
    return int(whole.replace(",", "") + (part or "0" * places))
