"""Taking over the data of a registry that closes: the successor verifies the export, and signs which one it holds.

The records do not become records of the successor: each is signed for the registry that it was reported to, under
pseudonyms of that registry's key services. Lenders report them anew from their own books. What the successor keeps is
the export, by which what was said, asked and disputed until then can still be proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.ledger.hand_over import MAX_BYTES, HandOver, hand_over_file, read_hand_over
from client_sdk.kernel.ledger.trust_root import TrustRoot
from registry_server.operating.wind_down import WindDownError
from registry_server.operating.wind_down.exporting import verify_export
from registry_server.serving.files import open_regular, write_secret

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.operating.wind_down.exporting import VerifiedExport
    from registry_server.settings import Settings

__all__ = ["TakenOver", "take_over"]


class TakenOver(NamedTuple):
    """An export that a successor holds.

    Attributes:
        export: as it verified.
        receipt: what the successor signed.
    """

    export: VerifiedExport
    receipt: HandOver


def take_over(settings: Settings, folder: Path, receipt: Path) -> TakenOver:
    """Verify an export that names this registry as successor, and write the receipt for its operator.

    Args:
        settings: of the successor.
        folder: of the export; stays where it is.
        receipt: file to be written. One that is there and is this export's receipt is read, and nothing is written.

    Raises:
        WindDownError: the export does not verify, names another successor, or the file is another one.
        FormatError: the file is none of this registry's receipts.
        OSError: a file cannot be read or written.
    """
    exported = verify_export(folder)
    own = TrustRoot.parse((settings.public_folder / "trust-root.bin").read_bytes())
    successor = exported.closing.body.successor
    if successor is None or (successor.registry, successor.genesis_hash) != (own.registry, own.genesis):
        named = "no successor" if successor is None else f"{successor.registry}, {successor.genesis_hash.hex()}"
        raise WindDownError(f"the closing act names {named}, and this is {own.registry}, {own.fingerprint}")
    manifest = exported.manifest
    want = (manifest.registry, exported.trust_root.genesis, manifest.size, exported.digest)
    if not receipt.exists():
        taken = HandOver(*want[:3], bytes.fromhex(manifest.root), exported.digest, clock_ms())
        signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
        write_secret(receipt, hand_over_file(taken, exported.signature, own, signer))
    with open_regular(receipt) as file:
        taken = read_hand_over(file.read(MAX_BYTES + 1), successor, exported.trust_root)
    if (taken.registry, taken.genesis_hash, taken.size, taken.manifest_digest) != want:
        raise WindDownError(f"{receipt} is the receipt of another export: name a new file")
    return TakenOver(exported, taken)
