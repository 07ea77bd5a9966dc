"""The error catalogue: every refusal reason of the registry, with gRPC status and public message.

    reason -> (gRPC status, public text, retryable)

A refusal names its reason, which is stable and for programs, the field and the rule that was broken, what was found
and what is wanted. No refusal holds an identity number, a pseudonym, a fact, an opening or a key. What is in no
catalogue becomes INTERNAL with a fixed text; its details go to the log.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk.kernel.formats.complaint import Complaining, Complaint
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "DOMAIN", "Entry", "GrpcStatus", "RefusalReason", "RegistryError", "complaint_of", "entry_of"]

# Domain of every google.rpc.ErrorInfo that the registry sends.
DOMAIN = "creditregistry"


class GrpcStatus(StrEnum):
    """The statuses of gRPC that refusals use; the names are gRPC's own."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class RefusalReason(StrEnum):
    """Reasons that the server adds to those of the rules; stable, never renamed."""

    ALERTS_FULL = "ALERTS_FULL"
    ALERTS_ON = "ALERTS_ON"
    ALIASES_INVALID = "ALIASES_INVALID"
    ALREADY_FOUNDED = "ALREADY_FOUNDED"
    ANSWER_OVERTAKEN = "ANSWER_OVERTAKEN"
    BATCH_ORDER = "BATCH_ORDER"
    CERTIFICATE_REQUEST_INVALID = "CERTIFICATE_REQUEST_INVALID"
    CERTIFICATE_UNKNOWN = "CERTIFICATE_UNKNOWN"
    CLOCK_JUMPED = "CLOCK_JUMPED"
    CLOCK_UNCONFIRMED = "CLOCK_UNCONFIRMED"
    COMMITMENT_MISMATCH = "COMMITMENT_MISMATCH"
    COSIGNER_UNKNOWN = "COSIGNER_UNKNOWN"
    COUNT_MISMATCH = "COUNT_MISMATCH"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    DEADLINE_TOO_SHORT = "DEADLINE_TOO_SHORT"
    DEBT_BLOCKED = "DEBT_BLOCKED"
    DEBT_TAKEN = "DEBT_TAKEN"
    DEPTH_INVALID = "DEPTH_INVALID"
    DISCLOSURE_MISMATCH = "DISCLOSURE_MISMATCH"
    DISK_FULL = "DISK_FULL"
    HEAD_GONE = "HEAD_GONE"
    INQUIRY_TAKEN = "INQUIRY_TAKEN"
    INQUIRY_STALE = "INQUIRY_STALE"
    INQUIRY_UNKNOWN = "INQUIRY_UNKNOWN"
    INQUIRY_WAITING = "INQUIRY_WAITING"
    INTERNAL = "INTERNAL"
    LOG_AHEAD = "LOG_AHEAD"
    MALFORMED = "MALFORMED"
    MAP_DAMAGED = "MAP_DAMAGED"
    NOT_PERMITTED = "NOT_PERMITTED"
    NOT_READY = "NOT_READY"
    NOTICE_UNKNOWN = "NOTICE_UNKNOWN"
    PAGES_EXCEEDED = "PAGES_EXCEEDED"
    PART_MISSING = "PART_MISSING"
    PART_UNEXPECTED = "PART_UNEXPECTED"
    PEER_MISMATCH = "PEER_MISMATCH"
    PROPOSAL_UNKNOWN = "PROPOSAL_UNKNOWN"
    PURPOSE_INVALID = "PURPOSE_INVALID"
    QUEUE_FULL = "QUEUE_FULL"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    RECORD_KEPT = "RECORD_KEPT"
    RANGE_INVALID = "RANGE_INVALID"
    RECORDS_LOST = "RECORDS_LOST"
    REGISTER_AHEAD = "REGISTER_AHEAD"
    REGISTER_DAMAGED = "REGISTER_DAMAGED"
    REGISTER_FORK = "REGISTER_FORK"
    REGISTER_MISSING = "REGISTER_MISSING"
    REGISTER_UNAVAILABLE = "REGISTER_UNAVAILABLE"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIZE_LIMIT = "SIZE_LIMIT"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    SUBJECT_CHANGED = "SUBJECT_CHANGED"
    TLS_KEY_NOT_VOUCHED = "TLS_KEY_NOT_VOUCHED"
    TLS_KEY_REVOKED = "TLS_KEY_REVOKED"
    TILE_UNKNOWN = "TILE_UNKNOWN"
    TIME_INVALID = "TIME_INVALID"
    TOO_MANY_CALLS = "TOO_MANY_CALLS"
    TOO_MANY_PROPOSALS = "TOO_MANY_PROPOSALS"
    TOO_MANY_RECORDS = "TOO_MANY_RECORDS"
    TOO_MANY_SUBJECTS = "TOO_MANY_SUBJECTS"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    VOUCH_STALE = "VOUCH_STALE"


