"""Receipts of inquiries: inclusion in the inquiry tree (proto/README.md 8 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES
from registry_server.errors import RefusalReason, RegistryError
from registry_server.usecases.proofs import ProvedHead, head_of

if TYPE_CHECKING:
    from registry_server.sequencing.ledger import Ledger

__all__ = ["Inquiries", "InquiryProof"]


class InquiryProof(NamedTuple):
    """A signed inquiry with its inclusion receipt.

    Attributes:
        payload: the inquiry, as it was signed.
        signature: over it.
        leaf: of the inquiry tree.
        position: its place.
        path: to the inquiry root of the HEAD, leaf's sibling first.
        head: the HEAD.
    """

    payload: bytes
    signature: bytes
    leaf: bytes
    position: int
    path: tuple[bytes, ...]
    head: ProvedHead


class Inquiries:
    """The use case.

    Args:
        ledger: where the inquiries are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def receipt(self, asker: str, inquiry_id: bytes) -> InquiryProof:
        """Return the receipt of an asker's inquiry.

        Raises:
            FormatError: the id does not have 16 bytes.
            RegistryError: INQUIRY_UNKNOWN.
            RuleError: INQUIRY_WAITING.
        """
        if len(inquiry_id) != INQUIRY_ID_BYTES:
            raise FormatError("inquiry_id", "inquiry_id.length", got=f"{len(inquiry_id)} bytes", want="16 bytes")
        with self._ledger.view() as view:
            stored = view.inquiry(asker, inquiry_id)
            if stored is None:
                raise RegistryError(RefusalReason.INQUIRY_UNKNOWN, "inquiry_id", "inquiry.known", want="an own inquiry")
            position, path = view.inquiry_place(stored)
            return InquiryProof(stored.payload, stored.signature, stored.leaf, position, path, head_of(view))
