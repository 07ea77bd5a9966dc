"""Trust root: what a verifier starts from (design 2, formats 8).

Its fingerprint, the leaf hash of the genesis act, is compared by people over another channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.formats import canonical
from client_sdk.formats.encoding import leaf_hash
from client_sdk.formats.errors import FormatError
from client_sdk.formats.leaf import ActLeaf, parse_leaf
from client_sdk.formats.note import VerifierKey
from client_sdk.formats.state import InstitutionKey, LogKey, check_ascending
from client_sdk.formats.statement import check_institution_id
from client_sdk.formats.words import KeyUsage
from client_sdk.ledger.administration import Administration, Administrator
from client_sdk.ledger.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TrustRoot"]

VERSION = 1
PART = "trust root"


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """Registry, log keys, genesis and first administrators."""

    registry: str
    log_keys: tuple[LogKey, ...]
    genesis: bytes
    administrators: Mapping[str, tuple[InstitutionKey, ...]]
    threshold: int
    quorum: int = 0

    @property
    def fingerprint(self) -> str:
        """What people compare: the genesis leaf's hash in hexadecimal."""
        return self.genesis.hex()

    @property
    def log_key(self) -> VerifierKey:
        """The note key of the log that is written now."""
        newest = self.log_keys[-1]
        return VerifierKey.ed25519(newest.origin, newest.public_key)

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
                quorum=self.quorum,
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> TrustRoot:
        """Return the trust root that a file holds.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
            RuleError: its administrators cannot reach the threshold.
        """
        message = canonical.parse(pb.TrustRoot, data, PART)
        if message.version != VERSION or message.quorum:
            raise FormatError(PART, "trust_root.version", got=str(message.version), want=f"{VERSION} without quorum")
        ids = [item.id for item in message.administrators]
        check_ascending(ids, PART, "administrators")
        administrators: dict[str, tuple[InstitutionKey, ...]] = {}
        for item in message.administrators:
            check_institution_id(item.id, PART, "administrators")
            administrators[item.id] = tuple(InstitutionKey.of(key, PART) for key in item.keys)
            _check_keys(administrators[item.id], message.genesis)
        if not message.registry or not message.log_keys or len(message.genesis) != sha256().digest_size:
            raise FormatError(PART, "trust_root.complete", want="registry, log key and genesis")
        log_keys = tuple(LogKey.of(key) for key in message.log_keys)
        root = cls(message.registry, log_keys, message.genesis, administrators, message.threshold)
        root.administration().check()
        return root


def _check_keys(keys: tuple[InstitutionKey, ...], genesis: bytes) -> None:
    check_ascending([key.key_id for key in keys], PART, "keys")
    for key in keys:
        given_by_genesis = not key.first and not key.end and not key.contested_from and key.act_hash == genesis
        if key.usage is not KeyUsage.ADMINISTER or not given_by_genesis:
            raise FormatError(PART, "trust_root.keys", want="running ADMINISTER keys of the genesis act")
