"""The log as files over HTTPS (C2SP tlog-tiles): checkpoint and hashes for all, leaves for auditors.

| path | who | cached |
|---|---|---|
| ``/checkpoint``: the newest, where witnesses are set the newest that a quorum has cosigned | anyone | no |
| ``/tile/<level>/<number>[.p/<width>]`` | anyone | for ever |
| ``/tile/entries/<number>[.p/<width>]`` | by a client certificate, those who may read leaves by RPC | by the client |
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from client_sdk._http_server import HttpRequest, HttpResponse, HttpServer
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.tiles import Tile, parse_path
from registry_server.errors import GrpcStatus, entry_of
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.tiles import CHECKPOINT_PATH

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from client_sdk._http_server import HttpLimits
    from registry_server.usecases.tiles import LogTiles

__all__ = ["LogFileServer"]

# Readers of files take as many snapshots of the database and no more, whatever they ask for.
_THREADS = 2
_BYTES = "application/octet-stream"
_FOR_EVER = "max-age=31536000, immutable"
_GET = ("GET", "HEAD")
# The statuses that a reason of the catalogue has, as HTTP's.
_STATUS = {GrpcStatus.NOT_FOUND: 404, GrpcStatus.PERMISSION_DENIED: 403, GrpcStatus.UNAUTHENTICATED: 403}
_NOT_FOUND = HttpResponse(404, b"the log has no such file\n")
_NOT_COSIGNED = HttpResponse(503, b"no quorum of witnesses has cosigned a checkpoint since this server started\n")
_log = structlog.get_logger("registry.tiles")


class LogFileServer:
    """Serves the files in the event loop that it is started in.

    Args:
        tiles: where they come from.
        admit_auditor: lets the holder of a client certificate (DER) read leaves; raises ``RegistryError`` or
            ``RuleError`` where it may not. May block.
        cosigned: returns the newest checkpoint that a quorum of witnesses has cosigned, None where there is none yet;
            None itself where no cosignature is demanded.
        context: returns that of TLS for the next handshake, which asks for a client certificate and demands none.
        limits: of connections and waits.
    """

    def __init__(
        self,
        tiles: LogTiles,
        admit_auditor: Callable[[bytes], None],
        cosigned: Callable[[], bytes | None] | None,
        context: Callable[[], ssl.SSLContext],
        limits: HttpLimits | None = None,
    ) -> None:
        self._tiles = tiles
        self._cosigned = cosigned
        self._admit_auditor = admit_auditor
        self._context = context
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tiles")
        self._server = HttpServer(self._answer, _note, limits)

    async def start(self, address: str) -> int:
        """Begin to serve; return the port.

        Raises:
            OSError: the address is taken or is none of this machine.
        """
        return await self._server.start(address, self._context)

    async def stop(self) -> None:
        """Close every connection."""
        await self._server.stop()
        await asyncio.to_thread(self._threads.shutdown)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _GET:
            return HttpResponse(405, b"files are read by GET\n")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, request)

    def _read(self, request: HttpRequest) -> HttpResponse:
        path = request.path.removeprefix("/")
        try:
            if path == CHECKPOINT_PATH:
                return self._checkpoint()
            file = parse_path(path)
            if isinstance(file, Tile):
                return HttpResponse(200, self._tiles.read(file), _BYTES, f"public, {_FOR_EVER}")
            if not request.certificate:
                return HttpResponse(403, b"leaves are for auditors: show a client certificate\n")
            self._admit_auditor(request.certificate)
            return HttpResponse(200, self._tiles.read(file), _BYTES, f"private, {_FOR_EVER}")
        except FormatError:
            return _NOT_FOUND
        except Exception as error:  # noqa: BLE001 - the catalogue says what it is
            return _refused(error)

    def _checkpoint(self) -> HttpResponse:
        if self._cosigned is None:
            return HttpResponse(200, self._tiles.checkpoint().note, cache="no-cache")
        cosigned = self._cosigned()
        # Never the newest one instead: the quorum may meet for an older one, and a reader would see the log shrink.
        return _NOT_COSIGNED if cosigned is None else HttpResponse(200, cosigned, cache="no-cache")


def _refused(error: Exception) -> HttpResponse:
    """Return what an error means by the catalogue: no such file, not for this caller, or a fault."""
    reason = complaint_of(error).reason
    entry = entry_of(reason)
    status = _STATUS.get(entry.status, 503 if entry.retryable else 500)
    if status == 500:  # noqa: PLR2004 - HTTP's own number
        _note(error)
    return HttpResponse(status, f"{reason}: {entry.text}\n".encode())


def _note(error: Exception) -> None:
    _log.error("file not served", error=type(error).__name__)
