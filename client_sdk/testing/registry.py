"""A registry, its key services and its members in one folder: founded, enrolled and running."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from client_sdk.aio import AsyncClient
from client_sdk.client import Client
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.extras import check_extras
from client_sdk.home import create_home, install_certificate, install_trust_root
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.words import ANNOTATING, KeyUsage, Role
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.testing.desks import Desks
from client_sdk.testing.programs import Programs
from client_sdk.testing.site import REGISTRY, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
    from client_sdk.testing.desks import DeskPlace

__all__ = ["TestRegistry"]

ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
THRESHOLD = 2
# Seconds until the key services have read the directory.
_FOLLOW_LIMIT = 60.0
_LOOK = 0.02
# Seconds between two reads of the directory: a member that is enrolled later is known soon.
_POLL = "1"
# A file that is made once all members are enrolled.
_FOUNDED = "founded"


class TestRegistry:
    """A registry, two key services and members, as child processes.

    Args:
        lenders: ids of the lenders that are enrolled at the start.
        auditors: ids of the auditors.
        representatives: ids of the offices that speak for borrowers.
        folder: where everything lies; a temporary one, deleted at the end, unless given. One that such a registry has
            left is started again with all that it holds; members that it lacks are enrolled.
        name: of the registry.
        key_services: names of the key services.
        environment: added to the environment of the programs, such as ``REGISTRY_DATABASE_URL``.
        display_names: what people call a member, by its id; ``Test`` and the id unless given.

    Raises:
        ConfigError: the extra [server] is not installed, the folder holds another registry, or a program fails; its log
            is part of the message.
    """

    # pytest would take the class for a test of its own.
    __test__ = False

    def __init__(
        self,
        *,
        lenders: Sequence[str] = ("lender-1", "lender-2"),
        auditors: Sequence[str] = ("auditor",),
        representatives: Sequence[str] = (),
        folder: str | Path | None = None,
        name: str = "test-registry",
        key_services: Sequence[str] = ("key-service-a", "key-service-b"),
        environment: Mapping[str, str] | None = None,
        display_names: Mapping[str, str] | None = None,
    ) -> None:
        check_extras("client_sdk.testing", "server")
        self._members = dict.fromkeys(lenders, Role.LENDER) | dict.fromkeys(auditors, Role.AUDITOR)
        self._members |= dict.fromkeys(representatives, Role.REPRESENTATIVE)
        self._display_names = dict(display_names or {})
        self._own_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="credit-registry-") if folder is None else folder).absolute()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._goes_on = (self.folder / _FOUNDED).exists()
        self._site = self._site_of(name, tuple(key_services))
        self._programs = Programs(self.folder, environment)
        self._desks = Desks(self._programs)
        self._clients: list[Client] = []

    def __enter__(self) -> Self:
        try:
            if self._goes_on:
                self._go_on()
            else:
                self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the clients, stop all programs, and delete a temporary folder."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._programs.stop_all()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- members -----------------------------------------------------------------------------------------------------

    def home(self, institution: str) -> Path:
        """Return a member's home folder."""
        return self.folder / institution

    def config(self, institution: str) -> ClientConfig:
        """Return a member's settings."""
        return ClientConfig.from_home(self.home(institution))

    def client(self, institution: str) -> Client:
        """Return a new client of a member; it is closed with the registry at the latest."""
        client = Client(self.config(institution))
        self._clients.append(client)
        return client

    def async_client(self, institution: str) -> AsyncClient:
        """Return a new asyncio client of a member; the caller closes it."""
        return AsyncClient(self.config(institution))

    def enrol(self, institution: str, role: Role = Role.LENDER) -> Path:
        """Enrol a further member by an act, wait until the key services know it, and return its home folder.

        Raises:
            ConfigError: the key services do not take it up in time.
        """
        self._enrol([self._make_home(institution, role)])
        if role in ANNOTATING:
            self._await_key_services(institution)
        return self.home(institution)

    @property
    def name(self) -> str:
        """Name of the registry."""
        return self._site.name

    @property
    def trust_root(self) -> Path:
        """The trust root that the registry hands out."""
        return self._site.trust_root

    @property
    def registry_home(self) -> Path:
        """The registry's own folder."""
        return self.folder / REGISTRY

    # --- programs ----------------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The registry's host:port."""
        return self._site.address()

    def address_of(self, program: str) -> str:
        """Return host:port of a program: ``registry``, or the name of a key service."""
        return self._site.address(program)

    def process_id(self, program: str) -> int:
        """Return the process id of a program that runs; it is the leader of its process group.

        Raises:
            KeyError: it does not run.
        """
        return self._programs.pid(program)

    def start_registry(self) -> None:
        """Start the registry, and wait until it listens."""
        self._programs.start(self._site.server(REGISTRY))

    def start_key_service(self, name: str) -> None:
        """Start a key service, and wait until it listens."""
        self._programs.start(self._site.server(name))

    def start_desks(self, *members: str) -> list[DeskPlace]:
        """Start a desk (``credit-registry desk``) for each of these members, and wait until each can be used.

        Raises:
            ConfigError: the extra [desk] is not installed, or a desk does not start; its log is part of the message.
        """
        return self._desks.start(*members)

    def wait(self, tell: Callable[[str], None]) -> None:
        """Wait until a program ends by itself, as for a person who tries things; it is interrupted by Ctrl-C.

        Args:
            tell: called with a line for each new link that a desk makes.

        Raises:
            ConfigError: a program has ended; its log is part of the message.
        """
        self._desks.wait(tell)

    def stop(self, program: str, *, kill: bool = False) -> None:
        """Stop a program: ``registry``, or the name of a key service.

        Args:
            program: which.
            kill: end it at once, as a crash would.
        """
        self._programs.stop(program, by=signal.SIGKILL if kill else signal.SIGTERM)

    def _await_key_services(self, lender: str) -> None:
        """Wait until every key service has followed the directory far enough to know a member."""
        deadline = time.monotonic() + _FOLLOW_LIMIT
        with Client(self.config(lender)) as client:
            while True:
                with contextlib.suppress(CreditRegistryError):
                    if all(service.reachable for service in client.status().key_services):
                        return
                self._programs.check()
                if time.monotonic() > deadline:
                    raise ConfigError(f"the key services did not know {lender} within {_FOLLOW_LIMIT:.0f} s")
                time.sleep(_LOOK)

    # --- beginning and going on --------------------------------------------------------------------------

    def _site_of(self, name: str, key_services: tuple[str, ...]) -> Site:
        if not self._goes_on:
            if (self.folder / Site.FILE).exists():
                raise ConfigError(f"{self.folder} holds a registry whose founding was interrupted: delete it")
            return Site.make(self.folder, name, key_services)
        site = Site.load(self.folder)
        if (site.name, site.key_services) != (name, key_services):
            held = f"the registry {site.name} with {', '.join(site.key_services)}"
            raise ConfigError(f"{self.folder} holds {held}, not {name} with {', '.join(key_services)}")
        return site

    def _begin(self) -> None:
        files = self._found(self._members)
        self.start_registry()
        self._enrol(files)
        # Last: a key service knows the members that the directory held when it began to follow it.
        self._start_key_services()
        (self.folder / _FOUNDED).touch(0o600)

    def _go_on(self) -> None:
        self.start_registry()
        missing = {member: role for member, role in self._members.items() if not self.home(member).exists()}
        self._enrol([self._make_home(member, role) for member, role in missing.items()])
        self._start_key_services()

    def _start_key_services(self) -> None:
        self._programs.start(*map(self._site.server, self._site.key_services))
        asking = [member for member, role in self._members.items() if role in ANNOTATING]
        if asking:
            self._await_key_services(asking[0])

    # --- the ceremony -------------------------------------------------------------------------------------

    def _found(self, members: Mapping[str, Role]) -> list[EnrolmentFile]:
        """Make the homes of all parties, and log the genesis act that two administrators sign.

        Returns:
            What the administrators need to enrol the members.
        """
        site, run = self._site, self._programs.run
        # Our own keys first: meanwhile the programs are loaded.
        for administrator in ADMINISTRATORS:
            self._make_home(administrator, Role.ADMINISTRATOR)
        files = [self._make_home(institution, role) for institution, role in members.items()]
        services = site.key_services
        self._programs.run_all([(*site.init_key_service(name), "--poll-seconds", _POLL) for name in services])
        run(site.init_registry(ADMINISTRATORS, THRESHOLD))
        self._approve_genesis()
        run(site.finish_registry())
        self._programs.run_all([site.install_key_service(name) for name in services])
        for administrator in ADMINISTRATORS:
            self._trust(administrator, site.certificate(administrator).read_bytes())
        return files

    def _approve_genesis(self) -> None:
        file = ActFile.parse(self._site.genesis.read_bytes())
        for institution in ADMINISTRATORS[:THRESHOLD]:
            file = file.approve(self.config(institution).signer(KeyUsage.ADMINISTER))
        self._site.genesis.write_bytes(file.encode())

    def _make_home(self, institution: str, role: Role) -> EnrolmentFile:
        return create_home(
            self.home(institution),
            institution=institution,
            registry=self.address,
            name=self.name,
            licence_number=f"T-{institution}",
            display_name=self._display_names.get(institution, f"Test {institution}"),
            roles=[role],
        )

    def _trust(self, institution: str, certificate: bytes) -> None:
        root = self.trust_root.read_bytes()
        # The file comes from the registry that this process has just created; no fingerprint comparison is needed.
        install_trust_root(self.home(institution), root, TrustRoot.parse(root).fingerprint)
        install_certificate(self.home(institution), certificate, self._site.ca.read_bytes())

    def _enrol(self, files: Sequence[EnrolmentFile]) -> None:
        """Propose each act as one administrator, approve it as another, and fetch the certificate."""
        first, second = (self.config(administrator) for administrator in ADMINISTRATORS[:THRESHOLD])
        with Client(first) as proposer, Client(second) as approver:
            for file in files:
                proposed = proposer.propose(InstitutionBody(file.enrolment))
                if not approver.approve(proposed.proposal).logged:
                    raise ConfigError(f"the act that enrols {file.enrolment.id} was not logged")
                self._trust(file.enrolment.id, proposer.issue_certificate(CertificateRequest.of(file)))
