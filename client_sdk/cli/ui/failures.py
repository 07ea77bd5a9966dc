"""Error output of the command: reason, field, rule, got, want, and what to do next. Never a traceback."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.checkpoints import AHEAD, OLD
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.errors import (
    ConfigError,
    ConflictError,
    CreditRegistryError,
    DeadlineExceededError,
    DeliveryQueueError,
    ExecutorError,
    FormatError,
    InvalidError,
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
from client_sdk.texts import N_, recognised, say
from client_sdk.texts.next_steps import NEXT, next_of, title_of

if TYPE_CHECKING:
    from client_sdk.cli.ui.output import Json, Output
    from client_sdk.models.violation import Violation

__all__ = ["SYSTEM_ERRORS", "CommandFailure", "DeclinedError", "UsageError", "failure_of"]

_CORRECT = N_("correct what is named and run the same command again; docs/rules.md says what each rule is.")


class UsageError(Exception):
    """The command line, or a file that it names, is not what the verb needs.

    Attributes:
        hint: what to do instead.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeclinedError(Exception):
    """The user declined a confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFailure:
    """An error as it is printed.

    Attributes:
        code: with which the program ends.
        reason: stable word.
        message: one sentence.
        details: field, rule, got and want, and the id of the call in the server's log, where they are known.
        hint: what to do next.
        violations: of a pre-flight.
    """

    code: ExitCode
    reason: str
    message: str
    details: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    violations: tuple[Violation, ...] = field(default=())

    def content(self) -> Json:
        """Return what ``--json`` prints."""
        error: dict[str, Json] = {"reason": self.reason, "message": self.message, "exit_code": int(self.code)}
        error |= dict(self.details)
        if self.hint:
            error["hint"] = self.hint
        if self.violations:
            error["violations"] = [violation_content(item) for item in self.violations]
        return {"error": error}

    def show(self, output: Output) -> None:
        """Print it: JSON to standard output, unless a result stands there already; text to standard error."""
        if output.as_json and not output.printed:
            output.result(self.content())
            return
        output.tell(f"{self.reason}: {recognised(self.message)}")
        for name, value in self.details:
            output.tell(f"  {say(_DETAILS.get(name, name))}: {recognised(value)}")
        for item in self.violations:
            output.tell(f"  {_violation_text(item)}")
        if self.hint:
            output.tell(say("What to do: {hint}", hint=say(self.hint)))


def _violation_text(item: Violation) -> str:
    """Return a broken rule in one line: as the SDK writes it, in the program's language."""
    place = say("row {row}: ", row=item.row) if item.row else ""
    where = say("{reason} at {field}", reason=item.reason, field=item.field) if item.field else item.reason
    parts = (
        say("got {got}", got=recognised(item.got)) if item.got else "",
        say("want {want}", want=recognised(item.want)) if item.want else "",
    )
    found = say(", ").join(filter(None, parts))
    text = ": ".join(filter(None, (where, item.rule)))
    return place + text + (say(" ({found})", found=found) if found else "")


def violation_content(item: Violation) -> Json:
    """Return a broken rule as JSON."""
    return {
        "row": item.row,
        "reason": item.reason,
        "field": item.field,
        "rule": item.rule,
        "got": item.got,
        "want": item.want,
    }