class Entry(NamedTuple):
    """gRPC status and public message of a reason.

    Attributes:
        status: of the call, where the call as a whole fails.
        text: for people, fixed.
        retryable: whether the same request may succeed later without anything else having changed.
    """

    status: GrpcStatus
    text: str
    retryable: bool = False


_INVALID = GrpcStatus.INVALID_ARGUMENT
_DENIED = GrpcStatus.PERMISSION_DENIED
_STATE = GrpcStatus.FAILED_PRECONDITION
_EXHAUSTED = GrpcStatus.RESOURCE_EXHAUSTED

# Facts, standings and dates (client_sdk.kernel.rules).
_RULES: dict[str, Entry] = {
    RuleReason.APPROVER_MISSING: Entry(_INVALID, "The facts do not name the person who approved the record."),
    RuleReason.BASIS_INVALID: Entry(_INVALID, "The record cannot rest on the default or judgment that it names."),
    RuleReason.BASIS_MISSING: Entry(_INVALID, "The record does not name the default or judgment that it rests on."),
    RuleReason.CASE_NUMBER_INVALID: Entry(_INVALID, "The case number is not a valid Chinese court case number."),
    RuleReason.CONSENT_MISSING: Entry(_INVALID, "Written consent is missing, or was given too late."),
    RuleReason.CURRENCY_INVALID: Entry(_INVALID, "The currency is unknown, or the amounts are not consistent."),
    RuleReason.DATE_INVALID: Entry(_INVALID, "A date is missing, malformed or out of order."),
    RuleReason.DEBT_CHANGED: Entry(_INVALID, "A later version cannot be about another debt."),
    RuleReason.FACTS_INVALID: Entry(_INVALID, "The facts are incomplete or contradict each other."),
    RuleReason.IDENTIFIER_INVALID: Entry(_INVALID, "An identifier has a wrong form."),
    RuleReason.ILLEGAL_TRANSITION: Entry(_STATE, "The new standing cannot follow the previous one."),
    RuleReason.MINOR_SUBJECT: Entry(_INVALID, "Records about minors are not taken."),
    RuleReason.NOTICE_LATE: Entry(
        _INVALID, "Notice was not given to the subject early enough before the record was submitted."
    ),
    RuleReason.NOTICE_MISSING: Entry(_INVALID, "Evidence of the notice to the subject is missing."),
    RuleReason.REAGED: Entry(_INVALID, "A later version cannot move the first day of delinquency to a later date."),
    RuleReason.RETENTION_INVALID: Entry(_INVALID, "The end of the retention period is not the one that the law sets."),
    RuleReason.ROLE_NOT_LIABLE: Entry(_INVALID, "A subject with this role is not liable for the debt, or not yet."),
    RuleReason.STAGE_BACKWARDS: Entry(_INVALID, "The stage of the proceedings cannot go back."),
}

