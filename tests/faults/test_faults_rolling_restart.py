"""Two processes on one PostgreSQL are restarted one after the other, and nobody who reports or asks meanwhile fails."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import count
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Client
from client_sdk.models import Purpose, written_consent
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report, person
from tests.promises.test_p6_durable import versions
from tests.support.further_process import further_process
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.config import ClientConfig
    from tests.support.held import Site

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
FIRST = 30_000
AT_ONCE = 5


class Load:
    """What members do while the processes are restarted."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.numbers = count(FIRST)
        self.singles: list[int] = []
        self.rows = 0
        self.asked = 0

    @property
    def done(self) -> tuple[int, int, int]:
        """What each member has done."""
        return len(self.singles), self.rows, self.asked

    def each(self) -> Iterator[int]:
        """Yield persons until the processes have been restarted."""
        while not self.over.is_set():
            yield next(self.numbers)

    def report(self, config: ClientConfig) -> None:
        """Report one by one."""
        with Client(config) as lender:
            for number in self.each():
                assert lender.report(default_report(number)).version == 1
                self.singles.append(number)

    def stream(self, config: ClientConfig) -> None:
        """Report in streams."""
        with Client(config) as lender:
            for _ in self.each():
                told = lender.report_many([default_report(next(self.numbers)) for _ in range(AT_ONCE)])
                assert (told.accepted, told.repeated) in {(AT_ONCE - n, n) for n in range(AT_ONCE + 1)}
                self.rows += AT_ONCE

    def ask(self, config: ClientConfig) -> None:
        """Ask with the client for asyncio."""

        async def asking() -> None:
            async with AsyncClient(config) as asker:
                for number in self.each():
                    await asker.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
                    self.asked += 1

        asyncio.run(asking())


def go_on(load: Load, work: list[Future[None]]) -> None:
    """Wait until each member has done something more."""
    before = load.done

    def is_so() -> bool:
        for one in work:
            if one.done():
                one.result()
        return all(now > then for now, then in zip(load.done, before, strict=True))

    wait_until(is_so)


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_processes_are_restarted_in_turn_and_no_call_fails(site: Site) -> None:
    running, load = site.registry, Load()
    before = len(versions(site))
    with further_process(running, site.database_url) as further, ThreadPoolExecutor(3) as members:

        def config(lender: str, *addresses: str) -> ClientConfig:
            return replace(running.config(lender), registry=",".join(addresses))

        own, other = running.address, further.address
        work = [
            members.submit(load.report, config("lender-1", own, other)),
            members.submit(load.stream, config("lender-2", other, own)),
            members.submit(load.ask, config("lender-2", own, other)),
        ]
        try:
            go_on(load, work)
            assert further.stop() == 0
            go_on(load, work)
            further.start()
            running.stop("registry")
            go_on(load, work)
            running.start_registry()
            go_on(load, work)
        finally:
            load.over.set()
        for done in work:
            done.result()
    logged = versions(site)
    assert len(set(logged)) == len(logged) == before + len(load.singles) + load.rows
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []
