"""1,000 invented borrowers with the histories of their loans: the same on every machine and day, but for the dates.

Dates count back from the day of the run, so that what ended lately is always lately. The answer that a lender
must get follows from each borrower's story, and the demo holds every answer against it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.invented.histories import (
    COURTS,
    Enforcement,
    Loan,
    Suit,
    arranged,
    cured,
    enforcement_step,
    judgment_step,
    overdue,
    withdrawn,
)
from client_sdk.invented.people import holders, invented_person
from client_sdk.models import CollectionStage, JudgmentStage, Outcome, Product, Standing, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from client_sdk.invented.parties import Lender
    from client_sdk.models import Identity, Report

__all__ = ["BORROWERS", "Borrower", "Expected", "Story", "borrowers", "expected", "portfolio"]

BORROWERS = 1_000
_SEED = 20_260_101
# Every so many days a loan that is overdue is reported again.
_STEP = 30
# No court comes to so many cases in a year.
_FIRST_SEQUENCE = 9_000_000
_PRODUCTS = (Product.CONSUMER_LOAN, Product.CREDIT_CARD, Product.CAR_LOAN, Product.BUSINESS_LOAN)


class Expected(NamedTuple):
    """The answer that a lender that asks must get."""

    verdict: Verdict
    outcome: Outcome


_CLEAR = Expected(Verdict.CLEAR, Outcome.NOT_ADVERSE)
_LONG_AGO = Expected(Verdict.LISTED, Outcome.NOT_ADVERSE)
_WATCH = Expected(Verdict.LISTED, Outcome.WATCH)
_BLACKLISTED = Expected(Verdict.LISTED, Outcome.BLACKLISTED)


class Story(Enum):
    """The history of a borrower's loan, how many borrowers of 1,000 share it, and the answer that follows."""

    PAID_ALWAYS = ("always paid", 360, _CLEAR)
    OVERDUE = ("overdue", 250, _BLACKLISTED)
    CURED_LATELY = ("overdue, paid up lately", 120, _WATCH)
    CURED_LONG_AGO = ("overdue, paid up more than a year ago", 90, _LONG_AGO)
    ARRANGED = ("overdue, paying under an arrangement", 60, _WATCH)
    WITHDRAWN = ("reported by mistake and withdrawn", 30, _CLEAR)
    SUED = ("sued, not paid", 30, _BLACKLISTED)
    STAYED = ("enforcement stayed, nothing to be found (终本)", 20, _BLACKLISTED)
    SATISFIED = ("sued, enforced, paid in the end", 40, _WATCH)

    def __init__(self, title: str, share: int, expected: Expected) -> None:
        self.title = title
        self.share = share
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Borrower:
    """One invented borrower.

    Attributes:
        number: running number, from 1.
        story: what became of the loan.
        identity: synthetic resident number.
    """

    number: int
    story: Story
    identity: Identity


def borrowers(count: int = BORROWERS) -> list[Borrower]:
    """Return the borrowers; the stories have their shares, and are dealt out without order."""
    stories = [story for story in Story for _ in range(story.share)]
    random.Random(_SEED).shuffle(stories)  # noqa: S311 - a story, not a secret
    return [
        Borrower(number, stories[(number - 1) % len(stories)], invented_person(number))
        for number in range(1, count + 1)
    ]


def portfolio(people: Sequence[Borrower], place: int, lenders: Sequence[Lender], today: date) -> list[Report]:
    """Return what one lender reports about its borrowers, each step of each story in its order.

    Args:
        people: all borrowers.
        place: of the lender in the list.
        lenders: all of them; one borrower in ten has a second loan at the next.
        today: day of the run.
    """
    reports: list[Report] = []
    for borrower in people:
        if place in holders(borrower.number, len(lenders)):
            reports += _TOLD[borrower.story](_Loans(borrower, lenders[place], today))
    return [replace(report, row=row) for row, report in enumerate(reports, start=1)]


def expected(people: Sequence[Borrower]) -> Counter[Expected]:
    """Count the answers that there must be."""
    return Counter(borrower.story.expected for borrower in people)


