"""Composition root: from settings to a registry that serves, and the operator's other tasks.

app = build(settings)          database, ledger, use cases, servicers
await app.start()              listens; returns where
await app.stop()               takes no more calls, finishes those under way, closes
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from client_sdk.formats.keys import Ed25519Signer
from client_sdk.formats.state import Rulebook
from client_sdk.ledger.enrolment_file import EnrolmentFile
from client_sdk.ledger.key_service_file import KeyServiceFile
from registry_server.logs import log_to_standard_error
from registry_server.rpc.checking import CheckingProcesses, processors
from registry_server.rpc.directory import DirectoryServicer
from registry_server.rpc.inquiries import InquiryServicer
from registry_server.rpc.interceptors.authorization import Authorizer
from registry_server.rpc.interceptors.deadlines import Deadlines
from registry_server.rpc.interceptors.guard import Guard
from registry_server.rpc.interceptors.observation import Observer
from registry_server.rpc.preparing import Preparation
from registry_server.rpc.records import RecordServicer
from registry_server.rpc.server import RpcServer, Servicers, TlsFiles
from registry_server.rpc.transparency import TransparencyServicer
from registry_server.sequencing.clock import system_clock
from registry_server.sequencing.errors import ClockJumpedError, InconsistentError, NotFoundedError
from registry_server.sequencing.ledger import Ledger
from registry_server.settings import (
    MAX_CHECKING_PROCESSES,
    SETTINGS_FILE,
    Settings,
    SettingsError,
    load_settings,
    settings_toml,
)
from registry_server.storage import head, migrations
from registry_server.storage.errors import StorageError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases import founding
from registry_server.usecases.acts import Acts
from registry_server.usecases.authority import CertificateAuthority, server_tls, write_secret
from registry_server.usecases.certificates import Certificates
from registry_server.usecases.check import Checks
from registry_server.usecases.failures import refusal_of
from registry_server.usecases.fsck import FsckReport, fsck
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.inquiries import Inquiries
from registry_server.usecases.proposals import Proposals
from registry_server.usecases.records import Records
from registry_server.usecases.status import FIGURES, Status
from registry_server.usecases.submit import Submitting
from registry_server.usecases.transparency import Transparency
from registry_server.web.metrics import Gauges, MetricsServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from registry_server.settings import Value
    from registry_server.usecases.founding import Founded

__all__ = [
    "App",
    "FsckReport",
    "OperatorError",
    "build",
    "certify_key_service",
    "confirm_clock",
    "current_tables",
    "draft_registry",
    "explain",
    "finish_registry",
    "migrate",
    "run_fsck",
    "run_server",
]

# What stops a program of the operator, told in one line: the database, the clock, files, what is stored.
OperatorError = (StorageError, InconsistentError, NotFoundedError, ClockJumpedError, OSError, RuntimeError)

# Threads for what blocks: reads of the database, checks of submissions and inquiries.
_THREADS = 16
# Objects made and not yet gone after which the garbage collector looks at the youngest of them.
_COLLECT_AFTER = 50_000


@dataclass(slots=True)
class App:
    """One registry process."""

    settings: Settings
    ledger: Ledger
    database: Database
    executor: ThreadPoolExecutor
    preparation: Preparation
    housekeeping: Housekeeping
    metrics: CollectorRegistry
    servicers: Servicers
    guard: Guard
    tls: TlsFiles
    status: Status
    _server: RpcServer | None = None
    _metrics_server: MetricsServer | None = None

    async def start(self) -> int:
        """Begin to serve; return the port.

        Raises:
            OSError: the address of the metrics is taken.
            RuntimeError: the address is taken or is none of this machine.
        """
        settings = self.settings
        self._server = RpcServer(
            self.servicers, self.guard, self.tls, self.status.ask, settings.health_interval_seconds
        )
        port = await self._server.start(settings.listen)
        if settings.metrics_listen is not None:
            self._metrics_server = MetricsServer(settings.metrics_listen, self.metrics)
            self._metrics_server.start()
        self.housekeeping.start()
        return port

    @property
    def metrics_port(self) -> int | None:
        """Where /metrics is; None where it is not served."""
        return None if self._metrics_server is None else self._metrics_server.port

    async def stop(self) -> None:
        """Take no more calls, finish those under way, and close; what was acknowledged is durable anyway."""
        if self._server is not None:
            await self._server.stop(self.settings.shutdown_grace_seconds)
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Close everything that was opened; blocks until the writer has finished."""
        if self._metrics_server is not None:
            self._metrics_server.stop()
        self.housekeeping.stop()
        self.ledger.close()
        self.executor.shutdown()
        self.preparation.close()
        self.database.close()


