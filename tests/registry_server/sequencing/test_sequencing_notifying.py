"""Notices: who hears of which leaf, exactly once, whatever dies or races; and acknowledgements, each logged once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import EndingBody, StateBody, SuccessionBody
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    Kind,
    LapseKind,
    NoticeReason,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.submission import Submission
from registry_server.sequencing.items import ItemOutcome, LapseItem, StatementItem
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.submit import Submitting
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.disputes import CORRECTED, UNCONFIRMED
from tests.support.notices import acknowledgement, as_shown, show, told
from tests.support.production import BREACH
from tests.support.registry_world import DAY_MS, World, accept
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.kernel.formats.statement import RecordKey
    from registry_server.sequencing.items import Item, Result
    from registry_server.sequencing.ledger import Ledger

DISPUTED, RESTRICTED = AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED
ASKER = "lender-2"


@pytest.fixture
def world() -> World:
    return World(Rulebook(correction_days=10))


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
        assert fsck(opened.database).findings == []
    reverify(database_url)


def reported(world: World, ledger: Ledger, name: str) -> RecordKey:
    accept(ledger, world.report("lender-1", name))
    return world.key("lender-1", name)


def correct(world: World, ledger: Ledger, name: str, days: int = 59) -> int:
    """Report something else of the same day; return the leaf's index."""
    facts = samples.DEFAULT
    before = world.newest[world.key("lender-1", name)].facts
    if before is not None:
        facts = replace(facts, debt=before.debt)
    accept(ledger, world.report("lender-1", name, facts=replace(facts, days_past_due=days)))
    return newest_of(ledger, world.key("lender-1", name))


def newest_of(ledger: Ledger, key: RecordKey) -> int:
    (shown,) = as_shown(ledger, key)
    return shown.leaf_index


def append(ledger: Ledger, item: Item) -> Result:
    (result,) = ledger.append([item]).result().results
    return result


def checked(ledger: Ledger, submission: pb.Submission) -> StatementItem:
    """What may be appended of a submission."""
    signer = Statement.parse(submission.statement.payload).signer
    (item,) = Submitting(ledger).prepare(signer, [Submission.of(submission)]).checked
    assert isinstance(item, StatementItem)
    return item


def logged(ledger: Ledger, item: Item) -> int:
    place = append(ledger, item).place
    assert place is not None
    return place.leaf_index


def test_each_cause_is_told_once_to_who_was_shown_the_record(world: World, ledger: Ledger) -> None:
    keys = {name: reported(world, ledger, name) for name in ("corrected", "withdrawn", "restricted", "updated")}
    accept(ledger, world.report("lender-1", "default"))
    accept(
        ledger, world.report("lender-1", "suit", kind=Kind.JUDGMENT, person="person of default", facts=samples.JUDGMENT)
    )
    keys["suit"] = world.key("lender-1", "suit")
    for attempt in ("first", "second"):
        show(ledger, ASKER, attempt, *keys.values())
    expected = [(correct(world, ledger, "corrected"), NoticeReason.CORRECTED)]
    for name, standing, reason in (
        ("withdrawn", Standing.WITHDRAWN, NoticeReason.WITHDRAWN),
        ("suit", Standing.SET_ASIDE, NoticeReason.SET_ASIDE),
    ):
        accept(ledger, world.report("lender-1", name, standing))
        expected.append((newest_of(ledger, keys[name]), reason))
    index = logged(ledger, world.annotate("lender-1", keys["restricted"], RESTRICTED))
    expected.append((index, NoticeReason.RESTRICTED))
    # An update, and what restricts no further, are told to nobody.
    accept(ledger, world.report("lender-1", "updated", Standing.CURED))
    assert told(ledger, ASKER) == expected
    assert told(ledger, "lender-1") == told(ledger, "lender-3") == []