# What the log means (client_sdk.kernel.ledger).
_LEDGER: dict[str, Entry] = {
    "ACKNOWLEDGED": Entry(_STATE, "The notice was acknowledged before."),
    "ACT_ORDER": Entry(_STATE, "The act does not follow the registry's newest act."),
    "ACT_SIGNATURE": Entry(_DENIED, "A signature on the act is invalid or is not an administrator's."),
    "ACT_THRESHOLD": Entry(_STATE, "Too few administrators have signed the act."),
    "ADMINISTRATION_INVALID": Entry(_STATE, "The number of administrators or their threshold is not allowed."),
    "RULEBOOK_INVALID": Entry(_STATE, "A rulebook keeps what counts on, and never gives more days for a dispute."),
    "ANNOTATION_INVALID": Entry(_STATE, "The annotation is not allowed."),
    "ANNOTATION_ORDER": Entry(_STATE, "The annotation does not follow the record's newest annotation."),
    "BREACH_INVALID": Entry(_STATE, "The notice of a breach is not allowed."),
    "CLOSING_INVALID": Entry(_STATE, "The registry cannot be closed in this way, or on this day."),
    "CONTINUES_INVALID": Entry(_STATE, "The record that is continued was not transferred to this issuer."),
    "CORRECTION_INVALID": Entry(_STATE, "The log's time cannot be corrected in this way."),
    "ENROLMENT_INVALID": Entry(_STATE, "The enrolment is not allowed."),
    "ERASED_ALONE": Entry(_STATE, "A record must be erased together with the records that it continues."),
    "HEAD_CHAIN": Entry(GrpcStatus.INTERNAL, "A HEAD of the log does not match the leaves before it."),
    "HEAD_PLACE": Entry(GrpcStatus.INTERNAL, "A HEAD of the log is missing or in the wrong place."),
    "INSTITUTION_SUSPENDED": Entry(_DENIED, "The institution is suspended: it cannot open records or make inquiries."),
    "INSTITUTION_TERMINATED": Entry(_DENIED, "The institution is terminated."),
    "INSTITUTION_UNKNOWN": Entry(_DENIED, "No act has enrolled the institution."),
    "KEY_NOT_ENDORSED": Entry(_STATE, "The new key is not endorsed by a running key of the institution."),
    "KEY_NOT_POSSESSED": Entry(_STATE, "The proof of possession of the new key is missing or invalid."),
    "KEY_OF_ANOTHER": Entry(_DENIED, "The key belongs to another institution."),
    "KEY_RANGE": Entry(_DENIED, "The key is not valid at this position of the log."),
    "KEY_SERVICES_INVALID": Entry(_STATE, "The change of key services is not allowed."),
    "KEY_TAKEN": Entry(_STATE, "The key is already enrolled."),
    "KEY_UNKNOWN": Entry(_DENIED, "The key is not enrolled by any act."),
    "KEY_USAGE": Entry(_DENIED, "The key was enrolled for another usage."),
    "KIND_CHANGED": Entry(_STATE, "The kind of a record cannot change."),
    "LAPSE_EARLY": Entry(_STATE, "The period before this lapse is not over."),
    "NOT_A_LENDER": Entry(_DENIED, "Only lenders can report; only lenders and representatives can ask and annotate."),
    "NOT_THE_SUCCESSOR": Entry(
        _DENIED, "The institution is not the issuer's successor, or a successor cannot make this change."
    ),
    "PREVIOUS_MISMATCH": Entry(_STATE, "The version does not follow the newest logged version."),
    "RECORD_ENDED": Entry(_STATE, "The record is no longer live."),
    "RECORD_ERASED": Entry(_STATE, "The record is erased."),
    "RECORD_KEPT": Entry(_STATE, "The record is not erased: it is live, or goes on as the record that continues it."),
    "RECORD_UNKNOWN": Entry(GrpcStatus.NOT_FOUND, "The log holds no such record."),
    "REGISTRY_CLOSED": Entry(_STATE, "The registry closes, or is closed: it takes no new record, or nothing any more."),
    "REGISTRY_OTHER": Entry(_INVALID, "The payload was signed for another registry."),
    "STATE_INVALID": Entry(_STATE, "The change of the institution's state is not allowed."),
    "SUBJECT_KEY_VERSION": Entry(_STATE, "The version of the subject keys is not the expected one."),
    "TLS_CLAIM_MISMATCH": Entry(
        _INVALID, "The signed claim is about another institution, another TLS key or another action."
    ),
    "TIME": Entry(GrpcStatus.INTERNAL, "The time of the log went backwards."),
    "VERSION_SKIPPED": Entry(_STATE, "The version number skips one or more versions."),
    "VERSION_TAKEN": Entry(GrpcStatus.ALREADY_EXISTS, "This version is already logged with another payload."),
}

