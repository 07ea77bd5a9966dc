"""Several processes on one database take turns, and each follows what the others have appended."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from registry_server.sequencing.append import append
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head
from registry_server.storage.unit_of_work import Database
from tests.conftest import postgres_database
from tests.support.registers import register_of
from tests.support.registry_world import World, accept, subject_of, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledgers(database_url: str, world: World) -> Iterator[tuple[Ledger, Ledger]]:
    """Two that know nothing of each other but the database."""
    with world.ledger(database_url) as one, another(database_url, world) as two:
        yield one, two
    reverify(database_url)


@contextmanager
def another(url: str, world: World) -> Iterator[Ledger]:
    # An SQLite file is served by one process; here a second one only shows that the rows alone suffice.
    with (
        Database(url, serving=False) as database,
        Ledger.open(database, register_of(url), world.log_signer, world.clock) as ledger,
    ):
        yield ledger


def same(one: Ledger, two: Ledger) -> None:
    """Check that both serve the same commit."""
    with one.view() as first, two.view() as second:
        assert first.checkpoint == second.checkpoint
        assert first.head_leaf == second.head_leaf
        assert first.head_path == second.head_path
        assert first.registry_state == second.registry_state
        assert first.map_proof(["lender-1"]) == second.map_proof(["lender-1"])
        assert [*first.live_bindings()] == [*second.live_bindings()]


def test_they_take_turns(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    for number in range(3):
        accept(one, world.report("lender-1", f"loan {number}"), world.report("lender-1", f"other {number}"))
        accept(two, world.report("lender-2", f"loan {number}", person=f"other {number}"))
        accept(two, world.report("lender-1", f"loan {number}", Standing.CURED))
        same(one, two)
    world.introduce_keys(one)
    same(one, two)
    accept(two, world.report("lender-1", "under the new keys"))
    same(one, two)


def test_a_reader_follows(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    accept(one, world.report("lender-1", "loan"))
    with two.view() as view:
        ((found,),) = view.live_records([subject_of("person of loan")]).values()
        assert found.row.key == world.key("lender-1", "loan")
    same(one, two)


def test_what_has_ended_is_followed(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    accept(one, *(world.report("lender-1", f"loan {number}") for number in range(4)))
    same(one, two)
    accept(one, world.report("lender-1", "loan 0", Standing.WITHDRAWN))
    same(one, two)
    world.erase(one, world.key("lender-1", "loan 1"))
    same(one, two)
    version = world.introduce_keys(one)
    accept(one, world.report("lender-1", "loan 2", key_version=version))
    one.append([world.annotate("lender-2", world.key("lender-1", "loan 3"), AnnotationFlag.DISPUTED)]).result()
    same(one, two)
    accept(two, world.report("lender-1", "loan 3", Standing.CURED))
    same(one, two)


def test_inquiries_of_both_are_sequenced(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    one.record_inquiries([world.inquiry("lender-1", "a"), world.inquiry("lender-1", "b")]).result()
    two.record_inquiries([world.inquiry("lender-2", "c")]).result()
    accept(one, world.report("lender-1", "loan"))
    same(one, two)
    with two.view() as view:
        assert view.head.inquiry_count == 3
        for asker, name in (("lender-1", "a"), ("lender-1", "b"), ("lender-2", "c")):
            stored = view.inquiry(asker, world.inquiry(asker, name).inquiry_id)
            assert stored is not None
            assert view.inquiry_place(stored)[0] == stored.position


def test_an_unsigned_commit_of_another_process_is_published(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    # The other one commits and dies before it has signed.
    act = world.act(one, RulebookBody(replace(world.rulebook, notice_hours=1)))
    append(one.database, one._committed, one._timekeeper, lambda: [act])
    with two.view() as view:
        assert view.checkpoint.startswith(f"registry.example/log/1\n{view.size}\n".encode())
        size = view.size
    two.heartbeat().result()
    with two.database.snapshot() as work:
        row = head.read(work)
        assert row is not None
        assert (row.size, row.checkpoint_size) == (size, size)


def test_a_checkpoint_waits_for_no_process_that_appends(
    postgres_url: str, postgres_template: str, world: World
) -> None:
    with postgres_database(postgres_url, template=postgres_template) as url:
        with world.ledger(url) as one, another(url, world) as two:
            state = one._committed.state
            one._publisher._stored = 0
            with two.database.append() as work:
                head.lock(work)
                # Were it waited for, this would fail as busy.
                assert one._publisher.store(state) == one._publisher.checkpoint(state)
            assert one._publisher._stored == 0
            accept(two, world.report("lender-1", "loan"))
            one.heartbeat().result()
            same(one, two)
        reverify(url)


def test_many_at_once_lose_and_double_nothing(postgres_url: str, database_url: str, world: World) -> None:
    with world.ledger(database_url) as first:
        reports = {name: [world.report(name, f"{name} {n}") for n in range(40)] for name in ("lender-1", "lender-2")}
        shared = [world.report("lender-3", f"shared {n}") for n in range(20)]
        problems: list[BaseException] = []

        def send(ledger: Ledger, lender: str) -> None:
            try:
                for n in range(40):
                    accept(ledger, reports[lender][n])
                    outcome = submit(ledger, shared[n % 20]).results[0].outcome
                    assert outcome in {ItemOutcome.ACCEPTED, ItemOutcome.REPEATED}
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                problems.append(error)

        with another(database_url, world) as second:
            threads = [
                threading.Thread(target=send, args=(ledger, lender))
                for ledger, lender in ((first, "lender-1"), (second, "lender-2"))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert problems == []
            same(first, second)
    chains = reverify(database_url).chains
    assert len(chains) == 100
    assert all(chain.version == 1 for chain in chains.values())


def test_a_map_that_does_not_follow_is_refused(ledgers: tuple[Ledger, Ledger], world: World) -> None:
    one, two = ledgers
    accept(one, world.report("lender-1", "loan"))
    with one.database.append() as work:
        (stored,) = work.connection.execute(text("SELECT block FROM map_blocks WHERE place = 1")).scalars()
        lie = bytes(stored[:-1]) + bytes((stored[-1] ^ 1,))
        work.connection.execute(text("UPDATE map_blocks SET block = :block WHERE place = 1"), {"block": lie})
        work.commit()
    with pytest.raises(InconsistentError, match="map"), two.view():
        pass
    # The truth again, so that what is stored can be verified at the end.
    with one.database.append() as work:
        work.connection.execute(text("UPDATE map_blocks SET block = :block WHERE place = 1"), {"block": bytes(stored)})
        work.commit()
    same(one, two)
