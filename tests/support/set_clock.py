"""A registry, its key services and members in this process, whose clock the test sets: years pass in no time.

with registry_of(folder, database_url, {"lender-1": Role.LENDER}, FIRST_DAY) as registry:
    registry.client("lender-1").report(...)
    registry.pass_to(date(2031, 1, 6))         its clock, the members' and the key services' show that morning

Everything is real but the clock: servers, TLS, database, SDK. TLS certificates are held against this machine's clock,
as TLS itself does, so they are issued by it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import structlog

from client_sdk import Client
from client_sdk.config import ClientConfig
from client_sdk.home import create_home, install_certificate, install_trust_root, request_certificate
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.testing.ports import free_address
from registry_server.app import App, build
from registry_server.certificates.authority import CertificateAuthority
from registry_server.operating.founding import draft_registry, finish_registry
from registry_server.operating.register import register_of
from registry_server.sequencing.genesis import found
from registry_server.settings import load_settings
from registry_server.storage.unit_of_work import Database
from registry_server.subject_key_service import setup
from registry_server.usecases.certificates import issue
from registry_server.usecases.housekeeping import Housekeeping
from tests.support.key_services import KeyServiceSite
from tests.support.registry import serving
from tests.support.registry_world import Clock
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
    from registry_server.settings import Settings, Value

__all__ = ["KEY_SERVICES", "LOG", "SetClockRegistry", "registry_of"]

ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
KEY_SERVICES = ("key-service-a", "key-service-b")
# What registry and key services log.
LOG = "servers.log"
NAME = "long-lived-registry"
THRESHOLD = 2
# Often enough that nobody waits for a key service that has not read of a new member.
POLL_SECONDS = 0.2
# 10 o'clock in China.
MORNING = timedelta(hours=2)


class SetClockRegistry:
    """A registry that is founded and serves, and those who talk to it.

    Args:
        folder: of all parties.
        app: the registry.
        clock: of all of them.
    """

    def __init__(self, folder: Path, app: App, clock: Clock) -> None:
        self.folder = folder
        self.app = app
        self._clock = clock
        self._tidying = Housekeeping(app.ledger)
        self._clients: dict[str, Client] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def home(self, institution: str) -> Path:
        """A member's home."""
        return self.folder / institution

    @property
    def trust_root(self) -> TrustRoot:
        """What the registry hands out."""
        return TrustRoot.parse((self.app.settings.public_folder / "trust-root.bin").read_bytes())

    def client(self, institution: str) -> Client:
        """The client of a member; it is closed with the registry."""
        if institution not in self._clients:
            client = Client(ClientConfig.from_home(self.home(institution)))
            self._clients[institution] = self._open.enter_context(client)
        return self._clients[institution]

    def renew(self, institution: str) -> None:
        """Let its INQUIRE key vouch for a member's TLS key, and have its next client read its settings anew."""
        config = ClientConfig.from_home(self.home(institution))
        by = config.signer(KeyUsage.INQUIRE)
        self.certify(request_certificate(config, config.tls_key.read_bytes(), by, datetime.now(UTC)))
        self._clients.pop(institution).close()

    @property
    def today(self) -> date:
        """What day it is."""
        return moment_of(self._clock).date()

    def pass_to(self, day: date) -> None:
        """Let time pass until that morning; what is due is done, and all have followed."""
        morning = datetime(day.year, day.month, day.day, tzinfo=UTC) + MORNING
        assert morning > moment_of(self._clock), f"{day} is over"
        self._clock.now = round(morning.timestamp() * 1000)
        self.catch_up()

    def catch_up(self) -> None:
        """Log what is due and a HEAD of this moment, and let the key services read it."""
        self.app.ledger.heartbeat().result()
        self._tidying.tidy()
        # A minute later a further HEAD is due, which has what was just logged.
        self._clock.now += 61_000
        self.app.ledger.heartbeat().result()

    def decide(self, body: Body) -> None:
        """Log an act that two administrators sign."""
        first, second = (self.client(name) for name in ADMINISTRATORS[:THRESHOLD])
        assert second.approve(first.propose(body).proposal).logged

    def enrol(self, file: EnrolmentFile) -> None:
        """Log the act that makes an institution a member, and give it its certificate."""
        self.decide(InstitutionBody(file.enrolment))
        self.certify(CertificateRequest.of(file))

    def certify(self, request: CertificateRequest) -> None:
        """Give a member its certificate; how long it is good depends on this machine's clock."""
        app = self.app
        directory, now = app.ledger.directory, round(time.time() * 1000)
        authority = CertificateAuthority.load(app.settings.authority_folder)
        issued, known = issue(app.database, directory, authority, request, carried_by=ADMINISTRATORS[0], now=now)
        app.standing.learn([known])
        trust(self.home(request.institution), app.settings, issued.certificate + authority.certificate)

    def await_key_services(self, lender: str) -> None:
        """Wait until every key service knows a member."""
        wait_until(lambda: all(service.reachable for service in self.client(lender).status().key_services))


