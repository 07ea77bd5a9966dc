"""Checks of the SDK and of a desk's API, so many in flight; a process of its own.

    python -m benchmarks.desk_asking sdk HOME COUNT FIRST IN_FLIGHT
    python -m benchmarks.desk_asking desk PORT COUNT FIRST IN_FLIGHT < TOKEN

Each asks about COUNT persons, from number FIRST on, and prints how many it has asked about a second. The desk is called
over connections that are kept, by a client that does little else, as what it costs is charged to the desk.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.prepare import CONSENT, identity
from client_sdk import Client, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 "
LIMIT = 60.0


def ask_sdk(home: str, count: int, first: int, in_flight: int) -> float:
    """Ask by threads, each of which waits for its answer."""
    people = [identity(number) for number in range(first, first + count)]
    with Client.from_home(home) as client, ThreadPoolExecutor(in_flight) as threads:
        client.directory()
        started = time.perf_counter()
        for answer in threads.map(
            lambda who: client.check(who, purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="staff-17"), people
        ):
            if answer.failure is not None:
                raise RuntimeError(answer.failure.rule)
        return count / (time.perf_counter() - started)


async def ask_desk(port: int, token: str, count: int, first: int, in_flight: int) -> float:
    """Ask over so many connections, each of which waits for its answer."""
    requests = iter([_request(port, token, number) for number in range(first, first + count)])
    started = time.perf_counter()
    await asyncio.gather(*(_ask_all(port, requests) for _ in range(in_flight)))
    return count / (time.perf_counter() - started)


def _request(port: int, token: str, number: int) -> bytes:
    who = identity(number)
    content = {
        "person": {"id_type": who.id_type.value, "number": who.number},
        "purpose": "LOAN_APPROVAL",
        "consent": {"date": CONSENT.date.isoformat(), "digest": CONSENT.digest.hex()},
    }
    body = json.dumps(content).encode()
    head = (
        f"POST /api/v1/checks HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _ask_all(port: int, requests: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            writer.write(request)
            async with asyncio.timeout(LIMIT):
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, length = head.lower().partition(b"content-length: ")
                body = await reader.readexactly(int(length.partition(b"\r\n")[0]))
            if not head.startswith(OK):
                raise RuntimeError(body.decode())
    finally:
        writer.close()


def main() -> None:
    """Measure and print."""
    kind, place, *numbers = sys.argv[1:]
    count, first, in_flight = map(int, numbers)
    if kind == "sdk":
        print(json.dumps(ask_sdk(place, count, first, in_flight)))
    else:
        print(json.dumps(asyncio.run(ask_desk(int(place), sys.stdin.read().strip(), count, first, in_flight))))


if __name__ == "__main__":
    main()