def build(settings: Settings, clock: Callable[[], int] = system_clock) -> App:
    """Open a registry's database and put everything together.

    Args:
        settings: of the process.
        clock: of the log, milliseconds since 1970 UTC; certificates live by the machine's own.

    Raises:
        DatabaseInUseError: another process serves the same SQLite file.
        MigrationNeededError: the tables are of another version.
        StorageError: the database cannot be reached.
        InconsistentError: what is stored does not fit together.
        NotFoundedError: there is no genesis yet.
        OSError: a key cannot be read.
    """
    migrations.check(settings.database)
    authority = CertificateAuthority.load(settings.authority_folder)
    tls = server_tls(authority, settings.tls_folder, settings.certificate_hosts, system_clock())
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    database = Database(settings.database)
    try:
        ledger = Ledger.open(database, signer, clock)
    except BaseException:
        database.close()
        raise
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="registry")
    preparation = Preparation(Submitting(ledger), CheckingProcesses(_checking_count(settings)))
    metrics, status = CollectorRegistry(), Status(ledger)
    metrics.register(Gauges(status.figures, FIGURES))
    return App(
        settings=settings,
        ledger=ledger,
        database=database,
        executor=executor,
        preparation=preparation,
        housekeeping=Housekeeping(ledger),
        metrics=metrics,
        servicers=_servicers(ledger, authority, executor, preparation, settings),
        guard=Guard(Authorizer(status.find_institution), _deadlines(settings), Observer(metrics)),
        tls=TlsFiles(tls.key, tls.certificate, authority.certificate),
        status=status,
    )


def _checking_count(settings: Settings) -> int:
    """Return how many processes check streams: where it is not set, one a processor, and none beside a single one."""
    if settings.checking_processes is not None:
        return settings.checking_processes
    count = min(processors(), MAX_CHECKING_PROCESSES)
    return count if count > 1 else 0


def _servicers(
    ledger: Ledger,
    authority: CertificateAuthority,
    executor: ThreadPoolExecutor,
    preparation: Preparation,
    settings: Settings,
) -> Servicers:
    return Servicers(
        RecordServicer(Submitting(ledger), Records(ledger), executor, preparation),
        InquiryServicer(Checks(ledger, settings.answer_page_bytes), Inquiries(ledger), executor),
        TransparencyServicer(Transparency(ledger), executor),
        DirectoryServicer(Acts(ledger), Proposals(ledger), Certificates(ledger, authority, system_clock), executor),
    )


def _deadlines(settings: Settings) -> Deadlines:
    return Deadlines(
        settings.call_deadline_seconds,
        settings.call_deadline_max_seconds,
        settings.stream_deadline_seconds,
        settings.stream_deadline_max_seconds,
    )


