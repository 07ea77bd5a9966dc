"""Own inquiries: the list of them, and receipts of inclusion in the inquiry tree (proto/README.md 8 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES, InquiryOpening
from registry_server.errors import RefusalReason, RegistryError
from registry_server.usecases.proofs import ProvedHead, head_of

if TYPE_CHECKING:
    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.inquiries import StoredInquiry

__all__ = ["Inquiries", "InquiriesPage", "InquiryProof", "InquiryWithOfficer"]

# Inquiries of one message: each of 100 persons takes some 4 KB.
PAGE_INQUIRIES = 128
# Both databases take it.
_LATEST = 2**63 - 1


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


class InquiryWithOfficer(NamedTuple):
    """An own inquiry, with what opens its officer commitment while that is kept; both are empty afterwards."""

    stored: StoredInquiry
    officer_opening: bytes
    officer: str

    def __repr__(self) -> str:
        return "InquiryWithOfficer(...)"


class InquiriesPage(NamedTuple):
    """Some own inquiries, those received last first, and whether there are older ones."""

    inquiries: tuple[InquiryWithOfficer, ...]
    more: bool


class Inquiries:
    """The use case.

    Args:
        ledger: where the inquiries are.
        page: inquiries of one message at most.
    """

    def __init__(self, ledger: Ledger, page: int = PAGE_INQUIRIES) -> None:
        self._ledger = ledger
        self._page = page

    def own(self, asker: str, before: int, before_id: bytes) -> InquiriesPage:
        """Return an asker's inquiries, those received last first.

        Args:
            asker: institution id of who asks.
            before: received_at of the last one of the page before, ms; 0 for the newest.
            before_id: its id.

        Raises:
            FormatError: the id does not have 16 bytes, or none with 0.
        """
        want = INQUIRY_ID_BYTES if before else 0
        if len(before_id) != want:
            raise FormatError("before_id", "inquiry_id.length", got=f"{len(before_id)} bytes", want=f"{want} bytes")
        place = (min(before, _LATEST), before_id) if before else None
        with self._ledger.view() as view:
            found = view.inquiries_of(asker, place, self._page + 1)
        return InquiriesPage(tuple(map(_kept, found[: self._page])), len(found) > self._page)

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


def _kept(stored: StoredInquiry) -> InquiryWithOfficer:
    if not stored.opening:
        return InquiryWithOfficer(stored, b"", "")
    opening = InquiryOpening.parse(stored.opening)
    return InquiryWithOfficer(stored, opening.officer_opening, opening.officer)
