"""A real registry on this machine for an integrator's tests: child processes in a temporary folder.

    from client_sdk.testing import TestRegistry

    with TestRegistry() as registry, registry.client("lender-1") as client:
        client.report(...)

It is the real thing run small: three administrators of whom two must sign, a registry on SQLite and two key services,
each a program of its own with mutual TLS between all of them, and members that were enrolled by acts. It needs the
server: ``pip install "credit-registry[server]"``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from client_sdk.aio import AsyncClient
from client_sdk.client import Client
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.home import create_home, install_certificate, install_trust_root
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.trust_root import TrustRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile

__all__ = ["TestRegistry"]

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
# Polling interval in seconds.
LOOK_SECONDS = 0.05
ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
THRESHOLD = 2
# Modules of the extra [server] without which no program of it starts.
_NEEDED = ("registry_server", "sqlalchemy", "pydantic_settings", "structlog")


class TestRegistry:
    """A registry, two key services and members, as child processes.

    Args:
        lenders: ids of the lenders that are enrolled at the start.
        auditors: ids of the auditors.
        folder: where everything lies; a temporary one, deleted at the end, unless given.
        name: of the registry.
        key_services: names of the key services.
        environment: added to the environment of the programs, such as ``REGISTRY_DATABASE_URL``.

    Raises:
        ConfigError: the extra [server] is not installed, or a program fails; its log is part of the message.
    """

    # pytest would take the class for a test of its own.
    __test__ = False

    def __init__(
        self,
        *,
        lenders: Sequence[str] = ("lender-1", "lender-2"),
        auditors: Sequence[str] = ("auditor",),
        folder: str | Path | None = None,
        name: str = "test-registry",
        key_services: Sequence[str] = ("key-service-a", "key-service-b"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        missing = [module for module in _NEEDED if importlib.util.find_spec(module) is None]
        if missing:
            raise ConfigError(
                f"client_sdk.testing needs the server, but {', '.join(missing)} is not installed: "
                'pip install "credit-registry[server]"'
            )
        self._lenders, self._auditors = tuple(lenders), tuple(auditors)
        self._own_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="credit-registry-") if folder is None else folder)
        self.name = name
        self._key_services = tuple(key_services)
        self._environment = {**os.environ, **(environment or {})}
        self.address = f"{HOST}:{_free_port()}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: list[Client] = []

    def __enter__(self) -> Self:
        try:
            self._found()
            self.start_registry()
            for institution in self._lenders:
                self._enrol(institution, Role.LENDER)
            for institution in self._auditors:
                self._enrol(institution, Role.AUDITOR)
            # Last: a key service knows the members that the directory held when it began to follow it.
            for service in self._key_services:
                self._launch(service, self._key_service_serve(service))
            for service in self._key_services:
                self._await(service, self._url(service))
            if self._lenders:
                self._await_members(self._lenders[0])
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
        for program in list(self._running):
            self.stop(program)
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
        home = self._enrol(institution, role)
        if role is Role.LENDER:
            self._await_members(institution)
        return home

    @property
    def trust_root(self) -> Path:
        """The trust root that the registry hands out."""
        return self.registry_home / "public" / "trust-root.bin"

    @property
    def registry_home(self) -> Path:
        """The registry's own folder."""
        return self.folder / "registry"

    # --- programs ----------------------------------------------------------------------------------------------------

    def start_registry(self) -> None:
        """Start the registry, and wait until it listens."""
        self._launch("registry", ["registry-server", "serve", "--home", str(self.registry_home)])
        self._await("registry", self.address)

    def start_key_service(self, name: str) -> None:
        """Start a key service, and wait until it listens."""
        self._launch(name, self._key_service_serve(name))
        self._await(name, self._url(name))

    def stop(self, program: str, *, kill: bool = False) -> None:
        """Stop a program: ``registry``, or the name of a key service.

        Args:
            program: which.
            kill: end it at once, as a crash would.
        """
        process = self._running.pop(program, None)
        if process is None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _launch(self, program: str, command: Sequence[str]) -> None:
        if program in self._running:
            raise ConfigError(f"{program} is running already")
        with self._log(program).open("ab") as output:
            # A group of its own: an interrupt reaches the test, which then stops its programs in order.
            process = subprocess.Popen(
                _command(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._running[program] = process

    def _await(self, program: str, address: str) -> None:
        process = self._running[program]
        _wait(lambda: process.poll() is not None or _listens(address), program)
        if process.poll() is not None:
            raise ConfigError(f"{program} ended with {process.returncode}:\n{_tail(self._log(program))}")

    def _await_members(self, lender: str) -> None:
        """Wait until every key service has followed the directory far enough to know a lender."""
        with Client(self.config(lender)) as client:
            _wait(lambda: all(service.reachable for service in client.status().key_services), "the key services")

    def _log(self, program: str) -> Path:
        return self.folder / f"{program}.log"

    def _run(self, *commands: Sequence[str]) -> None:
        """Run commands side by side to their end."""
        running = [
            subprocess.Popen(
                _command(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
            for command in commands
        ]
        for command, process in zip(commands, running, strict=True):
            said, _ = process.communicate(timeout=START_SECONDS)
            if process.returncode:
                raise ConfigError(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")

    # --- the ceremony -------------------------------------------------------------------------------------

    def _found(self) -> None:
        """Make administrators, key services and registry, and log the genesis act that two administrators sign."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for institution in ADMINISTRATORS:
            self._make_home(institution, Role.ADMINISTRATOR)
        self._urls = {service: f"{HOST}:{_free_port()}" for service in self._key_services}
        self._run(*(self._key_service_init(service) for service in self._key_services))
        home = str(self.registry_home)
        command = ["registry-server", "init", "--home", home, "--registry", self.name, "--listen", self.address]
        for institution in ADMINISTRATORS:
            command += ["--administrator", str(self.home(institution) / f"{institution}.enrolment.json")]
        for service in self._key_services:
            command += ["--key-service", str(self.folder / service / f"{service}.key-service.json")]
        self._run([*command, "--threshold", str(THRESHOLD)])
        self._approve_genesis(ADMINISTRATORS[:THRESHOLD])
        self._run(["registry-server", "init", "--home", home, "--finish"])
        public = self.registry_home / "public"
        for institution in ADMINISTRATORS:
            self._trust(institution, (public / "certificates" / f"{institution}.pem").read_bytes())
        self._run(*(self._key_service_install(service) for service in self._key_services))

    def _key_service_init(self, service: str) -> list[str]:
        home, url = str(self.folder / service), self._url(service)
        return ["subject-key-service", "init", "--home", home, "--name", service, "--url", url, "--listen", url]

    def _key_service_serve(self, service: str) -> list[str]:
        return ["subject-key-service", "serve", "--home", str(self.folder / service)]

    def _key_service_install(self, service: str) -> list[str]:
        public = self.registry_home / "public"
        return [
            *("subject-key-service", "install", "--home", str(self.folder / service)),
            *("--certificate", str(public / "certificates" / f"{service}.pem")),
            *("--ca", str(public / "ca.pem"), "--trust-root", str(public / "trust-root.bin")),
            *("--registry", self.address),
        ]

    def _url(self, service: str) -> str:
        return self._urls[service]

    def _approve_genesis(self, institutions: Iterable[str]) -> None:
        path = self.registry_home / "genesis.act"
        file = ActFile.parse(path.read_bytes())
        for institution in institutions:
            file = file.approve(self.config(institution).signer(KeyUsage.ADMINISTER))
        path.write_bytes(file.encode())

    def _make_home(self, institution: str, role: Role) -> EnrolmentFile:
        return create_home(
            self.home(institution),
            institution=institution,
            registry=self.address,
            name=self.name,
            licence_number=f"T-{institution}",
            display_name=f"Test {institution}",
            roles=[role],
        )

    def _trust(self, institution: str, certificate: bytes) -> None:
        root = self.trust_root.read_bytes()
        # The file comes from the registry that this process has just created; no fingerprint comparison is needed.
        install_trust_root(self.home(institution), root, TrustRoot.parse(root).fingerprint)
        install_certificate(
            self.home(institution), certificate, (self.registry_home / "public" / "ca.pem").read_bytes()
        )

    def _enrol(self, institution: str, role: Role) -> Path:
        """Propose the act as one administrator, approve it as another, and fetch the certificate."""
        file = self._make_home(institution, role)
        first, second = (self.config(administrator) for administrator in ADMINISTRATORS[:THRESHOLD])
        with Client(first) as proposer, Client(second) as approver:
            proposed = proposer.propose(InstitutionBody(file.enrolment))
            approved = approver.approve(proposed.proposal)
            if not approved.logged:
                raise ConfigError(f"the act that enrols {institution} was not logged")
            self._trust(institution, proposer.issue_certificate(CertificateRequest.of(file)))
        return self.home(institution)


def _command(command: Sequence[str]) -> list[str]:
    """Return a command of ours with the path of its program, installed beside this Python or found on the path."""
    beside = Path(sys.executable).with_name(command[0])
    found = str(beside) if beside.exists() else shutil.which(command[0])
    if found is None:
        raise ConfigError(f'{command[0]} is not installed: pip install "credit-registry[server]"')
    return [found, *command[1:]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


def _wait(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(CreditRegistryError):
            if ready():
                return
        if time.monotonic() > deadline:
            raise ConfigError(f"{what} was not ready within {START_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
