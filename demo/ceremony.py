"""Founding a registry and enrolling its members: the same commands that people run, each on the machine of who runs it.

Everything lies in one folder here, a folder a party. On real machines the files that are handed over (enrolments,
certificates, the trust root) travel by mail; none of them holds a secret.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from demo.parties import ADMINISTRATORS, AUDITOR, KEY_SERVICES
from demo.processes import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.parties import Party
    from demo.processes import Services
    from demo.shell import Shell

__all__ = [
    "REGISTRY",
    "Site",
    "enrol",
    "found",
    "install_key_services",
    "make_keys",
    "serve_key_services",
    "serve_registry",
]

REGISTRY = "registry"
_NAME = "demo"
_THRESHOLD = 2


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is.

    Attributes:
        folder: of all parties.
        ports: of the registry and the key services, by name of their folders.
    """

    FILE: ClassVar[str] = "ports.json"
    folder: Path
    ports: dict[str, int]

    @classmethod
    def make(cls, folder: Path) -> Site:
        """Return a site on ports that are free, and keep them for the next run."""
        site = cls(folder, {name: free_port() for name in (REGISTRY, *KEY_SERVICES)})
        site._file.write_text(json.dumps(site.ports))
        return site

    @classmethod
    def load(cls, folder: Path) -> Site:
        """Return the site that a folder holds."""
        site = cls(folder, {})
        site.ports.update(json.loads(site._file.read_text()))
        return site

    @property
    def _file(self) -> Path:
        return self.folder / self.FILE

    @property
    def trust_root(self) -> Path:
        """What verifiers start from."""
        return self.folder / REGISTRY / "public" / "trust-root.bin"

    def address(self, name: str) -> str:
        """Return host:port of the registry or a key service."""
        return f"{LOOPBACK}:{self.ports[name]}"


def make_keys(site: Site, shell: Shell) -> None:
    """Let administrators and key services make their keys."""
    shell.alike([_init(site, party, "ADMINISTRATOR") for party in ADMINISTRATORS])
    init = ("subject-key-service", "init")
    shell.alike([(*init, "--home", name, "--name", name, "--url", site.address(name)) for name in KEY_SERVICES])


def found(site: Site, shell: Shell) -> str:
    """Write the genesis act, have it approved, log it; return the fingerprint that people compare."""
    home = ("--home", REGISTRY)
    listen = ("--listen", site.address(REGISTRY), "--threshold", str(_THRESHOLD))
    files = [word for party in ADMINISTRATORS for word in ("--administrator", _enrolment(party))]
    files += [word for name in KEY_SERVICES for word in ("--key-service", f"{name}/{name}.key-service.json")]
    shell("registry-server", "init", *home, "--registry", _NAME, *listen, *files)
    for party in ADMINISTRATORS[:_THRESHOLD]:
        shell(*_home(party, "act", "approve", f"{REGISTRY}/genesis.act", "--yes"))
    # The fingerprint is the last thing that it says.
    fingerprint = shell("registry-server", "init", *home, "--finish").split()[-1]
    public = f"{REGISTRY}/public"
    ca, root = ("--ca", f"{public}/ca.pem"), (f"{public}/trust-root.bin", "--fingerprint", fingerprint)
    shell.alike([(*_admit(party, f"{public}/certificates/{party.name}.pem"), *ca) for party in ADMINISTRATORS])
    shell.alike([_home(party, "trust", "install", *root) for party in ADMINISTRATORS])
    return fingerprint


def serve_registry(site: Site, services: Services) -> None:
    """Start the registry."""
    command = ("registry-server", "serve", "--home", REGISTRY)
    services.start("the registry", command, site.folder / "registry.log", site.ports[REGISTRY])


def enrol(site: Site, shell: Shell, members: Sequence[Party], fingerprint: str) -> None:
    """Enrol members: they make keys, one administrator proposes, another approves, each gets a certificate."""
    shell.alike([_init(site, party, "AUDITOR" if party is AUDITOR else "LENDER") for party in members])
    proposer, approver = map(_home, ADMINISTRATORS[:_THRESHOLD])
    for party in members:
        proposed = shell(
            *proposer, "--json", "act", "propose", "institution", "--enrolment", _enrolment(party), "--yes"
        )
        shell(*approver, "act", "approve", json.loads(proposed)["id"], "--yes")
    issue = (*proposer, "certificate", "issue", "--enrolment")
    shell.alike([(*issue, _enrolment(party), "--out", f"{party.name}/{party.name}.pem") for party in members])
    shell.alike([_admit(party, f"{party.name}/{party.name}.pem") for party in members])
    shell.alike([_home(party, "trust", "fetch", "--fingerprint", fingerprint) for party in members])


def install_key_services(site: Site, shell: Shell) -> None:
    """Give the key services their certificates and the trust root."""
    public = f"{REGISTRY}/public"
    given = ("--ca", f"{public}/ca.pem", "--trust-root", f"{public}/trust-root.bin", "--registry")
    install = ("subject-key-service", "install", "--home")
    shell.alike(
        [
            (*install, name, "--certificate", f"{public}/certificates/{name}.pem", *given, site.address(REGISTRY))
            for name in KEY_SERVICES
        ]
    )


def serve_key_services(site: Site, services: Services) -> None:
    """Start the key services."""
    for name in KEY_SERVICES:
        command = ("subject-key-service", "serve", "--home", name)
        services.start(name, command, site.folder / f"{name}.log", site.ports[name])


def _init(site: Site, party: Party, role: str) -> tuple[str, ...]:
    who = ("--institution", party.name, "--name", party.title, "--licence", party.licence, "--role", role)
    where = ("--registry", site.address(REGISTRY), "--registry-name", _NAME)
    return _home(party, "init", *who, *where)


def _enrolment(party: Party) -> str:
    return f"{party.name}/{party.name}.enrolment.json"


def _home(party: Party, *words: str) -> tuple[str, ...]:
    return ("credit-registry", "--home", party.name, *words)


def _admit(party: Party, certificate: str) -> tuple[str, ...]:
    return _home(party, "certificate", "install", certificate)
