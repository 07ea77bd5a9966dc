"""A witness over HTTPS (C2SP tlog-witness).

| method and path | answer |
|---|---|
| POST ``/add-checkpoint`` | the cosignature, or why there is none |
| GET ``/<SHA-256 of the origin, hex>/checkpoint`` | the newest checkpoint of a log with the cosignature |
"""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from client_sdk._http_server import HttpLimits, HttpRequest, HttpResponse, HttpServer
from client_sdk.errors import ConfigError
from client_sdk.witness.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sdk.witness.folder import WitnessFolder

__all__ = ["FollowedTls", "serve_witness"]

# 63 hashes and a checkpoint with some cosignatures.
_BODY_BYTES = 64 * 1024
# Requests wait for the one file, so that more threads would bring nothing.
_THREADS = 2
_NEWEST = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)
_NOTHING = HttpResponse(404, b"there is nothing here\n")


def serve_witness(folder: WitnessFolder, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        folder: of the witness.
        tell: called with one line as soon as the witness listens, and with one for each request that could not be
            decided.

    Raises:
        ConfigError: settings, key, rows or TLS files are not in order, or the address is taken.
    """
    settings = folder.settings()
    witness = Witness(settings.name, folder.signer(), settings.logs, folder.rows())
    context = None if settings.tls is None else FollowedTls(*settings.tls, tell)
    try:
        asyncio.run(_Serving(witness, tell).run(settings.listen, context))
    except OSError as error:
        raise ConfigError(f"{settings.listen} cannot be listened on: {error.strerror}") from error


class _Serving:
    """A witness behind an HTTP server."""

    def __init__(self, witness: Witness, tell: Callable[[str], None]) -> None:
        self._witness = witness
        self._tell = tell
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="witness")

    async def run(self, listen: str, context: FollowedTls | None) -> None:
        """Serve until a signal comes."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        server = HttpServer(
            self._answer, lambda error: self._tell(_error_text(error)), HttpLimits(body_bytes=_BODY_BYTES)
        )
        port = await server.start(listen, context)
        scheme = "http" if context is None else "https"
        self._tell(f"witness ready on {scheme}://{listen.rpartition(':')[0]}:{port}")
        await stopping.wait()
        await server.stop()
        await asyncio.to_thread(self._threads.shutdown)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._decide, request)

    def _decide(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/add-checkpoint":
            if request.method != "POST":
                return HttpResponse(405, b"checkpoints come by POST\n")
            answer = self._witness.add_checkpoint(request.body)
            return HttpResponse(answer.status, answer.body, answer.content_type)
        match = _NEWEST.fullmatch(request.path)
        if match is None:
            return _NOTHING
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(405, b"checkpoints are read by GET\n")
        newest = self._witness.newest(match[1])
        return _NOTHING if newest is None else HttpResponse(200, newest, cache="no-cache")


class FollowedTls:
    """The context of TLS for the next handshake: renewed files are shown without a restart.

    Files that do not belong together, such as those of a renewal that is just being written, are passed over.

    Args:
        certificate: file of the chain, leaf first.
        key: file of its private key.
        tell: called with one line where files are not taken, once for each change of them.

    Raises:
        ConfigError: the files cannot be used now.
    """

    def __init__(self, certificate: Path, key: Path, tell: Callable[[str], None]) -> None:
        self._files = (certificate, key)
        self._tell = tell
        self._seen = self._state()
        self._context = _context(certificate, key)

    def __call__(self) -> ssl.SSLContext:
        """Return the context, a new one where the files have changed and belong together."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self._context = _context(*self._files)
            except ConfigError as error:
                self._tell(str(error))
        return self._context

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        """Return what tells that a file was changed or replaced; nothing where one is missing."""
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return ()
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigError(f"{certificate} and {key} cannot be used: {error.strerror}") from error
    return context


def _error_text(error: Exception) -> str:
    """Return the text of an error of ours, which names a file; of others the type alone."""
    text = str(error) if isinstance(error, ConfigError) else type(error).__name__
    return f"a request was not answered: {text}"
