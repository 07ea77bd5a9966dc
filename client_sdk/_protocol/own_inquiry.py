"""Reading the list of a member's own inquiries (proto/README.md 9)."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk._protocol.inquiry_receipt import is_signed_by
from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.inquiry import Inquiry, check_officer_opening
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.models.own_inquiry import OwnInquiry

if TYPE_CHECKING:
    from creditregistry.v1 import check_pb2

    from client_sdk.kernel.formats.state import InstitutionState

__all__ = ["read_own_inquiries"]

_PART = "own inquiry"


def read_own_inquiries(
    page: check_pb2.ListInquiriesResponse, asker: InstitutionState, registry: str, before: OwnInquiry | None
) -> list[OwnInquiry]:
    """Return the inquiries of a page, once each was signed by its asker and stands in order.

    Args:
        page: of the answer.
        asker: who asks for them, with its keys.
        registry: name of the registry.
        before: last one of the page before; None with the first page.

    Raises:
        VerificationError: one is another member's, was answered although it is to another registry, is not signed by
            the asker, has another leaf or officer, or is out of order.
    """
    with verifying():
        found = [_read(one, asker, registry) for one in page.inquiries]
        chain = found if before is None else [before, *found]
        places = [(one.received_at, one.inquiry_id) for one in chain]
        if any(later >= earlier for earlier, later in pairwise(places)):
            raise FormatError(_PART, "own-inquiry.order", want="those received last first, each once")
        if page.more and not found:
            raise FormatError(_PART, "own-inquiry.order", got="an empty page", want="inquiries where there are more")
    return found


def _read(message: check_pb2.OwnInquiry, asker: InstitutionState, registry: str) -> OwnInquiry:
    signed = message.inquiry
    inquiry, leaf = Inquiry.parse(signed.payload), InquiryLeaf.parse(message.leaf)
    if inquiry.asker != asker.id:
        raise FormatError(_PART, "own-inquiry.asker", got=inquiry.asker, want=asker.id)
    # One that was refused may be to another: for that it was refused.
    if leaf.outcome == ANSWERED and inquiry.registry != registry:
        raise FormatError(_PART, "inquiry.registry", got=inquiry.registry, want=registry)
    if leaf != InquiryLeaf.of(leaf.received_at, leaf.outcome, signed.payload, signed.signature):
        raise FormatError(_PART, "inquiry.digest", want="the leaf of the inquiry that was signed")
    if not is_signed_by(asker, signed.payload, signed.signature):
        raise SignatureError(_PART, "own-inquiry.signature", want="a signature by a key of the asker")
    if message.officer or message.officer_opening:
        check_officer_opening(inquiry, message.officer_opening, message.officer)
    return OwnInquiry(
        inquiry_id=inquiry.inquiry_id,
        received_at=moment(leaf.received_at),
        purpose=inquiry.purpose,
        persons=inquiry.persons,
        screening=inquiry.screening is not None,
        consent_given_on=date.fromisoformat(inquiry.consent_terms.first_given_on),
        outcome=leaf.outcome,
        officer=message.officer,
    )
