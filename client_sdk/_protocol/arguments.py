"""Arguments of public methods, checked before anything relies on them: not every program has a type checker.

Each function takes an argument and its name, and returns it as the value that the rest of the SDK may rely on. A
refusal names the argument, the type or the length that was given and what is wanted, never the value: it may be an
identity number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from client_sdk.errors import PreflightError
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.encoding import HASH_BYTES, is_digest_of_nothing
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lasting_text import holds_long_number
from client_sdk.kernel.formats.leaf import Approval
from client_sdk.kernel.formats.statement import (
    EVIDENCED,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_EVIDENCE,
    REMOVALS,
    check_code,
    check_institution_id,
    check_reason_code,
)
from client_sdk.kernel.formats.tls_key import SPKI_HASH_BYTES, SignedClaim
from client_sdk.kernel.formats.words import DisputeOutcome, Purpose, WithdrawalReason
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.rules.dates import is_month
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.fact_parts import Consent
from client_sdk.kernel.rules.field_types import check_field_types
from client_sdk.kernel.rules.forbidden import check_not_forbidden
from client_sdk.kernel.rules.officer import check_officer
from client_sdk.kernel.rules.text import check_statement
from client_sdk.kernel.subjects.identifiers import Identity
from client_sdk.models.proposal import ProposalView
from client_sdk.models.report import DefaultReport, EnforcementReport, JudgmentReport, ListingReport, RecordName
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.formats.act import Body
    from client_sdk.models.report import Report

__all__ = [
    "answer_of",
    "approval_of",
    "body_of",
    "bytes_of",
    "callable_of",
    "cells_of",
    "code_of",
    "consent_of",
    "date_of",
    "digests_of",
    "flag_of",
    "institution_of",
    "items_of",
    "month_of",
    "name_of",
    "number_of",
    "of_type",
    "officer_of",
    "person_of",
    "persons_of",
    "proposal_of",
    "purpose_of",
    "record_id_of",
    "record_ids_of",
    "report_of",
    "request_of",
    "sixteen_bytes",
    "spki_hash_of",
    "statement_text",
    "text_of",
    "version_of",
    "withdrawal_of",
]

T = TypeVar("T")

# Of a record id and of an inquiry id.
ID_BYTES = 16
# The contract writes versions in 32 bits.
MAX_VERSION = 2**32 - 1
_FIRST_DAY, _LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
_TEXTUAL = (str, bytes, bytearray, memoryview, Mapping)


# --- values of one type ----------------------------------------------------------------------------------------------


def of_type(value: T, kind: type | tuple[type, ...], field: str, want: str) -> T:
    """Return a value if it is of a type."""
    if not isinstance(value, kind):
        raise _refused(field, "field.type", type(value).__name__, want)
    return value


def flag_of(value: bool, field: str) -> bool:  # noqa: FBT001 - the argument itself
    """Return a value that is true or false."""
    return of_type(value, bool, field, "true or false")


def number_of(value: int, field: str, first: int, last: int) -> int:
    """Return a whole number of a range."""
    want = f"a whole number from {first} to {last}"
    if type(value) is not int:
        raise _refused(field, "field.type", type(value).__name__, want)
    if not first <= value <= last:
        raise _refused(field, "number.range", "a number out of range", want)
    return value


def text_of(value: str, field: str) -> str:
    """Return a text that can be written in UTF-8."""
    of_type(value, str, field, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(field, "text.characters", "half of a surrogate pair", "text that UTF-8 can write") from None
    return value


def month_of(value: str, field: str) -> str:
    """Return a month as YYYY-MM, or an empty text."""
    if text_of(value, field) and not is_month(value):
        raise _refused(field, "statistics.month", "another text", "a month as YYYY-MM, or an empty text")
    return value


def bytes_of(value: bytes, field: str, length: int | None = None) -> bytes:
    """Return bytes, of a length where one is given."""
    want = "bytes" if length is None else f"{length} bytes"
    of_type(value, bytes, field, want)
    if length is not None and len(value) != length:
        raise _refused(field, "id.length", f"{len(value)} bytes", want)
    return value


def date_of(value: date, field: str) -> date:
    """Return a calendar date, which is no moment."""
    if type(value) is not date or not _FIRST_DAY <= value <= _LAST_DAY:
        raise _refused(field, "field.type", type(value).__name__, f"a date from {FIRST_YEAR} to {LAST_YEAR}")
    return value


def callable_of(value: Callable[..., object] | None, field: str) -> None:
    """Check a function that is called back, where one is given."""
    if value is not None and not callable(value):
        raise _refused(field, "field.type", type(value).__name__, "a function, or None")


def items_of(value: Iterable[T], field: str, want: str) -> Iterable[T]:
    """Return something that can be gone through, as it is; a text, bytes or a mapping are one value, and no items."""
    if isinstance(value, _TEXTUAL) or not isinstance(value, Iterable):
        raise _refused(field, "field.type", type(value).__name__, want)
    return value


# --- persons and inquiries -------------------------------------------------------------------------------------------


def cells_of(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the cells of a row: text by column."""
    given: object = values
    if not isinstance(given, Mapping):
        raise _refused("cells", "field.type", type(given).__name__, "text by column")
    odd = next((held for pair in given.items() for held in pair if not isinstance(held, str)), "")
    of_type(odd, str, "cells", "text by column")
    return values


