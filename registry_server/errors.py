"""The error catalogue: every reason for which the registry refuses, and how it is told.

    reason -> (gRPC status, public text, retryable)

A refusal names its reason, which is stable and for programs, the field and the rule that was broken, what was found
and what is wanted. No refusal holds an identity number, a pseudonym, a fact, an opening or a key. What is in no
catalogue becomes INTERNAL with a fixed text; its details go to the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "DOMAIN", "Entry", "Reason", "Refusal", "RegistryError", "Status", "entry_of", "refusal_of"]

# Domain of every google.rpc.ErrorInfo that the registry sends.
DOMAIN = "creditregistry"


class Status(StrEnum):
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


class Reason(StrEnum):
    """Reasons that the server adds to those of the rules; stable, never renamed."""

    ALIASES_INVALID = "ALIASES_INVALID"
    ALREADY_FOUNDED = "ALREADY_FOUNDED"
    BATCH_ORDER = "BATCH_ORDER"
    CERTIFICATE_REQUEST_INVALID = "CERTIFICATE_REQUEST_INVALID"
    CERTIFICATE_UNKNOWN = "CERTIFICATE_UNKNOWN"
    CLOCK_JUMPED = "CLOCK_JUMPED"
    CLOCK_UNCONFIRMED = "CLOCK_UNCONFIRMED"
    COMMITMENT_MISMATCH = "COMMITMENT_MISMATCH"
    COUNT_MISMATCH = "COUNT_MISMATCH"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    DEADLINE_TOO_SHORT = "DEADLINE_TOO_SHORT"
    DEBT_TAKEN = "DEBT_TAKEN"
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
    NOT_PERMITTED = "NOT_PERMITTED"
    NOT_READY = "NOT_READY"
    PART_MISSING = "PART_MISSING"
    PART_UNEXPECTED = "PART_UNEXPECTED"
    PEER_MISMATCH = "PEER_MISMATCH"
    PROPOSAL_UNKNOWN = "PROPOSAL_UNKNOWN"
    PURPOSE_INVALID = "PURPOSE_INVALID"
    QUEUE_FULL = "QUEUE_FULL"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    RANGE_INVALID = "RANGE_INVALID"
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
    """How a reason is told.

    Attributes:
        status: of the call, where the call as a whole fails.
        text: for people, fixed.
        retryable: whether the same request may succeed later without anything else having changed.
    """

    status: Status
    text: str
    retryable: bool = False


_INVALID = Status.INVALID_ARGUMENT
_DENIED = Status.PERMISSION_DENIED
_STATE = Status.FAILED_PRECONDITION
_EXHAUSTED = Status.RESOURCE_EXHAUSTED

# Facts, standings and dates (client_sdk.kernel.rules).
_RULES: dict[str, Entry] = {
    RuleReason.APPROVER_MISSING: Entry(_INVALID, "Nobody is named who approved the record."),
    RuleReason.BASIS_INVALID: Entry(_INVALID, "The default or judgment on which the record rests does not bear it."),
    RuleReason.BASIS_MISSING: Entry(_INVALID, "The record names no default or judgment on which it rests."),
    RuleReason.CASE_NUMBER_INVALID: Entry(_INVALID, "The case number is none that a court gives."),
    RuleReason.CONSENT_MISSING: Entry(_INVALID, "There is no written consent that was given before."),
    RuleReason.CURRENCY_INVALID: Entry(_INVALID, "The currency or the parts of the amount are not in order."),
    RuleReason.DATE_INVALID: Entry(_INVALID, "A date is none, or is out of order."),
    RuleReason.DEBT_CHANGED: Entry(_INVALID, "A later version may not speak of another debt."),
    RuleReason.FACTS_INVALID: Entry(_INVALID, "The facts are not complete or contradict each other."),
    RuleReason.IDENTIFIER_INVALID: Entry(_INVALID, "An identifier has a wrong form."),
    RuleReason.ILLEGAL_TRANSITION: Entry(_STATE, "The standing may not follow the one before."),
    RuleReason.MINOR_SUBJECT: Entry(_INVALID, "Records about minors are not taken."),
    RuleReason.NOTICE_LATE: Entry(_INVALID, "The subject was not told before the record was submitted."),
    RuleReason.NOTICE_MISSING: Entry(_INVALID, "There is no evidence that the subject was told."),
    RuleReason.REAGED: Entry(_INVALID, "A later version may not make the default look younger."),
    RuleReason.RETENTION_INVALID: Entry(_INVALID, "The end of retention is not the one that the law sets."),
    RuleReason.ROLE_NOT_LIABLE: Entry(_INVALID, "The subject's role makes it liable for nothing yet."),
    RuleReason.STAGE_BACKWARDS: Entry(_INVALID, "The stage of the proceedings only goes on."),
}

# What the log means (client_sdk.kernel.ledger).
_LEDGER: dict[str, Entry] = {
    "ACT_ORDER": Entry(_STATE, "The act is not the next one of this registry."),
    "ACT_SIGNATURE": Entry(_DENIED, "A signature on the act is not a valid one of an administrator."),
    "ACT_THRESHOLD": Entry(_STATE, "Too few administrators have signed the act."),
    "ADMINISTRATION_INVALID": Entry(_STATE, "The administrators or their threshold would not be in order."),
    "RULEBOOK_INVALID": Entry(_STATE, "A rulebook keeps its time zone, and never gives more days for a dispute."),
    "ANNOTATION_INVALID": Entry(_STATE, "The annotation may not say this."),
    "ANNOTATION_ORDER": Entry(_STATE, "The annotation is not the next one of the record."),
    "CONTINUES_INVALID": Entry(_STATE, "The record that is continued was not transferred to this issuer."),
    "CORRECTION_INVALID": Entry(_STATE, "The log's time may not be corrected so."),
    "ENROLMENT_INVALID": Entry(_STATE, "The institution cannot be enrolled so."),
    "ERASED_ALONE": Entry(_STATE, "A record is erased together with those that it continues."),
    "HEAD_CHAIN": Entry(Status.INTERNAL, "The log's own HEAD is not in order."),
    "HEAD_PLACE": Entry(Status.INTERNAL, "The log's own HEAD is not in its place."),
    "INSTITUTION_SUSPENDED": Entry(_DENIED, "The institution is suspended: it opens no record and asks nothing."),
    "INSTITUTION_TERMINATED": Entry(_DENIED, "The institution is terminated."),
    "INSTITUTION_UNKNOWN": Entry(_DENIED, "No act has enrolled the institution."),
    "KEY_NOT_ENDORSED": Entry(_STATE, "A running key of the institution has not endorsed the new key."),
    "KEY_NOT_POSSESSED": Entry(_STATE, "Nobody has shown to hold the new key."),
    "KEY_OF_ANOTHER": Entry(_DENIED, "The key belongs to another institution."),
    "KEY_RANGE": Entry(_DENIED, "The key does not count at this place of the log."),
    "KEY_SERVICES_INVALID": Entry(_STATE, "The key services cannot change so."),
    "KEY_TAKEN": Entry(_STATE, "The key is enrolled already."),
    "KEY_UNKNOWN": Entry(_DENIED, "No act has given this key."),
    "KEY_USAGE": Entry(_DENIED, "The key was given for another usage."),
    "KIND_CHANGED": Entry(_STATE, "A record never changes its kind."),
    "LAPSE_EARLY": Entry(_STATE, "The time of the lapse has not come."),
    "NOT_A_LENDER": Entry(_DENIED, "Only lenders report and annotate."),
    "NOT_THE_SUCCESSOR": Entry(_DENIED, "The institution does not speak for the issuer here."),
    "PREVIOUS_MISMATCH": Entry(_STATE, "The version does not follow the one that is logged."),
    "RECORD_ENDED": Entry(_STATE, "The record is not live any more."),
    "RECORD_ERASED": Entry(_STATE, "The record is erased."),
    "RECORD_UNKNOWN": Entry(Status.NOT_FOUND, "The log holds no such record."),
    "REGISTRY_OTHER": Entry(_INVALID, "The payload was signed for another registry."),
    "STATE_INVALID": Entry(_STATE, "The institution's state may not change so."),
    "SUBJECT_KEY_VERSION": Entry(_STATE, "The version of the subject keys is not the one wanted."),
    "TLS_CLAIM_MISMATCH": Entry(
        _INVALID, "The signed claim is about another institution, another TLS key or another action."
    ),
    "TIME": Entry(Status.INTERNAL, "The log's own time went back."),
    "VERSION_SKIPPED": Entry(_STATE, "A version is missing before this one."),
    "VERSION_TAKEN": Entry(Status.ALREADY_EXISTS, "Another payload is logged as this version."),
}

# What only a server can refuse.
_SERVER: dict[str, Entry] = {
    Reason.ALIASES_INVALID: Entry(
        _INVALID, "Person and debt are wanted under each other live version of the subject keys, and no more."
    ),
    Reason.ALREADY_FOUNDED: Entry(_STATE, "The log begins with another genesis act."),
    Reason.BATCH_ORDER: Entry(_INVALID, "A batch is a header and then chunks of 1 to 256 submissions."),
    Reason.CERTIFICATE_REQUEST_INVALID: Entry(_INVALID, "The certificate signing request is not in order."),
    Reason.CERTIFICATE_UNKNOWN: Entry(Status.UNAUTHENTICATED, "The client certificate names nobody known here."),
    Reason.CLOCK_JUMPED: Entry(
        Status.UNAVAILABLE,
        "The registry's clock was set; nothing is logged until it is right again or an operator confirms it.",
        retryable=True,
    ),
    Reason.CLOCK_UNCONFIRMED: Entry(
        Status.UNAVAILABLE,
        "The registry has just started and nothing vouches for its clock yet; nothing is logged until then.",
        retryable=True,
    ),
    Reason.COMMITMENT_MISMATCH: Entry(_INVALID, "What was sent does not open the signed commitment."),
    Reason.COUNT_MISMATCH: Entry(_INVALID, "The batch does not hold what its header declares."),
    Reason.DEADLINE_EXCEEDED: Entry(
        Status.DEADLINE_EXCEEDED, "The call took longer than the registry allows; whether it was done is not known."
    ),
    Reason.DEADLINE_TOO_SHORT: Entry(Status.DEADLINE_EXCEEDED, "Too little time is left to do anything."),
    Reason.DEBT_TAKEN: Entry(Status.ALREADY_EXISTS, "A running record of this kind about this debt is there already."),
    Reason.DISCLOSURE_MISMATCH: Entry(_INVALID, "The sealed bytes are not those that the statement names."),
    Reason.DISK_FULL: Entry(Status.UNAVAILABLE, "The registry has no room left; nothing was stored."),
    Reason.HEAD_GONE: Entry(_STATE, "The registry no longer answers under that HEAD; ask anew."),
    Reason.INQUIRY_TAKEN: Entry(Status.ALREADY_EXISTS, "Another inquiry was made under this id."),
    Reason.INQUIRY_STALE: Entry(_STATE, "By the registry's clock the inquiry was not signed in the last 5 minutes."),
    Reason.INQUIRY_UNKNOWN: Entry(Status.NOT_FOUND, "The institution made no such inquiry."),
    Reason.INQUIRY_WAITING: Entry(Status.UNAVAILABLE, "The inquiry has no place before the next HEAD.", retryable=True),
    Reason.INTERNAL: Entry(Status.INTERNAL, "The registry failed; the request id leads to its log."),
    Reason.LOG_AHEAD: Entry(
        Status.UNAVAILABLE, "The newest leaf lies in the future; administrators correct the log's time by an act."
    ),
    Reason.MALFORMED: Entry(_INVALID, "Bytes or values have a wrong form."),
    Reason.NOT_PERMITTED: Entry(_DENIED, "The institution's roles do not include this."),
    Reason.NOT_READY: Entry(Status.UNAVAILABLE, "The registry is starting.", retryable=True),
    Reason.PART_MISSING: Entry(_INVALID, "A part of the submission is missing."),
    Reason.PART_UNEXPECTED: Entry(_INVALID, "A part of the submission does not belong there."),
    Reason.PEER_MISMATCH: Entry(_DENIED, "The client certificate and the signature name different institutions."),
    Reason.PROPOSAL_UNKNOWN: Entry(
        Status.NOT_FOUND, "There is no such proposal; it has lapsed, or another act took its number: propose it anew."
    ),
    Reason.PURPOSE_INVALID: Entry(_INVALID, "Inquiries are not made for this purpose."),
    Reason.QUEUE_FULL: Entry(Status.UNAVAILABLE, "Too many calls are waiting; try again later.", retryable=True),
    Reason.QUOTA_EXCEEDED: Entry(_EXHAUSTED, "The institution has used up what the rulebook allows for today."),
    Reason.RANGE_INVALID: Entry(Status.OUT_OF_RANGE, "The range is empty or ends past the newest checkpoint."),
    Reason.REGISTER_AHEAD: Entry(
        Status.UNAVAILABLE, "The registry's database is older than what it has signed; nothing is served from it."
    ),
    Reason.REGISTER_DAMAGED: Entry(
        Status.UNAVAILABLE, "The registry's checkpoint register is damaged; nothing is signed until it is mended."
    ),
    Reason.REGISTER_FORK: Entry(
        Status.UNAVAILABLE,
        "The registry's database holds another history than it has signed; nothing is served from it.",
    ),
    Reason.REGISTER_MISSING: Entry(
        Status.UNAVAILABLE, "The registry's checkpoint register is missing; nothing is signed without it."
    ),
    Reason.REGISTER_UNAVAILABLE: Entry(
        Status.UNAVAILABLE,
        "The registry's checkpoint register cannot be used; the same request may be sent again.",
        retryable=True,
    ),
    Reason.SHUTTING_DOWN: Entry(Status.UNAVAILABLE, "The registry is stopping.", retryable=True),
    Reason.SIGNATURE_INVALID: Entry(_DENIED, "The signature does not verify."),
    Reason.SIZE_LIMIT: Entry(_EXHAUSTED, "The message or a list in it is longer than its limit."),
    Reason.STORAGE_UNAVAILABLE: Entry(
        Status.UNAVAILABLE, "The database does not answer; the same request may be sent again.", retryable=True
    ),
    Reason.SUBJECT_CHANGED: Entry(_INVALID, "A record never changes the person that it is about."),
    Reason.TLS_KEY_NOT_VOUCHED: Entry(
        Status.UNAUTHENTICATED,
        "No running signing key of the institution vouches for this TLS key; the institution renews the certificate.",
    ),
    Reason.TLS_KEY_REVOKED: Entry(
        Status.UNAUTHENTICATED,
        "The TLS key was revoked for good: the institution needs a certificate for a new key.",
    ),
    Reason.TILE_UNKNOWN: Entry(Status.NOT_FOUND, "The log has no such tile."),
    Reason.TIME_INVALID: Entry(_INVALID, "The time of signing is not plausible."),
    Reason.TOO_MANY_CALLS: Entry(
        Status.UNAVAILABLE, "The caller has too many calls or streams under way; wait for some to end.", retryable=True
    ),
    Reason.TOO_MANY_PROPOSALS: Entry(
        _EXHAUSTED, "Too many proposals are open; have one approved, which ends all others, or wait until some lapse."
    ),
    Reason.TOO_MANY_RECORDS: Entry(_STATE, "One issuer has too many live records about one subject."),
    Reason.TOO_MANY_SUBJECTS: Entry(_EXHAUSTED, "The inquiry asks about more persons than the rulebook allows."),
    Reason.VERSION_UNKNOWN: Entry(Status.NOT_FOUND, "The record has no such version."),
    Reason.VOUCH_STALE: Entry(
        _STATE, "The vouch was used up, or a newer one is on record; the institution signs a new one."
    ),
}

CATALOGUE: Mapping[str, Entry] = MappingProxyType({**_RULES, **_LEDGER, **_SERVER})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused; what goes over the wire and into results.

    Attributes:
        reason: of the catalogue.
        field: path of the field inside what was sent; empty where the request as a whole is meant.
        rule: stable id of the broken rule.
        got: what was found; never a secret.
        want: what the rule asks for.
    """

    reason: str
    field: str = ""
    rule: str = ""
    got: str = ""
    want: str = ""

    @property
    def entry(self) -> Entry:
        """How the reason is told."""
        return entry_of(self.reason)


