"""Deadlines of calls: the client's own, within the server's limits."""

from __future__ import annotations

from dataclasses import dataclass

from registry_server.errors import RefusalReason, RegistryError

__all__ = ["MINIMUM_MS", "CallDeadlines"]

# Shorter than any call takes: the work would be wasted.
MINIMUM_MS = 50


@dataclass(frozen=True, slots=True)
class CallDeadlines:
    """Limits in seconds.

    Attributes:
        call: for a call whose client set none.
        call_max: the longest that a call may take.
        stream: for a stream whose client set none.
        stream_max: the longest that a stream may take.
        progress: the longest that a peer may take no message of its stream.
    """

    call: float = 20.0
    call_max: float = 120.0
    stream: float = 600.0
    stream_max: float = 3_600.0
    progress: float = 30.0

    def limit(self, remaining: float | None, *, streaming: bool) -> float | None:
        """Return after how many seconds the registry itself ends the call; None where the client's deadline does.

        Args:
            remaining: seconds until the client's deadline; None where it set none.
            streaming: whether it is a stream.

        Raises:
            RegistryError: DEADLINE_TOO_SHORT.
        """
        default, most = (self.stream, self.stream_max) if streaming else (self.call, self.call_max)
        if remaining is None:
            return default
        if remaining * 1000 < MINIMUM_MS:
            got, want = f"{max(int(remaining * 1000), 0)} ms", f"at least {MINIMUM_MS} ms"
            raise RegistryError(RefusalReason.DEADLINE_TOO_SHORT, "deadline", "deadline.minimum", got=got, want=want)
        return most if remaining > most else None
