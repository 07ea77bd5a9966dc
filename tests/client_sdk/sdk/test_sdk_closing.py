"""A client that is closed while calls are under way: each of them raises the one error that says so; none hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from client_sdk import AsyncClient, Client, ConfigError, Customer, Phase, written_consent
from client_sdk._steps.calls import _AwaitAnswer, _Message, _Open
from client_sdk._transport.call_threads import Job
from client_sdk._transport.channels import TlsMaterial
from client_sdk.kernel.formats.words import KeyUsage, KeyUse, Purpose
from client_sdk.key_client import AsyncKeyClient, KeyClient
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.waiting import MOST_SECONDS, PAUSE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.models import Progress
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
ASKED: dict[str, Any] = {"purpose": Purpose.LOAN_APPROVAL, "consent": CONSENT, "officer": "clerk-7"}
SCREENED: dict[str, Any] = {"purpose": Purpose.POST_LOAN_REVIEW, "officer": "clerk-7"}
KEY_SERVICE = "key-service-b"
# What a task of asyncio waits in while its call has no answer yet.
WAITING = {_AwaitAnswer.wait.__code__, _Message.wait.__code__, _Open.wait.__code__}


class Case(NamedTuple):
    """A call of either client, and the program that stands still meanwhile."""

    program: str
    call: Callable[[Any], Any]


CASES: dict[str, Case] = {
    "status": Case("registry", lambda client: client.status()),
    "acts": Case("registry", lambda client: client.acts()),
    "certificates": Case("registry", lambda client: client.certificates()),
    "inquiry_receipt": Case("registry", lambda client: client.inquiry_receipt(bytes(16))),
    "receipt": Case("registry", lambda client: client.receipt(bytes(16), 1)),
    "records": Case("registry", lambda client: client.records()),
    "check": Case("registry", lambda client: client.check(person(72_001), **ASKED)),
    "screen": Case("registry", lambda client: client.screen([Customer(person(72_001), CONSENT)], **SCREENED)),
    "report": Case("registry", lambda client: client.report(default_report(72_001))),
    "report_many": Case("registry", lambda client: client.report_many(history(72_001))),
    "status of key services": Case(KEY_SERVICE, lambda client: client.status()),
    "check at a key service": Case(KEY_SERVICE, lambda client: client.check(person(72_002), **ASKED)),
    "report at a key service": Case(KEY_SERVICE, lambda client: client.report(default_report(72_002))),
    "report_many at a key service": Case(KEY_SERVICE, lambda client: client.report_many(history(72_002))),
}


@contextmanager
def standing_still(registry: TestRegistry, program: str) -> Iterator[None]:
    """A program takes connections and answers nothing while the block lasts."""
    group = registry.process_id(program)
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def threads_in_calls() -> int:
    """How many threads wait for the answer to a call.

    Only the innermost frame of a thread is looked at: the others may end, and their memory go, while they are read.
    """
    return sum(frame.f_code is Job.result.__code__ for frame in sys._current_frames().values())


def tasks_in_calls(*generators: object) -> int:
    """How many tasks of the running loop, or asynchronous generators, wait for the answer to a call."""
    count = 0
    for outermost in (*(task.get_coro() for task in asyncio.all_tasks()), *generators):
        here: Any = outermost
        while here is not None and getattr(here, "cr_code", None) not in WAITING:
            here = getattr(here, "cr_await", None) or getattr(here, "ag_await", None)
        count += here is not None
    return count


async def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(PAUSE_SECONDS)


class Caller(threading.Thread):
    """Makes a call, and keeps what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.raised: BaseException | None = None

    def run(self) -> None:
        try:
            result = self._call()
            if hasattr(result, "__next__"):
                list(result)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.raised = error

    def result(self) -> BaseException | None:
        self.join(MOST_SECONDS)
        assert not self.is_alive()
        return self.raised


def check_told(error: BaseException | None) -> None:
    assert type(error) is ConfigError, repr(error)
    assert str(error) == "the client is closed"


@pytest.mark.parametrize("name", CASES)
def test_a_call_under_way_says_that_its_client_was_closed(registry: TestRegistry, name: str) -> None:
    case = CASES[name]
    client = Client(registry.config("lender-1"))
    client.directory()
    with standing_still(registry, case.program):
        caller = Caller(lambda: case.call(client))
        caller.start()
        wait_until(lambda: threads_in_calls() > 0)
        client.close()
        check_told(caller.result())


