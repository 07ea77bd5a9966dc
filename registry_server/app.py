"""Composition root: from settings to a registry that serves.

app = build(settings)          database, ledger, use cases, servicers
await app.start()              listens; returns where
await app.stop()               takes no more calls, finishes those under way, closes
"""

from __future__ import annotations

import asyncio
import gc
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry

from client_sdk._helper_process import processors
from client_sdk._http_server import HttpLimits
from client_sdk.clock import clock_ms
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.rules.dates import day_of
from registry_server.certificates.authority import CertificateAuthority, server_tls
from registry_server.errors import CATALOGUE
from registry_server.logs import log_to_standard_error
from registry_server.operating.production import check_serving, why_not_served
from registry_server.operating.register import register_of
from registry_server.operating.witnesses import witnesses_of
from registry_server.rpc.authorization import Authorizer
from registry_server.rpc.checking import CheckingProcesses
from registry_server.rpc.directory import DirectoryServicer
from registry_server.rpc.disputes import DisputeServicer
from registry_server.rpc.health import Probes
from registry_server.rpc.inbox import InboxServicer
from registry_server.rpc.inquiries import InquiryServicer
from registry_server.rpc.permissions import LIST_LEAVES
from registry_server.rpc.preparing import Preparation
from registry_server.rpc.records import RecordServicer
from registry_server.rpc.server import RpcServer, Servicers
from registry_server.rpc.sizes import DEFAULT_BYTES, REQUEST_BYTES
from registry_server.rpc.subject_access import SubjectAccessServicer
from registry_server.rpc.threads import Threads
from registry_server.rpc.transparency import TransparencyServicer
from registry_server.sequencing.clock import SystemClocks
from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.standby import STANDBY_FIGURES
from registry_server.serving.catalogue import Catalogue
from registry_server.serving.deadlines import CallDeadlines
from registry_server.serving.descriptors import connections_within, raise_limit
from registry_server.serving.files import check_private
from registry_server.serving.guard import Guard, Rules
from registry_server.serving.identity import peer_of_certificate
from registry_server.serving.memory import keep_few_arenas
from registry_server.serving.observation import Observer
from registry_server.serving.operator_http import OperatorServer, measure_process
from registry_server.serving.places import Limits, Places
from registry_server.serving.telemetry import open_telemetry
from registry_server.serving.tls import ServerTls, TlsFiles
from registry_server.settings import (
    MAX_CHECKING_PROCESSES,
    Settings,
    SettingsError,
)
from registry_server.storage import head, migrations
from registry_server.storage.unit_of_work import STANDBY_ANSWER_SECONDS, Database
from registry_server.usecases.acts import Acts
from registry_server.usecases.alerts import Alerts
from registry_server.usecases.certificates import Certificates
from registry_server.usecases.check import Checks
from registry_server.usecases.cosigned_proofs import CosignedProofs
from registry_server.usecases.disputes import Disputes
from registry_server.usecases.erasures import Erasures
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.inbox import Inbox
from registry_server.usecases.inquiries import Inquiries
from registry_server.usecases.proposals import Proposals
from registry_server.usecases.records import Records
from registry_server.usecases.replays import Replays
from registry_server.usecases.screen import Screens
from registry_server.usecases.standing import PeerStanding
from registry_server.usecases.statistics import ReportedCounts
from registry_server.usecases.status import FIGURES, ServingStatus
from registry_server.usecases.subject_access import SubjectAccess
from registry_server.usecases.submit import Submitting
from registry_server.usecases.tiles import LogTiles, served_log
from registry_server.usecases.transparency import Transparency
from registry_server.usecases.witnessing import WITNESS_FIGURES, Witnessing
from registry_server.web.log_files import LogFileServer
from registry_server.web.metrics import Gauges, ReadCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.clock import Clocks
    from registry_server.serving.telemetry import Telemetry
    from registry_server.serving.tracing import CallTracing
    from registry_server.storage.register import Register

__all__ = ["App", "build", "run_server"]


