"""Records hidden under an overlay: admission by facts, what is stored and answered, and their return."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.commitment import commit_facts
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind, Standing
from client_sdk.kernel.ledger.submission import OpenedFacts
from registry_server.sequencing.items import AnnotationItem, CommittedFacts
from registry_server.usecases.disputes import Disputes, ReceivedAnnotation
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import OVERLAY_ENDED, Housekeeping
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.registry_server.sequencing.test_sequencing_follow import another, same
from tests.registry_server.usecases.test_usecases_housekeeping import lapses
from tests.support.overlays import REPAIR
from tests.support.registry_world import DAY_MS, World, accept, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.formats.overlay import Overlay
    from client_sdk.kernel.rules.facts import DefaultFacts
    from registry_server.sequencing.ledger import Ledger

SUBJECT = subject_of("person of loan")
COVERED = replace(samples.CURED, amounts=samples.AMOUNTS)


@pytest.fixture
def world() -> World:
    return World(Rulebook(overlays=(REPAIR,)))


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened


def cure(world: World, ledger: Ledger, facts: DefaultFacts = COVERED) -> None:
    """Report a default and its end."""
    accept(ledger, world.report("lender-1", "loan"))
    first = world.newest[world.key("lender-1", "loan")].facts
    assert first is not None
    accept(ledger, world.report("lender-1", "loan", Standing.CURED, facts=replace(facts, debt=first.debt)))


def hiding(world: World, *, before: AnnotationItem | None = None, facts: bool = True) -> AnnotationItem:
    """The annotation by which the lender hides the record, with the facts of its newest version."""
    key = world.key("lender-1", "loan")
    item = world.annotate("lender-1", key, AnnotationFlag.HIDDEN, before=before, overlay=REPAIR.name)
    newest = world.newest[key]
    assert newest.facts is not None
    given = CommittedFacts(commit_facts(newest.facts_opening, newest.facts.encode()), newest.facts)
    return replace(item, facts=given if facts else None)


def send(ledger: Ledger, item: AnnotationItem) -> tuple[str, str]:
    (result,) = ledger.append([item]).result().results
    return ("", "") if result.complaint is None else (result.complaint.reason, result.complaint.rule)


def answered(ledger: Ledger) -> int:
    with ledger.view() as view:
        return len(view.live_records([SUBJECT]).get(SUBJECT, ()))


def test_a_covered_record_is_hidden_and_shown_again_by_a_correction(world: World, database_url: str) -> None:
    with world.ledger(database_url) as ledger:
        cure(world, ledger)
        assert answered(ledger) == 1
        assert send(ledger, hiding(world)) == ("", "")
        assert answered(ledger) == 0
    # A process that starts builds the map from the rows.
    with world.ledger(database_url) as ledger:
        assert answered(ledger) == 0
        with ledger.view() as view:
            assert len(view.live_bindings()) == 1
        assert fsck(ledger.database).clean
        newest = world.newest[world.key("lender-1", "loan")].facts
        assert newest is not None
        accept(ledger, world.report("lender-1", "loan", Standing.CURED, facts=replace(newest, approver="staff-18")))
        assert answered(ledger) == 1
        assert fsck(ledger.database).clean


def test_another_process_follows_what_is_hidden_and_shown_again(
    world: World, ledger: Ledger, database_url: str
) -> None:
    with another(database_url, world) as other:
        cure(world, ledger)
        same(ledger, other)
        item = hiding(world)
        assert send(ledger, item) == ("", "")
        same(ledger, other)
        assert send(other, world.annotate("lender-1", world.key("lender-1", "loan"), before=item)) == ("", "")
        same(ledger, other)
        assert answered(ledger) == answered(other) == 1


def test_nothing_is_hidden_without_the_facts_that_it_rests_on(world: World, ledger: Ledger) -> None:
    cure(world, ledger)
    assert send(ledger, hiding(world, facts=False)) == ("ANNOTATION_INVALID", "overlay.facts")
    item = hiding(world)
    assert item.facts is not None
    other = item.facts._replace(commitment=bytes(32))
    assert send(ledger, replace(item, facts=other)) == ("COMMITMENT_MISMATCH", "overlay.facts")
    assert answered(ledger) == 1


@pytest.mark.parametrize(
    "facts",
    [
        samples.CURED,
        replace(COVERED, amounts=replace(samples.AMOUNTS, principal=1_000_000)),
        replace(COVERED, amounts=replace(samples.AMOUNTS, currency="USD")),
    ],
    ids=["nothing overdue", "too much", "another currency"],
)
def test_what_only_the_facts_tell_is_held_against_the_overlay(
    world: World, ledger: Ledger, facts: DefaultFacts
) -> None:
    cure(world, ledger, facts)
    assert send(ledger, hiding(world)) == ("ANNOTATION_INVALID", "overlay.covers")
    assert answered(ledger) == 1


def test_the_clock_shows_records_again_when_their_overlay_ends(world: World, ledger: Ledger) -> None:
    cure(world, ledger)
    assert send(ledger, hiding(world)) == ("", "")
    housekeeping = Housekeeping(ledger)
    housekeeping.tidy()
    assert lapses(ledger) == []
    world.clock.now += 200 * DAY_MS
    housekeeping.tidy()
    (lapse,) = lapses(ledger)
    assert (lapse.what, lapse.ground) == (LapseKind.SHOWN, OVERLAY_ENDED)
    assert answered(ledger) == 1
    housekeeping.tidy()
    assert len(lapses(ledger)) == 1
    assert fsck(ledger.database).clean


@pytest.mark.parametrize(
    "overlays", [(), (replace(REPAIR, hides_until=date(2025, 1, 2)),)], ids=["dropped", "shortened"]
)
def test_a_rulebook_without_the_overlay_shows_its_records_again(
    world: World, ledger: Ledger, overlays: tuple[Overlay, ...]
) -> None:
    cure(world, ledger)
    assert send(ledger, hiding(world)) == ("", "")
    world.decide(ledger, RulebookBody(Rulebook(overlays=overlays)))
    Housekeeping(ledger).tidy()
    assert [lapse.what for lapse in lapses(ledger)] == [LapseKind.SHOWN]
    assert answered(ledger) == 1


def test_facts_travel_beside_what_hides_and_beside_nothing_else(world: World, ledger: Ledger) -> None:
    cure(world, ledger)
    newest = world.newest[world.key("lender-1", "loan")]
    assert newest.facts is not None
    opened = OpenedFacts(newest.facts_opening, newest.facts.encode())
    for item, rule in ((world.annotate("lender-1", newest.statement.key), "overlay.facts"), (hiding(world), "")):
        sent = ReceivedAnnotation(item.payload, item.key_id, item.signature, b"", opened)
        (result,) = Disputes(ledger).annotate("lender-1", sent).results
        assert (result.complaint.rule if result.complaint else "") == rule
    assert answered(ledger) == 0
