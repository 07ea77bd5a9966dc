"""The folder of a registry that closes, around the database and the members of a world; and its successor's."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import NO_PREVIOUS, Act, Enrolment, GenesisBody, grant_key
from client_sdk.kernel.formats.closing import ClosingBody, SuccessorRegistry
from client_sdk.kernel.formats.leaf import ActLeaf, Approval
from client_sdk.kernel.formats.state import LogKey, Rulebook
from client_sdk.kernel.formats.words import ClosingWay, KeyUsage, Role
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.dates import day_of
from registry_server.certificates.authority import CertificateAuthority
from registry_server.serving.files import write_secret
from registry_server.settings import load_settings, settings_toml
from registry_server.storage import leaves
from tests.support.handmade_log import REGISTRY, signer
from tests.support.registers import register_path
from tests.support.registry_world import ADMINISTRATORS, DAY_MS, NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from registry_server.sequencing.ledger import Ledger
    from registry_server.settings import Settings

SUCCESSOR = "successor.example"
DOCUMENT = b"the supervisor's order"


class ClosingHome:
    """A registry's folder with keys and settings, and what its operator has beside it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.world = World()
        self.home = folder / "registry"
        self.document = folder / "order.pdf"
        self.document.write_bytes(DOCUMENT)
        self._database_url = database_url
        self.home.mkdir(mode=0o700)
        values = {
            "registry": REGISTRY,
            "database_url": database_url,
            "register_file": str(register_path(database_url)),
        }
        write_secret(self.home / "registry.toml", settings_toml(values).encode())
        write_secret(self.home / "log-key.pem", self.world.log_signer.to_pkcs8_pem())
        CertificateAuthority.create(self.home / "ca", REGISTRY, NOW)
        self.successor_home = folder / "successor"
        self.successor = _successor(self.successor_home)

    @property
    def settings(self) -> Settings:
        return load_settings(self.home)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The registry's log, with a trust root in the folder as `init --finish` writes it."""
        with self.world.ledger(self._database_url) as ledger:
            public = self.home / "public" / "trust-root.bin"
            if not public.exists():
                public.parent.mkdir(mode=0o700)
                with ledger.database.snapshot() as work:
                    genesis = leaves.leaf_range(work, 0, 1)[0].leaf
                write_secret(public, TrustRoot.from_genesis(genesis).encode())
            yield ledger

    def trust_root(self) -> TrustRoot:
        return TrustRoot.parse((self.home / "public" / "trust-root.bin").read_bytes())

    def close(self, ledger: Ledger, way: ClosingWay, days: int = 2) -> None:
        """Log the act by which the registry closes so many days from now."""
        last = day_of(self.world.clock.now + days * DAY_MS, "Asia/Shanghai").isoformat()
        taker = None if way is ClosingWay.DESTROY else SuccessorRegistry(SUCCESSOR, self.successor.genesis)
        self.world.decide(ledger, ClosingBody(way, last, "(2026) 41", sha256(DOCUMENT).digest(), taker))


def _successor(home: Path) -> TrustRoot:
    """The folder of a registry that was founded elsewhere."""
    log_signer = signer("log of the successor")
    enrolments = []
    for name in ADMINISTRATORS:
        own = signer(f"{name} at the successor")
        grant = grant_key(SUCCESSOR, name, own, KeyUsage.ADMINISTER)
        enrolments.append(Enrolment(name, f"licence of {name}", name, (Role.ADMINISTRATOR,), (grant,)))
    log_key = LogKey(f"{SUCCESSOR}/log/1", "ed25519", log_signer.public_key.raw)
    body = GenesisBody(tuple(enrolments), 2, (log_key,), World.key_services(1), Rulebook())
    payload = Act(SUCCESSOR, 0, NO_PREVIOUS, body).encode()
    signers = [signer(f"{name} at the successor") for name in ADMINISTRATORS[:2]]
    approvals = [Approval(key.public_key.key_id, dsse.sign(key, dsse.ACT, payload)) for key in signers]
    root = TrustRoot.from_genesis(ActLeaf(NOW, payload, tuple(sorted(approvals))).encode())
    home.mkdir(mode=0o700)
    (home / "public").mkdir(mode=0o700)
    write_secret(home / "registry.toml", settings_toml({"registry": SUCCESSOR}).encode())
    write_secret(home / "log-key.pem", log_signer.to_pkcs8_pem())
    write_secret(home / "public" / "trust-root.bin", root.encode())
    return root
