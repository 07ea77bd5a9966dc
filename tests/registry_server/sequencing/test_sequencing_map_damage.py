"""What is damaged of the map, or of the rows under it, never comes under the root of a later HEAD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.formats.errors import ProofError
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, state_value, subject_key
from client_sdk.kernel.formats.map_proof import verify_keys
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.state_store import MemoryStore
from client_sdk.kernel.ledger.submission import Submission
from registry_server.sequencing.errors import MapDamagedError
from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.map_block import MAX_ENTRIES, parse
from registry_server.sequencing.map_building import settle_map
from registry_server.sequencing.recover import directory_at
from registry_server.storage import head, inquiries, map_blocks
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.submit import Submitting
from tests.support.registers import register_of
from tests.support.registry_world import DAY_MS, World, accept, subject_of
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUBJECTS = 120
# With so many more there are new ones in every block, forks where leaf blocks were.
MORE = 2_000
PERSON = "5"
_ENTRIES_FROM = 5


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def database(database_url: str, world: World) -> Iterator[Database]:
    """Of a registry with some subjects, of which one has records of two lenders; served by nobody."""
    with world.ledger(database_url) as ledger:
        for number in range(0, SUBJECTS, 40):
            names = [str(name) for name in range(number, number + 40)]
            accept(ledger, *(world.report("lender-1", name, person=name) for name in names))
        accept(ledger, world.report("lender-2", "of another", person=PERSON))
    with Database(database_url) as opened:
        yield opened


def opened(database: Database, url: str, world: World) -> Ledger:
    return Ledger.open(database, register_of(url), world.log_signer, world.clock)


def flipped(at: int) -> Callable[[bytes, int], bytes]:
    """Damage: one bit of an entry is another."""

    def flip(block: bytes, entry: int) -> bytes:
        changed = bytearray(block)
        changed[entry + at] ^= 1
        return bytes(changed)

    return flip


def beside(block: bytes, entry: int) -> bytes:
    """Damage: a person has the value of another."""
    other = entry - 64 if entry > _ENTRIES_FROM else entry + 64
    return block[: entry + 32] + block[other + 32 : other + 64] + block[entry + 64 :]


def damage(database: Database, how: Callable[[bytes, int], bytes]) -> None:
    key = subject_key(subject_of(PERSON))
    with database.append() as work:
        ((place, block, at),) = [
            (place, block, block.find(key))
            for place, block in list(map_blocks.between(work, 2))
            if block.startswith(b"\1") and block.find(key) > 0
        ]
        damaged = how(block, at)
        # Nothing that its form or its hash shows.
        assert damaged != block
        assert parse(place, damaged)[1] == parse(place, block)[1]
        map_blocks.put(work, [(place, damaged)])
        work.commit()


def check_never_clear(ledger: Ledger) -> None:
    """Check that no proof shows that the person has no record."""
    with ledger.view() as view:
        proof = view.map_proof((), [subject_of(PERSON)])
        absent = {REGISTRY_KEY: state_value(view.registry_state), subject_key(subject_of(PERSON)): None}
        with pytest.raises(ProofError):
            verify_keys(view.head.map_root, absent, proof)


@pytest.mark.parametrize("how", [flipped(31), flipped(40), beside], ids=["key", "value", "another's value"])
def test_a_damaged_entry_is_never_taken_over_by_a_commit(
    database: Database, database_url: str, world: World, how: Callable[[bytes, int], bytes]
) -> None:
    damage(database, how)
    refused = 0
    with opened(database, database_url, world) as ledger:
        for number in range(MORE // 100):
            names = [f"new {number} {place}" for place in range(100)]
            try:
                accept(ledger, *(world.report("lender-2", name, person=name) for name in names))
            except MapDamagedError:
                refused += 1
        check_never_clear(ledger)
    assert refused
    with database.append() as work:
        row = head.lock(work)
        assert row is not None
        assert settle_map(work, directory_at(work, row), MemoryStore()) == 1
        work.commit()
    with opened(database, database_url, world) as ledger:
        check_never_clear(ledger)
        accept(ledger, world.report("lender-2", "afterwards", person=PERSON))
    reverify(database_url)


ROWS = {
    "gone": "DELETE FROM live_records WHERE issuer = 'lender-1' AND subject = :subject",
    "hidden": "UPDATE live_records SET hidden = 1 WHERE issuer = 'lender-1' AND subject = :subject",
    "of another": "UPDATE live_records SET subject = :other WHERE issuer = 'lender-1' AND subject = :subject",
    "otherwise": "UPDATE live_records SET leaf_hash = :other WHERE issuer = 'lender-1' AND subject = :subject",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_damaged_row_does_not_take_the_record_out_of_the_map(
    database: Database, database_url: str, world: World, row: str
) -> None:
    """Not even where the only other record of the person ends."""
    with database.append() as work:
        both = {"subject": subject_of(PERSON), "other": subject_of("nobody")}
        statement = text(ROWS[row])
        work.connection.execute(statement, {name: both[name] for name in both if f":{name}" in ROWS[row]})
        work.commit()
    with opened(database, database_url, world) as ledger:
        ended = world.report("lender-2", "of another", Standing.WITHDRAWN, person=PERSON, version=2)
        with pytest.raises(MapDamagedError, match="fsck"):
            accept(ledger, ended)
        assert isinstance(ledger.write_failure, MapDamagedError)
        assert complaint_of(ledger.write_failure).reason == "MAP_DAMAGED"
        check_never_clear(ledger)
        accept(ledger, world.report("lender-2", "of nobody else", person="nobody else"))
        assert ledger.write_failure is None
        check_never_clear(ledger)


def test_one_damaged_entry_keeps_nobody_of_another_block_from_being_forgotten(
    database: Database, database_url: str, world: World
) -> None:
    names = [str(name) for name in range(SUBJECTS)]
    with opened(database, database_url, world) as ledger:
        accept(ledger, *(world.report("lender-1", name, Standing.CURED, person=name, version=2) for name in names))
    damage(database, flipped(40))
    with opened(database, database_url, world) as ledger:
        (kept,) = ledger.record_inquiries([world.inquiry("lender-1", "asked", subjects=((subject_of("1"),),))]).result()
        assert kept.kept
        world.clock.now += 7 * 366 * DAY_MS
        with pytest.raises(MapDamagedError, match="fsck"):
            Housekeeping(ledger).tidy()
        with ledger.view() as view:
            left = {row.subject for row in view.live_bindings()}
            assert subject_of(PERSON) in left
            # Those in one block with it.
            assert len(left) <= MAX_ENTRIES + 1
            assert [*inquiries.persons(view.work)] == []
        check_never_clear(ledger)


def test_what_comes_together_with_what_is_damaged_is_logged(
    database: Database, database_url: str, world: World
) -> None:
    damage(database, flipped(40))
    with opened(database, database_url, world) as ledger:
        submitting, sent = Submitting(ledger), []
        for number in range(20):
            person = PERSON if number % 5 == 2 else f"new {number}"
            message = world.report("lender-2", f"new {number}", person=person)
            sent.append((person, submitting.enqueue(submitting.prepare("lender-2", [Submission.of(message)]))))
        for person, future in sent:
            if person == PERSON:
                assert isinstance(future.exception(), MapDamagedError)
            else:
                assert future.result().results[0].complaint is None
