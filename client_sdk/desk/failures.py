"""Errors of the SDK as people at the desk read them: what happened, where, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.jobs import JobsFullError
from client_sdk.desk.openid import OpenIdError
from client_sdk.desk.record_columns import name_of_field
from client_sdk.desk.texts import N_
from client_sdk.errors import (
    AuditRunningError,
    ConfigError,
    ConflictError,
    CreditRegistryError,
    DeadlineExceededError,
    FormatError,
    KeyServiceError,
    NotPermittedError,
    OutboxError,
    PreflightError,
    QuotaError,
    RefusedError,
    RollbackError,
    RuleError,
    TransportError,
    VerificationError,
)
from client_sdk.texts.next_steps import NEXT, next_of, title_of

if TYPE_CHECKING:
    from client_sdk.desk.texts import Say
    from client_sdk.models import Violation

__all__ = ["IDENTITY", "ErrorWords", "details_of", "error_words", "next_step"]

_PARTS = {"field": N_("Where"), "rule": N_("Rule"), "got": N_("Found"), "want": N_("Wanted")}
# What to do next, by reason of signing in by OpenID Connect.
_SIGNING_IN = {
    "ISSUER_UNREACHABLE": N_(
        "Try again; if it stays, tell who looks after this desk that the sign-in service is away."
    ),
    "TOKEN_INVALID": N_(
        "Nobody was signed in: tell who looks after this desk that what the service sent is not valid."
    ),
    "STATE_UNKNOWN": N_("Begin again: this sign-in was begun in another browser, too long ago, or is done."),
    "ACCESS_DENIED": N_("The sign-in service refused: begin again, or ask who looks after it."),
    "NO_ROLE": N_("Nobody gave you a role at this desk: ask who looks after it ([openid.roles] in desk.toml)."),
    "NAME_INVALID": N_("Your name at the sign-in service cannot be used: ask for another name_claim in desk.toml."),
    "TOO_MANY_ACCOUNTS": N_(
        "More accounts have come than one run of this desk remembers: tell who looks after it to start it anew."
    ),
    "NAME_TAKEN": N_(
        "Since this desk was started your account came under another name, or another account under yours: tell who "
        "looks after this desk. A restart of it begins anew."
    ),
}
_CORRECT = N_("Correct what is named and send it again.")
# What is wanted of an identity number, by rule.
IDENTITY = {
    "identity.form": N_("The number has the wrong length or form for its type: compare it with the document."),
    "identity.checksum": N_("One digit is mistyped: the last character does not fit. Compare it with the document."),
    "identity.date": N_("The number holds no real date of birth: compare it with the document."),
    "identity.birth-date": N_("The number holds a date of birth in the future: compare it with the document."),
    "identity.characters": N_("The number holds a character that is no letter or digit: type it anew."),
    "identity.length": N_("The number is too long: compare it with the document."),
    "identity.region": N_("The first six digits are no region: compare the number with the document."),
    "identity.order": N_("The last digits are zeros, as a spreadsheet writes them: type it from the document."),
    "identity.placeholder": N_("This is a placeholder and nobody's number: type the person's own."),
    "identity.type": N_("This is a number of another type: choose the type that is on the document."),
    "identity.state": N_("Name the state that issued the passport, as two letters such as GB."),
    "identity.centenarian": N_("This old number does not tell the century: type the one with 18 characters."),
    "identity.nationality": N_("The first three letters are no nationality: compare it with the document."),
}


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """An error in words.

    Attributes:
        status: of HTTP.
        title: what happened.
        reason: stable word, the same in every language.
        details: names and values: field, rule, got, want.
        violations: broken rules, each as names and values.
        next: what to do.
    """

    status: int
    title: str
    reason: str
    details: tuple[tuple[str, str], ...] = ()
    violations: tuple[tuple[tuple[str, str], ...], ...] = ()
    next: str = ""

    def said(self, say: Say) -> str:
        """Return what happened and what to do in one line."""
        return say("{title} ({reason}). {next}", title=self.title, reason=self.reason, next=self.next)


def error_words(error: CreditRegistryError, say: Say) -> ErrorWords:
    """Return an error in words, in one language."""
    match error:
        case OpenIdError():
            return ErrorWords(403, say("Signing in has failed"), error.reason, next=say(_SIGNING_IN[error.reason]))
        case JobsFullError():
            todo = say("Wait until a job has ended, or stop one, and try again.")
            return ErrorWords(429, say("Too much work is under way"), error.reason, next=todo)
        case OutboxError():
            todo = say("Wait until the other report from this home has ended; if there is none, `doctor` says more.")
            return ErrorWords(503, say("The outbox of this home cannot be used now"), "OUTBOX", next=todo)
        case PreflightError():
            reasons = {item.reason for item in error.violations}
            # A reason that is that of all stands above them.
            of_each = details_of if len(reasons) == 1 else _violation
            broken = tuple(of_each(item, say) for item in error.violations)
            reason = reasons.pop() if len(reasons) == 1 else "RULES_BROKEN"
            rules = {item.rule for item in error.violations}
            todo = next_step(reason, _CORRECT, say, rules.pop() if len(rules) == 1 else "")
            return ErrorWords(422, say("A rule is broken, and nothing was sent"), reason, violations=broken, next=todo)
        case KeyServiceError():
            return _of_key_service(error, say)
        case TransportError():
            return _of_silence(error, say)
        case VerificationError():
            return _of_proof(error, say)
        case RefusedError():
            details = _named(error.complaint.parts, say)
            todo = next_step(error.reason, _of_class(error), say, error.rule)
            title = _sentence(title_of(error.rule, N_("The registry has refused this")), say)
            return ErrorWords(409, title, error.reason, details, next=todo)
        case FormatError() | RuleError():
            reason = str(error.reason) or "MALFORMED"
            own = IDENTITY.get(error.rule)
            todo = next_step(reason, _CORRECT, say, error.rule) if own is None else say(own)
            details = _named(error.complaint.parts, say)
            return ErrorWords(422, say("A value is not in order, and nothing was sent"), reason, details, next=todo)
        case AuditRunningError():
            todo = say(
                "Wait until it has ended, or stop it where it was started: this desk and `credit-registry audit` keep "
                "one state, and one audit at a time writes it."
            )
            details = ((say("Found"), str(error)),)
            return ErrorWords(409, say("Another audit of this home is running"), "AUDIT_RUNNING", details, next=todo)
        case _:
            # Settings and files of this machine: its text names them, and no fact.
            details = ((say("Found"), say.error(str(error))),) if isinstance(error, ConfigError) else ()
            todo = say("Tell who looks after this desk: a file or a setting on this machine is not in order.")
            return ErrorWords(500, say("The desk cannot do this now"), "CONFIG", details, next=todo)


def next_step(reason: str, otherwise: str, say: Say, rule: str = "") -> str:
    """Return what to do next for a rule or a reason, as a sentence; what to do otherwise where neither is known."""
    return _sentence(next_of(reason, rule, otherwise), say)


def _sentence(text: str, say: Say) -> str:
    said = say(text)
    return said[:1].upper() + said[1:]


def _of_silence(error: TransportError, say: Say) -> ErrorWords:
    if isinstance(error, DeadlineExceededError):
        title = say("The registry answered too late")
        todo = say("Send it again: nothing is done twice.")
    else:
        title = say("The registry does not answer")
        todo = say("Try again in a moment. If it stays, tell who looks after this desk: network, address, certificate.")
    return ErrorWords(503, title, error.reason or error.status, next=todo)


def _of_key_service(error: KeyServiceError, say: Say) -> ErrorWords:
    details = ((say("Service"), error.service),)
    if error.reason == "PROOF_INVALID":
        todo = say("Rely on nothing of it, and tell the administrators which service it was.")
        return ErrorWords(502, say("A key service has proved nothing"), error.reason, details, next=todo)
    todo = next_step(error.reason, N_("Try again when it answers: every key service is needed."), say)
    return ErrorWords(503, say("A key service does not answer, or refuses"), error.reason, details, next=todo)


def _of_proof(error: VerificationError, say: Say) -> ErrorWords:
    title = say("What was answered does not verify: rely on nothing of it")
    details = _named(error.complaint.parts, say)
    todo = say("Try again once, then tell the auditor and the administrators.")
    if isinstance(error, RollbackError):
        todo = say("Stop using this registry, keep the folder `state` of this home, and show it to the auditor.")
    return ErrorWords(502, title, "UNVERIFIABLE", details, next=todo)


def _of_class(error: RefusedError) -> str:
    match error:
        case NotPermittedError():
            return NEXT["NOT_PERMITTED"]
        case QuotaError():
            return NEXT["QUOTA_EXCEEDED"]
        case ConflictError():
            return N_("See what the registry holds: open the record again.")
        case _:
            return _CORRECT


def _violation(item: Violation, say: Say) -> tuple[tuple[str, str], ...]:
    return ((say("Reason"), item.reason), *_named(item.parts, say))


def details_of(item: Violation, say: Say, *, apart_from: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Return the parts of a broken rule with their names, apart from some of them."""
    return _named(tuple((name, value) for name, value in item.parts if name not in apart_from), say)


def _named(parts: tuple[tuple[str, str], ...], say: Say) -> tuple[tuple[str, str], ...]:
    return tuple(
        (say(_PARTS[name]), name_of_field(value, say) if name == "field" else say.error(value)) for name, value in parts
    )
