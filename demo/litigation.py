"""A batch litigation (批量诉讼): one lender sues many invented borrowers on one day, and signs all judgments once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.invented.histories import COURTS, Loan, Suit, judgment_step
from client_sdk.invented.people import invented_person
from client_sdk.models import JudgmentStage, Product

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from client_sdk.invented.parties import Lender
    from client_sdk.models import Report

__all__ = ["JUDGMENTS", "judgments"]

JUDGMENTS = 500
# Behind the borrowers of the other stories.
_FIRST_BORROWER = 20_001
_FIRST_SEQUENCE = 9_100_000


def judgments(lender: Lender, today: date) -> list[Report]:
    """Return the judgments, one each of different borrowers, all of one court and effective."""
    return [replace(report, row=row) for row, report in enumerate(_judged(lender, today), start=1)]


def _judged(lender: Lender, today: date) -> Iterator[Report]:
    filed_on = today - timedelta(days=200)
    for number in range(JUDGMENTS):
        loan = Loan(
            lender=lender,
            identity=invented_person(_FIRST_BORROWER + number),
            contract=f"{lender.name}-batch-{number:05d}",
            product=Product.CONSUMER_LOAN,
            principal=(20 + number % 50) * 10_000,
            signed_on=filed_on - timedelta(days=600),
            since=filed_on - timedelta(days=120),
        )
        suit = Suit(
            loan=loan,
            court=COURTS[0],
            filed_on=filed_on,
            judged_on=filed_on + timedelta(days=100),
            effective_on=filed_on + timedelta(days=120),
            sequence=_FIRST_SEQUENCE + number,
        )
        yield judgment_step(suit, JudgmentStage.EFFECTIVE, suit.effective_on)