# Of the system, in whose words a file cannot be used; and two words beside each other, of which one is wanted.
SYSTEM_ERRORS = (
    *("No such file or directory", "Permission denied", "Is a directory", "Not a directory", "File exists"),
    *("No space left on device", "Read-only file system", "File name too long", "Too many open files"),
    *("Connection refused", "Address already in use", "Input/output error", "Disk quota exceeded"),
    "{0} or {1}",
)
# Names of details; the id of a call stays as the server's log has it.
_DETAILS = {
    "field": N_("field"),
    "rule": N_("rule"),
    "got": N_("got"),
    "want": N_("want"),
    "part": N_("part"),
    "cause": N_("cause"),
    "service": N_("service"),
}
# Where a file is not what the verb reads; the part that is named says what it should be.
_WRONG_FORM = N_("give the file or value that this asks for, whole and unchanged: this is another, or was changed.")
_EXECUTOR = N_(
    "nothing was concluded, and nothing has changed: look at the processes or the cluster (is a worker out "
    "of memory, or of another version?), then run the same command again."
)
# Roles that have a key for the usage that a home lacks.
_SIGNING_ROLES = {"ADMINISTER": N_("an ADMINISTRATOR"), "AUDIT": N_("an AUDITOR")}
# What to do next where something does not verify for a reason that need not be the registry's doing.
_RULE_HINTS: dict[str, str] = {
    AHEAD: (
        N_(
            "check this machine's clock first (NTP); where it is right, the registry's is wrong: rely on "
            "nothing of the answer, and tell its operator."
        )
    ),
    OLD: (
        N_(
            "check this machine's clock first (NTP); where it is right, the registry has logged nothing for "
            "so long: rely on nothing of the answer, and tell its operator."
        )
    ),
    "canonical.protobuf": (
        N_(
            "rely on nothing of it. A file may be changed or of another kind: take the right one, whole. "
            "Where the registry has answered so, tell the auditor and the administrators."
        )
    ),
    "trust-root.fingerprint": (
        N_(
            "compare the two; one may be mistyped. Else ask the administrator who told you yours. Nothing "
            "was installed."
        )
    ),
}


def failure_of(error: Exception, address: str = "") -> CommandFailure | None:
    """Return the printable form of an error; None for an unexpected one.

    Args:
        error: what a verb raised.
        address: of the registry, named where it does not answer.
    """
    match error:
        case UsageError():
            return CommandFailure(code=ExitCode.USAGE, reason="USAGE", message=str(error), hint=error.hint)
        case DeclinedError():
            return CommandFailure(code=ExitCode.FOUND, reason="DECLINED", message=say("Nothing was done."))
        case FormatError():
            return CommandFailure(
                code=ExitCode.USAGE,
                reason="MALFORMED",
                message=say("{part} has a wrong form", part=recognised(error.part)),
                details=error.complaint.parts,
                hint=_WRONG_FORM,
            )
        case RuleError():
            return CommandFailure(
                code=ExitCode.USAGE,
                reason=str(error.reason),
                message=say("a rule is broken, and nothing was done"),
                details=error.complaint.parts,
                hint=next_of(str(error.reason), error.rule, _CORRECT),
            )
        case CreditRegistryError():
            return _of_sdk(error, address)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return CommandFailure(
                code=ExitCode.SETUP,
                reason="FILE",
                message=f"{where}{recognised(error.strerror or '') or say('cannot be used')}",
            )
        case _:
            return None


def _of_sdk(error: CreditRegistryError, address: str) -> CommandFailure:
    match error:
        case TransportError():
            return _unreachable(error, address)
        case KeyServiceError():
            return _key_service(error)
        case VerificationError():
            return _unverifiable(error)
        case PreflightError():
            # What cannot be read at all is wrong input, as with every other file; what breaks a rule was found in it.
            malformed = bool(error.violations) and all(item.reason == "MALFORMED" for item in error.violations)
            return CommandFailure(
                code=ExitCode.USAGE if malformed else ExitCode.FOUND,
                reason="MALFORMED" if malformed else "RULES_BROKEN",
                message=say("nothing was sent"),
                violations=error.violations,
                hint=_preflight_hint(error),
            )
        case RefusedError():
            return _refused(error)
        case OutboxError():
            hint = say("let the other run end; a damaged outbox may be moved away: a reload finds what was reported.")
            return CommandFailure(code=ExitCode.SETUP, reason="OUTBOX", message=str(error), hint=hint)
        case DeliveryQueueError():
            hint = say(
                "let the other run end; put a damaged file back from a backup, as the addresses are nowhere "
                "else. Without one, move it away and run `subject alerts on` for each person again."
            )
            return CommandFailure(code=ExitCode.SETUP, reason="DELIVERIES", message=str(error), hint=hint)
        case ExecutorError():
            return CommandFailure(code=ExitCode.SETUP, reason="EXECUTOR", message=str(error), hint=_EXECUTOR)
        case ConfigError():
            return CommandFailure(
                code=ExitCode.SETUP, reason="CONFIG", message=str(error), hint=_config_hint(str(error))
            )
        case _:
            return CommandFailure(code=ExitCode.FOUND, reason="FAILED", message=str(error))


