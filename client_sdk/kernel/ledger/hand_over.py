"""Receipt of a successor for the data of a registry that closes (proto/README.md 8).

    file = label "creditregistry/hand-over/v1" || canonical HandOverFile

The successor signs it with its log's key, and its trust root stands beside it: the closing act names the fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import wind_down_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.encoding import HASH_BYTES, label
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import ED25519, key_id
from client_sdk.kernel.ledger.export_file import signed_export, verify_export_signature
from client_sdk.kernel.ledger.proving import within
from client_sdk.kernel.ledger.trust_root import TrustRoot

if TYPE_CHECKING:
    from client_sdk.kernel.formats.closing import SuccessorRegistry
    from client_sdk.kernel.formats.keys import Signer

__all__ = ["HandOver", "hand_over_file", "read_hand_over"]

_LABEL = label("creditregistry/hand-over/v1")
# A trust root holds a genesis leaf of 64 KiB at most, and the keys in it once more.
MAX_BYTES = 256 * 1024
_PART = "hand-over"


@dataclass(frozen=True, slots=True)
class HandOver:
    """Signed payload of the receipt.

    Attributes:
        registry: name of the registry that closes.
        genesis_hash: its fingerprint, 32 bytes.
        size: leaves in the export.
        root: of these leaves, 32 bytes.
        manifest_digest: SHA-256 of the export's manifest, 32 bytes.
        taken_at: ms since 1970 UTC.
    """

    registry: str
    genesis_hash: bytes
    size: int
    root: bytes
    manifest_digest: bytes
    taken_at: int

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.HandOver(
                registry=self.registry,
                genesis_hash=self.genesis_hash,
                size=self.size,
                root=self.root,
                manifest_digest=self.manifest_digest,
                taken_at=self.taken_at,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> HandOver:
        """Return the receipt that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field is missing or has the wrong form.
        """
        message = canonical.parse(pb.HandOver, payload, _PART)
        hashes = (message.genesis_hash, message.root, message.manifest_digest)
        if any(len(value) != HASH_BYTES for value in hashes):
            raise FormatError(_PART, "hand-over.hash", want="32 bytes")
        if not message.registry or not message.size or not message.taken_at:
            raise FormatError(_PART, "hand-over.complete", want="registry, size and taken_at")
        return cls(message.registry, message.genesis_hash, message.size, message.root, hashes[2], message.taken_at)


def hand_over_file(taken: HandOver, exported: bytes, trust_root: TrustRoot, signer: Signer) -> bytes:
    """Return the bytes of the file.

    Args:
        taken: what is signed.
        exported: file of the export, by which its registry has signed it.
        trust_root: of the successor.
        signer: of the successor's log.

    Raises:
        FormatError: the file of the export has another form.
    """
    payload = taken.encode()
    file = pb.HandOverFile(trust_root=trust_root.encode(), export=signed_export(exported))
    file.hand_over.payload, file.hand_over.key_id = payload, signer.public_key.key_id
    file.hand_over.signature = dsse.sign(signer, dsse.TAKE_OVER_RECEIPT, payload)
    return _LABEL + canonical.encode(file)


def read_hand_over(data: bytes, successor: SuccessorRegistry, closed: TrustRoot) -> HandOver:
    """Return what a receipt says, once it verifies.

    Args:
        data: bytes of the file.
        successor: whose receipt it must be.
        closed: trust root of the registry that closes, which must have signed the export that the receipt is for.

    Raises:
        FormatError: it has another form, is another registry's, is not signed by its log, or is for an export that
            the registry that closes did not make.
        RuleError: the trust root's genesis is not in order.
    """
    if not data.startswith(_LABEL) or len(data) > MAX_BYTES:
        raise FormatError(_PART, "hand-over.label", want=_LABEL[:-1].decode())
    file = canonical.parse(pb.HandOverFile, data[len(_LABEL) :], _PART)
    taken, root = HandOver.parse(file.hand_over.payload), TrustRoot.parse(file.trust_root)
    if (root.registry, root.genesis) != (successor.registry, successor.genesis_hash):
        got, want = f"{root.registry}, {root.fingerprint}", f"{successor.registry}, {successor.genesis_hash.hex()}"
        raise FormatError(_PART, "hand-over.successor", got=got, want=want)
    if file.hand_over.key_id != key_id(ED25519, root.log_key.raw):
        raise FormatError(_PART, "hand-over.key", want="the key of the successor's log")
    with within(_PART):
        dsse.verify(dsse.TAKE_OVER_RECEIPT, file.hand_over.payload, root.log_key.raw, file.hand_over.signature)
    made = verify_export_signature(file.export, closed)
    if (taken.registry, taken.genesis_hash) != (made.registry, made.genesis_hash):
        raise FormatError(_PART, "hand-over.export", got=taken.registry, want=made.registry)
    if (taken.size, taken.root, taken.manifest_digest) != (made.size, made.root, made.manifest_digest):
        raise FormatError(_PART, "hand-over.export", want="size, root and manifest of the export that was signed")
    return taken