def test_silence_restricts_and_is_told_to_askers_and_a_dispute_to_the_furnisher(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "silent")
    dispute = world.annotate("lender-3", key, DISPUTED)
    opened = logged(ledger, dispute)
    # A second word in the same dispute is no second dispute.
    logged(ledger, world.annotate(ASKER, key, DISPUTED, before=dispute))
    assert told(ledger, "lender-1") == [(opened, NoticeReason.DISPUTED)]
    for day in range(24):
        world.clock.now += DAY_MS - 1
        ledger.heartbeat().result()
        if day == 20:
            show(ledger, ASKER, "asked", key)
    Housekeeping(ledger).tidy()
    (shown,) = as_shown(ledger, key)
    assert told(ledger, ASKER) == [(shown.annotation_index, NoticeReason.RESTRICTED)]
    assert told(ledger, "lender-1") == [(opened, NoticeReason.DISPUTED)]
    assert append(ledger, LapseItem(key, LapseKind.RESTRICTED, "again")).outcome is ItemOutcome.REFUSED
    assert len(told(ledger, ASKER)) == 1


def test_a_breach_is_told_to_the_members_that_it_concerns_and_acknowledged(world: World, ledger: Ledger) -> None:
    breach = replace(BREACH, noticed_at=world.clock())
    world.decide(ledger, breach)
    first = ledger.directory.newest_act
    # What is noticed later than now is logged at no time.
    complaint = append(ledger, world.act(ledger, replace(breach, noticed_at=world.clock() + DAY_MS))).complaint
    assert complaint is not None
    assert (complaint.reason, complaint.rule) == ("BREACH_INVALID", "breach.noticed")
    world.decide(ledger, StateBody("lender-3", InstitutionStatus.TERMINATED))
    world.decide(ledger, replace(breach, members=()))
    second = ledger.directory.newest_act
    one, other = (first, NoticeReason.BREACH), (second, NoticeReason.BREACH)
    assert [told(ledger, member) for member in ("lender-1", ASKER, "lender-3")] == [[one, other], [other], [one]]
    assert told(ledger, "admin-1") == []
    logged(ledger, acknowledgement(ledger, "lender-1", *one))
    assert told(ledger, "lender-1") == [other]


def test_a_dispute_is_told_to_the_successor_and_to_nobody_where_there_is_none(world: World, ledger: Ledger) -> None:
    taken, left = reported(world, ledger, "taken"), reported(world, ledger, "left")
    world.decide(ledger, SuccessionBody("lender-1", "lender-3", "merger"))
    index = logged(ledger, world.annotate(ASKER, taken, DISPUTED))
    assert told(ledger, "lender-3") == [(index, NoticeReason.DISPUTED)]
    world.decide(ledger, EndingBody("lender-1", "bankruptcy"))
    logged(ledger, world.annotate(ASKER, left, DISPUTED))
    assert told(ledger, "lender-1") == []
    assert len(told(ledger, "lender-3")) == 1


def test_an_answer_tells_those_whom_no_version_told(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "answered")
    show(ledger, ASKER, "before", key)
    dispute = world.annotate("lender-3", key, DISPUTED)
    logged(ledger, dispute)
    later = replace(samples.DEFAULT, as_of=samples.TODAY, debt=world.newest[key].facts.debt)  # type: ignore[union-attr]  # a default has facts
    accept(ledger, world.report("lender-1", "answered", facts=replace(later, days_past_due=61)))
    show(ledger, "lender-3", "after", key)
    answer = logged(ledger, world.annotate("lender-1", key, before=dispute, **CORRECTED))
    assert told(ledger, ASKER) == [(answer, NoticeReason.CORRECTED)]
    # Who opened the dispute hears of its answer, whatever it was shown.
    assert told(ledger, "lender-3") == [(answer, NoticeReason.ANSWERED)]


def test_new_evidence_after_an_answer_is_a_dispute_to_be_told_of_again(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "unconfirmed")
    first = world.annotate(ASKER, key, DISPUTED)
    answer = world.annotate("lender-1", key, DISPUTED, before=first, **UNCONFIRMED)
    again = world.annotate(ASKER, key, DISPUTED, before=answer, evidence=(b"\x01" * 32,))
    indexes = [logged(ledger, item) for item in (first, answer, again)]
    assert [number for number, _ in told(ledger, "lender-1")] == [indexes[0], indexes[2]]


def test_the_window_ends_to_the_millisecond(world: World, ledger: Ledger) -> None:
    keys = [reported(world, ledger, name) for name in ("within", "too late")]
    world.clock.now += 1
    show(ledger, ASKER, "within", keys[0])
    world.clock.now -= 1
    show(ledger, ASKER, "too late", keys[1])
    for _ in range(10):
        world.clock.now += DAY_MS - 1
        ledger.heartbeat().result()
    world.clock.now += 11
    correct(world, ledger, "too late")
    index = correct(world, ledger, "within")
    assert told(ledger, ASKER) == [(index, NoticeReason.CORRECTED)]
    world.clock.now += 1
    correct(world, ledger, "within", 58)
    assert told(ledger, ASKER) == [(index, NoticeReason.CORRECTED)]


def test_a_suspended_member_is_told_and_a_terminated_one_is_not(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "loan")
    for asker in (ASKER, "lender-3"):
        show(ledger, asker, asker, key)
    world.set_state(ledger, ASKER, InstitutionStatus.SUSPENDED)
    world.set_state(ledger, "lender-3", InstitutionStatus.TERMINATED, "lender-1")
    index = correct(world, ledger, "loan")
    assert told(ledger, ASKER) == [(index, NoticeReason.CORRECTED)]
    # Nor is its successor, who asked nothing.
    assert told(ledger, "lender-3") == told(ledger, "lender-1") == []
    assert append(ledger, acknowledgement(ledger, ASKER, *told(ledger, ASKER)[0])).outcome is ItemOutcome.ACCEPTED


def test_with_the_inquiry_goes_all_that_came_of_it(world: World, ledger: Ledger) -> None:
    for name in ("corrected", "kept"):
        show(ledger, ASKER, name, reported(world, ledger, name))
    correct(world, ledger, "corrected")
    logged(ledger, world.annotate(ASKER, world.key("lender-1", "kept"), DISPUTED))
    assert len(told(ledger, ASKER)) == len(told(ledger, "lender-1")) == 1
    world.clock.now += 5 * 366 * DAY_MS
    world.confirm_clock(ledger)
    Housekeeping(ledger).tidy()
    assert len(told(ledger, ASKER)) == len(told(ledger, "lender-1")) == 1
    world.clock.now += 1
    Housekeeping(ledger).tidy()
    assert told(ledger, ASKER, waiting=False) == told(ledger, "lender-1", waiting=False) == []
    with ledger.view() as view:
        rows = view.work.connection.exec_driver_sql("SELECT count(*) FROM shown").scalar_one()
    assert rows == 0


def test_who_was_shown_what_is_forgotten_with_the_record(world: World, ledger: Ledger) -> None:
    kept, withdrawn, erased, sold = (reported(world, ledger, name) for name in ("kept", "withdrawn", "erased", "sold"))
    show(ledger, ASKER, "all", kept, withdrawn, erased, sold)
    accept(ledger, world.report("lender-1", "withdrawn", Standing.WITHDRAWN))
    world.erase(ledger, erased)
    for submission in sale(world, "sold"):
        accept(ledger, submission)
    with ledger.view() as view:
        rows = view.work.connection.exec_driver_sql("SELECT record FROM shown ORDER BY record").scalars().all()
    left = [*as_shown(ledger, kept), *as_shown(ledger, world.key("lender-3", "sold of lender-3"))]
    assert rows == [shown.record for shown in left]


def sale(world: World, name: str, seller: str = "lender-1", buyer: str = "lender-3") -> list[pb.Submission]:
    """A record's last version, and the first one of the record of its buyer."""
    sold = world.key(seller, name)
    contract = world.newest[sold].facts.debt.contract  # type: ignore[union-attr]  # a default has facts
    person = name.partition(" of ")[0]
    return [
        world.report(seller, name, Standing.TRANSFERRED, transferee=buyer),
        world.report(buyer, f"{person} of {buyer}", person=f"person of {person}", contract=contract, continues=sold),
    ]


