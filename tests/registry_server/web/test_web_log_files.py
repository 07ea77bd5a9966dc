"""The checkpoint among the log's files: never one of which witnesses may still cosign an older one."""

from __future__ import annotations

import asyncio
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from client_sdk._http_server import HttpLimits
from registry_server.serving.tls import ServerTls, TlsFiles
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.tiles import LogTiles, stored_log
from registry_server.web.log_files import LogFileServer
from tests.support.registry_world import World
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio
AUTHORITY = Authority()


def _read(url: str, context: ssl.SSLContext) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, context=context, timeout=20) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


async def checkpoint_of(
    database: Database, cosigned: Callable[[], bytes | None] | None, limits: HttpLimits | None = None
) -> tuple[int, bytes]:
    material = AUTHORITY.server()
    tls = ServerTls(lambda: TlsFiles(material.key, material.certificate, material.ca), "renew it")
    server = LogFileServer(LogTiles(stored_log(database)), lambda _: None, cosigned, tls.context, limits)
    port = await server.start("127.0.0.1:0")
    try:
        trusting = ssl.create_default_context(cadata=material.ca.decode())
        return await asyncio.to_thread(_read, f"https://127.0.0.1:{port}/checkpoint", trusting)
    finally:
        await server.stop()


async def test_the_checkpoint_is_the_newest_or_where_witnesses_are_set_what_they_cosigned(database_url: str) -> None:
    with World().ledger(database_url) as ledger, ledger.view() as view:
        newest = view.checkpoint
    with Database(database_url, serving=False) as database:
        assert await checkpoint_of(database, None) == (200, newest)
        assert await checkpoint_of(database, lambda: b"cosigned") == (200, b"cosigned")
        status, said = await checkpoint_of(database, lambda: None)
        # Where readers come by one address, such as a proxy's, the operator may allow it more connections, or fewer.
        with pytest.raises(urllib.error.URLError):
            await checkpoint_of(database, None, HttpLimits(address_connections=0))
    assert (status, said.startswith(b"no quorum of witnesses")) == (503, True)