class _Loans:
    """Makes the loans of one borrower at one lender, with a dice of their own."""

    def __init__(self, borrower: Borrower, lender: Lender, today: date) -> None:
        self._dice = random.Random(f"{_SEED}/{borrower.number}/{lender.name}")  # noqa: S311 - a story, not a secret
        self._borrower = borrower
        self._lender = lender
        self._today = today

    def between(self, least: int, most: int) -> int:
        """Throw the dice."""
        return self._dice.randint(least, most)

    def day(self, ago: int) -> date:
        """Return the day so many days ago."""
        return self._today - timedelta(days=ago)

    def loan(self, since: int) -> Loan:
        """Return a loan that is overdue since so many days ago."""
        first_day = self.day(since)
        return Loan(
            lender=self._lender,
            identity=self._borrower.identity,
            contract=f"{self._lender.name}-loan-{self._borrower.number:05d}",
            product=self._dice.choice(_PRODUCTS),
            principal=self._dice.randint(20, 800) * 10_000,
            signed_on=first_day - timedelta(days=self._dice.randint(60, 900)),
            since=first_day,
        )

    def suit(self, loan: Loan, filed: int) -> Suit:
        """Return a suit that was filed so many days ago; one in five went to the court above."""
        appealed = self._dice.randint(1, 5) == 1
        judged = filed - 120
        return Suit(
            loan=loan,
            court=self._dice.choice(COURTS),
            filed_on=self.day(filed),
            judged_on=self.day(judged),
            effective_on=self.day(judged - (90 if appealed else 15)),
            sequence=_FIRST_SEQUENCE + self._borrower.number,
            appealed=appealed,
        )

    def running(self, loan: Loan, since: int, until: int) -> Iterator[Report]:
        """Yield the versions of a loan that is overdue from one day to another, both so many days ago."""
        for place, ago in enumerate(range(since - _STEP, until, -_STEP)):
            yield overdue(loan, self.day(ago), CollectionStage.COLLECTING if place else CollectionStage.REMINDED)

    def court(self, suit: Suit) -> Iterator[Report]:
        """Yield what is reported from the day of the suit to the day on which the judgment is final."""
        yield overdue(suit.loan, suit.filed_on, CollectionStage.IN_SUIT)
        yield judgment_step(suit, JudgmentStage.FILED, suit.filed_on)
        yield judgment_step(suit, JudgmentStage.JUDGED, suit.judged_on)
        if suit.appealed:
            yield judgment_step(suit, JudgmentStage.APPEALED, suit.judged_on + timedelta(days=10))
        yield judgment_step(suit, JudgmentStage.EFFECTIVE, suit.effective_on)


def _nothing(_: _Loans) -> Iterator[Report]:
    return iter(())


def _overdue(loans: _Loans) -> Iterator[Report]:
    since = loans.between(31, 200)
    return loans.running(loans.loan(since), since, 0)


def _cured(loans: _Loans, ended: int) -> Iterator[Report]:
    since = ended + loans.between(31, 150)
    loan = loans.loan(since)
    yield from loans.running(loan, since, ended)
    yield cured(loan, loans.day(ended))


def _cured_lately(loans: _Loans) -> Iterator[Report]:
    return _cured(loans, loans.between(5, 300))


def _cured_long_ago(loans: _Loans) -> Iterator[Report]:
    return _cured(loans, loans.between(400, 1_200))


def _arranged(loans: _Loans) -> Iterator[Report]:
    agreed = loans.between(5, 60)
    since = agreed + loans.between(31, 150)
    loan = loans.loan(since)
    yield from loans.running(loan, since, agreed)
    yield arranged(loan, loans.day(agreed))


def _withdrawn(loans: _Loans) -> Iterator[Report]:
    since = loans.between(31, 120)
    loan = loans.loan(since)
    yield from loans.running(loan, since, since - _STEP - 1)
    yield withdrawn(loan)


def _sued(loans: _Loans) -> Iterator[Report]:
    filed = loans.between(250, 400)
    loan = loans.loan(filed + 100)
    yield from loans.running(loan, filed + 100, filed)
    yield from loans.court(loans.suit(loan, filed))


def _stayed(loans: _Loans) -> Iterator[Report]:
    enforcement = yield from _enforced(loans, 700)
    yield enforcement_step(enforcement, Standing.STAYED, enforcement.filed_on + timedelta(days=120), executed=5)


def _satisfied(loans: _Loans) -> Iterator[Report]:
    """Tell the whole way: default, suit, judgment, enforcement, stay, resumption, payment."""
    paid = loans.between(5, 60)
    enforcement = yield from _enforced(loans, 800, resumed=paid + 90)
    suit = enforcement.suit
    yield enforcement_step(enforcement, Standing.STAYED, enforcement.filed_on + timedelta(days=120), executed=5)
    yield enforcement_step(enforcement, Standing.OPEN, loans.day(paid + 90), executed=5)
    yield enforcement_step(enforcement, Standing.SATISFIED, loans.day(paid), executed=100)
    yield judgment_step(suit, JudgmentStage.EFFECTIVE, loans.day(paid), paid=True)
    yield cured(suit.loan, loans.day(paid))


def _enforced(loans: _Loans, filed: int, resumed: int | None = None) -> Generator[Report, None, Enforcement]:
    loan = loans.loan(filed + 100)
    yield from loans.running(loan, filed + 100, filed)
    suit = loans.suit(loan, filed)
    yield from loans.court(suit)
    enforcement = Enforcement(
        suit=suit,
        filed_on=suit.effective_on + timedelta(days=20),
        sequence=suit.sequence,
        resumed_on=None if resumed is None else loans.day(resumed),
    )
    yield enforcement_step(enforcement, Standing.OPEN, enforcement.filed_on, first=True)
    return enforcement


_TOLD: dict[Story, Callable[[_Loans], Iterator[Report]]] = {
    Story.PAID_ALWAYS: _nothing,
    Story.OVERDUE: _overdue,
    Story.CURED_LATELY: _cured_lately,
    Story.CURED_LONG_AGO: _cured_long_ago,
    Story.ARRANGED: _arranged,
    Story.WITHDRAWN: _withdrawn,
    Story.SUED: _sued,
    Story.STAYED: _stayed,
    Story.SATISFIED: _satisfied,
}
