"""Table of contributions: the newest day on which each lender gave a kind of record (proto/README.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from client_sdk.kernel.formats.words import Kind, word
from registry_server.storage import schema
from registry_server.storage.driver import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client_sdk.kernel.formats.contribution import Contribution
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["GivenRow", "put", "rows"]

_TABLE = schema.contributions


class GivenRow(NamedTuple):
    """A kind of record that a lender has given, and the legal day on which it did so last, YYYY-MM-DD."""

    institution: str
    kind: Kind
    given_on: str


def put(work: UnitOfWork, changed: Iterable[Contribution]) -> None:
    """Keep what lenders have given, instead of what was kept before."""
    upsert(
        work,
        _TABLE,
        [(item.institution, given.kind.number, given.given_on) for item in changed for given in item.given],
    )


def rows(work: UnitOfWork) -> Iterator[GivenRow]:
    """Yield what every lender has given; a few rows a lender.

    Raises:
        FormatError: a kind is unknown.
    """
    for institution, kind, given_on in work.connection.execute(select(_TABLE)):
        yield GivenRow(institution, word(Kind, kind, "contribution", "kind"), given_on)
