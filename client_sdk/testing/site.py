"""Folders and ports of the parties of a registry on this machine, and the commands of its servers.

Everything lies in one folder, a folder a party. On real machines the files that are handed over (enrolments,
certificates, the trust root) travel by mail; none of them holds a secret. Paths in commands start from that folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["REGISTRY", "Command", "Site", "enrolment"]

REGISTRY = "registry"
_PUBLIC = f"{REGISTRY}/public"
Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A registry with its key services.

    Attributes:
        folder: of all parties.
        name: of the registry.
        ports: of the registry and the key services, by the names of their folders.
    """

    FILE: ClassVar[str] = "site.json"
    folder: Path
    name: str
    ports: dict[str, int]

    @classmethod
    def make(cls, folder: Path, name: str, key_services: Sequence[str]) -> Site:
        """Return a site on ports that are free, and keep it in its folder for another run."""
        site = cls(folder, name, {party: free_port() for party in (REGISTRY, *key_services)})
        (folder / cls.FILE).write_text(json.dumps({"name": name, "ports": site.ports}))
        return site

    @classmethod
    def load(cls, folder: Path) -> Site:
        """Return the site that a folder holds.

        Raises:
            OSError: it holds none.
        """
        kept = json.loads((folder / cls.FILE).read_text())
        return cls(folder, kept["name"], kept["ports"])

    @property
    def key_services(self) -> tuple[str, ...]:
        """Names of the key services, in the order in which their outputs are joined."""
        return tuple(name for name in self.ports if name != REGISTRY)

    @property
    def trust_root(self) -> Path:
        """The trust root that the registry hands out."""
        return self.folder / _PUBLIC / "trust-root.bin"

    @property
    def ca(self) -> Path:
        """The certificate of the registry's authority."""
        return self.folder / _PUBLIC / "ca.pem"

    @property
    def genesis(self) -> Path:
        """The genesis act while it gathers signatures."""
        return self.folder / REGISTRY / "genesis.act"

    def certificate(self, party: str) -> Path:
        """Return the first certificate of an administrator or a key service."""
        return self.folder / _PUBLIC / "certificates" / f"{party}.pem"

    def address(self, party: str = REGISTRY) -> str:
        """Return host:port of the registry or a key service."""
        return f"{HOST}:{self.ports[party]}"

    def init_key_service(self, party: str) -> Command:
        """Return the command that makes the keys of a key service."""
        home = ("--home", party, "--name", party)
        return ("subject-key-service", "init", *home, "--url", self.address(party))

    def init_registry(self, administrators: Sequence[str], threshold: int) -> Command:
        """Return the command that writes the genesis act."""
        files = [word for party in administrators for word in ("--administrator", enrolment(party))]
        files += [
            word for party in self.key_services for word in ("--key-service", f"{party}/{party}.key-service.json")
        ]
        where = ("--home", REGISTRY, "--registry", self.name, "--listen", self.address())
        return ("registry-server", "init", *where, "--threshold", str(threshold), *files)

    def finish_registry(self) -> Command:
        """Return the command that logs the genesis act; the fingerprint is the last word that it prints."""
        return ("registry-server", "init", "--home", REGISTRY, "--finish")

    def install_key_service(self, party: str) -> Command:
        """Return the command that gives a key service its certificate and the trust root."""
        certificate = ("--certificate", f"{_PUBLIC}/certificates/{party}.pem", "--ca", f"{_PUBLIC}/ca.pem")
        trusted = ("--trust-root", f"{_PUBLIC}/trust-root.bin", "--registry", self.address())
        return ("subject-key-service", "install", "--home", party, *certificate, *trusted)

    def server(self, party: str) -> Server:
        """Return the server of the registry or a key service."""
        program = "registry-server" if party == REGISTRY else "subject-key-service"
        return Server(party, (program, "serve", "--home", party), self.ports[party])


def enrolment(institution: str) -> str:
    """Return where an institution has the file that it hands to the administrators."""
    return f"{institution}/{institution}.enrolment.json"
