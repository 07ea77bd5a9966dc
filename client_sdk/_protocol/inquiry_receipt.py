"""Receipts of inquiries: checking that the registry took in a question, and when (proto/README.md 8 and 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_file import parse_inquiry_file
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.proving import head_under, read_checkpoint, split_hashes, within
from client_sdk.models.receipt import InquiryReceipt

if TYPE_CHECKING:
    from creditregistry.v1 import check_pb2

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.state import InstitutionState

__all__ = ["is_signed_by", "read_inquiry_receipt", "read_inquiry_receipt_file"]

PART = "inquiry receipt"


def read_inquiry_receipt(
    proved: check_pb2.ProvedInquiry, inquiry_id: bytes, asker: InstitutionState, registry: str, key: VerifierKey
) -> InquiryReceipt:
    """Return the receipt of an own inquiry, once it verifies.

    Args:
        proved: of the answer.
        inquiry_id: that was asked for.
        asker: who asks for it, with its keys.
        registry: name of the registry.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the inquiry is another one, or signed with no INQUIRE key of the asker; leaf, HEAD and
            checkpoint do not lead to one another.
    """
    with verifying():
        receipt = _read(proved, registry, key)
        if (receipt.asker, receipt.inquiry_id) != (asker.id, inquiry_id):
            raise FormatError(PART, "inquiry-receipt.inquiry", want="the inquiry that was asked for")
        if not is_signed_by(asker, receipt.payload, receipt.signature):
            raise SignatureError(PART, "inquiry-receipt.signature", want="a signature by a key of the asker")
    return receipt


def read_inquiry_receipt_file(data: bytes, registry: str, key: VerifierKey) -> InquiryReceipt:
    """Return the receipt that a file holds, once it verifies.

    Args:
        data: bytes of the file.
        registry: name of the registry.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the file has another form, is about another registry, or proves nothing.
    """
    with verifying():
        return _read(parse_inquiry_file(data), registry, key)


def _read(proved: check_pb2.ProvedInquiry, registry: str, key: VerifierKey) -> InquiryReceipt:
    receipt = proved.receipt
    inquiry = Inquiry.parse(proved.payload)
    if inquiry.registry != registry:
        raise FormatError(PART, "inquiry.registry", want="the registry of the trust root")
    checkpoint = read_checkpoint(receipt.checkpoint, key)
    head_path = split_hashes(receipt.head_path, PART)
    head = head_under(checkpoint, receipt.head, head_path, PART).head
    path, index = split_hashes(receipt.inclusion.path, PART), receipt.inclusion.index
    with within(PART):
        verify_inclusion(leaf_hash(receipt.leaf), index, head.inquiry_count, path, head.inquiry_root)
    leaf = InquiryLeaf.parse(receipt.leaf)
    if leaf != InquiryLeaf.of(leaf.received_at, leaf.outcome, proved.payload, proved.signature):
        raise FormatError(PART, "inquiry.digest", want="the leaf of the inquiry that was signed")
    return InquiryReceipt(
        asker=inquiry.asker,
        inquiry_id=inquiry.inquiry_id,
        purpose=inquiry.purpose,
        persons=inquiry.persons,
        issued_at=moment(inquiry.issued_at),
        received_at=moment(leaf.received_at),
        outcome=leaf.outcome,
        index=index,
        payload=proved.payload,
        signature=proved.signature,
        leaf=receipt.leaf,
        path=tuple(path),
        head=receipt.head,
        head_path=tuple(head_path),
        checkpoint=receipt.checkpoint,
        size=checkpoint.size,
    )


def is_signed_by(asker: InstitutionState, payload: bytes, signature: bytes) -> bool:
    """Whether a key with which an institution asks, or has asked, has signed an inquiry."""
    # An inquiry may be older than the end of a key.
    keys = [key.public_key for key in asker.keys if key.usage is KeyUsage.INQUIRE]
    return any(_verifies(payload, public_key, signature) for public_key in keys)


def _verifies(payload: bytes, public_key: bytes, signature: bytes) -> bool:
    try:
        dsse.verify(dsse.INQUIRY, payload, public_key, signature)
    except SignatureError:
        return False
    return True