def run_server(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: of the process.
        ready: told once where it listens, as soon as it does.

    Raises:
        Exception: as ``build`` and ``App.start``.
    """
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
        app.close()
        raise
    host = app.settings.listen.rpartition(":")[0]
    ready(f"{app.settings.registry} ready on {host}:{port}")
    await stopping.wait()
    await app.stop()


def explain(error: BaseException) -> str:
    """Return what an error without a text of its own means, in the catalogue's words."""
    if isinstance(error, NotFoundedError):
        return "there is no genesis yet: let genesis.act be approved, then run init --finish"
    return refusal_of(error).entry.text


def draft_registry(
    home: Path,
    values: Mapping[str, Value],
    administrators: Sequence[Path],
    key_services: Sequence[Path],
    threshold: int,
    rulebook: Path | None = None,
) -> Path:
    """Make a registry's folder, and return the genesis act that its administrators must approve.

    Args:
        home: of the registry; is made.
        values: settings, ``registry`` at least.
        administrators: their enrolment files.
        key_services: their files, in the order in which their outputs are joined.
        threshold: how many administrators must sign an act.
        rulebook: JSON object of limits that differ from their defaults.

    Raises:
        FormatError: a file is not in order.
        RuleError: administrators, threshold or keys are not in order.
        SettingsError: a setting is not in order, or there is a registry in the folder already.
        StorageError: the database cannot be reached.
    """
    file = home / SETTINGS_FILE
    if file.exists():
        raise SettingsError(f"{file} is there already: the folder holds a registry")
    enrolments = tuple(EnrolmentFile.parse(path.read_bytes()) for path in administrators)
    services = tuple(KeyServiceFile.parse(path.read_bytes()) for path in key_services)
    limits = Rulebook() if rulebook is None else _read_rulebook(rulebook)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(file, settings_toml(values).encode())
    try:
        settings = load_settings(home)
        founders = founding.Founders(settings.registry, settings.log_origin, enrolments, threshold, services, limits)
        founding.draft(_folder(settings), founders, system_clock())
    except BaseException:
        file.unlink()
        raise
    return settings.genesis_file


def _read_rulebook(path: Path) -> Rulebook:
    try:
        given = json.loads(path.read_bytes())
        rulebook = Rulebook(**given)
        return Rulebook.of(rulebook.message())
    except RecursionError:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, {error}") from None


def finish_registry(settings: Settings) -> Founded:
    """Log the genesis act once it is approved, and write what is handed out.

    Raises:
        FormatError: the act file is not in order.
        RuleError: ACT_THRESHOLD, ACT_SIGNATURE, or another act is leaf 0.
        OSError: a file cannot be read or written.
        StorageError: the database failed, or is served.
    """
    return founding.finish(_folder(settings), system_clock())


def certify_key_service(settings: Settings, file: Path) -> Path:
    """Write the certificate of a key service, a new one or for another year; return its file.

    Raises:
        FormatError: the file is not in order.
        RegistryError: its request asks for more than its address.
    """
    authority = CertificateAuthority.load(settings.authority_folder)
    certificates = settings.public_folder / "certificates"
    return founding.certify_key_service(
        KeyServiceFile.parse(file.read_bytes()), authority, certificates, system_clock()
    )


def _folder(settings: Settings) -> founding.Folder:
    return founding.Folder(
        settings.home,
        settings.database,
        settings.log_key_file,
        settings.authority_folder,
        settings.genesis_file,
        settings.public_folder,
    )


def migrate(settings: Settings) -> str:
    """Bring the database to the tables of this program; return their version.

    Raises:
        StorageError: it cannot be reached or is in use.
    """
    migrations.upgrade(settings.database)
    return migrations.current(settings.database)


def current_tables(settings: Settings) -> tuple[str, str]:
    """Return the version of the database's tables, and the one that this program needs.

    Raises:
        StorageError: it cannot be reached.
    """
    return migrations.current(settings.database), migrations.newest()


def run_fsck(settings: Settings) -> FsckReport:
    """Recompute everything that is stored from the leaves alone; a server may be running.

    Raises:
        StorageError: the database failed.
    """
    migrations.check(settings.database)
    with Database(settings.database, serving=False) as database:
        return fsck(database)


def confirm_clock(settings: Settings, clock: Callable[[], int] = system_clock) -> int:
    """Keep that an operator confirms what the clock shows now (formats 5); return it, ms. A server may be running.

    Raises:
        StorageError: the database failed.
    """
    now = clock()
    with Database(settings.database, serving=False) as database, database.append() as work:
        head.confirm_clock(work, now)
        work.commit()
    return now
