"""A complaint has one text, and every error that names a rule holds one."""

from __future__ import annotations

import pickle

import pytest

from client_sdk.errors import ConflictError, RollbackError, VerificationError
from client_sdk.kernel.formats.complaint import Complaining, Complaint
from client_sdk.kernel.formats.errors import FormatError, ProofError, SignatureError
from client_sdk.kernel.ledger.findings import Finding, FindingId, finding_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.models.violation import Violation
from registry_server.errors import RefusalReason, RegistryError

WHOLE = Complaint("NOTICE_LATE", "facts.notice.sent_at", "C06", "0 ms", "strictly before")


@pytest.mark.parametrize(
    ("complaint", "text"),
    [
        (WHOLE, "NOTICE_LATE at facts.notice.sent_at: C06 (got 0 ms, want strictly before)"),
        (Complaint(field="head", rule="inclusion.root", want="the root"), "head: inclusion.root (want the root)"),
        (Complaint("INTERNAL"), "INTERNAL"),
        (Complaint("DISK_FULL", rule="storage.full"), "DISK_FULL: storage.full"),
        (Complaint("SIZE_LIMIT", "message", got="5 bytes"), "SIZE_LIMIT at message (got 5 bytes)"),
        (Complaint(), ""),
    ],
)
def test_a_complaint_says_what_is_known_and_no_more(complaint: Complaint, text: str) -> None:
    assert str(complaint) == text


def test_the_parts_that_are_known_go_by_their_names() -> None:
    assert dict(WHOLE.parts) == {
        "field": "facts.notice.sent_at",
        "rule": "C06",
        "got": "0 ms",
        "want": "strictly before",
    }
    assert Complaint("INTERNAL").parts == ()


@pytest.mark.parametrize(
    "error",
    [
        FormatError("part", "a.rule", got="3 bytes", want="32 bytes"),
        SignatureError("part", "a.rule", want="a signature"),
        ProofError("part", "a.rule"),
        RuleError(RuleReason.NOTICE_LATE, "facts", "C06", got="0 ms", want="before"),
        RegistryError(RefusalReason.SIZE_LIMIT, "message", "message.size", got="5", want="4"),
        RegistryError.of(WHOLE),
        VerificationError("head", "head.age", got="2 h", want="5 min"),
        RollbackError("checkpoint", "log.fork", "in words"),
        ConflictError("DEBT_TAKEN", "in words", field="debt_ref", rule="debt.one-record"),
        ConflictError.of(WHOLE, "in words", status="ABORTED"),
    ],
)
def test_an_error_shows_the_parts_of_its_complaint_also_after_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    for one in (error, again):
        assert isinstance(one, Complaining)
        parts = Complaint(one.reason, one.field, one.rule, one.got, one.want)
        assert parts == one.complaint
        assert str(one).startswith(str(one.complaint))
    assert vars(again) == vars(error)


def test_a_violation_is_a_complaint_about_a_row() -> None:
    violation = Violation.of(WHOLE, row=7)
    assert str(violation) == f"row 7: {WHOLE}"
    assert str(Violation.of(WHOLE)) == str(WHOLE)
    assert (violation.reason, violation.parts) == (WHOLE.reason, WHOLE.parts)


def test_a_finding_is_a_complaint_whose_reason_is_its_id() -> None:
    finding = finding_of(7, RuleError("VERSION_SKIPPED", "version", "version.next", got="3", want="2"))
    assert finding == Finding.of(FindingId.CHAIN, 7, "version", "version.next", got="3", want="2")
    assert finding.to_dict() == {
        "id": "CHAIN",
        "leaf_index": 7,
        "field": "version",
        "rule": "version.next",
        "got": "3",
        "want": "2",
    }
    assert finding_of(7, SignatureError("signature", "signature.invalid")).id is FindingId.SIGNATURE