def _preflight_hint(error: PreflightError) -> str:
    rules = {item.rule for item in error.violations}
    if rules == {"inquiry.purpose"}:
        return say("each role asks for its own purposes; SUBJECT_ACCESS is for a REPRESENTATIVE, which has no other.")
    if rules == {"columns.known"}:
        return say("`credit-registry report --columns --explain` says which columns there are; correct the header.")
    return next_of("", rules.pop(), _CORRECT) if len(rules) == 1 else _CORRECT


def _unreachable(error: TransportError, address: str) -> CommandFailure:
    where = say(" at {address}", address=address) if address else ""
    reason = error.reason or error.status
    if error.reason:
        message = say("the registry{where} cannot do it now", where=where)
        hint = NEXT.get(error.reason, N_("try again later."))
    elif isinstance(error, DeadlineExceededError):
        message = say("the registry{where} answered too late", where=where)
        hint = say("run the same command again: nothing is done twice.")
    else:
        message = say("the registry{where} does not answer", where=where)
        hint = say("check address, network and certificate; `credit-registry status` tells when it answers again.")
    details = (("cause", str(error)), *_logged_as(error))
    return CommandFailure(code=ExitCode.UNREACHABLE, reason=reason, message=message, details=details, hint=hint)


def _logged_as(error: TransportError | RefusedError | KeyServiceError) -> tuple[tuple[str, str], ...]:
    """Return the id under which a server's operator finds the call in the log."""
    return (("request_id", error.request_id),) if error.request_id else ()


def _key_service(error: KeyServiceError) -> CommandFailure:
    details = (("service", error.service), *_logged_as(error))
    if error.reason == "PROOF_INVALID":
        message = say("its answer does not prove that its own key made it")
        hint = say("rely on nothing; tell the administrators which service it was.")
        return CommandFailure(
            code=ExitCode.UNVERIFIABLE, reason=error.reason, message=message, details=details, hint=hint
        )
    message = say("the key service at {service} ", service=error.service) + (error.message or say("does not answer"))
    if error.reason in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
        hint = say("run the same command again when it answers: every one of them is needed for a pseudonym.")
        return CommandFailure(
            code=ExitCode.UNREACHABLE, reason=error.reason, message=message, details=details, hint=hint
        )
    hint = NEXT.get(error.reason, N_("ask its operator; its address is in `credit-registry status`."))
    return CommandFailure(code=ExitCode.FOUND, reason=error.reason, message=message, details=details, hint=hint)


def _unverifiable(error: VerificationError) -> CommandFailure:
    details = tuple((name, value) for name, value in (("part", error.part), ("rule", error.rule)) if value)
    if error.rule in _RULE_HINTS:
        hint = _RULE_HINTS[error.rule]
    elif isinstance(error, RollbackError):
        hint = say(
            "keep the state folder. Stop using this registry, and show the auditor what is named: of a "
            ".proof file `credit-registry verify` tells what it proves, two .note files are for "
            "`credit-registry compare`. Where the operator has restored its database and told you so, see "
            "`credit-registry checkpoint forget --help`."
        )
    else:
        hint = say("rely on nothing of it; try again once, then tell the auditor and the administrators.")
    message = error.message or say("what was answered does not verify")
    return CommandFailure(
        code=ExitCode.UNVERIFIABLE, reason="UNVERIFIABLE", message=message, details=details, hint=hint
    )


