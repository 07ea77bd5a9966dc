"""Certificate of destruction: the last thing that the log's key signs (proto/README.md 8).

    file = label "creditregistry/destruction/v1" || canonical DestructionFile

It shows the newest act that closed the registry in the log, under the log's last checkpoint, and that the day of the
act was over. That nothing was kept is what the registry says and signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import wind_down_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.act import Act, ClosingBody
from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.encoding import HASH_BYTES, label
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import ED25519, key_id
from client_sdk.kernel.formats.leaf import ActLeaf
from client_sdk.kernel.ledger.proving import head_under, leaf_under, read_checkpoint, read_leaf, split_hashes, within
from client_sdk.kernel.rules.dates import day_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = [
    "DESTRUCTION_LABEL",
    "ClosingProof",
    "DestroyedRows",
    "Destruction",
    "VerifiedDestruction",
    "destruction_file",
]
__all__ += ["read_destruction"]

DESTRUCTION_LABEL = label("creditregistry/destruction/v1")
# A leaf takes 64 KiB at most, its path 2 KiB, and a count some 40 bytes.
MAX_BYTES = 128 * 1024
_PART = "destruction"


class DestroyedRows(NamedTuple):
    """How many rows of a table were destroyed."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Destruction:
    """Signed payload of the certificate.

    Attributes:
        registry: its name.
        genesis_hash: its fingerprint, 32 bytes.
        act_index: of the closing act that was carried out.
        destroyed_at: ms since 1970 UTC.
        destroyed: what was destroyed, ascending by table.
        manifest_digest: SHA-256 of the manifest of the export that a successor holds; empty where there is none.
    """

    registry: str
    genesis_hash: bytes
    act_index: int
    destroyed_at: int
    destroyed: tuple[DestroyedRows, ...]
    manifest_digest: bytes

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Destruction(
                registry=self.registry,
                genesis_hash=self.genesis_hash,
                act_index=self.act_index,
                destroyed_at=self.destroyed_at,
                destroyed=[pb.DestroyedRows(table=item.table, rows=item.rows) for item in self.destroyed],
                manifest_digest=self.manifest_digest,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Destruction:
        """Return the destruction that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field is missing or has the wrong form.
        """
        message = canonical.parse(pb.Destruction, payload, _PART)
        if not message.registry or not message.act_index or not message.destroyed_at or not message.destroyed:
            raise FormatError(_PART, "destruction.complete", want="registry, act, time and what was destroyed")
        if len(message.genesis_hash) != HASH_BYTES or len(message.manifest_digest) not in {0, HASH_BYTES}:
            raise FormatError(_PART, "destruction.hash", want="32 bytes, and a manifest of 32 or none")
        destroyed = tuple(DestroyedRows(item.table, item.rows) for item in message.destroyed)
        check_ascending([item.table for item in destroyed], _PART, "destroyed")
        return cls(
            message.registry,
            message.genesis_hash,
            message.act_index,
            message.destroyed_at,
            destroyed,
            message.manifest_digest,
        )


class ClosingProof(NamedTuple):
    """That an act closed the registry, and that no later one did.

    Attributes:
        act_leaf: leaf of the closing act.
        act_path: its inclusion path under the checkpoint, sibling first.
        head: HEAD that is the last leaf under the checkpoint.
        head_path: its inclusion path, sibling first.
        checkpoint: the last one of the log, signed.
    """

    act_leaf: bytes
    act_path: Sequence[bytes]
    head: bytes
    head_path: Sequence[bytes]
    checkpoint: bytes


class VerifiedDestruction(NamedTuple):
    """A certificate that verifies.

    Attributes:
        destruction: what the registry says.
        closing: what the act decided.
        checkpoint: the last one of the log.
    """

    destruction: Destruction
    closing: ClosingBody
    checkpoint: Checkpoint


def destruction_file(said: Destruction, shown: ClosingProof, signer: Signer) -> bytes:
    """Return the bytes of the file.

    Args:
        said: what is signed.
        shown: of the closing act.
        signer: of the log's key.
    """
    payload = said.encode()
    file = pb.DestructionFile()
    file.destruction.payload, file.destruction.key_id = payload, signer.public_key.key_id
    file.destruction.signature = dsse.sign(signer, dsse.DESTRUCTION, payload)
    file.act.leaf, file.act.checkpoint = shown.act_leaf, shown.checkpoint
    file.act.inclusion.index, file.act.inclusion.path = said.act_index, b"".join(shown.act_path)
    file.head, file.head_path = shown.head, b"".join(shown.head_path)
    return DESTRUCTION_LABEL + canonical.encode(file)


def read_destruction(data: bytes, root: TrustRoot) -> VerifiedDestruction:
    """Return what a certificate of destruction proves.

    Args:
        data: bytes of the file.
        root: of the registry.

    Raises:
        FormatError: a part does not verify: SignatureError or ProofError where it is a signature or a path.
    """
    if not data.startswith(DESTRUCTION_LABEL) or len(data) > MAX_BYTES:
        raise FormatError(_PART, "destruction.label", want=DESTRUCTION_LABEL[:-1].decode())
    file = canonical.parse(pb.DestructionFile, data[len(DESTRUCTION_LABEL) :], _PART)
    said, receipt = Destruction.parse(file.destruction.payload), file.act
    if (said.registry, said.genesis_hash) != (root.registry, root.genesis):
        raise FormatError(_PART, "destruction.registry", got=said.registry, want=root.registry)
    if file.destruction.key_id != key_id(ED25519, root.log_key.raw):
        raise FormatError(_PART, "destruction.key", want="the log's key")
    with within(_PART):
        dsse.verify(dsse.DESTRUCTION, file.destruction.payload, root.log_key.raw, file.destruction.signature)
    checkpoint = read_checkpoint(receipt.checkpoint, root.log_key)
    if receipt.inclusion.index != said.act_index:
        raise FormatError(_PART, "destruction.act", got=str(receipt.inclusion.index), want=str(said.act_index))
    path = split_hashes(receipt.inclusion.path, _PART)
    leaf_under(checkpoint, said.act_index, receipt.leaf, path, _PART)
    closing = _closing(receipt.leaf, root)
    head = head_under(checkpoint, file.head, split_hashes(file.head_path, _PART), _PART).head
    if head.closing_act != said.act_index:
        raise FormatError(_PART, "destruction.newest", got=str(said.act_index), want=f"the act at {head.closing_act}")
    _check_allowed(said, closing, root.time_zone)
    return VerifiedDestruction(said, closing, checkpoint)


def _closing(data: bytes, root: TrustRoot) -> ClosingBody:
    leaf = read_leaf(data, _PART)
    act = Act.parse(leaf.payload) if isinstance(leaf, ActLeaf) else None
    if act is None or act.registry != root.registry or not isinstance(act.body, ClosingBody):
        raise FormatError(_PART, "destruction.act", want="an act of this registry that closes it")
    return act.body


def _check_allowed(said: Destruction, closing: ClosingBody, time_zone: str) -> None:
    day = day_of(said.destroyed_at, time_zone).isoformat()
    if not closing.is_over(day):
        raise FormatError(_PART, "destruction.day", got=day, want=f"a day after {closing.open_until}")
    if bool(said.manifest_digest) is not (closing.successor is not None):
        raise FormatError(_PART, "destruction.handed-over", want="an export exactly where a successor is named")
