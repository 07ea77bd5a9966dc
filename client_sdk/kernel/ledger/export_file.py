"""Signature of a registry that closes over an export of its data (proto/README.md 8).

    file = label "creditregistry/export/v1" || canonical ExportFile

By it nobody on the way of an export can change it, and a successor's receipt shows which export it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import wind_down_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.encoding import HASH_BYTES, label
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import ED25519, key_id
from client_sdk.kernel.ledger.proving import within

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["SignedExport", "export_file", "read_export", "signed_export", "verify_export_signature"]

_LABEL = label("creditregistry/export/v1")
# Four hashes, a name and a signature take less than half of it.
MAX_BYTES = 1024
_PART = "export"


@dataclass(frozen=True, slots=True)
class SignedExport:
    """Signed payload of an export.

    Attributes:
        registry: name of the registry that closes.
        genesis_hash: its fingerprint, 32 bytes.
        size: leaves in the export.
        root: of these leaves, 32 bytes.
        manifest_digest: SHA-256 of the export's manifest, 32 bytes.
        exported_at: ms since 1970 UTC.
    """

    registry: str
    genesis_hash: bytes
    size: int
    root: bytes
    manifest_digest: bytes
    exported_at: int

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Export(
                registry=self.registry,
                genesis_hash=self.genesis_hash,
                size=self.size,
                root=self.root,
                manifest_digest=self.manifest_digest,
                exported_at=self.exported_at,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> SignedExport:
        """Return the export that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field is missing or has the wrong form.
        """
        message = canonical.parse(pb.Export, payload, _PART)
        hashes = (message.genesis_hash, message.root, message.manifest_digest)
        if any(len(value) != HASH_BYTES for value in hashes):
            raise FormatError(_PART, "export.hash", want="32 bytes")
        if not message.registry or not message.size or not message.exported_at:
            raise FormatError(_PART, "export.complete", want="registry, size and exported_at")
        return cls(message.registry, message.genesis_hash, message.size, message.root, hashes[2], message.exported_at)


def export_file(exported: SignedExport, signer: Signer) -> bytes:
    """Return the bytes of the file.

    Args:
        exported: what is signed.
        signer: of the log.
    """
    payload = exported.encode()
    file = pb.ExportFile()
    file.export.payload, file.export.key_id = payload, signer.public_key.key_id
    file.export.signature = dsse.sign(signer, dsse.EXPORT, payload)
    return _LABEL + canonical.encode(file)


def read_export(data: bytes, root: TrustRoot) -> SignedExport:
    """Return what the file of an export says, once it verifies.

    Args:
        data: bytes of the file.
        root: of the registry that closes.

    Raises:
        FormatError: it has another form, is another registry's, or is not signed by its log.
    """
    return verify_export_signature(signed_export(data), root)


def signed_export(data: bytes) -> evidence_pb2.SignedPayload:
    """Return payload and signature of the file of an export, which are not verified here.

    Raises:
        FormatError: it has another form.
    """
    if not data.startswith(_LABEL) or len(data) > MAX_BYTES:
        raise FormatError(_PART, "export.label", want=_LABEL[:-1].decode())
    return canonical.parse(pb.ExportFile, data[len(_LABEL) :], _PART).export


def verify_export_signature(signed: evidence_pb2.SignedPayload, root: TrustRoot) -> SignedExport:
    """Return what a registry has signed of an export, once it verifies.

    Args:
        signed: payload and signature.
        root: of the registry that closes.

    Raises:
        FormatError: it has another form, is another registry's, or is not signed by its log.
    """
    exported = SignedExport.parse(signed.payload)
    if (exported.registry, exported.genesis_hash) != (root.registry, root.genesis):
        raise FormatError(_PART, "export.registry", got=exported.registry, want=root.registry)
    if signed.key_id != key_id(ED25519, root.log_key.raw):
        raise FormatError(_PART, "export.key", want="the log's key")
    with within(_PART):
        dsse.verify(dsse.EXPORT, signed.payload, root.log_key.raw, signed.signature)
    return exported
