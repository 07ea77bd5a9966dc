"""Licence and review of members: what enrolments need where real persons are in the registry, and how reviews end."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import InstitutionBody, ReviewBody, RulebookBody, StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.review import Review
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.enrolment_file import FORM, EnrolmentFile
from client_sdk.kernel.ledger.onboarding import ReviewState
from client_sdk.kernel.rules.errors import RuleError
from tests.client_sdk.kernel.ledger.test_ledger_directory import genesis
from tests.support.handmade_log import DAY_MS, START_MS, HandmadeLog
from tests.support.naive import NaiveLog
from tests.support.production import PRODUCTION, REVIEW, REVIEW_DAYS, ProductionLog

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body, Enrolment

TODAY = date(2026, 1, 1)
LENDER = (Role.LENDER,)


def on(day: date) -> Review:
    return replace(REVIEW, reviewed_on=day)


def enrolled(log: HandmadeLog, **changes: object) -> InstitutionBody:
    enrolment: Enrolment = log.enrolment("lender-4", LENDER, KeyUsage.REPORT)
    return InstitutionBody(replace(enrolment, **changes))  # type: ignore[arg-type]  # the test names fields


def rule_of(log: HandmadeLog, body: Body) -> str:
    """The rule by which an act is refused; empty where it counts. The second verifier must agree."""
    before = len(log.complaints)
    index = log.act(body)
    naive = NaiveLog()
    naive.read(log.leaves)
    refused = [error.rule for _, error in log.complaints[before:]]
    assert (index in naive.wrong) is bool(refused), (refused, naive.wrong)
    return refused[0] if refused else ""


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"licence_number": "L-1"}, "licence.form"),
        ({"review": None}, "review.present"),
        ({"review": on(TODAY)}, ""),
        ({"review": on(TODAY + timedelta(1))}, "review.future"),
        ({"review": on(TODAY - timedelta(REVIEW_DAYS))}, ""),
        ({"review": on(TODAY - timedelta(REVIEW_DAYS + 1))}, "review.old"),
        ({"review": replace(REVIEW, reference="6222021234567890123")}, "review.number"),
    ],
)
def test_what_an_enrolment_needs_where_real_persons_are(changes: dict[str, object], rule: str) -> None:
    log = ProductionLog()
    assert not log.complaints
    assert rule_of(log, enrolled(log, **changes)) == rule
    assert ("lender-4" in log.state.directory.institutions) is (not rule)


def test_where_none_are_a_review_may_stand_and_need_not() -> None:
    log = HandmadeLog()
    assert rule_of(log, enrolled(log, review=on(TODAY + timedelta(1)))) == "review.future"
    assert rule_of(log, enrolled(log, review=on(TODAY - timedelta(10 * REVIEW_DAYS)))) == ""
    auditor = replace(log.enrolment("auditor", (Role.AUDITOR,), KeyUsage.AUDIT), review=REVIEW)
    assert rule_of(log, InstitutionBody(auditor)) == "review.lender"


def test_the_founders_of_a_registry_of_real_persons_have_licences() -> None:
    with pytest.raises(RuleError, match="licence"):
        genesis(lambda body: replace(body, rulebook=PRODUCTION))


def test_a_review_is_renewed_by_a_later_one_and_ends() -> None:
    log, ms = ProductionLog(), START_MS
    last = REVIEW.reviewed_on + timedelta(REVIEW_DAYS)

    def standing(of: str, now: int) -> tuple[ReviewState, date | None]:
        found = log.state.directory.review_standing(of, now)
        return found.state, found.until

    assert standing("lender-1", ms) == (ReviewState.CURRENT, last)
    # The day of the legal time zone, eight hours before that of UTC.
    over = START_MS + ((last - TODAY).days + 1) * DAY_MS - 8 * 3_600_000
    assert standing("lender-1", over - 1)[0] is ReviewState.CURRENT
    assert standing("lender-1", over) == (ReviewState.OVER, last)
    assert standing("admin-1", over) == (ReviewState.NOT_ASKED, None)
    for review, rule in ((REVIEW, "review.later"), (on(TODAY), ""), (on(TODAY), "review.later")):
        assert rule_of(log, ReviewBody("lender-1", review)) == rule
    assert standing("lender-1", over)[0] is ReviewState.CURRENT
    assert rule_of(log, ReviewBody("admin-1", on(TODAY))) == "review.lender"
    assert rule_of(log, ReviewBody("nobody", on(TODAY))) == "institution.member"
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    assert rule_of(log, ReviewBody("lender-1", on(TODAY))) == "institution.terminated"
    assert standing("lender-1", over)[0] is ReviewState.NOT_ASKED


def test_a_registry_that_takes_in_real_persons_keeps_to_it() -> None:
    log = HandmadeLog()
    assert rule_of(log, RulebookBody(PRODUCTION)) == ""
    assert log.state.directory.review_standing("lender-1", log.logged_at).state is ReviewState.MISSING
    assert rule_of(log, enrolled(log)) == "licence.form"
    assert rule_of(log, RulebookBody(replace(PRODUCTION, review_days=30))) == ""
    assert rule_of(log, RulebookBody(Rulebook())) == "rulebook.production"


@pytest.mark.parametrize(
    "changes",
    [{"reviewed_on": "2026-02-30"}, {"reference": ""}, {"reference": "张 三"}, {"document_digest": bytes(31)}],
)
def test_a_review_of_another_form_is_refused(changes: dict[str, object]) -> None:
    message = REVIEW.message()
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(FormatError, match="review"):
        Review.of(message)


def test_no_applicant_brings_its_own_review() -> None:
    enrolment = ProductionLog().enrolment("lender-4", LENDER, KeyUsage.REPORT)
    raw = base64.b64encode(canonical.encode(enrolment.message())).decode()
    file = {"form": FORM, "institution": "lender-4", "enrolment": raw, "csr": "", "vouch": ""}
    with pytest.raises(FormatError, match="the registry's"):
        EnrolmentFile.parse(json.dumps(file).encode())