class RegistryError(Exception):
    """The server refuses.

    Attributes:
        refusal: why.
    """

    def __init__(self, reason: str, field: str = "", rule: str = "", *, got: str = "", want: str = "") -> None:
        super().__init__(reason, field, rule)
        self.refusal = Refusal(reason, field, rule, got, want)

    @property
    def reason(self) -> str:
        """Of the catalogue."""
        return self.refusal.reason

    def __str__(self) -> str:
        refusal = self.refusal
        details = [f"got {refusal.got}"] if refusal.got else []
        details += [f"want {refusal.want}"] if refusal.want else []
        place = f" at {refusal.field}" if refusal.field else ""
        rule = f": {refusal.rule}" if refusal.rule else ""
        return f"{refusal.reason}{place}{rule}" + (f" ({', '.join(details)})" if details else "")


def entry_of(reason: str) -> Entry:
    """Return how a reason is told; a reason that no catalogue holds is told as INTERNAL."""
    return CATALOGUE.get(reason, CATALOGUE[Reason.INTERNAL])


def refusal_of(error: BaseException, field: str = "") -> Refusal:
    """Return how an error is told to the outside.

    Args:
        error: of the kernel or the server; anything else is INTERNAL, and nothing of it is told.
        field: path of what was being read, put before the field of the error.
    """
    match error:
        case RegistryError():
            return error.refusal
        case RuleError():
            return Refusal(str(error.reason), _path(field, error.field), error.rule, error.got, error.want)
        case SignatureError():
            reason = Reason.SIGNATURE_INVALID
        case FormatError(rule="commitment.opens"):
            reason = Reason.COMMITMENT_MISMATCH
        case FormatError():
            reason = Reason.MALFORMED
        case _:
            return Refusal(Reason.INTERNAL)
    return Refusal(reason, _path(field, error.part), error.rule, error.got, error.want)


def _path(outer: str, inner: str) -> str:
    if not outer or inner == outer or inner.startswith(f"{outer}."):
        return inner
    return f"{outer}.{inner}"
