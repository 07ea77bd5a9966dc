"""A client belongs to the process, and for asyncio to the event loop, that opened it: elsewhere it says so at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Client, Purpose
from client_sdk.errors import ConfigError
from client_sdk.models import written_consent
from tests.client_sdk.sdk_samples import default_report, history, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
ASKED = {"purpose": Purpose.LOAN_APPROVAL, "consent": CONSENT, "officer": "clerk-7"}
CALLS: dict[str, Callable[[Client], object]] = {
    "check": lambda client: client.check(person(60_001), **ASKED),  # type: ignore[arg-type]  # three keywords
    "report": lambda client: client.report(default_report(60_001)),
    "report_many": lambda client: client.report_many(history(60_001)),
    "records": lambda client: list(client.records()),
    "receipt": lambda client: client.receipt(bytes(16), 1),
    "status": lambda client: client.status(),
    "acts": lambda client: client.acts(),
    "directory": lambda client: client.directory(),
    "certificates": lambda client: client.certificates(),
    "inquiry_receipt": lambda client: client.inquiry_receipt(bytes(16)),
    "enter": lambda client: client.__enter__(),
}
ASYNC_CALLS: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {
    "check": lambda client: client.check(person(60_001), **ASKED),  # type: ignore[arg-type]  # three keywords
    "report": lambda client: client.report(default_report(60_001)),
    "report_many": lambda client: client.report_many(history(60_001)),
    "records": lambda client: anext(client.records()),
    "receipt": lambda client: client.receipt(bytes(16), 1),
    "status": lambda client: client.status(),
    "enter": lambda client: client.__aenter__(),
}
# The parent holds every lock that a call takes, as another thread of it may at the moment of a fork.
FORK = """
import os, sys, threading
from client_sdk import Client
from client_sdk.errors import ConfigError
from tests.client_sdk.sdk.test_sdk_owner import CALLS

client = Client.from_home(sys.argv[1])
client.status()
client._member.session.outbox()
member = client._member
locks = [member.session._turn, member.following._rounds._turn, member.keys._turn]
for lock in locks:
    lock.acquire()
child = os.fork()
if child == 0:
    for name, call in CALLS.items():
        try:
            call(client)
        except ConfigError as error:
            print(name, error, flush=True)
    client.close()
    if sys.argv[2] == "own":
        with Client.from_home(sys.argv[1]) as own:
            print("own", own.status().size > 0, flush=True)
    os._exit(0)
for lock in locks:
    lock.release()
_, status = os.waitpid(child, 0)
print("child", status, "parent", client.status().size > 0)
client.close()
"""


@pytest.mark.parametrize("own", ["own", "none"])
def test_a_forked_child_is_told_to_open_its_own(registry: TestRegistry, own: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(registry.home("lender-1")), own],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = [f"{name} made in another process: open the client after the fork" for name in CALLS]
    wanted = [*told, *(["own True"] if own == "own" else []), "child 0 parent True"]
    assert done.stdout.splitlines() == wanted, done.stderr


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_client_says_so(registry: TestRegistry, name: str) -> None:
    client = Client(registry.config("lender-1"))
    client.status()
    client.close()
    client.close()
    with pytest.raises(ConfigError, match="the client is closed"):
        CALLS[name](client)


@pytest.mark.parametrize("name", ASYNC_CALLS)
def test_a_client_in_another_event_loop_says_so(registry: TestRegistry, name: str) -> None:
    async def opened() -> AsyncClient:
        client = AsyncClient(registry.config("lender-1"))
        await client.status()
        return client

    async def used(client: AsyncClient) -> None:
        with pytest.raises(ConfigError, match="made in another event loop"):
            await ASYNC_CALLS[name](client)

    with asyncio.Runner() as first:
        client = first.run(opened())
        with asyncio.Runner() as second:
            second.run(used(client))
        first.run(client.close())


@pytest.mark.parametrize("name", ASYNC_CALLS)
async def test_a_closed_client_for_asyncio_says_so(registry: TestRegistry, name: str) -> None:
    client = AsyncClient(registry.config("lender-1"))
    await client.status()
    await client.close()
    await client.close()
    with pytest.raises(ConfigError, match="the client is closed"):
        await ASYNC_CALLS[name](client)


def test_a_client_for_asyncio_is_opened_in_a_loop(registry: TestRegistry) -> None:
    with pytest.raises(ConfigError, match="there is no event loop"):
        AsyncClient(registry.config("lender-1"))