@pytest.mark.parametrize(("first_day", "notices"), [("2025-06-02", []), ("2025-06-01", [NoticeReason.CORRECTED])])
def test_who_was_shown_a_sold_record_hears_of_what_its_buyer_corrects(
    world: World, ledger: Ledger, first_day: str, notices: list[NoticeReason]
) -> None:
    facts = replace(samples.DEFAULT, first_delinquency_on=date(2025, 6, 2))
    accept(ledger, world.report("lender-1", "sold", facts=facts))
    sold = world.key("lender-1", "sold")
    show(ledger, ASKER, "before", sold)
    gone = replace(facts, ended_on=facts.as_of)
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, facts=gone, transferee="lender-3"))
    bought = replace(facts, first_delinquency_on=date.fromisoformat(first_day))
    accept(ledger, world.report("lender-3", "bought", person="person of sold", facts=bought, continues=sold))
    assert [reason for _, reason in told(ledger, ASKER)] == notices
    assert told(ledger, "lender-3") == []


@pytest.mark.parametrize("together", [False, True])
def test_who_was_shown_a_record_hears_of_the_one_that_continues_it(
    world: World, ledger: Ledger, *, together: bool
) -> None:
    sold = reported(world, ledger, "sold")
    show(ledger, ASKER, "before", sold)
    restricted = world.annotate("lender-1", sold, RESTRICTED)
    sales = [*sale(world, "sold"), *sale(world, "sold of lender-3", "lender-3", "lender-1")]
    bought = world.key("lender-1", "sold of lender-1")
    ended = world.report("lender-1", "sold of lender-1", Standing.WITHDRAWN)
    items: list[Item] = [restricted, *(checked(ledger, submission) for submission in (*sales, ended))]
    results = ledger.append(items).result().results if together else [append(ledger, item) for item in items]
    assert [result.complaint for result in results] == [None] * len(items)
    first, last = results[0].place, results[-1].place
    assert first is not None
    assert last is not None
    assert told(ledger, ASKER) == [
        (first.leaf_index, NoticeReason.RESTRICTED),
        (last.leaf_index, NoticeReason.WITHDRAWN),
    ]
    assert newest_of(ledger, bought) == last.leaf_index
    with ledger.view() as view:
        assert view.work.connection.exec_driver_sql("SELECT count(*) FROM shown").scalar_one() == 0


def test_an_answer_that_was_overtaken_is_not_kept(world: World, ledger: Ledger) -> None:
    keys = [reported(world, ledger, name) for name in ("version", "annotation", "erasure")]
    before = as_shown(ledger, *keys)
    correct(world, ledger, "version")
    logged(ledger, world.annotate("lender-1", keys[1], RESTRICTED))
    world.erase(ledger, keys[2])
    for number, shown in enumerate(before):
        result = show(ledger, ASKER, f"late {number}", shown=(shown,))
        assert result.overtaken
        with ledger.view() as view:
            assert view.inquiry(ASKER, World.inquiry(ASKER, f"late {number}").inquiry_id) is None
    assert told(ledger, ASKER) == []
    assert not show(ledger, ASKER, "in time", keys[0], keys[1]).overtaken


def test_a_repeated_inquiry_counts_as_the_first_one(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "loan")
    assert not show(ledger, ASKER, "same", key).repeated
    correct(world, ledger, "loan")
    assert show(ledger, ASKER, "same", key).repeated
    index = correct(world, ledger, "loan", 58)
    assert [number for number, _ in told(ledger, ASKER)][-1] == index
    with ledger.view() as view:
        assert {one.inquiry_id for one in view.notices(ASKER, 0, 10, waiting=True)} == {
            World.inquiry(ASKER, "same").inquiry_id
        }