def person_of(value: Identity, field: str) -> Identity:
    """Return an identity in canonical form."""
    of_type(value, Identity, field, "an Identity")
    try:
        value.check_canonical()
    except FormatError as error:
        raise _refused(field, error.rule, error.got, error.want) from None
    return value


def persons_of(values: Iterable[Identity], field: str) -> list[Identity]:
    """Return identities in canonical form; they are gone through once."""
    return [person_of(value, field) for value in items_of(values, field, "a sequence of Identity")]


def purpose_of(value: Purpose | str) -> Purpose:
    """Return the purpose of an inquiry, which may be given as its word."""
    field, want = "inquiry.purpose", f"one of {', '.join(Purpose)}"
    of_type(value, str, field, want)
    if value not in Purpose.__members__:
        raise _refused(field, "inquiry.purpose", "another word", want)
    return Purpose(value)


def officer_of(value: str) -> str:
    """Return the name of the member of staff who asks, if the registry takes it."""
    field = "inquiry.officer"
    try:
        check_officer(text_of(value, field), field)
    except RuleError as error:
        raise _refused(error.field, error.rule, error.got, error.want) from None
    return value


def consent_of(value: Consent | None) -> Consent | None:
    """Return a consent whose fields hold what they should; whether there must be one is for the rules."""
    return None if value is None else _checked_fields(of_type(value, Consent, _CONSENT, "a Consent"), _CONSENT)


# --- records ---------------------------------------------------------------------------------------------------------


def sixteen_bytes(value: bytes, field: str) -> bytes:
    """Return the id of a record or of an inquiry."""
    return bytes_of(value, field, ID_BYTES)


def record_id_of(value: bytes) -> bytes:
    """Return the id of a record."""
    return sixteen_bytes(value, "record_id")


def record_ids_of(values: Iterable[bytes]) -> list[bytes]:
    """Return ids of records; they are gone through once."""
    return [record_id_of(value) for value in items_of(values, "record_ids", "a sequence of record ids")]


def version_of(value: int, field: str = "version") -> int:
    """Return the number of a version, of a record or of the subject keys."""
    return number_of(value, field, 1, MAX_VERSION)


def name_of(name: RecordName) -> RecordName:
    """Return the name of a record whose parts are of the right types and have an id."""
    _checked_fields(of_type(name, RecordName, "record", "a RecordName"), "record")
    if name.attempt is not None:
        number_of(name.attempt, "record.attempt", 0, MAX_VERSION)
    return name


def report_of(value: Report) -> Report:
    """Return a report; what it holds is for the pre-flight."""
    kinds = (DefaultReport, JudgmentReport, EnforcementReport, ListingReport)
    return of_type(value, kinds, "report", f"one of {', '.join(kind.__name__ for kind in kinds)}")


def institution_of(value: str, field: str) -> str:
    """Return the id of an institution, or an empty text."""
    if text_of(value, field):
        try:
            check_institution_id(value, field, field)
        except FormatError as error:
            raise _refused(field, error.rule, f"{len(value)} characters", error.want) from None
        if holds_long_number(value):
            # It would go to the registry, and into journals that nothing is taken out of.
            raise _refused(field, "institution.number", "what looks like an identity number", "the id of a member")
    return value


def withdrawal_of(
    reason: WithdrawalReason | str, evidence: tuple[bytes, ...], removed_on: date | None
) -> WithdrawalReason:
    """Return the reason of a withdrawal, which may be given as its word, once evidence and day go with it."""
    want = f"one of {', '.join(WithdrawalReason)}"
    of_type(reason, str, "reason", want)
    if reason not in WithdrawalReason.__members__:
        raise _refused("reason", "withdrawal.reason", "another word", want)
    if reason in EVIDENCED and not evidence:
        want = "digests of the documents that show it"
        raise _refused("evidence", "withdrawal.evidence", f"none for {reason}", want)
    if len(set(evidence)) > MAX_EVIDENCE:
        raise _refused("evidence", "evidence.order", f"{len(set(evidence))} digests", f"at most {MAX_EVIDENCE}")
    if removed_on is not None:
        date_of(removed_on, "removed_on")
    if (removed_on is not None) is not (reason in REMOVALS):
        want = "the day of the court's removal, exactly for COURT_REMOVED and REMOVED_ON_REQUEST"
        raise _refused("removed_on", "withdrawal.removed-on", "none" if removed_on is None else "a day", want)
    return WithdrawalReason(reason)


