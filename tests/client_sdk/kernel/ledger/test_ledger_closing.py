"""What an act that closes the registry may say, and what it forbids from its leaf on and after its last day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.closing import ClosingBody, SuccessorRegistry
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import ClosingWay, Kind, LapseKind, NoticeReason, Standing
from client_sdk.kernel.ledger.closing import check_not_closed, closed_by, is_over
from client_sdk.kernel.rules.errors import RuleError
from tests.support.closing_lies import closing
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed
from tests.support.naive import NaiveLog, naive_map_root

DESTROYED = ClosingBody(ClosingWay.DESTROY, "2026-03-31", "(2026) 41", seed("approval"))
TAKEN = replace(DESTROYED, way=ClosingWay.TRANSFER, successor=SuccessorRegistry("registry-2", seed("registry-2")))


def rule_of(body: ClosingBody) -> str:
    with pytest.raises(FormatError) as refused:
        Act.parse(Act(REGISTRY, 1, bytes(32), body).encode())
    return refused.value.rule


@pytest.mark.parametrize("body", [DESTROYED, TAKEN, replace(TAKEN, way=ClosingWay.HAND_OVER)])
def test_a_closing_act_is_read_as_it_was_written(body: ClosingBody) -> None:
    assert Act.parse(Act(REGISTRY, 1, bytes(32), body).encode()).body == body


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (replace(DESTROYED, open_until="2026-02-30"), "closing.open-until"),
        (replace(DESTROYED, open_until=""), "closing.open-until"),
        (replace(DESTROYED, approval=""), "closing.approval"),
        (replace(DESTROYED, approval_digest=bytes(31)), "closing.approval"),
        (replace(DESTROYED, way=ClosingWay.TRANSFER), "closing.successor"),
        (replace(DESTROYED, successor=TAKEN.successor), "closing.successor"),
        (replace(TAKEN, successor=SuccessorRegistry("", seed("x"))), "closing.successor"),
        (replace(TAKEN, successor=SuccessorRegistry("registry-2", b"short")), "closing.successor"),
    ],
)
def test_a_closing_act_without_one_of_its_parts_is_none(body: ClosingBody, rule: str) -> None:
    assert rule_of(body) == rule


@pytest.mark.parametrize(
    ("after", "rule"),
    [
        (replace(DESTROYED, open_until="2026-03-30"), "closing.earlier"),
        (replace(DESTROYED, open_until="2026-01-31"), "closing.day"),
        (TAKEN, "closing.order"),
        (replace(TAKEN, successor=SuccessorRegistry(REGISTRY, seed("own"))), "closing.successor"),
    ],
)
def test_members_keep_the_days_they_were_told_and_no_way_is_taken_back(after: ClosingBody, rule: str) -> None:
    before = closed_by(None, DESTROYED, 7, "2026-02-01", REGISTRY)
    with pytest.raises(RuleError) as refused:
        closed_by(before, after, 9, "2026-02-01", REGISTRY)
    assert (refused.value.reason, refused.value.rule) == ("CLOSING_INVALID", rule)


def test_a_successor_that_fails_is_followed_by_the_next_way_of_the_law() -> None:
    before = closed_by(None, TAKEN, 7, "2026-02-01", REGISTRY)
    after = closed_by(before, replace(DESTROYED, open_until="2026-04-30"), 9, "2026-02-01", REGISTRY)
    assert (after.since, after.place, after.body.way) == (7, 9, ClosingWay.DESTROY)
    assert is_over(after, "2026-05-01")
    assert not is_over(after, "2026-04-30")


@pytest.mark.parametrize(
    ("day", "opens", "rule"),
    [
        ("2026-03-31", False, ""),
        ("2026-03-31", True, "closing.new-record"),
        ("2026-04-01", False, "closing.last-day"),
        ("2026-04-01", True, "closing.last-day"),
    ],
)
def test_what_a_member_may_still_say(day: str, opens: bool, rule: str) -> None:  # noqa: FBT001 - a parameter
    check_not_closed(None, day, opens=opens)
    state = closed_by(None, DESTROYED, 7, "2026-02-01", REGISTRY)
    if not rule:
        check_not_closed(state, day, opens=opens)
        return
    with pytest.raises(RuleError) as refused:
        check_not_closed(state, day, opens=opens)
    assert (refused.value.reason, refused.value.rule) == ("REGISTRY_CLOSED", rule)


def test_a_debt_that_is_sold_goes_on_with_its_buyer_and_a_notice_is_acknowledged_at_any_time() -> None:
    log = HandmadeLog()
    log.say("lender-1", "sold")
    log.act(closing(log))
    log.say("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2")
    sold = RecordKey("lender-1", record_id("sold"))
    bought = log.say("lender-2", "bought", subject="person of sold", continues=sold)
    log.wait(3 * DAY_MS)
    log.acknowledge("lender-3", bought, NoticeReason.CORRECTED)
    log.head()
    assert not log.complaints
    naive = NaiveLog()
    naive.read(log.leaves)
    assert naive.wrong == {}


def test_what_a_lender_has_given_counts_until_the_registry_has_closed() -> None:
    log = HandmadeLog()
    log.say("lender-1", "running")
    log.say("lender-2", "long ago")
    log.wait((Rulebook().reciprocity_days - 1) * DAY_MS)
    log.say("lender-1", "other", kind=Kind.JUDGMENT)
    log.wait(2 * DAY_MS)
    log.act(closing(log, 200))
    last = closing(log, 200).open_until
    log.say("lender-1", "other", kind=Kind.JUDGMENT)
    log.head()
    assert not log.complaints
    given = {item.institution: item for item in log.state.directory.contributions.values()}
    assert given["lender-1"].given_on(Kind.JUDGMENT) == last
    # What had ended before does not begin again.
    assert given["lender-2"].given_on(Kind.DEFAULT) < last
    naive = NaiveLog()
    naive.read(log.leaves)
    entries = naive.map_entries({index: (subject, opening) for index, subject, opening in log.bindings()})
    assert log.state.head is not None
    assert log.state.head.map_root == naive_map_root(entries)


def test_what_is_held_is_changed_until_the_last_day_and_erased_after_it() -> None:
    log = HandmadeLog()
    log.say("lender-1", "kept")
    log.say("lender-1", "cured")
    log.act(closing(log))
    log.say("lender-1", "cured", Standing.CURED)
    assert not log.complaints
    log.wait(3 * DAY_MS)
    for name in ("kept", "cured"):
        log.lapse("lender-1", name, LapseKind.ERASED, ground="closing")
    assert not log.complaints
    assert list(log.state.live()) == []
