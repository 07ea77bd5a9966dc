"""Exceptions of the SDK: one class for each way in which a caller can react.

CreditRegistryError                    everything below
├── ConfigError                        settings, keys or files of this machine are not in order
│   └── AuditRunningError              another audit is writing the audit's folder
├── TransportError                     no answer came
│   ├── UnavailableError               server not reachable, or the connection broke: try again later
│   └── DeadlineExceededError          too late: whether it was done is not known; the same call again is safe
├── RefusedError                       the registry or a key service answered no (reason, field, rule, got, want)
│   ├── NotPermittedError              the caller is not permitted: certificate, role, key, state of the institution
│   ├── QuotaError                     too much or too large
│   ├── ConflictError                  the registry already holds something else
│   └── InvalidError                   what was sent breaks a rule or has a wrong form
├── VerificationError                  what was answered does not verify: UNVERIFIABLE (part, rule)
│   └── RollbackError                  the log went back or split in two
├── PreflightError                     a rule is broken and nothing was sent (violations)
├── KeyServiceError                    a key service is down, refuses, or proves nothing (service)
├── OutboxError                        the outbox is locked, damaged or another member's
├── DeliveryQueueError                 the queue of alerts is locked, damaged or another member's
├── ExecutorError                      an executor did not do its part of the work (part, problem)
├── FormatError                        a file, an id or another value has a wrong form (part, rule, got, want)
│   └── IdentityError                  an invalid identity number; a ValueError too
└── RuleError                          facts or a date break a rule (reason, field, rule, got, want)

No error holds an identity number, a pseudonym, a fact, an opening or a key. A refusal is told apart by its reason, a
stable word of the registry's error catalogue, and only then by the status of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from client_sdk._shared_work import ExecutorError
from client_sdk.kernel.formats.complaint import Complaining, Complaint
from client_sdk.kernel.formats.errors import CreditRegistryError, FormatError
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.subjects.errors import IdentityError

if TYPE_CHECKING:
    from client_sdk.models.violation import Violation

__all__ = [
    "AuditRunningError",
    "ConfigError",
    "ConflictError",
    "CreditRegistryError",
    "DeadlineExceededError",
    "DeliveryQueueError",
    "ExecutorError",
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
    """Settings, keys or files of this machine are not in order, or a client is closed or of another process or loop."""


class AuditRunningError(ConfigError):
    """Another audit, of this program or another one, is writing the audit's folder: one at a time may."""


class TransportError(CreditRegistryError):
    """No answer came from the registry or from a key service.

    Attributes:
        status: name of the gRPC status, e.g. ``UNAVAILABLE``.
        reason: stable word of the error catalogue, e.g. ``QUEUE_FULL``; empty where the server was not reached.
        retryable: whether the same call may succeed later with nothing else changed: what the server says, and True
            where nobody answered.
        request_id: names the call in the server's log; empty where the server was not reached.
    """

    request_id = ""

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


class RefusedError(Complaining, CreditRegistryError):
    """The registry or a key service refused.

    Attributes:
        complaint: why; its ``reason``, ``field``, ``rule``, ``got`` and ``want`` are attributes as well.
        message: of the error catalogue, for people; may be empty.
        status: name of the gRPC status.
        retryable: whether the same call may succeed later with nothing else changed, as the server says.
        request_id: names the call in the server's log; empty in the result of one record of many.
    """

    request_id = ""

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
        self.complaint = Complaint(reason, field, rule, got, want)
        self.message = message
        self.status = status
        self.retryable = retryable

    @classmethod
    def of(cls, complaint: Complaint, message: str = "", *, status: str = "UNKNOWN", retryable: bool = False) -> Self:
        """Return the error for a complaint of the registry or of a key service."""
        error = cls(complaint.reason, message, status=status, retryable=retryable)
        error.complaint = complaint
        return error

    def __str__(self) -> str:
        return f"{self.complaint}: {self.message}" if self.message else str(self.complaint)


class NotPermittedError(RefusedError):
    """The caller is not permitted: certificate, role, key, or state of the institution."""


class QuotaError(RefusedError):
    """More was asked for than a limit or a quota allows."""


class ConflictError(RefusedError):
    """The registry already holds something that contradicts what was sent."""


class InvalidError(RefusedError):
    """The request breaks a rule or is malformed; retrying does not help."""


class VerificationError(Complaining, CreditRegistryError):
    """A response does not verify. The verdict is UNVERIFIABLE: neither LISTED nor CLEAR.

    Args:
        part: which part of the answer, e.g. ``checkpoint``; the complaint's field.
        rule: stable id of the broken rule, e.g. ``note.signature-line``.
        message: what is wrong, where ``got`` and ``want`` do not say it.
        got: what was found.
        want: what the rule asks for.

    Attributes:
        complaint: what does not verify; its ``field``, ``rule``, ``got`` and ``want`` are attributes as well.
    """

    def __init__(self, part: str, rule: str, message: str = "", *, got: str = "", want: str = "") -> None:
        super().__init__(part, rule, message)
        self.complaint = Complaint("UNVERIFIABLE", part, rule, got, want)
        self._message = message

    @property
    def part(self) -> str:
        """Which part of the answer."""
        return self.complaint.field

    @property
    def message(self) -> str:
        """What is wrong, for people; may be empty."""
        return self._message or self.complaint.found

    def __str__(self) -> str:
        return f"{self.complaint}: {self._message}" if self._message else str(self.complaint)


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
        request_id: names the call in the service's log; empty where it was not reached.
    """

    request_id = ""

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


class DeliveryQueueError(CreditRegistryError):
    """The queue of deliveries is in use by another process, damaged, or belongs to another registry or institution."""
