"""Reciprocity of a lender: the kinds that it gives, and those that it receives for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.words import Kind
    from client_sdk.kernel.rules.reciprocity import LevelStanding

__all__ = ["Reciprocity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reciprocity(Plain):
    """How a lender stands by the rulebook's levels, measured from the log and proved under one HEAD.

    Attributes:
        levels: of the rulebook, each with the day on which the lender last gave what it asks for.
        grace_until: last day on which nothing is held back from a new member; None where there is no grace.
        held_back: kinds of record whose facts answers hold back from the lender now.
        as_of: legal day of the HEAD.
    """

    levels: tuple[LevelStanding, ...]
    grace_until: date | None
    held_back: frozenset[Kind]
    as_of: date