# Threads for what blocks: reads of the database, checks of submissions and inquiries.
_THREADS = 16
# Threads of their own for the pages of streams, so that no number of streams takes those of the other calls. Fewer
# than the snapshots that the database lets be read at one time.
_PAGE_THREADS = 6
# Threads for what a standby answers too.
_READING_THREADS = 6
# After the grace of a stop, until what waits for the database is given up.
_CLOSING_SECONDS = 5.0
# Objects made and not yet gone after which the garbage collector looks at the youngest of them.
_COLLECT_AFTER = 50_000


@dataclass(slots=True)
class App:
    """One registry process."""

    settings: Settings
    ledger: Ledger
    database: Database
    register: Register
    executor: ThreadPoolExecutor
    pages: ThreadPoolExecutor
    reading: ThreadPoolExecutor
    preparation: Preparation
    housekeeping: Housekeeping
    standing: PeerStanding
    metrics: CollectorRegistry
    servicers: Servicers
    guard: Guard
    tls: ServerTls
    status: ServingStatus
    _server: RpcServer | None = None
    _operator_server: OperatorServer | None = None
    witnessing: Witnessing | None = None
    telemetry: Telemetry | None = None
    _log_files: LogFileServer | None = None
    standby: Database | None = None

    async def start(self) -> int:
        """Begin to serve; return the port.

        Raises:
            OSError: the address of the metrics is taken.
            RuntimeError: the address is taken or is none of this machine.
        """
        settings, status = self.settings, self.status
        if settings.tiles_listen is not None:
            witnessing = self.witnessing
            cosigned = witnessing.newest_note if witnessing is not None and witnessing.is_demanded else None
            limits = HttpLimits(address_connections=settings.tiles_address_connections_max)
            self._log_files = LogFileServer(
                LogTiles(served_log(self.ledger)), self._admit_auditor, cosigned, self.tls.context, limits
            )
            await self._log_files.start(settings.tiles_listen)
        self._server = RpcServer(
            self.servicers,
            self.guard,
            self.tls.credentials(),
            Probes(status.ask, status.ask_writing, settings.health_interval_seconds),
            connections_within(settings.connections_max),
            settings.stream_deadline_max_seconds,
            reflection=settings.reflection,
        )
        port = await self._server.start(settings.listen)
        if settings.metrics_listen is not None:
            self._operator_server = OperatorServer(
                settings.metrics_listen, self.metrics, self._server.is_serving, self._server.is_readable
            )
            self._operator_server.start()
        self.housekeeping.start()
        self.standing.start()
        self.tls.start()
        if self.witnessing is not None:
            self.witnessing.start()
        return port

    async def stop(self) -> None:
        """Take no more calls, finish those under way, and close; what was acknowledged is durable anyway.

        What still waits for a PostgreSQL that answers nothing, or for its standby, is given up some seconds after the
        grace: nobody waits for it any more.
        """
        most = self.settings.shutdown_grace_seconds + _CLOSING_SECONDS
        ending = asyncio.get_running_loop().call_later(most, self.database.end_sessions)
        try:
            await self._stop()
        finally:
            ending.cancel()

    async def _stop(self) -> None:
        if self._log_files is not None:
            await self._log_files.stop()
        if self._server is not None:
            await self._server.stop(self.settings.shutdown_grace_seconds)
        await asyncio.to_thread(self.close)

    def _admit_auditor(self, certificate: bytes) -> None:
        """Let those read leaves as files who may read them by RPC; raises as ``Authorizer.check``."""
        Authorizer(self.standing).admit(LIST_LEAVES, peer_of_certificate(certificate))

    def close(self) -> None:
        """Close everything that was opened; blocks until the writer has finished."""
        if self._operator_server is not None:
            self._operator_server.stop()
        if self.witnessing is not None:
            self.witnessing.stop()
        self.housekeeping.stop()
        self.standing.stop()
        self.tls.stop()
        self.ledger.close()
        self.executor.shutdown()
        self.pages.shutdown()
        self.reading.shutdown()
        self.preparation.close()
        self.database.close()
        if self.standby is not None:
            self.standby.close()
        self.register.close()
        if self.telemetry is not None:
            self.telemetry.close()


