"""From a portfolio of credit-card months to reports: one DEFAULT record an overdue episode, one version a month.

    subject   client n gets a synthetic resident number: region 110105, born 1800-01-01 + (n - 1) days, sequence 001
    lenders   client n belongs to lender n mod N; where n div N ends in 0, also to lender (n + 1) mod N, as another debt
    episode   an unbroken run of months with status k >= 1, one version each; a fall to k <= 0 adds a version CURED
    amount    max(0, bill - paid) of the month, marked as estimated, because the file does not tell it
    days      between two buckets, derived from k and marked as estimated

Nothing is random: the same file gives the same reports, so that a second run has nothing new to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from client_sdk.invented.parties import consent_to, notice_of
from client_sdk.invented.people import holders, invented_person
from client_sdk.models import (
    Amounts,
    CollectionStage,
    DefaultFacts,
    DefaultReport,
    LegalBasis,
    Product,
    Standing,
    SubjectRole,
    debt,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk.invented.parties import Lender
    from demo.uci import Client, Month

__all__ = ["Episode", "Tally", "episodes", "portfolio", "tally"]

_CONTRACT_SIGNED = date(2024, 1, 15)
_CURRENCY = "TWD"
_MINOR_UNITS = 100
# k months late lies between 30 (k - 1) and 30 k days; the edges belong to the buckets beside it.
_MONTH_DAYS = 30
_INSIDE_MONTH = 12


@dataclass(frozen=True, slots=True)
class Episode:
    """An unbroken run of overdue months.

    Attributes:
        months: overdue ones, oldest first.
        first_day: since when, as far as the months late tell; never before the episode that went before had ended.
        ended_on: last day of the month in which nothing was overdue any more; None while it is open.
    """

    months: tuple[Month, ...]
    first_day: date
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a portfolio.

    Attributes:
        borrowers: clients, with and without records.
        borrowers_with_records: clients that at least one record is about.
        records: of all lenders.
        versions: of all records.
        open: records that are open at the end.
        ended: records that are cured at the end.
    """

    borrowers: int
    borrowers_with_records: int
    records: int
    versions: int
    open: int
    ended: int


def episodes(client: Client) -> list[Episode]:
    """Return the overdue episodes of a client, oldest first."""
    found: list[Episode] = []
    running: list[Month] = []
    for month in client.months:
        if month.late > 0:
            running.append(month)
        elif running:
            found.append(_episode(running, found, month.as_of))
            running = []
    if running:
        found.append(_episode(running, found, None))
    return found


def portfolio(clients: Iterable[Client], place: int, lenders: Sequence[Lender]) -> list[DefaultReport]:
    """Return what one lender reports, versions in order, rows counted from 1.

    Args:
        clients: of the whole file.
        place: of the lender in the list.
        lenders: all of them.
    """
    own = (client for client in clients if place in holders(client.number, len(lenders)))
    reports = (report for client in own for report in _history(client, lenders[place]))
    return [replace(report, row=row) for row, report in enumerate(reports, start=1)]


def tally(clients: Iterable[Client], lenders: int) -> Tally:
    """Count what the clients come to for so many lenders."""
    borrowers = with_records = records = versions = opened = 0
    for client in clients:
        found = episodes(client)
        copies = len(holders(client.number, lenders))
        borrowers += 1
        with_records += bool(found)
        records += copies * len(found)
        versions += copies * sum(len(episode.months) + (episode.ended_on is not None) for episode in found)
        opened += copies * sum(episode.ended_on is None for episode in found)
    return Tally(borrowers, with_records, records, versions, opened, records - opened)


def _episode(months: Sequence[Month], before: Sequence[Episode], ended_on: date | None) -> Episode:
    since = months[0].as_of - timedelta(days=_days(months[0].late))
    if before and before[-1].ended_on is not None:
        since = max(since, before[-1].ended_on)
    return Episode(tuple(months), since, ended_on)


def _days(late: int) -> int:
    return late * _MONTH_DAYS - _INSIDE_MONTH


def _history(client: Client, lender: Lender) -> Iterator[DefaultReport]:
    """Yield every version of every record of one client at one lender, episode after episode."""
    identity = invented_person(client.number)
    contract = f"{lender.name}-card-{client.number:05d}"
    for episode in episodes(client):
        for month in episode.months:
            facts = _facts(lender, contract, episode, month.as_of, month)
            yield DefaultReport(identity=identity, reference=contract, standing=Standing.OPEN, facts=facts)
        if episode.ended_on is not None:
            facts = _facts(lender, contract, episode, episode.ended_on, None)
            yield DefaultReport(identity=identity, reference=contract, standing=Standing.CURED, facts=facts)


def _facts(lender: Lender, contract: str, episode: Episode, as_of: date, month: Month | None) -> DefaultFacts:
    """Return the facts of one version; ``month`` is None once nothing is overdue any more."""
    owed = 0 if month is None else max(0, month.billed - month.paid)
    return DefaultFacts(
        subject_role=SubjectRole.BORROWER,
        product=Product.CREDIT_CARD,
        amounts=Amounts(currency=_CURRENCY, principal=owed * _MINOR_UNITS, estimated=True),
        as_of=as_of,
        first_delinquency_on=episode.first_day,
        days_past_due=0 if month is None else _days(month.late),
        days_estimated=True,
        collection_stage=_stage(month),
        ended_on=as_of if month is None else None,
        debt=debt(original_creditor=lender.creditor, contract=contract),
        legal_basis=LegalBasis.CONSENT,
        notice=notice_of(lender.name, contract, episode.first_day, episode.months[0].as_of),
        consent=consent_to(lender.name, contract, _CONTRACT_SIGNED),
        approver=f"{lender.name} credit desk",
    )


def _stage(month: Month | None) -> CollectionStage:
    if month is None:
        return CollectionStage.ENDED
    return CollectionStage.REMINDED if month.late == 1 else CollectionStage.COLLECTING
