"""Exceptions of the SDK: one class for each way in which a caller can react.

CreditRegistryError                    everything below
├── ConfigError                        settings, keys or files of this machine are not in order
├── TransportError                     no answer came
│   ├── UnavailableError               nobody there, or the connection broke: try again later
│   └── DeadlineExceededError          too late: whether it was done is not known; the same call again is safe
├── RefusedError                       the registry or a key service answered no (reason, field, rule, got, want)
│   ├── NotPermittedError              who asks may not: certificate, role, key, state of the institution
│   ├── QuotaError                     too much or too large
│   ├── ConflictError                  the registry already holds something else
│   └── InvalidError                   what was sent breaks a rule or has a wrong form
├── VerificationError                  what was answered does not verify: UNVERIFIABLE (part, rule)
│   └── RollbackError                  the log went back or split in two
├── PreflightError                     a rule is broken and nothing was sent (violations)
├── KeyServiceError                    a key service is down, refuses, or proves nothing (service)
├── OutboxError                        the outbox is locked, damaged or another member's
├── FormatError                        a file, an id or another value has a wrong form (part, rule, got, want)
│   └── IdentityError                  an identity number that is none; a ValueError too
└── RuleError                          facts or a date break a rule (reason, field, rule, got, want)

No error holds an identity number, a pseudonym, a fact, an opening or a key. A refusal is told apart by its reason, a
stable word of the registry's error catalogue, and only then by the status of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import CreditRegistryError, FormatError
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.subjects.errors import IdentityError

if TYPE_CHECKING:
    from client_sdk.models.violation import Violation

__all__ = [
    "ConfigError",
    "ConflictError",
    "CreditRegistryError",
    "DeadlineExceededError",
    "FormatError",
    "IdentityError",
    "InvalidError",
    "KeyServiceError",
    "NotPermittedError",
    "OutboxError",
    "PreflightError",
    "QuotaError",
    "RefusedError",
    "RollbackError",
    "RuleError",
    "TransportError",
    "UnavailableError",
    "VerificationError",
]


class ConfigError(CreditRegistryError):
    """Settings, keys or files of this machine are missing or not in order."""


class TransportError(CreditRegistryError):
    """No answer came from the registry or from a key service.

    Attributes:
        status: name of the gRPC status, e.g. ``UNAVAILABLE``.
        reason: stable word of the error catalogue, e.g. ``QUEUE_FULL``; empty where nobody was there to give one.
        retryable: whether the same call may succeed later with nothing else changed: what the server says, and True
            where nobody answered.
    """

    def __init__(self, message: str, *, status: str = "UNKNOWN", reason: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retryable = retryable


class UnavailableError(TransportError):
    """The server cannot be reached or the connection broke, after retries."""

    def __init__(self, message: str, *, status: str = "UNAVAILABLE", reason: str = "", retryable: bool = True) -> None:
        super().__init__(message, status=status, reason=reason, retryable=retryable)


class DeadlineExceededError(TransportError):
    """The answer came too late. Whether the call had its effect is not known; making it again is safe."""

    def __init__(
        self, message: str, *, status: str = "DEADLINE_EXCEEDED", reason: str = "", retryable: bool = True
    ) -> None:
        super().__init__(message, status=status, reason=reason, retryable=retryable)


class RefusedError(CreditRegistryError):
    """The registry or a key service refused.

    Attributes:
        reason: stable word of the error catalogue, e.g. ``VERSION_TAKEN``.
        field: path of the field inside what was sent; may be empty.
        rule: stable id of the broken rule; may be empty.
        got: what was found; never a secret.
        want: what the rule asks for.
        status: name of the gRPC status.
        retryable: whether the same call may succeed later with nothing else changed, as the server says.
    """

    def __init__(
        self,
        reason: str,
        message: str = "",
        *,
        field: str = "",
        rule: str = "",
        got: str = "",
        want: str = "",
        status: str = "UNKNOWN",
        retryable: bool = False,
    ) -> None:
        # Reason and message alone are `args`: the rest travels in __dict__, so that the error survives pickling.
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.field = field
        self.rule = rule
        self.got = got
        self.want = want
        self.status = status
        self.retryable = retryable

    def __str__(self) -> str:
        place = f" at {self.field}" if self.field else ""
        rule = f", rule {self.rule}" if self.rule else ""
        detail = [f"got {self.got}"] if self.got else []
        detail += [f"want {self.want}"] if self.want else []
        text = f": {self.message}" if self.message else ""
        return f"{self.reason}{place}{rule}{text}" + (f" ({', '.join(detail)})" if detail else "")


class NotPermittedError(RefusedError):
    """The caller is not permitted: certificate, role, key, or state of the institution."""


class QuotaError(RefusedError):
    """More was asked for than a limit or a quota allows."""


class ConflictError(RefusedError):
    """The registry already holds something that contradicts what was sent."""


class InvalidError(RefusedError):
    """The request breaks a rule or is malformed; retrying does not help."""


class VerificationError(CreditRegistryError):
    """A response does not verify. The verdict is UNVERIFIABLE: neither LISTED nor CLEAR.

    Attributes:
        part: which part of the answer, e.g. ``checkpoint``.
        rule: stable id of the broken rule, e.g. ``note.signature-line``.
    """

    def __init__(self, part: str, rule: str, message: str = "") -> None:
        super().__init__(part, rule, message)
        self.part = part
        self.rule = rule
        self.message = message

    def __str__(self) -> str:
        return f"UNVERIFIABLE: {self.part}: {self.rule}" + (f" ({self.message})" if self.message else "")


class RollbackError(VerificationError):
    """The log shows less than it showed before, or another history. Keep the state folder: it is the proof."""


class PreflightError(CreditRegistryError):
    """Rules are broken; nothing was sent.

    Attributes:
        violations: each with row, reason, field, rule, got and want.
    """

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(violations)
        self.violations = violations

    def __str__(self) -> str:
        first = str(self.violations[0]) if self.violations else "none"
        more = len(self.violations) - 1
        return first + (f" and {more} more" if more > 0 else "")


class KeyServiceError(CreditRegistryError):
    """A key service is down, refuses, or its answer does not prove that its own key made it.

    Attributes:
        service: its address.
        reason: of the refusal, ``UNAVAILABLE``, ``DEADLINE_EXCEEDED``, or ``PROOF_INVALID``.
        message: what it said, with field, rule, got and want where it refused; the rule, where nothing is proved.
        retryable: whether the same call may succeed later with nothing else changed: what the service says, and True
            where it did not answer.
    """

    def __init__(self, service: str, reason: str, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(service, reason, message)
        self.service = service
        self.reason = reason
        self.message = message
        self.retryable = retryable

    def __str__(self) -> str:
        return f"key service {self.service}: {self.reason}" + (f": {self.message}" if self.message else "")


class OutboxError(CreditRegistryError):
    """The outbox is locked by another process, damaged, or belongs to another registry or institution."""