def test_an_acknowledgement_is_logged_once(world: World, ledger: Ledger) -> None:
    key = reported(world, ledger, "loan")
    show(ledger, ASKER, "asked", key)
    correct(world, ledger, "loan")
    (notice,) = told(ledger, ASKER)
    item = acknowledgement(ledger, ASKER, *notice)
    both = ledger.append([item, item]).result().results
    again = append(ledger, item)
    assert [result.outcome for result in (*both, again)] == [
        ItemOutcome.ACCEPTED,
        ItemOutcome.REPEATED,
        ItemOutcome.REPEATED,
    ]
    assert len({result.place.leaf for result in (*both, again) if result.place is not None}) == 1
    assert told(ledger, ASKER) == []
    assert told(ledger, ASKER, waiting=False) == [notice]
    wrong = replace(item, opening=b"\x05" * 32)
    assert append(ledger, wrong).outcome is ItemOutcome.REPEATED


@pytest.mark.parametrize("change", ["opening", "number", "member"])
def test_an_acknowledgement_of_something_else_is_refused(world: World, ledger: Ledger, change: str) -> None:
    key = reported(world, ledger, "loan")
    show(ledger, ASKER, "asked", key)
    correct(world, ledger, "loan")
    item = acknowledgement(ledger, ASKER, *told(ledger, ASKER)[0])
    match change:
        case "opening":
            refused, reason = append(ledger, replace(item, opening=b"\x05" * 32)), "COMMITMENT_MISMATCH"
        case "number":
            refused, reason = append(ledger, replace(item, number=item.number - 1)), "NOTICE_UNKNOWN"
        case _:
            foreign = acknowledgement(ledger, "lender-3", *told(ledger, ASKER)[0])
            refused, reason = append(ledger, foreign), "NOTICE_UNKNOWN"
    assert refused.complaint is not None
    assert refused.complaint.reason == reason
    assert len(told(ledger, ASKER)) == 1


def test_no_race_between_asking_and_correcting_loses_a_notice(database_url: str) -> None:
    """Every asker is told of exactly the versions after the one that it was shown; on PostgreSQL by two processes."""
    world = World()
    askers = [f"asker-{number}" for number in range(12)]
    with ExitStack() as opened:
        ledger = opened.enter_context(world.ledger(database_url))
        other = opened.enter_context(world.ledger(database_url)) if "postgresql" in database_url else ledger
        for asker in askers:
            world.enrol_lender(ledger, asker, Role.LENDER)
        key = reported(world, ledger, "loan")
        corrections, seen = [newest_of(ledger, key)], dict[str, int]()

        def ask() -> None:
            for asker in askers:
                while True:
                    shown = as_shown(other, key)
                    if not show(other, asker, asker, shown=shown).overtaken:
                        seen[asker] = shown[0].leaf_index
                        break

        asking = threading.Thread(target=ask)
        asking.start()
        corrections += [correct(world, ledger, "loan", 30 + step) for step in range(25)]
        asking.join(60)
        assert len(seen) == len(askers)
        for asker in askers:
            later = [index for index in corrections if index > seen[asker]]
            assert [number for number, _ in told(ledger, asker)] == later
        assert fsck(ledger.database).findings == []
    reverify(database_url)


def test_many_notices_of_one_member_are_read_page_by_page(world: World, ledger: Ledger) -> None:
    names = [f"loan {number}" for number in range(100)]
    for start in range(0, len(names), 100):
        accept(ledger, *(world.report("lender-1", name) for name in names[start : start + 100]))
    keys = [world.key("lender-1", name) for name in names]
    show(ledger, ASKER, "portfolio", *keys)
    show(ledger, "lender-3", "one", keys[0])
    for days in range(10):
        facts = [replace(samples.DEFAULT, days_past_due=40 + days, debt=world.newest[key].facts.debt) for key in keys]  # type: ignore[union-attr]  # each has facts
        for start in range(0, len(names), 100):
            batch = zip(names[start : start + 100], facts[start : start + 100], strict=True)
            accept(ledger, *(world.report("lender-1", name, facts=one) for name, one in batch))
    with ledger.view() as view:
        assert view.waiting_notices(ASKER) == 1_000
        assert view.waiting_notices("lender-3") == 10
        page = view.notices(ASKER, 0, 257, waiting=True)
        rest = view.notices(ASKER, page[-1].leaf_index, 10_000, waiting=True)
    assert len(page) == 257
    numbers = [one.leaf_index for one in (*page, *rest)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 1_000
