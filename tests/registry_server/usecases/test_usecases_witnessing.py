"""Feeding witnesses: real ones over HTTP, and those that are down, slow, lie or have seen another log."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from client_sdk._http_server import HttpLimits, HttpRequest, HttpResponse, HttpServer
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import parse_body, sign_checkpoint
from client_sdk.kernel.formats.cosignature import cosign, cosignatures_of
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.formats.witness_request import parse_witness_request, witness_request
from client_sdk.witness import Witness
from client_sdk.witness.rows import LogRows
from registry_server.usecases.witnessing import Witnessing, check_witnesses
from tests.support.registers import ORIGIN
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 30
LOG_KEY = VerifierKey.ed25519(ORIGIN, World().log_signer.public_key.raw)
SIGNERS = [Ed25519Signer.from_seed(bytes([number]) * 32) for number in range(1, 4)]
KEYS = [VerifierKey.cosigner(f"w{number}.example", signer.public_key.raw) for number, signer in enumerate(SIGNERS, 1)]
SECONDS = 1_700_000_000
TLS = ssl.create_default_context()


class Served:
    """What decides about requests, behind a real HTTP server; the requests are kept."""

    def __init__(self, decide: Callable[[bytes], tuple[int, bytes]]) -> None:
        self.decide = decide
        self.asked: list[bytes] = []
        self.url = ""

    async def answer(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request.body)
        status, body = await asyncio.to_thread(self.decide, request.body)
        return HttpResponse(status, body)


@contextmanager
def served(*decisions: Callable[[bytes], tuple[int, bytes]]) -> Iterator[list[Served]]:
    """Serve each on a port of its own, in a loop of one thread."""
    all_ = [Served(decide) for decide in decisions]
    started: Future[None] = Future()
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        servers = [HttpServer(one.answer, lambda _: None, HttpLimits(body_bytes=65_536)) for one in all_]
        for one, server in zip(all_, servers, strict=True):
            one.url = f"http://127.0.0.1:{await server.start('127.0.0.1:0', None)}"
        started.set_result(None)
        await stopping.wait()
        for server in servers:
            await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    started.result(PATIENCE_SECONDS)
    try:
        yield all_
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


def real(
    number: int, folder: Path, clock: Callable[[], float] = lambda: SECONDS
) -> Callable[[bytes], tuple[int, bytes]]:
    """A witness as it is."""
    folder.mkdir(exist_ok=True)
    rows = LogRows.create(folder / f"logs-{number}.sqlite", KEYS[number])
    witness = Witness(KEYS[number].name, SIGNERS[number], [LOG_KEY], rows, clock)
    return lambda body: witness.add_checkpoint(body)[:2]


def quorum_of(all_: list[Served], quorum: int) -> WitnessQuorum:
    lines = [f"witness w{n} {key.text()} {one.url}" for n, (key, one) in enumerate(zip(KEYS, all_, strict=False))]
    names = " ".join(f"w{n}" for n in range(len(lines)))
    return WitnessQuorum.parse("\n".join([*lines, f"group all {quorum} {names}", "quorum all"]).encode())


def fed(witnessing: Witnessing) -> None:
    """Feed once, and wait until every witness has been heard or given up."""
    witnessing.feed()
    witnessing.settle(PATIENCE_SECONDS)


def test_a_quorum_cosigns_each_newest_checkpoint(database_url: str, tmp_path: Path) -> None:
    world = World()
    with world.ledger(database_url) as ledger, served(*(real(n, tmp_path / "w") for n in range(3))) as witnesses:
        witnessing = Witnessing(ledger, quorum_of(witnesses, 2), TLS)
        assert witnessing.newest is None
        for name in ("one", "two"):
            fed(witnessing)
            newest = witnessing.newest
            assert newest is not None
            with ledger.view() as view:
                assert newest.note.startswith(view.checkpoint)
                assert newest.size == view.size
            assert set(cosignatures_of(note.parse(newest.note), KEYS).values()) == {SECONDS}
            accept(ledger, world.report("lender-1", name))
        # What every witness has cosigned lately is not offered again.
        fed(witnessing)
        asked = [len(one.asked) for one in witnesses]
        fed(witnessing)
        assert [len(one.asked) for one in witnesses] == asked
        # A registry that is started again asks from nothing, is told the size, and goes on from there.
        again = Witnessing(ledger, quorum_of(witnesses, 3), TLS)
        fed(again)
        assert again.newest is not None
        assert [len(one.asked) for one in witnesses] == [before + 2 for before in asked]
        witnessing.stop()
        again.stop()


def test_a_witness_that_another_process_has_fed_further_is_no_fault(database_url: str, tmp_path: Path) -> None:
    world, decide = World(), real(0, tmp_path / "w")
    with world.ledger(database_url) as ledger:
        further = [decide]

        def overtaken(body: bytes) -> tuple[int, bytes]:
            """What another process does between the offer of this one and the answer to it."""
            if further:
                further.clear()
                accept(ledger, world.report("lender-1", "meanwhile"))
                with ledger.view() as view:
                    assert decide(witness_request(0, (), view.checkpoint))[0] == 200
            return decide(body)

        with served(overtaken) as witnesses:
            witnessing = Witnessing(ledger, quorum_of(witnesses, 1), TLS)
            fed(witnessing)
            assert witnessing.figures()["registry_witness_refusals"] == 0
            assert witnessing.newest is not None
            assert witnessing.newest.size == ledger.size
            witnessing.stop()


def test_witnesses_that_fail_or_lie_count_for_nothing_and_hold_up_nobody(database_url: str, tmp_path: Path) -> None:
    other = cosign(parse_text(sign_checkpoint(ORIGIN, 1, bytes(32), World().log_signer)), KEYS[1].name, SIGNERS[1], 9)
    bad = {
        "an error": (500, b""),
        "no line": (200, b"hello"),
        "a line for another checkpoint": (200, other.line().encode()),
        "a conflict without a size": (409, b"many"),
        "a log that is longer": (409, b"999999\n"),
        "a huge answer": (200, bytes(1 << 20)),
        "a redirect": (302, b""),
    }
    world = World()
    with (
        world.ledger(database_url) as ledger,
        served(real(0, tmp_path / "w"), *((lambda _, said=said: said) for said in bad.values())) as witnesses,
    ):
        good, *others = witnesses
        for name, one in zip(bad, others, strict=True):
            two_of_two = Witnessing(ledger, quorum_of([good, one], 2), TLS)
            fed(two_of_two)
            assert two_of_two.newest is None, name
            assert two_of_two.figures()["registry_witness_refusals"] == 1, name
            two_of_two.stop()
            one_of_two = Witnessing(ledger, quorum_of([good, one], 1), TLS)
            fed(one_of_two)
            assert one_of_two.newest is not None, name
            one_of_two.stop()


def test_a_witness_whose_clock_is_ahead_counts_once_it_is_right(database_url: str, tmp_path: Path) -> None:
    seconds, now = [2.0**62], 0.0
    decide = real(0, tmp_path / "w", lambda: seconds[0])
    with World().ledger(database_url) as ledger, served(decide, real(1, tmp_path / "w")) as witnesses:
        witnessing = Witnessing(ledger, quorum_of(witnesses, 1), TLS, clock=lambda: now)
        for wrong in (2.0**62, time.time() + 3_600):
            seconds[0] = wrong
            fed(witnessing)
            assert witnessing.newest is not None
            assert witnessing.newest.at == SECONDS
            assert list(cosignatures_of(note.parse(witnessing.newest.note), KEYS)) == [KEYS[1]]
            now += 60.0
        assert witnessing.figures()["registry_witness_refusals"] == 2
        seconds[0] = SECONDS + 1
        fed(witnessing)
        assert witnessing.newest is not None
        assert witnessing.newest.at == SECONDS + 1
        witnessing.stop()


def test_the_quorum_of_the_rulebook_is_gathered_as_well_as_the_operators(database_url: str, tmp_path: Path) -> None:
    lines = [f"witness w{number} {key.text()}" for number, key in enumerate(KEYS[:2])]
    demanded = Rulebook(witness_quorum=(*lines, "group both 2 w0 w1", "quorum both"))
    is_up, second = threading.Event(), real(1, tmp_path / "w")
    with (
        World(demanded).ledger(database_url) as ledger,
        served(real(0, tmp_path / "w"), lambda body: second(body) if is_up.is_set() else (503, b"")) as witnesses,
    ):
        now = 1_000.0
        witnessing = Witnessing(ledger, quorum_of(witnesses, 1), TLS, clock=lambda: now)
        fed(witnessing)
        assert witnessing.newest is None
        is_up.set()
        # One that has failed is asked again after a while.
        now += 60.0
        fed(witnessing)
        assert witnessing.newest is not None
        witnessing.stop()


def test_a_witness_that_is_down_is_asked_again(database_url: str, tmp_path: Path) -> None:
    decide, is_up = real(0, tmp_path / "w"), threading.Event()
    with (
        World().ledger(database_url) as ledger,
        served(lambda body: decide(body) if is_up.is_set() else (503, b"")) as witnesses,
    ):
        now = [0.0]
        witnessing = Witnessing(ledger, quorum_of(witnesses, 1), TLS, lambda: now[0])
        for failures, seconds in enumerate((0, 2, 4, 8, 16, 30, 30), 1):
            now[0] += seconds - 0.1
            fed(witnessing)
            now[0] += 0.1
            fed(witnessing)
            assert len(witnesses[0].asked) == failures, "less and less often"
        assert witnessing.newest is None
        is_up.set()
        now[0] += 30
        fed(witnessing)
        assert witnessing.newest is not None
        witnessing.stop()


def test_the_age_of_the_quorum_grows_while_too_few_of_it_cosign(database_url: str, tmp_path: Path) -> None:
    decide, is_up, now = real(1, tmp_path / "w"), threading.Event(), [0.0]
    is_up.set()
    with (
        World().ledger(database_url) as ledger,
        served(real(0, tmp_path / "w"), lambda body: decide(body) if is_up.is_set() else (503, b"")) as witnesses,
    ):
        witnessing = Witnessing(ledger, quorum_of(witnesses, 2), TLS, lambda: now[0])
        fed(witnessing)
        assert witnessing.newest is not None
        is_up.clear()
        for age in (100.0, 200.0):
            now[0] = age
            fed(witnessing)
            assert witnessing.figures()["registry_witnessed_age_seconds"] == age
        witnessing.stop()


def test_a_database_put_back_meets_a_witness_that_remembers(database_url: str, tmp_path: Path) -> None:
    decide = real(0, tmp_path / "w")
    ahead = witness_request(0, [], sign_checkpoint(ORIGIN, 500, bytes(32), World().log_signer))
    assert decide(ahead)[0] == 200
    with World().ledger(database_url) as ledger, served(decide) as witnesses:
        witnessing = Witnessing(ledger, quorum_of(witnesses, 1), TLS)
        fed(witnessing)
        assert witnessing.newest is None
        assert parse_witness_request(witnesses[0].asked[0]).old == 0
        witnessing.stop()


@pytest.mark.parametrize("url", ["w.example", "http://w.example/", "ftp://w.example/", "https://", "https://w/?a=b"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    text = f"witness w {KEYS[0].text()} {url}\nquorum w"
    with pytest.raises(FormatError, match=r"policy\.url"):
        check_witnesses(WitnessQuorum.parse(text.encode()))


def parse_text(checkpoint: bytes) -> str:
    text = note.parse(checkpoint).text
    assert parse_body(text)
    return text
