"""The list of a member's own inquiries: what it holds, and that nothing foreign, invented or out of order gets in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2

from client_sdk._protocol.own_inquiry import read_own_inquiries
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import REGISTRY, HandmadeLog, seed, signer

if TYPE_CHECKING:
    from collections.abc import Callable


def kept(
    log: HandmadeLog, person: str, received_at: int, outcome: str = ANSWERED, registry: str = REGISTRY
) -> check_pb2.OwnInquiry:
    """An inquiry of lender-3 as the registry keeps it."""
    asked = replace(inquiry_of(log, "lender-3", [person]), registry=registry)
    payload, own = asked.encode(), signer("lender-3 INQUIRE")
    signature = dsse.sign(own, dsse.INQUIRY, payload)
    message = check_pb2.OwnInquiry(leaf=InquiryLeaf.of(received_at, outcome, payload, signature).encode())
    message.inquiry.payload, message.inquiry.signature = payload, signature
    message.inquiry.key_id = own.public_key.key_id
    if outcome == ANSWERED:
        message.officer_opening, message.officer = seed("officer opening"), "officer of lender-3"
    return message


@pytest.fixture(scope="module")
def log() -> HandmadeLog:
    return HandmadeLog()


def page_of(log: HandmadeLog) -> check_pb2.ListInquiriesResponse:
    rows = (
        kept(log, "A", 3_000),
        kept(log, "B", 2_000, "CONSENT_MISSING", registry="elsewhere"),
        kept(log, "C", 1_000),
    )
    return check_pb2.ListInquiriesResponse(inquiries=rows, more=True)


def test_a_list_says_who_asked_why_and_when_and_about_nobody(log: HandmadeLog) -> None:
    asker = log.state.directory.institution("lender-3")
    found = read_own_inquiries(page_of(log), asker, REGISTRY, None)
    told = [(one.officer, one.outcome, one.persons, one.purpose.name) for one in found]
    assert told == [
        ("officer of lender-3", "ANSWERED", 1, "LOAN_APPROVAL"),
        ("", "CONSENT_MISSING", 1, "LOAN_APPROVAL"),
        ("officer of lender-3", "ANSWERED", 1, "LOAN_APPROVAL"),
    ]
    assert found[0].consent_given_on.isoformat() == "2025-12-31"


def of_another(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries[0].inquiry.payload = inquiry_of(HandmadeLog(), "lender-1", ["A"]).encode()


def to_another_registry(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries[0].CopyFrom(kept(HandmadeLog(), "A", 3_000, registry="elsewhere"))


def other_signature(page: check_pb2.ListInquiriesResponse) -> None:
    signed = page.inquiries[0].inquiry
    signed.signature = dsse.sign(signer("lender-1 INQUIRE"), dsse.INQUIRY, signed.payload)
    page.inquiries[0].leaf = InquiryLeaf.of(3_000, ANSWERED, signed.payload, signed.signature).encode()


def other_time(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries[0].leaf = bytes(8) + page.inquiries[0].leaf[8:]


def other_leaf(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries[0].leaf = page.inquiries[2].leaf


def other_officer(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries[0].officer = "somebody else"


def twice(page: check_pb2.ListInquiriesResponse) -> None:
    page.inquiries.append(page.inquiries[-1])


def more_of_nothing(page: check_pb2.ListInquiriesResponse) -> None:
    del page.inquiries[:]


@pytest.mark.parametrize(
    ("lie", "rule"),
    [
        (of_another, "own-inquiry.asker"),
        (to_another_registry, "inquiry.registry"),
        (other_signature, "own-inquiry.signature"),
        (other_time, "own-inquiry.order"),
        (other_leaf, "inquiry.digest"),
        (other_officer, "commitment.opens"),
        (twice, "own-inquiry.order"),
        (more_of_nothing, "own-inquiry.order"),
    ],
)
def test_what_was_not_asked_so_is_refused(
    log: HandmadeLog, lie: Callable[[check_pb2.ListInquiriesResponse], None], rule: str
) -> None:
    page = page_of(log)
    lie(page)
    with pytest.raises(VerificationError) as refused:
        read_own_inquiries(page, log.state.directory.institution("lender-3"), REGISTRY, None)
    assert refused.value.rule == rule


def test_a_page_goes_on_after_the_one_before(log: HandmadeLog) -> None:
    asker, page = log.state.directory.institution("lender-3"), page_of(log)
    newest = read_own_inquiries(page, asker, REGISTRY, None)[0]
    del page.inquiries[0]
    assert len(read_own_inquiries(page, asker, REGISTRY, newest)) == 2
    with pytest.raises(VerificationError):
        read_own_inquiries(page_of(log), asker, REGISTRY, newest)
