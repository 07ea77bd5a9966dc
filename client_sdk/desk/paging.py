"""A page of a long table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.desk.visit import Visit

__all__ = ["PAGE_ROWS", "Paged", "page_of"]

T = TypeVar("T")

PAGE_ROWS = 50
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """Some rows of many.

    Attributes:
        rows: of this page.
        number: of this page, from 1.
        last: number of the last page.
    """

    rows: Sequence[T]
    number: int
    last: int


def page_of(visit: Visit, rows: Sequence[T]) -> Paged[T]:
    """Return the page that the address asks for; the nearest one where there is none of that number."""
    text = visit.request.query_params.get("page", "1")
    last = max(1, -(-len(rows) // PAGE_ROWS))
    asked = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 1
    number = min(max(asked, 1), last)
    return Paged(rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS], number, last)
