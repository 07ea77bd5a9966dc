"""fsck holds what auditors have cosigned against the log, and repair deletes what is none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from registry_server.storage import replays as table
from registry_server.storage.replays import StoredReplay
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import repair_derived
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.replays import Replays
from tests.registry_server.usecases.test_usecases_replays import (
    KEYS,
    LINES,
    SIGNERS,
    enrol_auditors,
    name_auditors,
    newest,
    signed,
)
from tests.support.registers import ORIGIN
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_780_000_000


def row(name: str, note: bytes, size: int = 2, at: int = NOW) -> StoredReplay:
    return StoredReplay(KEYS[name].text(), size, at, note)


def of(world: World, name: str, size: int, root: bytes, at: int = NOW) -> bytes:
    return signed(sign_checkpoint(ORIGIN, size, root, world.log_signer), name, at)


# What stands in the table, from the world and a note of now that is in order.
WRONG: dict[str, tuple[Callable[[World, StoredReplay], StoredReplay], str]] = {
    "of a stranger": (lambda _, good: good._replace(verifier_key=KEYS["stranger"].text()), "replay.key"),
    "of another auditor": (lambda _, good: good._replace(verifier_key=KEYS["two"].text()), "replay.lines"),
    "no note": (lambda _, good: good._replace(note=b"nothing"), "note.separator"),
    "another size": (lambda _, good: good._replace(size=good.size - 1), "replay.size"),
    "another time": (lambda _, good: good._replace(cosigned_at=good.cosigned_at + 1), "replay.size"),
    "another history": (lambda world, _: row("one", of(world, "one", 2, bytes(32))), "replay.history"),
    "a longer log": (lambda world, _: row("one", of(world, "one", 999, bytes(32)), 999), "replay.size"),
    "another log": (
        lambda *_: row("one", signed(sign_checkpoint(ORIGIN, 2, bytes(32), SIGNERS["one"]), "one", NOW)),
        "note.untrusted",
    ),
    "a false line": (
        lambda _, good: good._replace(note=good.note[:-6] + bytes((good.note[-6] ^ 4,)) + good.note[-5:]),
        "signature.invalid",
    ),
}


def found(url: str) -> list[tuple[str, str]]:
    with Database(url) as database:
        return [(str(item.reason), item.rule) for item in fsck(database).findings]


def put(url: str, *rows: StoredReplay) -> None:
    with Database(url) as database, database.append() as work:
        for each in rows:
            table.put(work, each)
        work.commit()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_row_that_no_auditor_of_this_log_has_cosigned_is_found_and_deleted(database_url: str, wrong: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        for name in ("one", "two"):
            Replays(ledger).publish(newest(ledger, name, ledger.clock() // 1_000))
        with ledger.view() as view:
            good = {each.verifier_key: each for each in table.rows(view.work)}
    assert found(database_url) == []
    make, rule = WRONG[wrong]
    bad = make(world, good[KEYS["one"].text()])
    put(database_url, bad)
    assert found(database_url) == [("REPLAY_ROW", rule)]
    with Database(database_url) as database, database.append() as work:
        assert repair_derived(work, write=True).rows == {"replays": 1}
        work.commit()
    assert found(database_url) == []
    with Database(database_url) as database, database.snapshot() as work:
        kept = {each.verifier_key for each in table.rows(work)}
    assert kept == set(good) - {bad.verifier_key}


def test_a_row_of_an_auditor_that_was_named_before_is_in_order(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        Replays(ledger).publish(newest(ledger, "two", ledger.clock() // 1_000))
        accept(ledger, world.report("lender-1", "loan", person="A"))
        name_auditors(world, ledger, (LINES[0], "quorum one"))
    assert found(database_url) == []
