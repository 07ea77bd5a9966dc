"""A log that has taken in an inquiry, the evidence of its answer, and its receipt."""

from __future__ import annotations

from creditregistry.v1 import check_pb2, evidence_pb2

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from tests.support.evidence_maker import inquiry_of, make_evidence
from tests.support.handmade_log import HandmadeLog, signer

__all__ = ["PERSONS", "Asked"]

PERSONS = ["listed", "clear"]


class Asked:
    """A log that has taken in the inquiry of an evidence, among so many others."""

    def __init__(self, others: int) -> None:
        self.log = HandmadeLog()
        self.log.say("lender-1", "debt", subject="listed")
        self.payload = inquiry_of(self.log, "lender-2", PERSONS).encode()
        self.signature = dsse.sign(signer("lender-2 INQUIRE"), dsse.INQUIRY, self.payload)
        for place in range(others):
            self.log.inquire(f"other {place}")
        leaf = InquiryLeaf.of(self.log.logged_at, "ANSWERED", self.payload, self.signature)
        self.log.inquiries.append(leaf.encode())
        self.log.head()
        assert not self.log.complaints
        self.evidence = make_evidence(self.log, "lender-2", PERSONS)

    def proved(self, *, place: int | None = None) -> check_pb2.ProvedInquiry:
        """The inquiry with the receipt of the leaf at that place, its own by default."""
        log, size = self.log, len(self.log.leaves)
        inquiries = MemoryTree(map(leaf_hash, log.inquiries))
        index = inquiries.size - 1 if place is None else place
        receipt = evidence_pb2.InquiryReceipt(
            leaf=log.inquiries[index],
            head=log.leaves[-1],
            head_path=b"".join(log.tree.inclusion_proof(size - 1, size)),
            checkpoint=log.checkpoint(),
        )
        if path := inquiries.inclusion_proof(index, inquiries.size):
            receipt.inclusion.index = index
            receipt.inclusion.path = b"".join(path)
        return check_pb2.ProvedInquiry(payload=self.payload, signature=self.signature, receipt=receipt)
