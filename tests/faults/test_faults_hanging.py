"""Servers are killed between question and answer: every call ends in time, no lock stays, nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from client_sdk import AsyncClient, Client, Purpose
from client_sdk._transport.calling import calling
from client_sdk._transport.channels import Deadlines, TlsMaterial, channel
from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.errors import CreditRegistryError
from client_sdk.lending.outbox import Outbox
from client_sdk.models import Phase, written_consent
from client_sdk.testing import TestRegistry
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_facts, default_report, history, person
from tests.support.victims import Victims

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from client_sdk._steps import Flow
    from client_sdk._steps.driver import Step
    from client_sdk.auditing.report import AuditReport
    from client_sdk.config import ClientConfig
    from client_sdk.models import DefaultReport, Progress

R = TypeVar("R")

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
PURPOSE = Purpose.LOAN_APPROVAL
DEADLINES = Deadlines(unary=3.0, stream=4.0)
# Nothing may take so long after a kill, however slow the machine: a bound on hanging, not on speed.
MOST_SECONDS = DEADLINES.stream + 5.0
# Between one kill and the next, in seconds: any moments will do, so these are not waits for something.
MOMENTS = itertools.cycle((0.0, 0.03, 0.1, 0.17, 0.3))
# While rows are taken from the caller.
READING = "READING"
# With those of key services and inboxes below, fifty kills.
REGISTRY_KILLS = 30
KEY_SERVICE_KILLS = 8
# More than one page of an inbox takes.
MOST_STEPS = 20


class Killed:
    """A real registry whose programs are killed and started again within a second."""

    def __init__(self, registry: TestRegistry) -> None:
        self.registry = registry

    def start(self, name: str) -> None:
        """Start a program, and wait until it listens."""
        if name == "registry":
            self.registry.start_registry()
        else:
            self.registry.start_key_service(name)

    def freeze(self, name: str) -> None:
        """Let a program take questions and answer none."""
        os.kill(self.registry.process_id(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        os.kill(self.registry.process_id(name), signal.SIGCONT)

    def kill(self, name: str) -> None:
        """End a program at once, whether it stands still or not."""
        self.registry.stop(name, kill=True)

    def config(self, member: str) -> ClientConfig:
        """A member's settings, with little patience."""
        return replace(
            self.registry.config(member), deadline=DEADLINES.unary, batch_deadline=DEADLINES.stream, max_age=3_600.0
        )

    def audit(self, home: Path) -> AuditReport:
        """Audit the registry, over streams with little patience."""
        config = self.config("auditor")
        tls = TlsMaterial.from_folder(config.tls_key.parent)
        with channel(config.registry, tls, DEADLINES) as link, calling():
            return audit(RegistrySource(link), AuditHome(home), config.trust_root())


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    with TestRegistry(folder=tmp_path_factory.mktemp("killed") / "site") as registry:
        yield Killed(registry)


class Rows:
    """Reports about persons of its own, three for each, that are handed out and remembered."""

    def __init__(self, first: int) -> None:
        self._numbers = itertools.count(first)
        self.all: list[DefaultReport] = []

    def more(self) -> list[DefaultReport]:
        rows = history(next(self._numbers))
        self.all += rows
        return rows


def verify(killed: Killed, rows: dict[str, Rows], tmp_path: Path) -> None:
    """All that was reported is there once, and the log is in order."""
    for member, reported in rows.items():
        with Client(killed.registry.config(member)) as again:
            done = again.report_many(reported.all)
            assert done.rejected == ()
            assert done.accepted + done.repeated == len(reported.all)
            assert again.report_many(reported.all).repeated == len(reported.all)
    assert killed.audit(tmp_path / "last audit").clean
    with Database(f"sqlite:///{killed.registry.registry_home / 'registry.sqlite'}", serving=False) as database:
        assert fsck(database).findings == []


def opened(
    config: ClientConfig, call: Callable[[AsyncClient], Awaitable[object]]
) -> Callable[[], AbstractAsyncContextManager[Callable[[], Awaitable[object]]]]:
    @asynccontextmanager
    async def client() -> AsyncIterator[Callable[[], Awaitable[object]]]:
        async with AsyncClient(config) as opened:
            yield lambda: call(opened)

    return client


async def asked(client: AsyncClient) -> object:
    return await client.check(person(1), purpose=PURPOSE, consent=CONSENT, officer="clerk-7")


async def listed(client: AsyncClient) -> int:
    return len([view async for view in client.records()])


def test_a_registry_that_is_killed_between_question_and_answer_holds_nobody_up(killed: Killed, tmp_path: Path) -> None:
    first, second = killed.config("lender-1"), killed.config("lender-2")
    rows = {"lender-1": Rows(1), "lender-2": Rows(10_001)}
    victims = Victims()
    with closing(Client(first)) as reporter, closing(Client(first)) as reader, closing(Client(second)) as other:
        victims.add("reports", lambda: reporter.report_many(rows["lender-1"].more()))
        victims.add("lists", lambda: list(reader.records()))
        victims.add("lists elsewhere", lambda: list(other.records()))
        victims.add("audits", lambda: killed.audit(tmp_path / "audit"))
        victims.add_async("reports in a loop", opened(second, lambda it: it.report_many(rows["lender-2"].more())))
        victims.add_async("lists in a loop", opened(first, listed))
        with victims:
            for number in range(REGISTRY_KILLS):
                victims.wait_for(victims.under_way(), time.monotonic() + 60)
                if number % 2:
                    killed.freeze("registry")
                time.sleep(next(MOMENTS))
                under_way = victims.under_way()
                killed.kill("registry")
                at = time.monotonic()
                killed.start("registry")
                victims.wait_for(under_way, at + MOST_SECONDS)
    # A call that is made again until the registry is back need not fail at all.
    assert all(victims.succeeded[name] for name in victims.under_way()), victims.succeeded
    verify(killed, rows, tmp_path)