# What only a server can refuse.
_SERVER: dict[str, Entry] = {
    RefusalReason.ALERTS_FULL: Entry(_EXHAUSTED, "The institution is alerted about as many persons as it may be."),
    RefusalReason.ALERTS_ON: Entry(GrpcStatus.ALREADY_EXISTS, "The institution is alerted about this person already."),
    RefusalReason.ALIASES_INVALID: Entry(
        _INVALID, "Aliases must be given for each other live version of the subject keys, and for no further version."
    ),
    RefusalReason.ALREADY_FOUNDED: Entry(_STATE, "The log already begins with another genesis act."),
    RefusalReason.ANSWER_OVERTAKEN: Entry(
        GrpcStatus.UNAVAILABLE,
        "What was read changed again and again meanwhile; the same request may be sent again.",
        retryable=True,
    ),
    RefusalReason.BATCH_ORDER: Entry(_INVALID, "A batch is a header and then chunks of 1 to 256 submissions."),
    RefusalReason.CERTIFICATE_REQUEST_INVALID: Entry(_INVALID, "The certificate signing request is not acceptable."),
    RefusalReason.CERTIFICATE_UNKNOWN: Entry(
        GrpcStatus.UNAUTHENTICATED, "The client certificate names an unknown institution or key service."
    ),
    RefusalReason.CLOCK_JUMPED: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry's clock was changed; nothing is logged until it is right again or an operator confirms it.",
        retryable=True,
    ),
    RefusalReason.CLOCK_UNCONFIRMED: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry's clock is not confirmed yet; nothing is logged until it is.",
        retryable=True,
    ),
    RefusalReason.COMMITMENT_MISMATCH: Entry(
        _INVALID, "The opening or the value does not match the signed commitment."
    ),
    RefusalReason.COSIGNER_UNKNOWN: Entry(
        GrpcStatus.PERMISSION_DENIED, "The rulebook does not name this key, or its owner is no active auditor."
    ),
    RefusalReason.COUNT_MISMATCH: Entry(
        _INVALID, "The number of submissions in the batch is not the one in its header."
    ),
    RefusalReason.DEADLINE_EXCEEDED: Entry(
        GrpcStatus.DEADLINE_EXCEEDED,
        "The call took longer than the registry allows; it is not known whether it was done.",
    ),
    RefusalReason.DEADLINE_TOO_SHORT: Entry(GrpcStatus.DEADLINE_EXCEEDED, "The deadline of the call is too short."),
    RefusalReason.DEBT_BLOCKED: Entry(_STATE, "The debt or the listing was withdrawn, and is not reported again."),
    RefusalReason.DEBT_TAKEN: Entry(
        GrpcStatus.ALREADY_EXISTS, "A running record of this kind about this debt exists already."
    ),
    RefusalReason.DEPTH_INVALID: Entry(
        _STATE, "The pages of a screening are too large or too small for the registry; sign one for another depth."
    ),
    RefusalReason.DISCLOSURE_MISMATCH: Entry(
        _INVALID, "The sealed disclosure does not match the digest in the statement."
    ),
    RefusalReason.DISK_FULL: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry's disk is full; nothing was stored, and the same request may be sent again.",
        retryable=True,
    ),
    RefusalReason.HEAD_GONE: Entry(_STATE, "The answer is no longer kept for that HEAD; make the inquiry again."),
    RefusalReason.INQUIRY_TAKEN: Entry(GrpcStatus.ALREADY_EXISTS, "The inquiry id is already used by another inquiry."),
    RefusalReason.INQUIRY_STALE: Entry(
        _STATE, "The inquiry was not signed within the last 5 minutes by the registry's clock."
    ),
    RefusalReason.INQUIRY_UNKNOWN: Entry(GrpcStatus.NOT_FOUND, "The institution has made no inquiry with this id."),
    RefusalReason.INQUIRY_WAITING: Entry(
        GrpcStatus.UNAVAILABLE, "The inquiry has no receipt before the next HEAD.", retryable=True
    ),
    RefusalReason.INTERNAL: Entry(GrpcStatus.INTERNAL, "The registry failed; the request id leads to its log."),
    RefusalReason.LOG_AHEAD: Entry(
        GrpcStatus.UNAVAILABLE,
        "The newest leaf is dated in the future; administrators can correct the log's time by an act.",
    ),
    RefusalReason.MALFORMED: Entry(_INVALID, "The request is malformed."),
    RefusalReason.MAP_DAMAGED: Entry(
        GrpcStatus.UNAVAILABLE,
        "Part of the registry's map is damaged; what needs that part is refused until its operator has repaired it.",
    ),
    RefusalReason.NOT_PERMITTED: Entry(_DENIED, "The institution's roles do not permit this method."),
    RefusalReason.NOT_READY: Entry(GrpcStatus.UNAVAILABLE, "The registry is starting.", retryable=True),
    RefusalReason.NOTICE_UNKNOWN: Entry(GrpcStatus.NOT_FOUND, "The institution's inbox has no such notice."),
    RefusalReason.PAGES_EXCEEDED: Entry(_EXHAUSTED, "The screening asks for more pages than it declares."),
    RefusalReason.PART_MISSING: Entry(_INVALID, "A part of the submission is missing."),
    RefusalReason.PART_UNEXPECTED: Entry(_INVALID, "The submission has a part that is not allowed here."),
    RefusalReason.PEER_MISMATCH: Entry(
        _DENIED, "The client certificate and the signature name different institutions."
    ),
    RefusalReason.PROPOSAL_UNKNOWN: Entry(
        GrpcStatus.NOT_FOUND,
        "There is no such proposal: it has lapsed, or another act took its number; propose it again.",
    ),
    RefusalReason.PURPOSE_INVALID: Entry(_INVALID, "The purpose is not allowed for inquiries."),
    RefusalReason.QUEUE_FULL: Entry(
        GrpcStatus.UNAVAILABLE, "Too many calls are waiting; try again later.", retryable=True
    ),
    RefusalReason.QUOTA_EXCEEDED: Entry(_EXHAUSTED, "The institution's quota for today is used up."),
    RefusalReason.RANGE_INVALID: Entry(
        GrpcStatus.OUT_OF_RANGE, "The range is empty or ends past the newest checkpoint."
    ),
    RefusalReason.RECORDS_LOST: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry was restored, and answers no inquiry until lenders have given back the records that it lost.",
    ),
    RefusalReason.REGISTER_AHEAD: Entry(
        GrpcStatus.UNAVAILABLE, "The registry's database is older than its newest signed checkpoint; it is not served."
    ),
    RefusalReason.REGISTER_DAMAGED: Entry(
        GrpcStatus.UNAVAILABLE, "The registry's checkpoint register is damaged; nothing is signed until it is repaired."
    ),
    RefusalReason.REGISTER_FORK: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry's database contradicts its newest signed checkpoint; it is not served.",
    ),
    RefusalReason.REGISTER_MISSING: Entry(
        GrpcStatus.UNAVAILABLE, "The registry's checkpoint register is missing; nothing is signed without it."
    ),
    RefusalReason.REGISTER_UNAVAILABLE: Entry(
        GrpcStatus.UNAVAILABLE,
        "The registry's checkpoint register cannot be used; the same request may be sent again.",
        retryable=True,
    ),
    RefusalReason.SHUTTING_DOWN: Entry(GrpcStatus.UNAVAILABLE, "The registry is stopping.", retryable=True),
    RefusalReason.SIGNATURE_INVALID: Entry(_DENIED, "The signature does not verify."),
    RefusalReason.SIZE_LIMIT: Entry(_EXHAUSTED, "The message or a list in it is longer than its limit."),
    RefusalReason.STORAGE_UNAVAILABLE: Entry(
        GrpcStatus.UNAVAILABLE, "The database does not answer; the same request may be sent again.", retryable=True
    ),
    RefusalReason.SUBJECT_CHANGED: Entry(_INVALID, "The subject of a record cannot change."),
    RefusalReason.TLS_KEY_NOT_VOUCHED: Entry(
        GrpcStatus.UNAUTHENTICATED,
        "No running signing key of the institution vouches for this TLS key; renew the certificate.",
    ),
    RefusalReason.TLS_KEY_REVOKED: Entry(
        GrpcStatus.UNAUTHENTICATED,
        "The TLS key was revoked for good: the institution needs a certificate for a new key.",
    ),
    RefusalReason.TILE_UNKNOWN: Entry(GrpcStatus.NOT_FOUND, "The log has no such tile."),
    RefusalReason.TIME_INVALID: Entry(_INVALID, "The time of signing is in the future."),
    RefusalReason.TOO_MANY_CALLS: Entry(
        GrpcStatus.UNAVAILABLE,
        "The caller has too many calls or streams under way; wait for some to end.",
        retryable=True,
    ),
    RefusalReason.TOO_MANY_PROPOSALS: Entry(
        _EXHAUSTED, "Too many proposals are open; have one approved, which ends all others, or wait until some lapse."
    ),
    RefusalReason.TOO_MANY_RECORDS: Entry(_STATE, "One issuer has too many live records about one subject."),
    RefusalReason.TOO_MANY_SUBJECTS: Entry(_EXHAUSTED, "The inquiry asks about more persons than the rulebook allows."),
    RefusalReason.VERSION_UNKNOWN: Entry(GrpcStatus.NOT_FOUND, "The record has no such version."),
    RefusalReason.VOUCH_STALE: Entry(
        _STATE, "The vouch was already used, or a newer one is on record; the institution must sign a new one."
    ),
}

