"""Disputes: who opens, answers and ends them, and what that takes (proto/README.md 5)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import Annotation, RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, InstitutionStatus, LapseKind, Standing
from client_sdk.kernel.rules.calendar import is_working_day, last_day
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import listed_log
from tests.support.disputes import CONFIRMED, CORRECTED, EVIDENCE, UNCONFIRMED, WITHDRAWN
from tests.support.handmade_log import DAY_MS, HandmadeLog, record_id

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.annotating import AnnotationHead

DISPUTED = AnnotationFlag.DISPUTED
KEY = RecordKey("lender-1", record_id("debt"))


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


def said(log: HandmadeLog, author: str, *flags: AnnotationFlag, **changes: object) -> str:
    """Annotate the record; return the rule that it breaks, empty for none."""
    log.annotate(author, "lender-1", "debt", *flags, **changes)
    if not log.complaints:
        return ""
    complaint = log.complaints.pop()[1]
    assert isinstance(complaint, RuleError)
    return complaint.rule


def head(log: HandmadeLog) -> AnnotationHead:
    found = log.state.chains[KEY].annotation
    assert found is not None
    return found


def test_an_answer_ends_a_dispute_and_its_clock(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert (head(log).disputed_by, head(log).disputed_since) == ("lender-2", head(log).index)
    assert said(log, "lender-1", **CONFIRMED) == ""
    assert head(log).outcome is DisputeOutcome.CONFIRMED
    assert (head(log).flags, head(log).unanswered_since, head(log).disputed_since) == ((), 0, 0)


def test_who_is_not_the_issuer_answers_nothing(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    for author in ("lender-2", "lender-3"):
        assert said(log, author, **CONFIRMED) == "annotation.answer"
        assert said(log, author, DISPUTED, **UNCONFIRMED) == "annotation.answer"
    assert head(log).unanswered_since


def test_an_issuer_that_only_repeats_the_dispute_does_not_stop_its_clock(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    since = head(log).unanswered_since
    assert said(log, "lender-1", DISPUTED) == ""
    assert head(log).unanswered_since == since
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert not log.complaints


def test_a_correction_comes_before_the_answer_that_names_it(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-1", **CORRECTED) == "annotation.corrected"
    log.say("lender-1", "debt", Standing.OPEN)
    assert said(log, "lender-1", **CORRECTED) == ""


def test_what_cannot_be_confirmed_stays_disputed_until_there_is_new_evidence(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-1", DISPUTED, **UNCONFIRMED) == ""
    assert (head(log).disputed, head(log).unanswered_since) == (True, 0)
    assert said(log, "lender-3", DISPUTED) == ""
    assert head(log).unanswered_since == 0
    assert said(log, "lender-3", DISPUTED, evidence=EVIDENCE) == ""
    assert head(log).unanswered_since == log.logged_at
    assert (head(log).disputed_by, head(log).disputed_jointly) == ("lender-2", True)


def test_a_dispute_that_was_answered_is_opened_again_with_evidence_only(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-1", **CONFIRMED) == ""
    assert said(log, "lender-3", DISPUTED) == "annotation.reopened"
    assert said(log, "lender-3", DISPUTED, evidence=EVIDENCE) == ""
    assert (head(log).disputed_by, head(log).unanswered_since) == ("lender-3", log.logged_at)


def test_a_dispute_is_taken_back_by_who_opened_it(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-3", **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-1", **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-2", **WITHDRAWN) == ""
    # What was taken back was never answered: it may be disputed again as before.
    assert said(log, "lender-3", DISPUTED) == ""


def test_a_dispute_that_others_have_joined_ends_by_an_answer_alone(log: HandmadeLog) -> None:
    assert said(log, "lender-3", DISPUTED) == ""
    assert said(log, "lender-2", DISPUTED, evidence=EVIDENCE) == ""
    for author in ("lender-2", "lender-3"):
        assert said(log, author, **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-1", **CONFIRMED) == ""


def test_an_issuer_that_disputes_its_own_record_takes_nothing_back(log: HandmadeLog) -> None:
    assert said(log, "lender-1", DISPUTED) == ""
    assert said(log, "lender-1", **WITHDRAWN) == "annotation.withdrawn"
    since = head(log).unanswered_since
    assert said(log, "lender-2", DISPUTED, code="paid") == "annotation.code-kept"
    assert said(log, "lender-2", DISPUTED) == ""
    assert (head(log).disputed_by, head(log).unanswered_since) == ("lender-2", since)
    assert said(log, "lender-1", DISPUTED, code="frivolous") == "annotation.code-kept"
    assert said(log, "lender-1", **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-2", **WITHDRAWN) == ""


def test_a_restriction_by_silence_ends_with_an_answer(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert said(log, "lender-1", DISPUTED) == "annotation.restricted-answer"
    assert said(log, "lender-1", **CONFIRMED) == ""
    assert head(log).flags == ()


def test_what_was_answered_needs_evidence_after_a_withdrawal_too(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-1", **CONFIRMED) == ""
    assert said(log, "lender-2", DISPUTED, evidence=EVIDENCE) == ""
    assert said(log, "lender-2", **WITHDRAWN) == ""
    assert said(log, "lender-2", DISPUTED) == "annotation.reopened"


def test_nobody_rewrites_what_another_has_stated(log: HandmadeLog) -> None:
    text = {"text_commitment": bytes(31) + b"1", "disclosure_digest": bytes(32)}
    other = {"text_commitment": bytes(31) + b"2", "disclosure_digest": bytes(32)}
    statement = AnnotationFlag.STATEMENT
    assert said(log, "lender-2", statement, **text) == ""
    for author in ("lender-1", "lender-3"):
        assert said(log, author) == "annotation.statement-kept"
        assert said(log, author, statement, **other) == "annotation.statement-kept"
        assert said(log, author, statement, **text) == ""
    assert head(log).stated_by == "lender-2"
    assert said(log, "lender-2", statement, **other) == ""
    assert said(log, "lender-2") == ""
    assert head(log).stated_by == ""


def test_a_suspended_member_answers_and_says_nothing_else(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.act(StateBody("lender-3", InstitutionStatus.SUSPENDED))
    assert said(log, "lender-3", DISPUTED) == "institution.state"
    assert said(log, "lender-1", **CONFIRMED) == ""


def test_without_a_dispute_there_is_nothing_to_answer(log: HandmadeLog) -> None:
    for outcome in (CONFIRMED, CORRECTED, WITHDRAWN):
        assert said(log, "lender-1", **outcome) == "annotation.outcome"
    assert said(log, "lender-1", DISPUTED, **UNCONFIRMED) == "annotation.outcome"


@pytest.mark.parametrize(
    ("flags", "changes", "rule"),
    [
        pytest.param((DISPUTED,), CONFIRMED, "outcome.flags", id="confirmed and disputed"),
        pytest.param((), UNCONFIRMED, "outcome.flags", id="unconfirmed and not disputed"),
        pytest.param((), {**CONFIRMED, "evidence": ()}, "outcome.evidence", id="an answer without evidence"),
        pytest.param((DISPUTED,), {"evidence": EVIDENCE * 2}, "evidence.order", id="the same document twice"),
        pytest.param((DISPUTED,), {"evidence": (b"short",)}, "evidence.length", id="no digest"),
        pytest.param(
            (DISPUTED,),
            {"evidence": tuple(bytes([at]) * 32 for at in range(17))},
            "evidence.order",
            id="too many documents",
        ),
    ],
)
def test_an_annotation_that_contradicts_itself_is_no_annotation(
    log: HandmadeLog, flags: tuple[AnnotationFlag, ...], changes: dict[str, object], rule: str
) -> None:
    log.annotate("lender-2", "lender-1", "debt", DISPUTED)
    log.annotate("lender-1", "lender-1", "debt", *flags, **changes)
    complaint = log.complaints.pop()[1]
    assert isinstance(complaint, FormatError)
    assert complaint.rule == rule


def test_an_annotation_keeps_outcome_and_evidence(log: HandmadeLog) -> None:
    annotation = Annotation("r", "a", "b", KEY.record_id, 1, b"", (), "", b"", b"", 1, **CONFIRMED)
    assert Annotation.parse(annotation.encode()) == annotation
    assert log.state.chains[KEY].annotation is None


CALENDAR = Rulebook(
    holidays=("2024-10-01", "2024-10-02", "2024-10-03", "2024-10-04", "2024-10-07"),
    workdays=("2024-09-29", "2024-10-12"),
)


@pytest.mark.parametrize(
    ("begun", "due"),
    [
        ("2024-03-01", "2024-03-21"),
        ("2024-02-10", "2024-03-01"),
        # A Sunday.
        ("2024-03-04", "2024-03-25"),
        # In the National Day holiday.
        ("2024-09-11", "2024-10-08"),
        # A Sunday and a Saturday on which people work.
        ("2024-09-09", "2024-09-29"),
        ("2024-09-22", "2024-10-12"),
    ],
)
def test_a_period_ends_on_a_working_day(begun: str, due: str) -> None:
    end = last_day(date.fromisoformat(begun), 20, CALENDAR)
    assert end == date.fromisoformat(due)
    assert is_working_day(end, CALENDAR)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"holidays": ("2024-10-05",)}, "holidays.weekday"),
        ({"workdays": ("2024-10-04",)}, "workdays.weekday"),
        ({"holidays": ("2024-10-02", "2024-10-01")}, "holidays.order"),
        ({"holidays": ("2024-10-1",)}, "holidays.date"),
        ({"holidays": CALENDAR.holidays, "workdays": CALENDAR.workdays}, ""),
    ],
)
def test_a_calendar_names_free_weekdays_and_worked_weekends(changes: dict[str, tuple[str, ...]], rule: str) -> None:
    rulebook = Rulebook(**changes)  # type: ignore[arg-type]  # the test names fields
    if not rule:
        assert Rulebook.of(rulebook.message()) == rulebook
        return
    with pytest.raises(FormatError) as caught:
        Rulebook.of(rulebook.message())
    assert caught.value.rule == rule
