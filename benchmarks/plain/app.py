"""The plain alternative: what a capable engineer writes for speed and no longer, over the same table and durability.

A bare ASGI application on uvicorn with uvloop and httptools, mutual TLS as the registry has it, sqlite3 without a layer
above it, reads in the event loop, and one durable commit for all the reports that wait. It verifies each signature,
stores facts in clear, proves nothing and trusts its operator.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Values = tuple[str | int | bytes, ...]

_SETTINGS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-65536")
_TABLE = (
    (
        "CREATE TABLE records (id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, record_id BLOB NOT NULL, "
        "version INTEGER NOT NULL, subject BLOB NOT NULL, payload BLOB NOT NULL, signature BLOB NOT NULL, "
        "UNIQUE (issuer, record_id, version))"
    ),
    "CREATE INDEX by_subject ON records (subject)",
)
_INSERT = "INSERT INTO records (issuer, record_id, version, subject, payload, signature) VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT issuer, version, payload, signature FROM records WHERE subject = ?"


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=16)
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


class _Records:
    """The table: reads at once, and writes what waits in one transaction, in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._writer = _connect(path)
        for statement in _TABLE:
            self._writer.execute(statement)
        self._reader = _connect(path)
        self._waiting: list[tuple[Values, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, row: Values) -> None:
        """Store a record; it is durable when this returns."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_all())
        await done

    def of(self, subject: bytes) -> list[tuple[str, int, bytes, bytes]]:
        """Return the records of a subject."""
        return self._reader.execute(_SELECT, (subject,)).fetchall()

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await asyncio.to_thread(self._write, [row for row, _ in batch])
            for _, done in batch:
                done.set_result(None)

    def _write(self, rows: list[Values]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.executemany(_INSERT, rows)
        self._writer.execute("COMMIT")


class _App:
    def __init__(self, records: _Records, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._records = records
        self._keys = keys

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            status, body = await self._report(await _body(receive))
        else:
            status, body = 200, self._ask(scope["path"].rpartition("/")[2])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _report(self, body: bytes) -> tuple[int, bytes]:
        item = json.loads(body)
        payload, signature = base64.b64decode(item["payload"]), base64.b64decode(item["signature"])
        try:
            self._keys[item["issuer"]].verify(signature, payload)
        except (InvalidSignature, KeyError):
            return 403, b"{}"
        record_id, subject = base64.b64decode(item["record_id"]), base64.b64decode(item["subject"])
        await self._records.add((item["issuer"], record_id, int(item["version"]), subject, payload, signature))
        return 200, b'{"stored": true}'

    def _ask(self, subject: str) -> bytes:
        found = [
            {
                "issuer": issuer,
                "version": version,
                "payload": base64.b64encode(payload).decode(),
                "signature": base64.b64encode(signature).decode(),
            }
            for issuer, version, payload, signature in self._records.of(bytes.fromhex(subject))
        ]
        return json.dumps({"records": found}).encode()


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def main() -> None:
    """Serve: database file, port, folder of the registry, then ``issuer=hex key`` for each lender."""
    path, port, registry, *issuers = sys.argv[1:]
    keys = {}
    for issuer in issuers:
        name, _, key = issuer.partition("=")
        keys[name] = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    home = Path(registry)
    uvicorn.run(
        _App(_Records(path), keys),
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
        ssl_certfile=str(home / "tls" / "certificate.pem"),
        ssl_keyfile=str(home / "tls" / "key.pem"),
        ssl_ca_certs=str(home / "public" / "ca.pem"),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
    )


if __name__ == "__main__":
    main()