def _refused(error: RefusedError) -> CommandFailure:
    title = say(title_of(error.rule, "")) or error.message
    return CommandFailure(
        code=ExitCode.FOUND,
        reason=error.reason,
        message=title or say("the rules do not allow it, and nothing was logged"),
        details=(*error.complaint.parts, *_logged_as(error)),
        hint=next_of(error.reason, error.rule, _hint_of_class(error)),
    )


def _hint_of_class(error: RefusedError) -> str:
    match error:
        case NotPermittedError():
            return say("see `credit-registry status` for what this member may do, and ask an administrator.")
        case QuotaError():
            return say("ask for less at a time, or later.")
        case ConflictError():
            if error.rule == "annotation.requested":
                return say("name the request that the person signed: --evidence FILE.")
            if (error.rule or "").startswith("annotation."):
                return say("see the dispute: `credit-registry dispute show ISSUER/RECORD`.")
            return say("see what the registry holds: a lender with `credit-registry records`, an office with `check`.")
        case InvalidError():
            return say("correct what is named; sending the same again changes nothing.")
        case _:
            return say("try again later.") if error.retryable else ""


def _settings_hint(message: str) -> str:
    if message.endswith("No such file or directory"):
        return say("make a home with `credit-registry init`, or name it by --home or CREDIT_REGISTRY_HOME.")
    return say("correct that file; docs/members.md says what its settings mean.")


def _config_hint(message: str) -> str:
    if "exists already" in message:
        return say("nothing is written over: name another place, or move away what is there.")
    if message.startswith("Dask"):
        return say("leave out --dask to do the work on this machine; docs/dask.md says what a cluster needs.")
    if "config.toml" in message:
        return _settings_hint(message)
    if "trust-root" in message:
        return say("get the trust root with `credit-registry trust fetch` or `trust install FILE`.")
    if message.endswith(".pem cannot be read: No such file or directory"):
        return say("put it back from the backup of keys/; else ask for another key: `credit-registry key add`.")
    if message.startswith(("no key for", "there is no key with usage")):
        usage = message.removeprefix("no key for ").partition(" ")[0]
        role = say(_SIGNING_ROLES.get(usage, N_("another role")))
        return say("only {role} signs that; `credit-registry status` says which role this member has.", role=role)
    if message.endswith(".assessment.json cannot be read: No such file or directory"):
        return say(
            "reassess what `check --save FILE --with-assessment` wrote, or name the kept assessment by --kept FILE."
        )
    if message.startswith("the certificate is "):
        return say(
            "give the certificate that was issued for this home, or have one issued for its key: an "
            "administrator carries what `credit-registry certificate request --out FILE` writes."
        )
    if "wrong passphrase" in message:
        return say("type it again, or name its file by CREDIT_REGISTRY_PASSPHRASE_FILE; who lost it needs another key.")
    if message.startswith("TLS: key.pem"):
        return say(
            "put key.pem back from a copy, or ask for another one: `credit-registry certificate request --new-key`."
        )
    if message.startswith("TLS: ca.pem"):
        return say("get the registry's ca.pem and run `credit-registry certificate install FILE --ca ca.pem`.")
    if message.startswith("TLS: certificate.pem: good only from"):
        return say("check this machine's clock first (NTP); where it is right, install the certificate again.")
    if message.startswith("TLS: certificate.pem: expired"):
        return say(
            "check this machine's clock first (NTP); where it is right, let an administrator carry what "
            "`credit-registry certificate request --out FILE` writes, then run `credit-registry certificate "
            "install FILE`."
        )
    if message.startswith("TLS"):
        return say("install the certificate that an administrator issued: `credit-registry certificate install FILE`.")
    return ""