def build(settings: Settings, clocks: Clocks | None = None) -> App:
    """Open a registry's database and put everything together.

    Args:
        settings: of the process.
        clocks: of the log, this machine's where none are given; certificates live by this machine's own.

    Raises:
        SettingsError: the registry is being destroyed.
        DatabaseInUseError: another process serves the same SQLite file.
        MigrationNeededError: the tables are of another version.
        StorageError: the database or the checkpoint register cannot be reached, or the database is a standby.
        LimitsError: a pooler drops the limits of the sessions.
        InconsistentError: what is stored does not fit together, or does not belong to the register.
        NoGenesisError: there is no genesis yet.
        SettingsError: the settings are not those of a registry with such a rulebook.
        OSError: a key cannot be read, or others can read it.
    """
    _check_folder(settings)
    migrations.check(settings.database)
    authority = CertificateAuthority.load(settings.authority_folder)
    tls = ServerTls(partial(_tls_files, authority, settings), "look at the log: the certificate is not renewed")
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    witnesses = witnesses_of(settings)
    telemetry = open_telemetry(settings.telemetry_endpoint, "credit-registry-server")
    database, register = Database(settings.database), register_of(settings)
    standby = _standby_of(settings)
    try:
        database.check_primary()
        ledger = _open(settings, database, register, signer, clocks)
        if standby is not None:
            ledger.read_also(standby, settings.database_read_max_lag_seconds)
    except BaseException:
        database.close()
        if standby is not None:
            standby.close()
        register.close()
        if telemetry is not None:
            telemetry.close()
        raise
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="registry")
    pages = ThreadPoolExecutor(_PAGE_THREADS, thread_name_prefix="registry-pages")
    reading = ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="registry-reading")
    preparation = Preparation(Submitting(ledger), CheckingProcesses(_checking_count(settings)))
    status, standing = ServingStatus(ledger), PeerStanding(ledger)
    witnessing = None if witnesses is None else Witnessing(ledger, *witnesses)
    metrics = _metrics(ledger, status, tls, witnessing)
    return App(
        settings=settings,
        ledger=ledger,
        database=database,
        register=register,
        executor=executor,
        pages=pages,
        reading=reading,
        preparation=preparation,
        housekeeping=Housekeeping(ledger, settings.housekeeping_interval_seconds),
        standing=standing,
        metrics=metrics,
        servicers=_servicers(
            ledger,
            authority,
            standing,
            _Workers(Threads(executor, pages, reading), preparation),
            settings,
            CosignedProofs(None if witnessing is None else lambda: witnessing.newest),
        ),
        guard=Guard(_rules(settings, standing, metrics, None if telemetry is None else telemetry.calls)),
        tls=tls,
        status=status,
        witnessing=witnessing,
        telemetry=telemetry,
        standby=standby,
    )


def _standby_of(settings: Settings) -> Database | None:
    url = settings.database_read_url.get_secret_value()
    return Database(url, serving=False, answer_seconds=STANDBY_ANSWER_SECONDS) if url else None


def _metrics(ledger: Ledger, status: ServingStatus, tls: ServerTls, witnessing: Witnessing | None) -> CollectorRegistry:
    metrics = CollectorRegistry()
    if ledger.standby is not None:
        metrics.register(Gauges(ledger.standby.figures, STANDBY_FIGURES))
        metrics.register(ReadCounts(ledger.standby.reads))
    metrics.register(Gauges(status.figures, FIGURES))
    measure_process("registry", metrics, tls.ends)
    if witnessing is not None:
        metrics.register(Gauges(witnessing.figures, WITNESS_FIGURES))
    return metrics


def _check_folder(settings: Settings) -> None:
    """Check that the folder may be served from, and that its keys are private."""
    check_private(settings.home)
    if settings.destruction_file.exists():
        raise SettingsError(
            f"{settings.destruction_file}: this registry is being destroyed, and serves nobody any more"
        )
    for key in (settings.log_key_file, settings.authority_folder / "key.pem", settings.tls_folder / "key.pem"):
        # One that is missing is reported when it is read, or is made.
        if key.exists():
            check_private(key)


