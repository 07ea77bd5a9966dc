"""A load generator for HTTP that costs as little as possible: prepared requests over kept-open sockets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["get", "post", "rate"]


def post(path: str, body: bytes) -> bytes:
    """Return the bytes of a POST request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: plain\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: plain\r\n\r\n".encode()


async def _worker(port: int, requests: Iterator[bytes]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        done += 1
    writer.close()
    return done


async def _drive(port: int, requests: Sequence[bytes], in_flight: int) -> float:
    pending = iter(requests)
    started = time.perf_counter()
    done = await asyncio.gather(*(_worker(port, pending) for _ in range(in_flight)))
    return sum(done) / (time.perf_counter() - started)


def rate(port: int, requests: Sequence[bytes], in_flight: int) -> float:
    """Send all requests, so many at once; return requests a second.

    Raises:
        RuntimeError: a request was refused.
    """
    return asyncio.run(_drive(port, requests, in_flight))
