"""The file of an inquiry's receipt proves by itself that the registry took in the question, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2, evidence_pb2
from hypothesis import given
from hypothesis import strategies as st

from client_sdk._protocol.inquiry_receipt import read_inquiry_receipt
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_file import INQUIRY_RECEIPT_LABEL, inquiry_file
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.verification import (
    is_contradiction,
    is_inquiry_receipt,
    is_receipt,
    is_trust_root,
    verify_inquiry_receipt,
)
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import signer
from tests.support.inquired import PERSONS, Asked

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED = Asked(others=4)
GOOD = inquiry_file(ASKED.proved())


@pytest.mark.parametrize("others", [0, 1, 4])
def test_an_inquirys_receipt_verifies_by_its_file_alone(others: int) -> None:
    asked = Asked(others)
    data = inquiry_file(asked.proved())
    assert is_inquiry_receipt(data)
    assert not is_contradiction(data)
    assert not is_receipt(data)
    assert not is_trust_root(data)
    receipt = verify_inquiry_receipt(data, asked.log.trust_root)
    assert (receipt.asker, receipt.purpose, receipt.persons) == ("lender-2", Purpose.LOAN_APPROVAL, 2)
    assert (receipt.outcome, receipt.index, receipt.size) == ("ANSWERED", others, len(asked.log.leaves))
    assert receipt.encode() == data


def test_evidence_and_receipt_show_together_that_the_question_was_put() -> None:
    evidence = canonical.encode(ASKED.evidence)
    assert verify_inquiry_receipt(GOOD, ASKED.log.trust_root, evidence).payload == ASKED.payload
    # Another inquiry about the same openings, signed by the asker: a question that the registry never saw.
    other = evidence_pb2.Evidence.FromString(evidence)
    later = replace(inquiry_of(ASKED.log, "lender-2", PERSONS), purpose=Purpose.GUARANTEE_REVIEW)
    other.inquiry.payload = later.encode()
    other.inquiry.signature = dsse.sign(signer("lender-2 INQUIRE"), dsse.INQUIRY, other.inquiry.payload)
    with pytest.raises(VerificationError) as caught:
        verify_inquiry_receipt(GOOD, ASKED.log.trust_root, canonical.encode(other))
    assert caught.value.rule == "inquiry-receipt.inquiry"


def changed(change: Callable[[check_pb2.ProvedInquiry], object]) -> bytes:
    proved = ASKED.proved()
    change(proved)
    return inquiry_file(proved)


def _another_registry(proved: check_pb2.ProvedInquiry) -> None:
    proved.payload = replace(Inquiry.parse(proved.payload), registry="other.example").encode()


def _as_another_asker(proved: check_pb2.ProvedInquiry) -> None:
    proved.payload = replace(Inquiry.parse(proved.payload), asker="lender-3").encode()


def _earlier(proved: check_pb2.ProvedInquiry) -> None:
    leaf = InquiryLeaf.parse(proved.receipt.leaf)
    proved.receipt.leaf = leaf._replace(received_at=leaf.received_at - 1).encode()


def _refused(proved: check_pb2.ProvedInquiry) -> None:
    proved.receipt.leaf = InquiryLeaf.parse(proved.receipt.leaf)._replace(outcome="INQUIRY_STALE").encode()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(inquiry_file(ASKED.proved(place=1)), "inquiry.digest", id="leaf of another inquiry"),
        pytest.param(changed(lambda proved: proved.ClearField("signature")), "inquiry.digest", id="no signature"),
        pytest.param(changed(_another_registry), "inquiry.registry", id="another registry"),
        pytest.param(changed(_as_another_asker), "inquiry.digest", id="another asker"),
        pytest.param(changed(_earlier), "inclusion.root", id="another time"),
        pytest.param(changed(_refused), "inclusion.root", id="another outcome"),
        pytest.param(
            changed(lambda proved: setattr(proved.receipt, "head", ASKED.log.leaves[1])),
            "inclusion.root",
            id="older HEAD",
        ),
        pytest.param(
            changed(lambda proved: setattr(proved.receipt, "head", ASKED.log.leaves[0])),
            "head.leaf",
            id="an act as HEAD",
        ),
        pytest.param(
            changed(lambda proved: setattr(proved.receipt, "checkpoint", ASKED.log.checkpoint(key=signer("another")))),
            "note.untrusted",
            id="another log's key",
        ),
        pytest.param(changed(lambda proved: proved.ClearField("receipt")), "note.separator", id="no receipt"),
        pytest.param(GOOD[len(INQUIRY_RECEIPT_LABEL) :], "inquiry-receipt.label", id="no label"),
        pytest.param(GOOD + bytes(65_536), "inquiry-receipt.label", id="too long"),
        pytest.param(GOOD + b"\x22\x00", "canonical.unknown-field", id="a further field"),
        pytest.param(GOOD + GOOD[-3:], "canonical.protobuf", id="more"),
    ],
)
def test_a_receipt_of_something_else_proves_nothing(data: bytes, rule: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_inquiry_receipt(data, ASKED.log.trust_root)
    assert caught.value.rule == rule


def test_every_changed_byte_of_an_inquirys_receipt_is_refused() -> None:
    for at in range(len(GOOD)):
        for bit in (0x01, 0x80):
            data = GOOD[:at] + bytes((GOOD[at] ^ bit,)) + GOOD[at + 1 :]
            with pytest.raises(VerificationError):
                verify_inquiry_receipt(data, ASKED.log.trust_root)
        with pytest.raises(VerificationError):
            verify_inquiry_receipt(GOOD[:at], ASKED.log.trust_root)


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_label_give_one_typed_error(data: bytes) -> None:
    with pytest.raises(VerificationError):
        verify_inquiry_receipt(INQUIRY_RECEIPT_LABEL + data, ASKED.log.trust_root)


def test_an_own_receipt_is_of_the_inquiry_asked_for_and_signed_with_an_own_key() -> None:
    log = ASKED.log
    asker, other = (log.state.directory.institutions[name] for name in ("lender-2", "lender-3"))
    wanted = Inquiry.parse(ASKED.payload).inquiry_id
    key = log.trust_root.log_key

    def rule_of(asking: object, inquiry_id: bytes) -> str:
        with pytest.raises(VerificationError) as caught:
            read_inquiry_receipt(ASKED.proved(), inquiry_id, asking, log.trust_root.registry, key)  # type: ignore[arg-type]  # a state
        return caught.value.rule

    assert read_inquiry_receipt(ASKED.proved(), wanted, asker, log.trust_root.registry, key).inquiry_id == wanted
    assert rule_of(asker, bytes(16)) == "inquiry-receipt.inquiry"
    assert rule_of(other, wanted) == "inquiry-receipt.inquiry"
    assert rule_of(replace(asker, keys=other.keys), wanted) == "inquiry-receipt.signature"
