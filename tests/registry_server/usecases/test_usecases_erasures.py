"""Proofs of erasure on both databases: what ended has one, what is kept has none, and each is for its own asker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.commitment import commit_erased_person
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.erasure_file import erasure_file, parse_erasure_file, read_erasure
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RegistryError
from registry_server.rpc.convert.proofs import proved_erasure
from registry_server.usecases.erasures import Erasures
from registry_server.usecases.housekeeping import Housekeeping
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.naive_erasure import naive_erasure
from tests.support.registers import ORIGIN
from tests.support.registry_world import World, accept, subject_of
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.ledger import Ledger

OPENING = seed("opening of a person")
LOG_KEY = signer("log").public_key.raw
DAY_MS = 86_400_000


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    reverify(database_url)


def proof(ledger: Ledger, peer: str, key: RecordKey, person: str = "") -> bytes:
    """The file that the proof makes."""
    committed = commit_erased_person(OPENING, 1, subject_of(person, 1)) if person else b""
    message = proved_erasure(Erasures(ledger).prove(peer, key, committed))
    return erasure_file(message, OPENING if person else b"")


def how(data: bytes, person: str) -> str:
    """How the record ended, as both verifiers say."""
    subject = subject_of(person, 1)
    verified = read_erasure(parse_erasure_file(data), REGISTRY, VerifierKey.ed25519(ORIGIN, LOG_KEY))
    assert verified.is_of([(1, subject)])
    assert naive_erasure(data, REGISTRY, LOG_KEY, subject) == verified.by
    return verified.by


def test_each_way_in_which_a_record_ends_is_proved(ledger: Ledger, world: World) -> None:
    keys = {name: world.key("lender-1", name) for name in ("mistaken", "ordered", "paid")}
    accept(ledger, *(world.report("lender-1", name) for name in keys))
    accept(ledger, world.report("lender-1", "mistaken", Standing.WITHDRAWN))
    world.erase(ledger, keys["ordered"])
    accept(ledger, world.report("lender-1", "paid", Standing.CURED, retain_until="2025-10-02"))
    world.clock.now += 2 * DAY_MS
    Housekeeping(ledger).tidy()
    ways = {"mistaken": "WITHDRAWN", "ordered": "ERASURE_ACT", "paid": "RETENTION_ENDED"}
    for name, way in ways.items():
        assert how(proof(ledger, "lender-1", keys[name], f"person of {name}"), f"person of {name}") == way


def test_what_was_withdrawn_and_then_erased_by_order_is_proved_by_the_order(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.WITHDRAWN))
    key = world.key("lender-1", "loan")
    world.erase(ledger, key)
    assert how(proof(ledger, "lender-1", key, "person of loan"), "person of loan") == "ERASURE_ACT"


def test_what_is_kept_has_no_proof(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "running"), world.report("lender-1", "cured"))
    accept(ledger, world.report("lender-1", "cured", Standing.CURED))
    for name in ("running", "cured"):
        with pytest.raises(RegistryError) as caught:
            proof(ledger, "lender-1", world.key("lender-1", name))
        assert (caught.value.reason, caught.value.rule) == ("RECORD_KEPT", "erasure.ended")


def test_a_debt_that_was_bought_is_not_erased_with_its_sale(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "sold", person="somebody"))
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2"))
    old = world.key("lender-1", "sold")
    contract = world.newest[old].facts
    assert contract is not None
    bought = world.report("lender-2", "bought", person="somebody", continues=old, contract=contract.debt.contract)
    accept(ledger, bought)
    with pytest.raises(RegistryError, match="RECORD_KEPT"):
        proof(ledger, "lender-1", old)


def test_who_may_not_have_it_is_refused(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.WITHDRAWN))
    key = world.key("lender-1", "loan")
    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        proof(ledger, "lender-2", key)
    # Without an issuer it is one of the caller's own.
    with pytest.raises(RegistryError, match="RECORD_UNKNOWN"):
        proof(ledger, "lender-2", RecordKey("", key.record_id))
    for record_id in (b"", bytes(16), bytes(17)):
        with pytest.raises(FormatError):
            proof(ledger, "lender-1", RecordKey("", record_id))
    for person in (b"x", bytes(31), bytes(33)):
        with pytest.raises(FormatError, match="person"):
            Erasures(ledger).prove("lender-1", key, person)


def test_the_day_of_erasure_is_that_of_the_leaf(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "loan"), world.report("lender-1", "loan", Standing.WITHDRAWN))
    at = world.clock.now
    world.clock.now += DAY_MS
    ledger.heartbeat().result()
    data = proof(ledger, "lender-1", world.key("lender-1", "loan"))
    said = read_erasure(parse_erasure_file(data), REGISTRY, VerifierKey.ed25519(ORIGIN, LOG_KEY)).erasure
    assert (said.erased_at, said.found_at, said.asker) == (at, at + DAY_MS, "lender-1")
