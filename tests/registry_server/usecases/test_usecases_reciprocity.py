"""Reciprocity at the registry: what is measured, kept and followed by every process, and what fsck says of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, Kind, Standing
from client_sdk.kernel.ledger.inquiry import PersonOpening
from registry_server.sequencing.ledger import Ledger
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.evidence import EvidenceWriter
from registry_server.usecases.fsck.check import fsck
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.registers import register_of
from tests.support.registry_world import World, accept, subject_of
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from client_sdk.kernel.formats.contribution import Given

DAY_MS = 86_400_000
PAGE_BYTES = 1_000_000


def given(ledger: Ledger, lender: str) -> tuple[Given, ...]:
    with ledger.view() as view:
        return view.directory.contribution(lender).given


def shown(ledger: Ledger, asker: str, person: str) -> list[bool]:
    """Whether the disclosure of each record of a person is shown to a lender."""
    inquiry = inquiry_of(HandmadeLog(), asker, [])
    opening = PersonOpening(bytes(32), ((1, subject_of(person)),))
    with ledger.view() as view:
        live = view.live_records([subject_of(person)])
        key_id = signer(f"{asker} INQUIRE").public_key.key_id
        (page,) = EvidenceWriter().pages(view, inquiry, key_id, [opening], live, PAGE_BYTES)
    assert page.evidence.rulebook
    return [bool(record.disclosure) for record in page.evidence.persons[0].subjects[0].records]


def test_what_a_lender_gives_is_measured_and_every_process_follows(database_url: str) -> None:
    world = World(Rulebook(reciprocity_grace_days=0, reciprocity_days=2))
    with world.ledger(database_url) as one:
        accept(one, world.report("lender-1", "loan", person="debtor"))
        first = given(one, "lender-1")
        assert [item.kind for item in first] == [Kind.DEFAULT]
        assert given(one, "lender-2") == ()
        with (
            Database(database_url, serving=False) as database,
            Ledger.open(database, register_of(database_url), world.log_signer, world.clock) as two,
        ):
            assert given(two, "lender-1") == first
            world.clock.now += DAY_MS
            accept(one, world.report("lender-1", "loan"))
            accept(one, world.report("lender-2", "other"))
            later = given(one, "lender-1")
            assert later != first
            assert given(two, "lender-1") == later
            assert given(two, "lender-2") == later
        assert shown(one, "lender-3", "debtor") == [False]
        assert shown(one, "lender-2", "debtor") == [True]
        for _ in range(4):
            world.clock.now += DAY_MS - 1
            one.heartbeat().result()
        # It is not current any more; its own records are shown to the issuer whatever it gives.
        assert shown(one, "lender-2", "debtor") == [False]
        assert shown(one, "lender-1", "debtor") == [True]
        # An end is no data that is given.
        accept(one, world.report("lender-2", "other", Standing.WITHDRAWN))
        assert given(one, "lender-2") == later
        # A successor speaks for the issuer, and what it signs is not the issuer's gift, nor its own.
        world.set_state(one, "lender-1", InstitutionStatus.TERMINATED, "lender-3")
        assert shown(one, "lender-3", "debtor") == [True]
        accept(one, world.report("lender-1", "loan", Standing.CURED, signer="lender-3"))
        assert (given(one, "lender-1"), given(one, "lender-3")) == (later, ())
    reverify(database_url)
    with Database(database_url, serving=False) as database:
        assert fsck(database).findings == []


def test_a_changed_row_is_found(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "loan"))
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as work:
        work.execute(text("UPDATE contributions SET given_on = '2020-01-01'"))
        work.execute(text("INSERT INTO contributions VALUES ('lender-2', 2, '2025-01-01')"))
    engine.dispose()
    with Database(database_url, serving=False) as database:
        found = [str(item.reason) for item in fsck(database).findings]
    assert found == ["CONTRIBUTION_ROW"] * 3