def moment_of(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now / 1000, UTC)


@contextmanager
def registry_of(
    folder: Path, database_url: str, members: Mapping[str, Role], first_day: date
) -> Iterator[SetClockRegistry]:
    """Found a registry on a migrated database, enrol its members on its first day, and let it serve.

    Args:
        folder: of all parties.
        database_url: of the registry.
        members: roles by institution id.
        first_day: from the morning of which everybody's clock is set.
    """
    address = free_address()
    services = [KeyServiceSite(folder / name, name) for name in KEY_SERVICES]
    roles = {**dict.fromkeys(ADMINISTRATORS, Role.ADMINISTRATOR), **members}
    files = {name: make_home(folder, name, role, address) for name, role in roles.items()}
    clock = Clock(
        round((datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC) + MORNING).timestamp() * 1000)
    )
    settings = founded(folder, database_url, address, services, clock.now)
    app = build(settings, clock)
    with ExitStack() as stack:
        stack.enter_context(logging_to(folder / LOG))
        stack.enter_context(serving(app))
        stack.enter_context(set_clock(clock))
        registry = stack.enter_context(SetClockRegistry(folder, app, clock))
        for name in members:
            registry.enrol(files[name])
        for service in services:
            certificate = (settings.public_folder / "certificates" / f"{service.name}.pem").read_bytes()
            ca = (settings.public_folder / "ca.pem").read_bytes()
            setup.install(service.folder, certificate, ca, registry.trust_root.encode(), address)
            service.set(poll_seconds=POLL_SECONDS)
            stack.enter_context(service.serving())
        registry.await_key_services(next(name for name, role in members.items() if role is Role.LENDER))
        yield registry


def make_home(folder: Path, institution: str, role: Role, address: str) -> EnrolmentFile:
    return create_home(
        folder / institution,
        institution=institution,
        registry=address,
        name=NAME,
        licence_number=f"T-{institution}",
        display_name=f"Test {institution}",
        roles=[role],
    )


def founded(folder: Path, database_url: str, address: str, services: list[KeyServiceSite], now: int) -> Settings:
    """Make a registry's folder, and log the genesis act that two administrators sign."""
    home = folder / "registry"
    values: dict[str, Value] = {
        "registry": NAME,
        "listen": address,
        "database_url": database_url,
        "checking_processes": 0,
    }
    enrolments = [folder / name / f"{name}.enrolment.json" for name in ADMINISTRATORS]
    handed_in = [service.folder.home / f"{service.name}.key-service.json" for service in services]
    draft_registry(home, values, enrolments, handed_in, THRESHOLD)
    settings = load_settings(home)
    file = ActFile.parse(settings.genesis_file.read_bytes())
    for name in ADMINISTRATORS[:THRESHOLD]:
        file = file.approve(ClientConfig.from_home(folder / name).signer(KeyUsage.ADMINISTER))
    settings.genesis_file.write_bytes(file.encode())
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    with Database(settings.database) as database, closing(register_of(settings)) as register:
        found(database, register, signer, file.payload, file.approvals, now)
    # Logged already, it changes the log no more; the certificates are good from now on by this machine's clock.
    finish_registry(settings)
    for name in ADMINISTRATORS:
        trust(folder / name, settings, (settings.public_folder / "certificates" / f"{name}.pem").read_bytes())
    return settings


def trust(home: Path, settings: Settings, certificate: bytes) -> None:
    root = (settings.public_folder / "trust-root.bin").read_bytes()
    install_trust_root(home, root, TrustRoot.parse(root).fingerprint)
    install_certificate(home, certificate, (settings.public_folder / "ca.pem").read_bytes())


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write what the servers log into a file; on standard output it would stand among what a command prints."""
    before = structlog.get_config()
    with path.open("a", encoding="utf-8") as file:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file))
        try:
            yield
        finally:
            structlog.configure(**before)


@contextmanager
def set_clock(clock: Clock) -> Iterator[None]:
    """Let this process read a clock of the test's instead of the machine's; what measures how long a call may take,
    and TLS, go on by the machine's.
    """
    wall = time.time_ns
    vars(time).update(time_ns=lambda: clock.now * 1_000_000)
    try:
        yield
    finally:
        vars(time).update(time_ns=wall)
