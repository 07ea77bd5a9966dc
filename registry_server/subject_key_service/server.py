"""The composition root of a key service: one process with its event loop, and processes that evaluate."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import structlog
from creditregistry.v1.subject_key_service_pb2_grpc import add_SubjectKeyServiceServicer_to_server
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from client_sdk._transport.channels import TlsMaterial, aio_channel
from client_sdk._transport.tls import TlsFolder
from client_sdk.clock import clock_ms
from client_sdk.following import AioDirectoryFeed, ContradictionError, DirectoryFollower
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RegistryError
from registry_server.serving.catalogue import Catalogue
from registry_server.serving.deadlines import CallDeadlines
from registry_server.serving.descriptors import connections_within
from registry_server.serving.files import check_private
from registry_server.serving.guard import Guard, Rules
from registry_server.serving.memory import giving_back
from registry_server.serving.observation import Observer
from registry_server.serving.operator_http import OperatorServer, measure_process
from registry_server.serving.places import Limits, Places
from registry_server.serving.telemetry import open_telemetry
from registry_server.serving.tls import ServerTls, TlsFiles
from registry_server.serving.transport import open_server
from registry_server.subject_key_service import INSTALL, SetupError
from registry_server.subject_key_service.admission import check_fresh
from registry_server.subject_key_service.authorization import SERVICE, LenderAuthorizer
from registry_server.subject_key_service.errors import CATALOGUE, complaint_of
from registry_server.subject_key_service.evaluator import Evaluator
from registry_server.subject_key_service.group_commit import GroupCommit
from registry_server.subject_key_service.keys import EvaluationKeys
from registry_server.subject_key_service.metrics import Metrics
from registry_server.subject_key_service.request_log import RequestLog, RequestLogError
from registry_server.subject_key_service.servicer import KeyServicer

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc.aio

    from registry_server.serving.telemetry import Telemetry
    from registry_server.subject_key_service.settings import KeyServiceFolder, KeyServiceSettings

__all__ = ["serve", "serve_until_signal"]

# A request of 1,000 elements has some 33 KB; a longer one is read far enough to be refused by name.
MAX_REQUEST_BYTES = 64 * 1024
_log = structlog.get_logger(__name__)


async def serve_until_signal(
    folder: KeyServiceFolder, settings: KeyServiceSettings, ready: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT comes; arguments and errors as for ``serve``."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await serve(folder, settings, ready, stop)


async def serve(
    folder: KeyServiceFolder,
    settings: KeyServiceSettings,
    ready: Callable[[str], None],
    stop: asyncio.Event,
    now_ms: Callable[[], int] = clock_ms,
) -> None:
    """Serve until the stop event; calls under way are finished.

    Args:
        folder: of the key service.
        settings: of the key service.
        ready: called with the address as soon as the server listens.
        stop: set to end the service.
        now_ms: the clock, ms since 1970 UTC.

    Raises:
        SetupError: something is missing or not in order, the address is taken, or another process uses the folder.
        FileError: others can read a key.
        ConfigError: what was followed so far is damaged, or the TLS files are missing.
    """
    if not settings.registry:
        raise SetupError("no registry is set", INSTALL)
    with folder.sole_use():
        await _serve(folder, settings, ready, stop, now_ms)


async def _serve(
    folder: KeyServiceFolder,
    settings: KeyServiceSettings,
    ready: Callable[[str], None],
    stop: asyncio.Event,
    now_ms: Callable[[], int],
) -> None:
    for path in (folder.home, folder.tls / "key.pem"):
        check_private(path)
    keys = EvaluationKeys.load(folder.keys)
    tls = TlsFolder(folder.tls)
    shown = ServerTls(partial(_tls_files, folder), "registry-server certify makes another; then install it")
    follower = DirectoryFollower(_trust_root(folder))
    metrics = Metrics()
    measure_process("key_service", metrics.registry, shown.ends)
    async with AsyncExitStack() as stack:
        log = _open_log(folder.database_url(settings))
        stack.callback(log.close)
        evaluator = Evaluator(keys, settings.processes)
        stack.callback(evaluator.close)
        commits = await stack.enter_async_context(GroupCommit(log))
        channel = await stack.enter_async_context(aio_channel(settings.registry, tls))
        feed = AioDirectoryFeed(follower, channel, folder.directory)
        servicer = KeyServicer(follower, keys, log, commits, evaluator, metrics, now_ms)
        watch = _DirectoryHealth(follower, metrics, now_ms)
        if settings.metrics_listen is not None:
            operator = OperatorServer(settings.metrics_listen, metrics.registry, watch.is_fresh)
            operator.start()
            stack.callback(operator.stop)
        shown.start()
        stack.callback(shown.stop)
        telemetry = open_telemetry(settings.telemetry_endpoint, "credit-registry-key-service")
        if telemetry is not None:
            stack.callback(telemetry.close)
        guard = Guard(_rules(settings, follower, metrics, telemetry, now_ms))
        server = open_server(guard, MAX_REQUEST_BYTES, connections_within(settings.connections_max))
        add_SubjectKeyServiceServicer_to_server(servicer, server)
        await watch.add_health(server)
        _listen(server, settings.listen, shown)
        await stack.enter_async_context(giving_back())
        await server.start()
        following = asyncio.create_task(feed.follow(settings.poll_seconds, watch.report))
        ready(settings.listen)
        _log.info("serving", name=settings.name, listen=settings.listen, registry=settings.registry)
        await _until_stopped(stop, following)
        await watch.close()
        await server.stop(settings.shutdown_grace_seconds)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    _log.info("stopped", name=settings.name)


def _rules(
    settings: KeyServiceSettings,
    follower: DirectoryFollower,
    metrics: Metrics,
    telemetry: Telemetry | None,
    now_ms: Callable[[], int],
) -> Rules:
    return Rules(
        admission=LenderAuthorizer(lambda: follower.view, now_ms),
        places=Places(Limits(calls=settings.member_calls_max)),
        deadlines=CallDeadlines(settings.call_deadline_seconds, settings.call_deadline_max_seconds),
        catalogue=Catalogue(CATALOGUE, complaint_of),
        observer=Observer("key_service", metrics.registry, None if telemetry is None else telemetry.calls),
        default_bytes=MAX_REQUEST_BYTES,
    )


class _DirectoryHealth:
    """Reports the state of the directory to the log, the metrics and the health service."""

    def __init__(self, follower: DirectoryFollower, metrics: Metrics, now_ms: Callable[[], int]) -> None:
        self._health = health.aio.HealthServicer()
        self._follower = follower
        self._metrics = metrics
        self._now_ms = now_ms
        self._tasks: set[asyncio.Task[None]] = set()

    async def add_health(self, server: grpc.aio.Server) -> None:
        """Add the gRPC health service, which is SERVING while the directory is recent enough."""
        await self._set_health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)

    async def close(self) -> None:
        """Report to health checks that the service is stopping."""
        await self._health.enter_graceful_shutdown()

    def report(self, problem: Exception | None) -> None:
        """Tell the result of one round."""
        self._metrics.count_round(type(problem).__name__ if problem else "", self._follower.as_of_ms)
        if isinstance(problem, ContradictionError):
            _log.critical("the log has contradicted itself", rule=problem.rule, detail=problem.message)
        elif problem is not None:
            _log.warning("directory not read", error=type(problem).__name__, detail=str(problem))
        task = asyncio.get_running_loop().create_task(self._set_health())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_fresh(self) -> bool:
        """Return whether the directory is recent enough; this is the health status."""
        try:
            check_fresh(self._follower.view, self._now_ms())
        except RegistryError:
            return False
        return True

    async def _set_health(self) -> None:
        fresh = self.is_fresh()
        status = health_pb2.HealthCheckResponse.SERVING if fresh else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", SERVICE):
            await self._health.set(service, status)


def _tls_files(folder: KeyServiceFolder) -> TlsFiles:
    read = TlsMaterial.from_folder(folder.tls)
    return TlsFiles(read.key, read.certificate, read.ca)


def _listen(server: grpc.aio.Server, address: str, tls: ServerTls) -> None:
    try:
        server.add_secure_port(address, tls.credentials())
    except RuntimeError:
        raise SetupError(
            f"listen: {address} is taken, or is none of this machine",
            "end what listens there, or set another address in listen of service.toml.",
        ) from None


async def _until_stopped(stop: asyncio.Event, following: asyncio.Task[None]) -> None:
    """Wait for the end; a reader of the directory that ends by itself is a defect, and ends the service."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((waiting, following), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if following.done():
        following.result()


def _trust_root(folder: KeyServiceFolder) -> TrustRoot:
    try:
        return TrustRoot.parse(folder.trust_root.read_bytes())
    except OSError as error:
        raise SetupError(f"{folder.trust_root} cannot be read: {error.strerror}", INSTALL) from error
    except (FormatError, RuleError) as error:
        raise SetupError(f"{folder.trust_root} is not in order: {error}", INSTALL) from error


def _open_log(url: str) -> RequestLog:
    try:
        return RequestLog(url)
    except RequestLogError as error:
        raise SetupError(
            f"the log of requests cannot be opened: {error}",
            "check database_url of service.toml, that this database runs, and the free space of its disk.",
        ) from error
