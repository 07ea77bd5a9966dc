"""Context of the call that is being served."""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.holder import HolderKind
from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from client_sdk.kernel.ledger.holder import Holder

__all__ = ["ServedCall", "current_call", "enter_call"]

_CURRENT: ContextVar[ServedCall] = ContextVar("call")
# Bytes of a call's id: enough that none is drawn twice by any process of a registry.
_ID_BYTES = 8


@dataclass(slots=True)
class ServedCall:
    """One call.

    Attributes:
        method: full name, ``/package.Service/Method``.
        request_id: names the call in the log; part of the error that a caller gets.
        started: seconds of a clock that never steps.
        holder: that the client certificate names; None until that is known.
        noted: further fields of its line in the log; nothing of what was sent.
        vouched: whether a running signing key of the holder vouches for the client's TLS key.
        span: of the call's trace; None where none is kept.
    """

    method: str
    request_id: str = field(default_factory=lambda: secrets.token_hex(_ID_BYTES))
    started: float = field(default_factory=time.perf_counter)
    holder: Holder | None = None
    noted: dict[str, object] = field(default_factory=dict)
    vouched: bool = False
    span: Span | None = None

    @property
    def institution(self) -> str:
        """Id of the institution that calls.

        Raises:
            RegistryError: CERTIFICATE_UNKNOWN; it is no institution.
        """
        if self.holder is None or self.holder.kind is not HolderKind.INSTITUTION:
            raise RegistryError(RefusalReason.CERTIFICATE_UNKNOWN, "certificate", "holder.kind", want="an institution")
        return self.holder.name

    @property
    def seconds(self) -> float:
        """Elapsed time of the call."""
        return time.perf_counter() - self.started


def enter_call(method: str) -> ServedCall:
    """Begin a call and make it the current one of this task."""
    call = ServedCall(method)
    _CURRENT.set(call)
    return call


def current_call() -> ServedCall:
    """Return the call that the running task serves."""
    return _CURRENT.get()
