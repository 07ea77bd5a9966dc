"""The error catalogue holds every reason that the source can give, and none that it cannot."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from client_sdk._transport.refusal import BY_REASON, BY_STATUS, WITHOUT_ANSWER
from client_sdk.errors import ConflictError, InvalidError, QuotaError
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.errors import FormatError, ProofError, SignatureError
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from registry_server.errors import CATALOGUE, GrpcStatus, RefusalReason, RegistryError, complaint_of, entry_of
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.subject_key_service import errors as key_services
from registry_server.usecases import failures

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
# The key service has a catalogue of its own: test_key_service_parts.
SERVER = ("certificates", "rpc", "sequencing", "serving", "storage", "usecases")
KERNEL = ("formats", "ledger", "rules", "subjects")
# Reasons whose class in the SDK is not that of the status that they come with.
OTHER_THAN_STATUS = {
    "ILLEGAL_TRANSITION": InvalidError,
    "RECORD_UNKNOWN": ConflictError,
    "SIGNATURE_INVALID": InvalidError,
    "SUBJECT_KEY_VERSION": InvalidError,
    "TOO_MANY_RECORDS": QuotaError,
}
# Functions that make a RuleError of their first argument.
MAKERS = {"_refuse", "RuleError", "RegistryError", "Complaint"}


def sources() -> Iterator[ast.Module]:
    folders = [ROOT / "client_sdk/kernel" / name for name in KERNEL]
    folders += [ROOT / "registry_server" / name for name in SERVER]
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            yield ast.parse(file.read_text())


def given_reasons() -> set[str]:
    """Collect what is given as a reason: a text as first argument of a maker, or as its keyword ``reason``."""
    reasons: set[str] = set()
    for module in sources():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            arguments = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            if name in MAKERS:
                arguments += node.args[:1]
            reasons |= {
                argument.value
                for argument in arguments
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value.isupper()
            }
    return reasons


def test_every_reason_in_the_source_is_in_the_catalogue() -> None:
    given = given_reasons()
    assert len(given) > 30
    assert given - set(CATALOGUE) == set()


def test_nothing_that_a_batch_runs_through_raises_what_would_end_the_whole_batch() -> None:
    folders = ("client_sdk/kernel", "registry_server/sequencing", "registry_server/storage")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 80
    assert [str(file) for file in files if re.search(r"\bRegistryError\b", file.read_text())] == []


def test_every_reason_of_the_rules_and_of_the_server_is_in_the_catalogue() -> None:
    assert {*RuleReason, *RefusalReason} <= set(CATALOGUE)


def test_the_catalogue_holds_no_reason_that_nothing_gives() -> None:
    # Made of the state's name.
    states = {f"INSTITUTION_{status.name}" for status in InstitutionStatus if status is not InstitutionStatus.ACTIVE}
    assert set(CATALOGUE) - given_reasons() - set(RuleReason) - set(RefusalReason) - states == set()


def test_every_status_is_one_of_grpc() -> None:
    assert {status.name for status in GrpcStatus} <= {code.name for code in grpc.StatusCode}


@pytest.mark.parametrize("reason", sorted(CATALOGUE))
def test_an_entry_is_a_sentence_and_a_reason_can_stand_in_the_inquiry_tree(reason: str) -> None:
    entry = CATALOGUE[reason]
    assert entry.text.endswith(".")
    assert InquiryLeaf.parse(InquiryLeaf(0, reason, bytes(32)).encode()).outcome == reason
    # Retrying is for what may be otherwise a moment later.
    assert not entry.retryable or entry.status is GrpcStatus.UNAVAILABLE


def test_the_sdk_has_a_class_for_every_reason_with_which_something_is_decided() -> None:
    """Results of a batch carry a reason and no status: the reason alone must say which class it is."""
    catalogue = {**key_services.CATALOGUE, **CATALOGUE}
    decided = {reason: entry.status.name for reason, entry in catalogue.items() if entry.status not in WITHOUT_ANSWER}
    assert set(BY_REASON) == set(decided)
    by_status = {reason: BY_STATUS.get(status, InvalidError) for reason, status in decided.items()}
    assert {reason: kind for reason, kind in BY_REASON.items() if kind is not by_status[reason]} == OTHER_THAN_STATUS


def test_kernel_errors_are_told_with_their_fields() -> None:
    error = RuleError("NOTICE_LATE", "facts.notice.sent_at", "C06", got="2026-01-02", want="before 2026-01-01")
    assert complaint_of(error) == Complaint(
        "NOTICE_LATE", "facts.notice.sent_at", "C06", "2026-01-02", "before 2026-01-01"
    )
    assert complaint_of(FormatError("statement", "canonical.encoding", got="3 bytes")) == Complaint(
        "MALFORMED", "statement", "canonical.encoding", "3 bytes"
    )
    assert complaint_of(ProofError("head", "inclusion.root")).reason == "MALFORMED"
    assert complaint_of(SignatureError("signature", "signature.invalid"), "statement").field == "statement.signature"
    assert complaint_of(SignatureError("signature", "signature.invalid")).reason == "SIGNATURE_INVALID"
    assert complaint_of(FormatError("facts", "commitment.opens")).reason == "COMMITMENT_MISMATCH"


def test_of_an_unforeseen_error_nothing_is_told() -> None:
    told = failures.complaint_of(ValueError("identity number 110101199003074514"))
    assert told == Complaint("INTERNAL")
    assert entry_of("NO_SUCH_REASON") is CATALOGUE["INTERNAL"]


def test_a_value_that_the_database_does_not_take_is_this_programs_fault() -> None:
    assert failures.complaint_of(StorageError(StorageFault.VALUE, "driver")) == Complaint("INTERNAL")


@pytest.mark.parametrize("fault", sorted(set(StorageFault) - {StorageFault.VALUE}))
def test_every_fault_of_storage_is_told(fault: StorageFault) -> None:
    told = failures.complaint_of(StorageError(fault, "driver"))
    assert told.reason == ("DISK_FULL" if fault is StorageFault.FULL else "STORAGE_UNAVAILABLE")
    assert entry_of(told.reason).status is GrpcStatus.UNAVAILABLE
    # The registry goes on by itself once the database does.
    assert entry_of(told.reason).retryable


def test_an_error_says_what_it_refuses() -> None:
    error = RegistryError(RefusalReason.SIZE_LIMIT, "message", "message.size", got="5 bytes", want="at most 4 bytes")
    assert error.reason == "SIZE_LIMIT"
    assert str(error) == "SIZE_LIMIT at message: message.size (got 5 bytes, want at most 4 bytes)"
    assert complaint_of(error) is error.complaint
