"""Disputes: who opens, answers and ends them, and what that takes (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import RulebookBody, StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import Annotation, RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, InstitutionStatus, LapseKind, Standing
from client_sdk.kernel.ledger.annotating import MAX_DOCUMENTS
from client_sdk.kernel.ledger.history import read_history
from client_sdk.kernel.rules.calendar import is_working_day, last_day
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import check, listed_log
from tests.support.disputes import CONFIRMED, CORRECTED, EVIDENCE, RECEIPT, UNCONFIRMED, WITHDRAWN
from tests.support.evidence_maker import make_evidence
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
    assert (head(log).flags, head(log).waits, head(log).due_on) == ((), False, "")


def test_who_is_not_the_issuer_answers_nothing(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    for author in ("lender-2", "lender-3"):
        assert said(log, author, **CONFIRMED) == "annotation.answer"
        assert said(log, author, DISPUTED, **UNCONFIRMED) == "annotation.answer"
    assert head(log).waiting_from


def test_an_issuer_that_only_repeats_the_dispute_does_not_stop_its_clock(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    since = head(log).waiting_from
    assert said(log, "lender-1", DISPUTED) == ""
    assert head(log).waiting_from == since
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
    assert (head(log).disputed, head(log).waits) == (True, False)
    assert said(log, "lender-3", DISPUTED) == ""
    assert head(log).waiting_from == 0
    assert said(log, "lender-3", DISPUTED, evidence=RECEIPT) == ""
    assert head(log).waiting_from == head(log).number
    assert (head(log).disputed_by, head(log).disputed_jointly) == ("lender-2", True)


def test_a_dispute_that_was_answered_is_opened_again_with_evidence_only(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-1", **CONFIRMED) == ""
    assert said(log, "lender-3", DISPUTED) == "annotation.reopened"
    assert said(log, "lender-3", DISPUTED, evidence=RECEIPT) == ""
    assert (head(log).disputed_by, head(log).waiting_from) == ("lender-3", head(log).number)


def test_a_dispute_is_taken_back_by_who_opened_it(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    assert said(log, "lender-3", **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-1", **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-2", **WITHDRAWN) == ""
    # What was taken back was never answered: it may be disputed again as before.
    assert said(log, "lender-3", DISPUTED) == ""


def test_a_dispute_that_others_have_joined_ends_by_an_answer_alone(log: HandmadeLog) -> None:
    assert said(log, "lender-3", DISPUTED) == ""
    assert said(log, "lender-2", DISPUTED, evidence=RECEIPT) == ""
    for author in ("lender-2", "lender-3"):
        assert said(log, author, **WITHDRAWN) == "annotation.withdrawn"
    assert said(log, "lender-1", **CONFIRMED) == ""


def test_an_issuer_that_disputes_its_own_record_takes_nothing_back(log: HandmadeLog) -> None:
    assert said(log, "lender-1", DISPUTED) == ""
    assert said(log, "lender-1", **WITHDRAWN) == "annotation.withdrawn"
    since = head(log).waiting_from
    assert said(log, "lender-2", DISPUTED, code="paid") == "annotation.code-kept"
    assert said(log, "lender-2", DISPUTED) == ""
    assert (head(log).disputed_by, head(log).waiting_from) == ("lender-2", since)
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
    assert said(log, "lender-2", DISPUTED, evidence=RECEIPT) == ""
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
        pytest.param((DISPUTED,), {"evidence": (bytes(32),)}, "digest.document", id="a document that is not there"),
        pytest.param((DISPUTED,), {"evidence": (b"short",)}, "evidence.length", id="no digest"),
        pytest.param(
            (DISPUTED,),
            {"evidence": tuple(bytes([at]) * 32 for at in range(1, 18))},
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


def sell(log: HandmadeLog) -> RecordKey:
    """Let lender-2 buy the debt; return the record that continues it."""
    log.say("lender-1", "debt", Standing.TRANSFERRED, "listed", transferee="lender-2")
    log.say("lender-2", "bought", subject="listed", continues=KEY)
    assert not log.complaints
    return RecordKey("lender-2", record_id("bought"))


def shown_flags(log: HandmadeLog) -> tuple[AnnotationFlag, ...]:
    log.head()
    (record,) = check(log, make_evidence(log, "lender-3", ["listed"])).persons[0].records
    assert record.annotation is not None
    return record.annotation.flags


def test_a_sale_carries_a_dispute_over_with_its_last_day_and_its_text(log: HandmadeLog) -> None:
    text = {"text_commitment": bytes(31) + b"1", "disclosure_digest": bytes(32)}
    assert said(log, "lender-3", DISPUTED, AnnotationFlag.STATEMENT, code="paid", **text) == ""
    before = head(log)
    bought = log.state.chains[sell(log)]
    carried = bought.annotation
    assert carried is not None
    assert (carried.number, carried.index, carried.leaf_hash) == (2, bought.index, bought.leaf_hash)
    assert (carried.flags, carried.code, carried.due_on) == (before.flags, "paid", before.due_on)
    assert (carried.text_commitment, carried.first, carried.shown_from) == (text["text_commitment"], before.index, 1)
    assert said(log, "lender-1", **CONFIRMED) == "record.live"
    log.annotate("lender-1", "lender-2", "bought", AnnotationFlag.STATEMENT, **CONFIRMED, **text)
    assert getattr(log.complaints.pop()[1], "rule", "") == "annotation.answer"
    log.annotate("lender-2", "lender-2", "bought", AnnotationFlag.STATEMENT, **CONFIRMED, **text)
    assert not log.complaints


def test_evidence_shows_what_a_sale_has_carried_over(log: HandmadeLog) -> None:
    assert said(log, "lender-3", DISPUTED) == ""
    bought = sell(log)
    assert shown_flags(log) == (DISPUTED,)
    # Sold on, and updated: the map still names the last first version.
    log.say("lender-2", "bought", Standing.TRANSFERRED, "listed", transferee="lender-3")
    log.say("lender-3", "bought again", subject="listed", continues=bought)
    log.say("lender-3", "bought again", subject="listed")
    assert shown_flags(log) == (DISPUTED,)
    log.wait(30 * DAY_MS)
    log.lapse("lender-3", "bought again", LapseKind.RESTRICTED)
    assert not log.complaints
    assert shown_flags(log) == (DISPUTED, AnnotationFlag.RESTRICTED)


def test_evidence_shows_a_restriction_that_came_before_the_sale(log: HandmadeLog) -> None:
    assert said(log, "lender-3", DISPUTED) == ""
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    sell(log)
    assert shown_flags(log) == (DISPUTED, AnnotationFlag.RESTRICTED)


@pytest.mark.parametrize("lie", ["left out", "of another debt", "nothing before it"])
def test_evidence_that_breaks_the_way_of_a_sale_is_refused(log: HandmadeLog, lie: str) -> None:
    log.say("lender-1", "other", subject="another person")
    log.annotate("lender-3", "lender-1", "other", DISPUTED)
    assert said(log, "lender-3", DISPUTED) == ""
    sell(log)
    log.head()
    evidence = make_evidence(log, "lender-3", ["listed"])
    shown = evidence.persons[0].subjects[0].records[0].annotations
    if lie == "left out":
        del shown[1]
    elif lie == "nothing before it":
        del shown[0]
    else:
        index = log.annotations[RecordKey("lender-1", record_id("other"))][0]
        shown[0].index, shown[0].leaf = index, log.leaves[index]
    with pytest.raises(FormatError) as refused:
        check(log, evidence)
    assert refused.value.part == "annotation"


def test_evidence_that_was_named_before_opens_nothing_again(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED, evidence=RECEIPT) == ""
    assert said(log, "lender-1", **CONFIRMED) == ""
    for old in (RECEIPT, EVIDENCE):
        assert said(log, "lender-2", DISPUTED, evidence=old) == "annotation.reopened"
    both = tuple(sorted((*RECEIPT, b"\xa5" * 32)))
    assert said(log, "lender-2", DISPUTED, evidence=both) == ""
    assert said(log, "lender-1", DISPUTED, **UNCONFIRMED) == ""
    assert said(log, "lender-2", DISPUTED, evidence=both) == "annotation.reopened"
    assert not head(log).waits


def test_a_chain_remembers_its_newest_documents(log: HandmadeLog) -> None:
    for at in range(17):
        named = tuple(bytes([at + 1, one]) * 16 for one in range(16))
        assert said(log, "lender-2", DISPUTED, evidence=named) == ""
    assert len(head(log).documents) == MAX_DOCUMENTS
    assert head(log).documents[0] == bytes([2, 0]) * 16


def test_holidays_that_are_decreed_later_move_the_end_of_no_running_dispute(log: HandmadeLog) -> None:
    assert said(log, "lender-2", DISPUTED) == ""
    due_on = date.fromisoformat(head(log).due_on)
    rulebook = log.state.directory.rulebook
    log.act(RulebookBody(replace(rulebook, holidays=(due_on.isoformat(),))))
    assert not log.complaints
    # A person's own report says the same day as the registry and the issuer.
    leaves = [(index, leaf) for index, leaf in enumerate(log.leaves) if KEY.record_id in leaf]
    assert read_history(leaves, KEY, log.state.directory).due_on == due_on
    log.wait((due_on.toordinal() - day_of(log.logged_at, rulebook.time_zone).toordinal()) * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert getattr(log.complaints.pop()[1], "reason", "") == "LAPSE_EARLY"
    log.wait(DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert not log.complaints