# --- disputes --------------------------------------------------------------------------------------------------------


def answer_of(outcome: DisputeOutcome | str) -> DisputeOutcome:
    """Return the answer to a dispute, which may be given as its word."""
    want = "CORRECTED, CONFIRMED or UNCONFIRMED"
    of_type(outcome, str, "outcome", want)
    if outcome not in DisputeOutcome.__members__ or outcome == DisputeOutcome.WITHDRAWN:
        raise _refused("outcome", "dispute.answer", "another word", want)
    return DisputeOutcome(outcome)


def code_of(value: str) -> str:
    """Return a reason code, or an empty text."""
    try:
        return check_reason_code(text_of(value, "code"), "code")
    except FormatError as error:
        raise _refused("code", error.rule, f"{len(value)} characters", error.want) from None


def overlay_of(value: str) -> str:
    """Return the name of an overlay."""
    try:
        name = check_code(text_of(value, "overlay"), "overlay")
    except FormatError as error:
        raise _refused("overlay", error.rule, f"{len(value)} characters", error.want) from None
    if not name:
        raise _refused("overlay", "overlay.present", "none", "the name of an overlay of the rulebook")
    return name


def digests_of(values: Iterable[bytes], field: str) -> tuple[bytes, ...]:
    """Return SHA-256 of documents; they are gone through once."""
    digests = tuple(bytes_of(value, field, HASH_BYTES) for value in items_of(values, field, "a sequence of SHA-256"))
    if any(map(is_digest_of_nothing, digests)):
        raise _refused(field, "digest.document", "that of an empty document", "the SHA-256 of a document")
    return digests


def statement_text(text: str) -> str:
    """Return the statement of a subject if others can read it as it was written.

    Everybody who may see the record reads it, so it holds nothing that looks like an identity number, and no word of
    data that may not be collected, such as an illness.
    """
    text_of(text, "text")
    try:
        check_statement(text)
        check_not_forbidden(text, "text")
    except RuleError as error:
        raise _refused(error.field, error.rule, error.got, error.want) from None
    return text


# --- acts and certificates -------------------------------------------------------------------------------------------


def body_of(value: Body) -> Body:
    """Return what an act decides if it can be written: its fields hold values of their types and within their ranges.

    Raises:
        FormatError: it has not the form that acts have.
        PreflightError: it is no body of an act, or a field holds something else.
    """
    try:
        payload = Act("registry", 1, bytes(HASH_BYTES), value).encode()
    except (AttributeError, OverflowError, TypeError, ValueError):
        # Not chained: the library's messages quote what they could not write.
        want = "a body of client_sdk.acts, whose fields hold values of their types and ranges"
        raise _refused("body", "field.type", type(value).__name__, want) from None
    return Act.parse(payload).body


def proposal_of(value: ProposalView) -> ProposalView:
    """Return a proposal whose parts are of the right types."""
    of_type(value, ProposalView, "proposal", "a ProposalView, as proposals() returns them")
    bytes_of(value.proposal_id, "proposal.proposal_id", HASH_BYTES)
    bytes_of(value.payload, "proposal.payload")
    of_type(value.act, Act, "proposal.act", "an Act")
    return value


def approval_of(value: Approval) -> Approval:
    """Return an approval whose parts are bytes."""
    of_type(value, Approval, "approval", "an Approval")
    bytes_of(value.key_id, "approval.key_id")
    bytes_of(value.signature, "approval.signature")
    return value


def request_of(value: CertificateRequest) -> CertificateRequest:
    """Return a certificate request whose parts are of the right types."""
    of_type(value, CertificateRequest, "request", "a CertificateRequest")
    institution_of(value.institution, "request.institution")
    bytes_of(value.csr, "request.csr")
    vouch = of_type(value.vouch, SignedClaim, "request.vouch", "a SignedClaim")
    for name in ("payload", "key_id", "signature"):
        bytes_of(getattr(vouch, name), f"request.vouch.{name}")
    return value


def spki_hash_of(value: bytes) -> bytes:
    """Return the SHA-256 of a TLS key's SubjectPublicKeyInfo."""
    return bytes_of(value, "spki_hash", SPKI_HASH_BYTES)


_CONSENT = "inquiry.consent"


def _checked_fields(value: T, field: str) -> T:
    try:
        check_field_types(value, field)
    except RuleError as error:
        raise _refused(error.field, error.rule, error.got, error.want) from None
    return value


def _refused(field: str, rule: str, got: str, want: str) -> PreflightError:
    return PreflightError((Violation(reason="MALFORMED", field=field, rule=rule, got=got, want=want),))