def _open(
    settings: Settings, database: Database, register: Register, signer: Ed25519Signer, clocks: Clocks | None
) -> Ledger:
    """Return the ledger of a registry that may be served with its settings."""
    with database.snapshot() as work:
        row = head.read(work)
    if row is not None and row.destroying:
        raise SettingsError(f"{settings.registry} is being destroyed, from another folder than {settings.home}")
    ledger = Ledger.open(database, register, signer, clocks, map_cache_bytes=settings.map_cache_megabytes * 1024 * 1024)
    try:
        rulebook = ledger.directory.rulebook
        check_serving(settings, rulebook, day_of((clocks or SystemClocks()).wall(), rulebook.time_zone))
    except BaseException:
        ledger.close()
        raise
    return ledger


def _tls_files(authority: CertificateAuthority, settings: Settings) -> TlsFiles:
    """Return the server's TLS files, renewed where they end soon."""
    own = server_tls(authority, settings.tls_folder, settings.certificate_hosts, clock_ms())
    return TlsFiles(own.key, own.certificate, authority.certificate)


def _checking_count(settings: Settings) -> int:
    """Return how many processes check streams: where it is not set, one a processor, and none beside a single one."""
    if settings.checking_processes is not None:
        return settings.checking_processes
    count = min(processors(), MAX_CHECKING_PROCESSES)
    return count if count > 1 else 0


class _Workers(NamedTuple):
    """Threads and processes that calls are served by.

    Attributes:
        threads: for calls, and for the pages of streams.
        preparation: checks the chunks of streams.
    """

    threads: Threads
    preparation: Preparation


def _servicers(
    ledger: Ledger,
    authority: CertificateAuthority,
    standing: PeerStanding,
    workers: _Workers,
    settings: Settings,
    cosigned: CosignedProofs,
) -> Servicers:
    certificates = Certificates(ledger, authority, standing, clock_ms)
    proposals = Proposals(ledger, partial(why_not_served, settings, clock_ms))
    return Servicers(
        RecordServicer(
            Submitting(ledger),
            Records(ledger),
            Erasures(ledger),
            workers.threads,
            workers.preparation,
        ),
        DisputeServicer(Disputes(ledger), workers.threads.calls),
        InboxServicer(Inbox(ledger), workers.threads.calls, workers.threads.pages),
        InquiryServicer(
            Checks(ledger, settings.answer_page_bytes, cosigned),
            Screens(ledger),
            Inquiries(ledger),
            workers.threads.calls,
        ),
        SubjectAccessServicer(SubjectAccess(ledger), Alerts(ledger), workers.threads.calls),
        TransparencyServicer(
            Transparency(ledger, cosigned=cosigned),
            ReportedCounts(ledger),
            Replays(ledger),
            workers.threads,
        ),
        DirectoryServicer(Acts(ledger), proposals, certificates, workers.threads),
    )


def _rules(
    settings: Settings, standing: PeerStanding, metrics: CollectorRegistry, tracing: CallTracing | None
) -> Rules:
    return Rules(
        admission=Authorizer(standing),
        places=Places(Limits(settings.member_calls_max, settings.member_streams_max)),
        deadlines=_deadlines(settings),
        catalogue=Catalogue(CATALOGUE, complaint_of),
        observer=Observer("registry", metrics, tracing),
        default_bytes=DEFAULT_BYTES,
        request_bytes=REQUEST_BYTES,
    )


def _deadlines(settings: Settings) -> CallDeadlines:
    return CallDeadlines(
        settings.call_deadline_seconds,
        settings.call_deadline_max_seconds,
        settings.stream_deadline_seconds,
        settings.stream_deadline_max_seconds,
        settings.stream_progress_seconds,
    )


def run_server(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: of the process.
        ready: called once with the address, as soon as the server listens.

    Raises:
        Exception: as ``build`` and ``App.start``.
    """
    raise_limit()
    keep_few_arenas()
    log_to_standard_error(settings.log_level, settings.log_format)
    # The map is many small objects that live as long as the process: the collector need not look at them, neither
    # while it is built nor afterwards, and what a batch makes goes when it is done, without the collector's help.
    gc.disable()
    app = build(settings)
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    gc.enable()
    asyncio.run(_serve(app, ready))


async def _serve(app: App, ready: Callable[[str], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        port = await app.start()
    except BaseException:
        await app.stop()
        raise
    host = app.settings.listen.rpartition(":")[0]
    ready(f"{app.settings.registry} ready on {host}:{port}")
    await stopping.wait()
    await app.stop()