CATALOGUE: Mapping[str, Entry] = MappingProxyType({**_RULES, **_LEDGER, **_SERVER})


class RegistryError(Complaining, Exception):
    """A request that the server refuses, with its complaint.

    Args:
        reason: of the catalogue.
        field: path of the field inside what was sent; empty where the request as a whole is meant.
        rule: stable id of the broken rule.
        got: what was found; never a secret.
        want: what the rule asks for.
    """

    def __init__(self, reason: str, field: str = "", rule: str = "", *, got: str = "", want: str = "") -> None:
        super().__init__(reason, field, rule)
        self.complaint = Complaint(reason, field, rule, got, want)

    @classmethod
    def of(cls, complaint: Complaint) -> Self:
        """Return the error that a complaint is raised as."""
        return cls(complaint.reason, complaint.field, complaint.rule, got=complaint.got, want=complaint.want)


def entry_of(reason: str) -> Entry:
    """Return gRPC status and public message of a reason; those of INTERNAL for a reason that no catalogue holds."""
    return CATALOGUE.get(reason, CATALOGUE[RefusalReason.INTERNAL])


def complaint_of(error: BaseException, field: str = "") -> Complaint:
    """Return the complaint with which an error refuses; an unexpected one becomes INTERNAL without any detail.

    Args:
        error: of the kernel or the server.
        field: path of what was being read, put before the field of the error.
    """
    match error:
        case RegistryError():
            return error.complaint
        case RuleError():
            reason = error.reason
        case SignatureError():
            reason = RefusalReason.SIGNATURE_INVALID
        case FormatError(rule="commitment.opens"):
            reason = RefusalReason.COMMITMENT_MISMATCH
        case FormatError():
            reason = RefusalReason.MALFORMED
        case _:
            return Complaint(RefusalReason.INTERNAL)
    return replace(error.complaint, reason=str(reason), field=_path(field, error.field))


def _path(outer: str, inner: str) -> str:
    if not outer or inner == outer or inner.startswith(f"{outer}."):
        return inner
    return f"{outer}.{inner}"
