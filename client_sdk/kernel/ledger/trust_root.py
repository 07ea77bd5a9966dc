"""Trust root: registry name, log keys and genesis administrators (proto/README.md 8).

Its fingerprint, the leaf hash of the genesis act, is compared by people over another channel. The file carries that
leaf: all the rest follows from it, so the file cannot be changed without changing the fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import Act, GenesisBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.administration import Administration, Administrator
from client_sdk.kernel.ledger.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.state import InstitutionKey, LogKey
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum

__all__ = ["TrustRoot"]

VERSION = 1
PART = "trust root"


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Registry, log keys, genesis and first administrators.

    Attributes:
        registry: its name.
        log_keys: keys of its log, the newest last.
        genesis: leaf hash of the genesis act, 32 bytes.
        administrators: keys of the first administrators by institution id.
        threshold: how many of them sign an act.
        genesis_leaf: bytes of the genesis act's leaf, of which all the rest follows.
        quorum: the witnesses that genesis demands, None for none; the directory shows what acts have changed since.
        replaying: likewise the auditors that rebuild the log.
    """

    registry: str
    log_keys: tuple[LogKey, ...]
    genesis: bytes
    administrators: Mapping[str, tuple[InstitutionKey, ...]]
    threshold: int
    genesis_leaf: bytes = field(repr=False)
    quorum: WitnessQuorum | None = None
    replaying: WitnessQuorum | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint for comparison by people: the genesis leaf's hash in hexadecimal."""
        return self.genesis.hex()

    @property
    def log_key(self) -> VerifierKey:
        """The note key of the log that is written now."""
        newest = self.log_keys[-1]
        return VerifierKey.ed25519(newest.origin, newest.public_key)

    @property
    def time_zone(self) -> str:
        """The registry's legal time zone, which no later rulebook changes."""
        leaf = parse_leaf(self.genesis_leaf)
        body = Act.parse(leaf.payload).body if isinstance(leaf, ActLeaf) else None
        if not isinstance(body, GenesisBody):
            raise FormatError(PART, "genesis.leaf", want="a genesis act")
        return body.rulebook.time_zone

    def administration(self) -> Administration:
        """Return the administration at genesis."""
        known = {id_: Administrator(keys) for id_, keys in self.administrators.items()}
        return Administration(known, tuple(known), self.threshold)

    @classmethod
    def from_genesis(cls, leaf: bytes) -> TrustRoot:
        """Return the trust root that a genesis leaf makes. Compare its fingerprint before use.

        Raises:
            FormatError: it is no act.
            RuleError: its administrators, keys or signatures are not in order.
        """
        act = parse_leaf(leaf)
        if not isinstance(act, ActLeaf):
            raise FormatError(PART, "genesis.leaf", want="an ACT leaf")
        directory = Directory.genesis(act)
        known = directory.administration.known
        return cls(
            directory.state.registry,
            directory.state.log_keys,
            leaf_hash(leaf),
            {id_: known[id_].keys for id_ in directory.administration.acting},
            directory.administration.threshold,
            leaf,
            directory.rulebook.quorum,
            directory.rulebook.replaying,
        )

    def encode(self) -> bytes:
        """Return the canonical bytes of the file."""
        return canonical.encode(
            pb.TrustRoot(
                version=VERSION,
                registry=self.registry,
                log_keys=[key.message() for key in self.log_keys],
                genesis=self.genesis,
                administrators=[
                    pb.TrustedAdministrator(id=id_, keys=[key.message() for key in keys])
                    for id_, keys in self.administrators.items()
                ],
                threshold=self.threshold,
                genesis_leaf=self.genesis_leaf,
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> TrustRoot:
        """Return the trust root that a file holds.

        People compare the fingerprint alone, so nothing in the file is believed that does not follow from the genesis
        leaf whose hash it is.

        Raises:
            FormatError: it is not canonical, or anything but the trust root that its genesis leaf makes.
            RuleError: administrators, keys or signatures of the genesis act are not in order.
        """
        message = canonical.parse(pb.TrustRoot, data, PART)
        if message.version != VERSION:
            raise FormatError(PART, "trust-root.version", got=str(message.version), want=str(VERSION))
        root = cls.from_genesis(message.genesis_leaf)
        if root.encode() != data:
            raise FormatError(PART, "trust-root.derived", want="what the genesis act makes and nothing else")
        return root
