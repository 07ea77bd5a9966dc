"""The append: what is taken, what is refused, and that the whole log follows from its leaves after every step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.kernel.formats.act import Act, ErasureBody, RetireKeyServicesBody, RulebookBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import (
    REGISTRY_KEY,
    institution_key,
    records_value,
    state_value,
    subject_key,
)
from client_sdk.kernel.formats.map_proof import verify_keys
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, Kind, LapseKind, Standing
from client_sdk.kernel.rules.dates import day_of
from registry_server.sequencing.items import ItemOutcome, LapseItem
from tests.support.registry_world import DAY_MS, FACTS, LENDERS, World, accept, subject_of, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.sequencing.items import Item, Result
    from registry_server.sequencing.ledger import Ledger


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    # Whatever a test has done, what is stored follows from the leaves.
    reverify(database_url)


def reason(ledger: Ledger, *submissions: pb.Submission) -> str:
    """Why the last of some submissions is refused; those before it must be taken."""
    *before, last = submit(ledger, *submissions).results
    assert all(record.complaint is None for record in before)
    assert last.outcome is ItemOutcome.REFUSED
    assert last.complaint is not None
    return last.complaint.reason


def append(ledger: Ledger, *items: Item) -> list[Result]:
    return list(ledger.append(items).result().results)


def let_pass(ledger: Ledger, world: World, days: int) -> None:
    """Let days pass without a leaf, and log a HEAD."""
    world.clock.pass_days(days)
    ledger.heartbeat().result()


def violation(result: Result) -> str:
    assert result.complaint is not None
    return str(getattr(result.complaint, "reason", result.complaint))


def test_what_is_acknowledged_is_in_the_log_and_in_the_map(ledger: Ledger, world: World) -> None:
    sent = world.report("lender-1", "loan")
    done = submit(ledger, sent)
    place = done.results[0].place
    assert place is not None
    with ledger.view() as view:
        assert view.checkpoint == done.checkpoint
        verify_inclusion(leaf_hash(place.leaf), place.leaf_index, view.size, place.path, view.root)
        verify_inclusion(leaf_hash(view.head_leaf), view.size - 1, view.size, view.head_path, view.root)
        assert isinstance(parse_leaf(view.head_leaf), HeadLeaf)
        subject = subject_of("person of loan")
        ((found,),) = view.live_records([subject]).values()
        assert found.disclosure == sent.disclosure
        nobody = subject_of("nobody")
        held = {
            REGISTRY_KEY: state_value(view.registry_state),
            institution_key("lender-1"): state_value(view.institution_state("lender-1")),
            subject_key(subject): records_value([found.row.mapped]),
            subject_key(nobody): None,
        }
        verify_keys(view.head.map_root, held, view.map_proof(["lender-1"], [subject, nobody]))


def test_the_same_bytes_again_give_the_first_receipt(ledger: Ledger, world: World) -> None:
    sent = world.report("lender-1", "loan")
    first, again = submit(ledger, sent).results[0], submit(ledger, sent).results[0]
    assert (first.outcome, again.outcome) == (ItemOutcome.ACCEPTED, ItemOutcome.REPEATED)
    assert first.place is not None
    assert again.place is not None
    assert again.place[:3] == first.place[:3]
    with ledger.view() as view:
        size = view.size
    assert submit(ledger, sent).results[0].outcome is ItemOutcome.REPEATED
    with ledger.view() as view:
        assert view.size == size


def test_the_same_bytes_twice_in_one_batch_count_once(ledger: Ledger, world: World) -> None:
    sent = world.report("lender-1", "loan")
    outcomes = [record.outcome for record in submit(ledger, sent, sent).results]
    assert outcomes == [ItemOutcome.ACCEPTED, ItemOutcome.REPEATED]


def test_versions_of_one_record_follow_each_other_in_one_batch(ledger: Ledger, world: World) -> None:
    versions = [
        world.report("lender-1", "loan"),
        world.report("lender-1", "loan", Standing.ARRANGED),
        world.report("lender-1", "loan", Standing.CURED),
    ]
    accept(ledger, *versions)
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("person of loan")]).values()
        assert found.row.standing is Standing.CURED
    # Every one of them again, and the first two are no longer the newest.
    assert [record.outcome for record in submit(ledger, *versions).results] == [ItemOutcome.REPEATED] * 3


def test_an_old_version_after_a_newer_one_in_the_same_batch_is_found(ledger: Ledger, world: World) -> None:
    first = world.report("lender-1", "loan")
    accept(ledger, first)
    second = world.report("lender-1", "loan", Standing.CURED)
    assert [record.outcome for record in submit(ledger, second, first).results] == [
        ItemOutcome.ACCEPTED,
        ItemOutcome.REPEATED,
    ]


def test_another_payload_under_a_version_is_refused_with_the_stored_leaf(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan"))
    del world.newest[key]
    other = world.report("lender-1", "loan", issued_at=world.clock.now - 1)
    (record,) = submit(ledger, other).results
    assert record.complaint is not None
    assert record.complaint.reason == "VERSION_TAKEN"
    with ledger.view() as view:
        index = view.version_index(key, 1)
        assert index is not None
        assert record.stored_leaf == view.leaves_at([index])[index]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 3}, "VERSION_SKIPPED"),
        ({"previous": bytes(32)}, "PREVIOUS_MISMATCH"),
        ({"registry": "another.example"}, "REGISTRY_OTHER"),
        ({"retain_until": "2031-01-01"}, "RETENTION_INVALID"),
    ],
)
def test_a_version_that_does_not_follow_is_refused(
    ledger: Ledger, world: World, change: dict[str, Any], expected: str
) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    assert reason(ledger, world.report("lender-1", "loan", **change)) == expected


def test_a_record_never_changes_its_kind(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    key = world.key("lender-1", "loan")
    before = world.newest[key]
    other = replace(before.statement, kind=Kind.JUDGMENT)
    world.newest[key] = replace(before, statement=other, facts=FACTS[Kind.JUDGMENT, Standing.OPEN])
    assert reason(ledger, world.report("lender-1", "loan")) == "KIND_CHANGED"


def test_a_first_version_that_is_not_the_first_is_refused(ledger: Ledger, world: World) -> None:
    second = world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.CURED)
    assert reason(ledger, second[1]) == "VERSION_SKIPPED"
    accept(ledger, second[0])


def test_a_standing_that_may_not_follow_is_refused(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.CURED))
    assert reason(ledger, world.report("lender-1", "loan", Standing.OPEN)) == "ILLEGAL_TRANSITION"


def test_a_bad_record_in_the_middle_leaves_the_others(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "one"))
    batch = [
        world.report("lender-1", "two"),
        world.report("lender-1", "one", Standing.OPEN, previous=bytes(32)),
        world.report("lender-1", "three"),
    ]
    outcomes = [record.outcome for record in submit(ledger, *batch).results]
    assert outcomes == [ItemOutcome.ACCEPTED, ItemOutcome.REFUSED, ItemOutcome.ACCEPTED]


def test_withdrawn_deletes_what_leads_to_the_subject(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.WITHDRAWN))
    with ledger.view() as view:
        assert view.live_records([subject_of("person of loan")]) == {}
        (own,) = view.own_records_between("lender-1", -1, view.size, 5)
        assert own.sealed is None
        assert not own.record.chain.live
    assert reason(ledger, world.report("lender-1", "loan", Standing.WITHDRAWN)) == "RECORD_ENDED"


def test_a_record_never_changes_its_person(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    key = world.key("lender-1", "loan")
    world.newest[key] = replace(world.newest[key], person="somebody else")
    assert reason(ledger, world.report("lender-1", "loan", Standing.CURED)) == "SUBJECT_CHANGED"


def test_facts_of_the_version_before_must_be_those_that_were_logged(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    key = world.key("lender-1", "loan")
    world.newest[key] = replace(world.newest[key], facts_opening=bytes(32))
    assert reason(ledger, world.report("lender-1", "loan", Standing.CURED)) == "COMMITMENT_MISMATCH"


def test_one_debt_runs_once_whoever_reports_it(ledger: Ledger, world: World) -> None:
    person = "debtor"
    accept(ledger, world.report("lender-1", "mine", person=person, contract="LN1"))
    assert reason(ledger, world.report("lender-2", "theirs", person=person, contract="LN1")) == "DEBT_TAKEN"
    del world.newest[world.key("lender-2", "theirs")]
    accept(ledger, world.report("lender-2", "another", person=person, contract="LN2"))
    # Of another kind the same debt may run; and once the first has ended, again.
    accept(ledger, world.report("lender-1", "suit", person=person, contract="LN1", kind=Kind.JUDGMENT))
    accept(ledger, world.report("lender-1", "mine", Standing.CURED))
    accept(ledger, world.report("lender-2", "theirs", person=person, contract="LN1"))


def test_one_debt_runs_once_within_a_batch(ledger: Ledger, world: World) -> None:
    first = world.report("lender-1", "one", person="debtor", contract="LN1")
    second = world.report("lender-1", "two", person="debtor", contract="LN1")
    assert reason(ledger, first, second) == "DEBT_TAKEN"


def test_a_debt_is_known_under_every_version_of_the_subject_keys(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "old", person="debtor", contract="LN1"))
    version = world.introduce_keys(ledger)
    assert reason(ledger, world.report("lender-2", "new", person="debtor", contract="LN1")) == "DEBT_TAKEN"
    # The record comes under the newer version; its standing stays.
    accept(ledger, world.report("lender-1", "old", key_version=version))
    with ledger.view() as view:
        assert view.live_records([subject_of("debtor", 1)]) == {}
        assert len(view.live_records([subject_of("debtor", version)])) == 1


def test_aliases_must_be_those_of_the_live_versions(ledger: Ledger, world: World) -> None:
    world.introduce_keys(ledger)
    report = world.report("lender-1", "loan")
    del report.aliases[:]
    assert reason(ledger, report) == "ALIASES_INVALID"


def test_a_rekeyed_version_names_the_same_person(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    version = world.introduce_keys(ledger)
    report = world.report("lender-1", "loan", key_version=version)
    report.aliases[0].subject = subject_of("somebody else")
    assert reason(ledger, report) == "SUBJECT_CHANGED"


def test_at_most_so_many_live_records_of_one_issuer_for_one_subject(database_url: str) -> None:
    world = World(Rulebook(max_live_records_per_subject=2))
    with world.ledger(database_url) as ledger:
        accept(ledger, *(world.report("lender-1", f"loan {n}", person="debtor") for n in range(2)))
        assert reason(ledger, world.report("lender-1", "loan 3", person="debtor")) == "TOO_MANY_RECORDS"
        accept(ledger, world.report("lender-2", "loan 4", person="debtor"))
    reverify(database_url)


@pytest.mark.parametrize("buyer", ["lender-1", "lender-99"])
def test_a_buyer_is_another_lender_of_the_directory(ledger: Ledger, world: World, buyer: str) -> None:
    accept(ledger, world.report("lender-1", "sold"))
    assert reason(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee=buyer)) == "FACTS_INVALID"


def test_statements_of_a_day_have_a_limit(database_url: str) -> None:
    world = World(Rulebook(daily_statements=3))
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "one"), world.report("lender-1", "two"))
        accept(ledger, world.report("lender-1", "three"))
        assert reason(ledger, world.report("lender-1", "four")) == "QUOTA_EXCEEDED"
        accept(ledger, world.report("lender-2", "five"))
        let_pass(ledger, world, 1)
        accept(ledger, world.report("lender-1", "six"))


def test_an_enforcement_rests_on_an_effective_judgment_of_the_same_person(ledger: Ledger, world: World) -> None:
    report = partial(world.report, person="debtor", contract="LN1")
    suit, other = world.key("lender-1", "suit"), world.key("lender-1", "other suit")
    accept(ledger, report("lender-1", "suit", kind=Kind.JUDGMENT))
    accept(ledger, world.report("lender-1", "other suit", kind=Kind.JUDGMENT, person="other", contract="LN1"))
    enforce = partial(world.report, kind=Kind.ENFORCEMENT, person="debtor", contract="LN1")
    assert reason(ledger, enforce("lender-1", "none")) == "BASIS_MISSING"
    assert reason(ledger, enforce("lender-1", "wrong", basis=other)) == "BASIS_INVALID"
    bad = enforce("lender-1", "bad", basis=suit)
    bad.basis.newest.opening = bytes(32)
    assert reason(ledger, bad) == "COMMITMENT_MISMATCH"
    accept(ledger, enforce("lender-1", "good", basis=suit))


def test_a_bought_debt_is_continued_and_erased_together(ledger: Ledger, world: World, database_url: str) -> None:
    sold, bought = world.key("lender-1", "sold"), world.key("lender-2", "bought")
    report = partial(world.report, person="debtor", contract="LN1")
    accept(ledger, report("lender-1", "sold"))
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2"))
    assert (
        reason(ledger, world.report("lender-2", "wrong", person="other", contract="LN1", continues=sold))
        == "CONTINUES_INVALID"
    )
    accept(ledger, report("lender-2", "bought", continues=sold))
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("debtor")]).values()
        assert found.row.key == bought
    assert (
        reason(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2")) == "RECORD_ENDED"
    )
    (alone,) = append(ledger, world.act(ledger, ErasureBody((bought,), "order")))
    assert violation(alone) == "ERASED_ALONE"
    world.erase(ledger, sold, bought)
    assert reverify(database_url).chains[sold].erased


def test_a_bought_debt_lapses_together(ledger: Ledger, world: World, database_url: str) -> None:
    sold, bought = world.key("lender-1", "sold"), world.key("lender-2", "bought")
    report = partial(world.report, person="debtor", contract="LN1")
    accept(ledger, report("lender-1", "sold"))
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2"))
    accept(ledger, report("lender-2", "bought", continues=sold))
    accept(ledger, world.report("lender-2", "bought", Standing.CURED))
    let_pass(ledger, world, 5 * 366)
    (lapsed,) = append(ledger, LapseItem(bought, LapseKind.ERASED, "retention-ended"))
    assert lapsed.outcome is ItemOutcome.ACCEPTED
    chains = reverify(database_url).chains
    assert chains[sold].erased
    assert chains[bought].erased


def test_a_suspended_member_ends_its_records_and_opens_none(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    world.set_state(ledger, "lender-1", InstitutionStatus.SUSPENDED)
    assert reason(ledger, world.report("lender-1", "new")) == "INSTITUTION_SUSPENDED"
    accept(ledger, world.report("lender-1", "loan", Standing.CURED))


def test_a_successor_ends_records_in_its_own_name(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "other"))
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-2")
    assert reason(ledger, world.report("lender-1", "loan", Standing.CURED)) == "INSTITUTION_TERMINATED"
    accept(ledger, world.report("lender-1", "other", Standing.CURED, signer="lender-2"))


def test_erasure_by_order_forgets(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    versions = [world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.CURED)]
    accept(ledger, *versions)
    world.erase(ledger, key)
    with ledger.view() as view:
        assert view.live_records([subject_of("person of loan")]) == {}
    # What was logged before gets its old receipt; nothing is stored again.
    assert [record.outcome for record in submit(ledger, *versions).results] == [ItemOutcome.REPEATED] * 2
    assert reason(ledger, world.report("lender-1", "loan", Standing.WITHDRAWN)) == "RECORD_ERASED"
    del world.newest[key]
    assert reason(ledger, world.report("lender-1", "loan", issued_at=world.clock.now - 1)) == "RECORD_ERASED"


def test_a_key_version_retires_only_when_no_live_record_carries_it(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"))
    version = world.introduce_keys(ledger)
    (refused,) = append(ledger, world.act(ledger, RetireKeyServicesBody(1)))
    assert violation(refused) == "KEY_SERVICES_INVALID"
    accept(ledger, world.report("lender-1", "loan", key_version=version))
    world.decide(ledger, RetireKeyServicesBody(1))


def test_acts_out_of_order_are_refused(ledger: Ledger, world: World) -> None:
    first = world.act(ledger, RulebookBody(Rulebook(notice_hours=1)))
    taken, again = append(ledger, first, first)
    assert taken.outcome is ItemOutcome.ACCEPTED
    assert violation(again) == "ACT_ORDER"
    state = ledger.directory.state
    following = Act(state.registry, state.act_number + 1, state.act_hash, RulebookBody(Rulebook(notice_hours=2)))
    (refused,) = append(ledger, world.signed(following, by=("admin-1",)))
    assert violation(refused) == "ACT_THRESHOLD"


def test_annotations_follow_each_other_and_carry_a_text(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan"))
    flags = (AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT)
    first = world.annotate("lender-2", key, *flags, text="I paid")
    kept = replace(world.annotate("lender-2", key, *flags, before=first, text="I paid"), text_disclosure=b"")
    dropped = world.annotate("lender-2", key, AnnotationFlag.DISPUTED, before=kept)
    (accepted,) = append(ledger, first)
    assert accepted.outcome is ItemOutcome.ACCEPTED
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("person of loan")]).values()
        assert found.text_disclosure == first.text_disclosure
        assert [index for index, _ in view.annotation_leaves([found])[found.row.record]] == [found.row.annotation_index]
    (accepted,) = append(ledger, kept)
    assert accepted.outcome is ItemOutcome.ACCEPTED
    # A further version keeps annotation and text.
    accept(ledger, world.report("lender-1", "loan", Standing.ARRANGED))
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("person of loan")]).values()
        assert found.text_disclosure == first.text_disclosure
    (accepted,) = append(ledger, dropped)
    assert accepted.outcome is ItemOutcome.ACCEPTED
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("person of loan")]).values()
        assert found.text_disclosure == b""
    assert [result.outcome for result in append(ledger, first, kept, dropped)] == [ItemOutcome.REPEATED] * 3


def test_an_annotation_without_its_text_or_out_of_order_is_refused(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan"))
    bare = replace(world.annotate("lender-2", key, AnnotationFlag.STATEMENT, text="I paid"), text_disclosure=b"")
    restricting = world.annotate("lender-2", key, AnnotationFlag.RESTRICTED)
    first = world.annotate("lender-2", key, AnnotationFlag.DISPUTED)
    other = world.annotate("lender-3", key, AnnotationFlag.DISPUTED)
    unknown = world.annotate("lender-2", world.key("lender-1", "loan"), issuer="lender-3")
    reasons = [violation(result) for result in append(ledger, bare, restricting, unknown)]
    assert reasons == ["DISCLOSURE_MISMATCH", "ANNOTATION_INVALID", "RECORD_UNKNOWN"]
    assert [result.outcome for result in append(ledger, first, other)] == [ItemOutcome.ACCEPTED, ItemOutcome.REFUSED]


def today(world: World, after: int = 0) -> str:
    """The legal day, so many days later."""
    return day_of(world.clock.now + after * DAY_MS, "Asia/Shanghai").isoformat()


def test_silence_restricts_and_only_once(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan"))
    append(ledger, world.annotate("lender-2", key, AnnotationFlag.DISPUTED))
    restrict = LapseItem(key, LapseKind.RESTRICTED, "furnisher-silent")
    (early,) = append(ledger, restrict)
    assert violation(early) == "LAPSE_EARLY"
    with ledger.view() as view:
        assert view.unanswered(today(world, 20), 10) == []
    let_pass(ledger, world, 23)
    with ledger.view() as view:
        assert [record.chain.key for record in view.unanswered(today(world), 10)] == [key]
    (done,) = append(ledger, restrict)
    assert done.outcome is ItemOutcome.ACCEPTED
    (again,) = append(ledger, restrict)
    assert again.outcome is ItemOutcome.REFUSED
    with ledger.view() as view:
        assert view.unanswered(today(world), 10) == []


def test_retention_erases_when_it_is_due(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.CURED))
    erase = LapseItem(key, LapseKind.ERASED, "retention-ended")
    (early,) = append(ledger, erase)
    assert violation(early) == "LAPSE_EARLY"
    let_pass(ledger, world, 5 * 366)
    with ledger.view() as view:
        assert [record.chain.key for record in view.overdue("2030-09-30", 10)] == [key]
        assert view.overdue("2030-09-29", 10) == []
    done, again = append(ledger, erase, erase)
    assert done.outcome is ItemOutcome.ACCEPTED
    assert violation(again) == "RECORD_ERASED"
    with ledger.view() as view:
        assert view.overdue("2030-09-30", 10) == []


def test_every_lender_may_report(ledger: Ledger, world: World) -> None:
    for lender in LENDERS:
        accept(ledger, world.report(lender, "loan", person=lender))
