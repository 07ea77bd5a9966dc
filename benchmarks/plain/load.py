"""A load generator for HTTP that costs as little as possible: prepared requests over kept-open sockets."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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


async def _connect(port: int, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def _worker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: Iterator[bytes]) -> int:
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


async def _drive(port: int, tls: Path, requests: Sequence[bytes], in_flight: int) -> float:
    context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    context.load_cert_chain(tls / "certificate.pem", tls / "key.pem")
    pending = iter(requests)
    # As on the other side, connections are open before the clock runs.
    connections = [await _connect(port, context) for _ in range(in_flight)]
    started = time.perf_counter()
    done = await asyncio.gather(*(_worker(*connection, pending) for connection in connections))
    return sum(done) / (time.perf_counter() - started)


def rate(port: int, tls: Path, requests: Sequence[bytes], in_flight: int) -> float:
    """Send all requests, so many at once; return requests a second.

    Raises:
        RuntimeError: a request was refused.
    """
    return uvloop.run(_drive(port, tls, requests, in_flight))
