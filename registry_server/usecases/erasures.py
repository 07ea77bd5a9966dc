"""Proofs of erasure: the registry says, signed, that nothing of a record leads to a person any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.erasure import Erasure
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.statement import RecordKey, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import Role
from registry_server.errors import RefusalReason, RegistryError
from registry_server.usecases.receipts import LeafReceipt, receipt_at
from registry_server.usecases.records import issuer_read_by

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger

__all__ = ["Erasures", "SignedErasure"]


class SignedErasure(NamedTuple):
    """An Erasure, signed.

    Attributes:
        payload: canonical.
        key_id: of the log's key.
        signature: over the payload.
        receipt: of the leaf that ended the record.
    """

    payload: bytes
    key_id: bytes
    signature: bytes
    receipt: LeafReceipt


class Erasures:
    """The use case.

    Args:
        ledger: where the records were.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def prove(self, peer: str, record: RecordKey, person: bytes) -> SignedErasure:
        """Return the proof that a record was erased.

        Args:
            peer: institution id of the caller.
            record: which; without an issuer an own one.
            person: commitment to the person, 32 bytes; empty for none. It is signed as it came.

        Raises:
            FormatError: a field has not its form.
            RegistryError: RECORD_UNKNOWN, or RECORD_KEPT where it is not erased.
            RuleError: INSTITUTION_UNKNOWN or NOT_THE_SUCCESSOR.
        """
        check_record_id(record.record_id, "record")
        if len(person) not in {0, HASH_BYTES}:
            raise FormatError("person", "erasure.hash", got=f"{len(person)} bytes", want="32 bytes, or none")
        with self._ledger.view() as view:
            key = RecordKey(_issuer(view.directory, peer, record.issuer), record.record_id)
            stored = view.stored_record(key)
            if stored is None:
                raise RegistryError("RECORD_UNKNOWN", "record", "record.known", want="a record of the issuer")
            index = stored.chain.ended_at
            if not index:
                got = "continued" if stored.chain.continued else stored.chain.standing.name
                want = "a record that was withdrawn, set aside or erased"
                raise RegistryError(RefusalReason.RECORD_KEPT, "record", "erasure.ended", got=got, want=want)
            receipt = receipt_at(view, index)
            payload = Erasure(
                registry=view.directory.state.registry,
                issuer=key.issuer,
                record_id=key.record_id,
                index=index,
                leaf_hash=leaf_hash(receipt.leaf),
                erased_at=parse_leaf(receipt.leaf).logged_at,
                person=person,
                asker=peer,
                found_at=view.logged_at,
            ).encode()
        return SignedErasure(payload, *self._ledger.sign_erasure(payload), receipt)


def _issuer(directory: Directory, peer: str, issuer: str) -> str:
    """Return the issuer whose record is meant, if the caller may have the proof."""
    if Role.REPRESENTATIVE not in directory.institution(peer).roles:
        return issuer_read_by(directory, peer, issuer)
    return check_institution_id(issuer, "record", "issuer")
