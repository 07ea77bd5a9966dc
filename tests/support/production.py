"""A log of real persons: its rulebook asks for licences and reviews, and its members have both; a breach to tell of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import BreachBody, Enrolment
from client_sdk.kernel.formats.review import Review
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import BreachedData, BreachNature, Role
from tests.support.handmade_log import START_MS, HandmadeLog, seed

if TYPE_CHECKING:
    from client_sdk.kernel.formats.words import KeyUsage

REVIEW_DAYS = 365
PRODUCTION = Rulebook(review_days=REVIEW_DAYS)
USCC = "91110000600037341L"
# The log begins in the first hour of 2026 UTC.
REVIEW = Review(date(2025, 12, 15), "RV-2025-014", seed("review"))
BREACH = BreachBody(
    noticed_at=START_MS - 3_600_000,
    natures=(BreachNature.DISCLOSED, BreachNature.LOST),
    data=(BreachedData.BINDINGS, BreachedData.FACTS),
    cause="A backup disk was stolen",
    harm="Debts may become known to others",
    remedies="The keys were changed, the police know",
    advice="Distrust callers who name your debts",
    contact="privacy@registry.example, 400 123 4567",
    members=("lender-1", "lender-3"),
)


class ProductionLog(HandmadeLog):
    """A log whose enrolments all have what a rulebook for production asks for."""

    def __init__(self, rulebook: Rulebook = PRODUCTION) -> None:
        super().__init__(rulebook=rulebook)

    def enrolment(self, id_: str, roles: tuple[Role, ...], *usages: KeyUsage) -> Enrolment:
        """A member's first keys, with its licence, and a lender's with its review."""
        enrolment = replace(super().enrolment(id_, roles, *usages), licence_number=USCC)
        return replace(enrolment, review=REVIEW) if Role.LENDER in roles else enrolment
