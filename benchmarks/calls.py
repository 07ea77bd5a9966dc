"""The load generator for single calls: prepared HTTP/2 frames over connections that are kept open.

    python -m benchmarks.calls ADDRESS FOLDER N      N calls in flight; both as for ``benchmarks.generator``

gRPC's own client takes as much processor time for a call as a server does, on processors that both share; the
generator for the plain alternative is as cheap as this one. It prints JSON: ``seconds`` from the first byte to the last
answer, and ``calls``; answers go to ``answers`` in FOLDER and are looked at after the clock has stopped.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop

from benchmarks.generator import answers, write_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# RFC 9113: types and flags of frames, settings.
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE = 1, 4
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEAD = 9
_MOST_WINDOW = 2**31 - 1
_FIRST_WINDOW = 65_535
_LONGEST_FRAME = 16_384
# Of a gRPC message: one byte "not compressed", four of length.
_MESSAGE_HEAD = 5
CALL_SECONDS = 600


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _header(name: str, value: str) -> bytes:
    """Return a header field as a literal that is never indexed (RFC 7541, 6.2.3); both parts shorter than 127 bytes."""
    return b"\x10" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


class _Connection(asyncio.Protocol):
    """One connection of a lender: keeps so many calls in flight until its messages are sent."""

    def __init__(self, method: str, address: str, messages: Sequence[bytes], in_flight: int) -> None:
        fields = {":method": "POST", ":scheme": "https", ":path": method, ":authority": address}
        fields |= {"te": "trailers", "content-type": "application/grpc"}
        self._head = b"".join(_header(name, value) for name, value in fields.items())
        self._messages: Iterator[bytes] = iter(messages)
        self._in_flight = in_flight
        self._waiting: dict[int, bytearray] = {}
        self._next_stream = 1
        self._buffer = bytearray()
        self._received = 0
        self.answers: list[bytes] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        settings = (_HEADER_TABLE_SIZE, 0), (_INITIAL_WINDOW_SIZE, _MOST_WINDOW)
        payload = b"".join(name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in settings)
        more = (_MOST_WINDOW - _FIRST_WINDOW).to_bytes(4, "big")
        self._transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, payload) + _frame(_WINDOW_UPDATE, 0, 0, more))

    def start(self) -> None:
        for _ in range(self._in_flight):
            self._send_next()

    def _send_next(self) -> None:
        message = next(self._messages, None)
        if message is None:
            if not self._waiting and not self.done.done():
                self.done.set_result(None)
            return
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._waiting[stream] = bytearray()
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        frames = [_frame(_HEADERS, _END_HEADERS, stream, self._head)]
        for start in range(0, len(body), _LONGEST_FRAME):
            last = start + _LONGEST_FRAME >= len(body)
            frames.append(_frame(_DATA, _END_STREAM if last else 0, stream, body[start : start + _LONGEST_FRAME]))
        self._transport.write(b"".join(frames))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _FRAME_HEAD:
            end = at + _FRAME_HEAD + int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) < end:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self._frame(kind, flags, stream, buffer[at + _FRAME_HEAD : end])
            at = end
        del buffer[:at]

    def _frame(self, kind: int, flags: int, stream: int, payload: bytearray) -> None:
        if kind == _DATA:
            self._waiting[stream] += payload
            self._received += len(payload)
            if self._received > _MOST_WINDOW // 2:
                self._transport.write(_frame(_WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big")))
                self._received = 0
        elif kind == _HEADERS and flags & _END_STREAM:
            message = self._waiting.pop(stream)
            if len(message) < _MESSAGE_HEAD:
                self._fail("a call was refused")
                return
            self.answers.append(bytes(message[_MESSAGE_HEAD:]))
            self._send_next()
        elif kind == _SETTINGS and not flags & _ACK:
            self._transport.write(_frame(_SETTINGS, _ACK, 0, b""))
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind == _PING and not flags & _ACK:
            self._transport.write(_frame(_PING, _ACK, 0, bytes(payload)))
        elif kind == _GOAWAY or (kind == _RST_STREAM and stream in self._waiting):
            # A stream that was answered before its request was read to the end is reset afterwards.
            self._fail(f"the server ended a call or the connection: frame {kind}")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost: {error}")

    def _fail(self, text: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(text))


async def _run(address: str, folder: Path, in_flight: int) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    addresses = address.split(",")
    loop = asyncio.get_running_loop()
    lenders = plan["lenders"]
    connections = []
    for at, item in enumerate(lenders):
        tls = Path(item["tls"])
        at_address = addresses[at % len(addresses)]
        host, _, port = at_address.rpartition(":")
        context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        context.load_cert_chain(tls / "certificate.pem", tls / "key.pem")
        context.set_alpn_protocols(["h2"])
        share = in_flight // len(lenders) + (at < in_flight % len(lenders))
        messages = list(answers(folder / item["messages"]))

        def make(to: str = at_address, messages: list[bytes] = messages, share: int = share) -> _Connection:
            return _Connection(plan["method"], to, messages, share)

        _, connection = await loop.create_connection(make, host, int(port), ssl=context)
        await asyncio.wait_for(connection.ready, CALL_SECONDS)
        connections.append(connection)
    started = time.perf_counter()
    for connection in connections:
        connection.start()
    await asyncio.wait_for(asyncio.gather(*(connection.done for connection in connections)), CALL_SECONDS)
    seconds = time.perf_counter() - started
    received = [answer for connection in connections for answer in connection.answers]
    write_messages(folder / "answers", received)
    print(json.dumps({"seconds": seconds, "calls": len(received)}))


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(_run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
