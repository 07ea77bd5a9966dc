"""Lies about members of a registry of real persons, and about breaches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import InstitutionBody, ReviewBody, RulebookBody
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.findings import FindingId
from tests.support.lying import lie
from tests.support.production import BREACH, PRODUCTION, REVIEW, USCC

if TYPE_CHECKING:
    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


@lie(_F.ACT_INVALID)
def a_lender_enrolled_among_real_persons_without_a_review(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(RulebookBody(PRODUCTION))
    enrolment = log.enrolment("lender-4", (Role.LENDER,), KeyUsage.REPORT)
    log.act(InstitutionBody(replace(enrolment, licence_number=USCC)))
    log.head()


@lie(_F.ACT_INVALID)
def a_lender_enrolled_among_real_persons_without_a_licence(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(RulebookBody(PRODUCTION))
    log.act(InstitutionBody(replace(log.enrolment("lender-4", (Role.LENDER,), KeyUsage.REPORT), review=REVIEW)))
    log.head()


@lie(_F.ACT_INVALID)
def a_review_dated_back(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(ReviewBody("lender-1", REVIEW))
    log.act(ReviewBody("lender-1", REVIEW))
    log.head()


@lie(_F.ACT_INVALID)
def a_registry_of_real_persons_that_says_it_is_none(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(RulebookBody(PRODUCTION))
    log.act(RulebookBody(Rulebook()))
    log.head()


@lie(_F.ACT_INVALID)
def a_breach_noticed_after_it_was_told(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(replace(BREACH, noticed_at=log.logged_at + 1))
    log.head()


@lie(_F.ACT_INVALID)
def a_breach_that_names_an_identity_number(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(replace(BREACH, harm="110105180001010010 may be known"))
    log.head()
