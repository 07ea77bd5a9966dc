"""What a registry tries that holds the log's key, to have a record restricted that nobody may restrict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import TIME_END_MS, LapseLeaf, parse_leaf
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import check, listed_log, refused
from tests.support.disputes import CONFIRMED, RECEIPT, UNCONFIRMED
from tests.support.handmade_evidence import AnsweringRegistry, pseudonym
from tests.support.handmade_log import DAY_MS, HandmadeLog


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


def restricted(log: HandmadeLog, days: int = 21) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(days * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)


def test_a_lapse_shows_what_it_rests_on(log: HandmadeLog) -> None:
    restricted(log)
    assert not log.complaints
    answer = check(log, AnsweringRegistry(log).answer("lender-3", "listed"))
    shown = answer.persons[0].records[0].annotation
    assert shown is not None
    assert shown.flags == (AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED)


def test_nobody_but_the_furnisher_stops_the_clock_of_a_dispute(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(10 * DAY_MS)
    for helper in ("lender-3", "lender-2"):
        log.annotate(helper, "lender-1", "debt")
        complaint = log.complaints.pop()[1]
        assert isinstance(complaint, RuleError)
        assert complaint.rule == "annotation.disputed-kept"
    log.wait(11 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    log.annotate("lender-1", "lender-1", "debt", **CONFIRMED)
    assert not log.complaints


def test_a_lapse_before_its_time_is_refused(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(20 * DAY_MS)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.early"


def _show_lapse(log: HandmadeLog, shown: AnsweringRegistry, **changes: object) -> None:
    """Show a lapse that replay refuses, after the annotations so far."""
    index = log.lapse("lender-1", "debt", LapseKind.RESTRICTED, **changes)
    shown.records[pseudonym("listed")][0].annotations.append(shown.annotation(index))


def test_a_lapse_of_another_registry_is_refused(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(30 * DAY_MS)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry, registry="other.example")
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.registry"


def test_an_annotation_of_another_registry_is_refused(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    index = log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.RESTRICTED, registry="other.example")
    registry.records[pseudonym("listed")][0].annotations.append(registry.annotation(index))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.registry"


def test_the_last_time_of_all_is_a_day(log: HandmadeLog) -> None:
    # The registry's time zone is ahead of UTC, and a period follows: never an error of another kind.
    log.logged_at = TIME_END_MS - 1
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.early"


@pytest.mark.parametrize("logged_at", [TIME_END_MS, 253_402_300_799_000, 2**64 - 1])
def test_times_past_every_calendar_are_refused(log: HandmadeLog, logged_at: int) -> None:
    with pytest.raises(FormatError):
        parse_leaf(replace(parse_leaf(log.leaves[-1]), logged_at=logged_at).encode())


def test_a_lapse_rests_on_the_rulebook_of_the_registry(log: HandmadeLog) -> None:
    restricted(log)
    evidence = AnsweringRegistry(log).answer("lender-3", "listed")
    evidence.rulebook = Rulebook(dispute_days=1).encode()
    assert refused(log, evidence).rule == "rulebook.digest"
    evidence.rulebook = b""
    assert refused(log, evidence).rule == "rulebook.needed"


def test_an_answered_dispute_does_not_lapse(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(DAY_MS)
    log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.DISPUTED, **UNCONFIRMED)
    log.wait(30 * DAY_MS)
    registry = AnsweringRegistry(log)
    first, second = log.leaves[-2:], registry.records[pseudonym("listed")][0]
    assert len(first) == len(second.annotations) + 1
    second.annotations.insert(0, registry.annotation(len(log.leaves) - 2))
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.answered"


def test_a_link_of_the_chain_is_not_left_out(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.DISPUTED, **UNCONFIRMED)
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED, evidence=RECEIPT)
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert not log.complaints
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-3", "listed"))
    registry.records[pseudonym("listed")][0].annotations.insert(0, registry.annotation(len(log.leaves) - 4))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.chain"


def test_a_lapse_signed_by_nobody_cannot_stand_alone(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry, number=1, previous=b"")
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.lapse"


def test_an_erasing_lapse_is_no_annotation(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    registry = AnsweringRegistry(log)
    index = log.lapse("lender-1", "debt", LapseKind.ERASED)
    assert isinstance(parse_leaf(log.leaves[index]), LapseLeaf)
    registry.records[pseudonym("listed")][0].annotations.append(registry.annotation(index))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.lapse"