def test_a_key_service_that_is_killed_between_question_and_answer_holds_nobody_up(
    killed: Killed, tmp_path: Path
) -> None:
    first, second = killed.config("lender-1"), killed.config("lender-2")
    rows = {"lender-1": Rows(5_001), "lender-2": Rows(15_001)}
    victims = Victims()
    with closing(Client(first)) as reporter, closing(Client(second)) as asker:
        victims.add("reports", lambda: reporter.report_many(rows["lender-1"].more()))
        victims.add("asks", lambda: asker.check(person(1), purpose=PURPOSE, consent=CONSENT, officer="clerk-7"))
        victims.add_async("reports in a loop", opened(second, lambda it: it.report_many(rows["lender-2"].more())))
        victims.add_async(
            "asks in a loop",
            opened(first, lambda it: it.check(person(1), purpose=PURPOSE, consent=CONSENT, officer="clerk-7")),
        )
        with victims:
            for number in range(KEY_SERVICE_KILLS):
                victims.wait_for(victims.under_way(), time.monotonic() + 60)
                if number % 2:
                    killed.freeze("key-service-b")
                time.sleep(next(MOMENTS))
                under_way = victims.under_way()
                killed.kill("key-service-b")
                at = time.monotonic()
                victims.wait_for(under_way, at + MOST_SECONDS)
                killed.start("key-service-b")
    assert all(victims.failed.values()), victims.failed
    verify(killed, rows, tmp_path)


class Endless:
    """Rows of which there is always one more."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.taken = threading.Event()

    def __iter__(self) -> Iterator[DefaultReport]:
        while True:
            self.taken.set()
            yield from self._rows.more()


@pytest.mark.parametrize("moment", [Phase.CHECKING, Phase.RESUMING, Phase.SENDING, READING])
async def test_a_cancelled_task_gives_the_outbox_back(killed: Killed, tmp_path: Path, moment: str) -> None:
    """Whatever it was doing, and although the registry does not answer."""
    config = replace(killed.registry.config("lender-1"), deadline=60.0, batch_deadline=60.0)
    rows = Rows(20_001 + 1_000 * [*Phase, READING].index(moment))
    endless = Endless(rows)
    reports = endless if moment == READING else [row for _ in range(100) for row in rows.more()]
    reached = asyncio.Event()

    def tell(progress: Progress) -> None:
        if progress.phase == moment:
            reached.set()

    async with AsyncClient(config) as client:
        task = asyncio.create_task(client.report_many(reports, tell))
        if moment == READING:
            assert await asyncio.to_thread(endless.taken.wait, MOST_SECONDS)
        else:
            await reached.wait()
        killed.freeze("registry")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with Outbox(config.outbox_file, config.name, config.institution) as outbox, outbox.alone():
            pass
        killed.thaw("registry")
        if moment != READING:
            done = await client.report_many(rows.all)
            assert done.accepted + done.repeated == len(rows.all)
    if moment == READING:
        rows.all.clear()
    verify(killed, {"lender-1": rows}, tmp_path)


def interrupted(flow: Flow[R], at: int, interrupt: Callable[[], None]) -> Flow[R]:
    """A flow before one of whose steps something happens."""
    number = 0
    value: object = None
    proceed: Callable[[Any], Step] = flow.send
    while True:
        try:
            step = proceed(value)
        except StopIteration as end:
            result: R = end.value
            return result
        if number == at:
            interrupt()
        number += 1
        try:
            value, proceed = (yield step), flow.send
        except CreditRegistryError as error:
            value, proceed = error, flow.throw


def test_an_inbox_that_is_followed_misses_and_doubles_nothing_when_the_registry_is_killed(killed: Killed) -> None:
    kills, found, expected = 0, list[int](), list[int]()

    def kill() -> None:
        nonlocal kills
        kills += 1
        killed.kill("registry")
        killed.start("registry")

    def correct(lender: Client, number: int) -> int:
        facts = default_facts(contract="HT-50001", principal=100_000 + number)
        return lender.report(default_report(50_001, facts=facts)).index

    with closing(Client(killed.config("lender-1"))) as lender, closing(Client(killed.config("lender-2"))) as asker:
        correct(lender, 0)
        assert asker.check(person(50_001), purpose=PURPOSE, consent=CONSENT, officer="clerk-7").records
        pages = asker._member.inbox(0, everything=False, follow=True)
        with closing(pages):
            # Before each step of one notice, until a kill finds no step any more.
            while kills == len(expected):
                expected.append(correct(lender, 1 + kills))
                while len(found) < len(expected):
                    page = asker._run(interrupted(pages.next(), kills, kill)) or ()
                    found += [notice.number for notice in page]
                    assert kills <= MOST_STEPS
        assert found == expected
        assert [notice.number for notice in asker.inbox()] == expected