def test_all_calls_of_a_client_under_way_say_that_it_was_closed(registry: TestRegistry) -> None:
    client = Client(registry.config("lender-1"))
    client.directory()
    calls: list[Callable[[], Any]] = [
        lambda: client.check(person(72_003), **ASKED),
        lambda: client.report(default_report(72_003)),
        client.certificates,
        client.records,
        lambda: client.receipt(bytes(16), 1),
        lambda: client.report_many(history(72_004)),
    ]
    with standing_still(registry, "registry"):
        callers = [Caller(call) for call in calls]
        for caller in callers:
            caller.start()
        wait_until(lambda: threads_in_calls() >= len(callers))
        client.close()
        for caller in callers:
            check_told(caller.result())


@pytest.mark.parametrize("name", CASES)
async def test_a_call_for_asyncio_says_that_its_client_was_closed(registry: TestRegistry, name: str) -> None:
    case = CASES[name]
    client = AsyncClient(registry.config("lender-1"))
    await client.directory()

    result = case.call(client)

    async def call() -> None:
        if hasattr(result, "__anext__"):
            async for _ in result:
                pass
        else:
            await result

    with standing_still(registry, case.program):
        calling = asyncio.create_task(call())
        await until(lambda: tasks_in_calls(result) > 0)
        await client.close()
        done, _ = await asyncio.wait((calling,), timeout=MOST_SECONDS)
        assert done
        check_told(calling.exception())


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.RESUMING, Phase.SENDING])
def test_a_portfolio_says_that_its_client_was_closed_and_goes_on_later(registry: TestRegistry, phase: Phase) -> None:
    rows = history(72_010 + 10 * list(Phase).index(phase))
    client = Client(registry.config("lender-1"))

    def close(progress: Progress) -> None:
        if progress.phase is phase:
            client.close()

    with pytest.raises(ConfigError, match=r"^the client is closed$"):
        client.report_many(rows, close)
    with Client(registry.config("lender-1")) as later:
        done = later.report_many(rows)
        assert (done.accepted + done.repeated, done.rejected) == (len(rows), ())


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.RESUMING, Phase.SENDING])
async def test_a_portfolio_for_asyncio_says_that_its_client_was_closed(registry: TestRegistry, phase: Phase) -> None:
    rows = history(72_110 + 10 * list(Phase).index(phase))
    client = AsyncClient(registry.config("lender-1"))
    closing: list[asyncio.Task[None]] = []

    def close(progress: Progress) -> None:
        if progress.phase is phase and not closing:
            closing.append(asyncio.create_task(client.close()))

    with pytest.raises(ConfigError, match=r"^the client is closed$"):
        await client.report_many(rows, close)
    await closing[0]
    async with AsyncClient(registry.config("lender-1")) as later:
        done = await later.report_many(rows)
        assert (done.accepted + done.repeated, done.rejected) == (len(rows), ())


def test_what_was_signed_when_a_client_is_closed_waits_in_the_outbox(registry: TestRegistry) -> None:
    client = Client(registry.config("lender-1"))
    with pytest.raises(ConfigError, match=r"^the client is closed$"):
        client.report_many(history(72_200), lambda told: client.close() if told.phase is Phase.SENDING else None)
    with Client(registry.config("lender-1")) as later:
        assert later.report_many(history(72_200)).complete


async def test_a_question_to_key_services_says_that_its_client_was_closed(registry: TestRegistry) -> None:
    config = registry.config("lender-1")
    with Client(config) as member:
        directory = member.directory()
    signers = {KeyUse.INQUIRE: config.signer(KeyUsage.INQUIRE)}
    tls = TlsMaterial.from_folder(config.tls_key.parent)
    asked: tuple[Any, ...] = (directory, [person(72_005)], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    blocking, other = KeyClient("lender-1", signers, tls), AsyncKeyClient("lender-1", signers, tls)
    with standing_still(registry, KEY_SERVICE):
        caller = Caller(lambda: blocking.pseudonyms(*asked))
        caller.start()
        wait_until(lambda: threads_in_calls() > 0)
        blocking.close()
        check_told(caller.result())
        calling = asyncio.create_task(other.pseudonyms(*asked))
        await until(lambda: tasks_in_calls() > 0)
        await other.close()
        await asyncio.wait((calling,), timeout=MOST_SECONDS)
        check_told(calling.exception())
