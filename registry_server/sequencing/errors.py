"""What the sequencer refuses as a whole; refusals of single items are results."""

from __future__ import annotations

__all__ = ["ClockJumpedError", "InconsistentError", "LedgerClosedError", "NotFoundedError", "RolledBackError"]


class NotFoundedError(Exception):
    """The database holds no genesis yet."""


class LedgerClosedError(Exception):
    """The ledger takes nothing any more."""


class ClockJumpedError(Exception):
    """The clock stepped back 5 s or ahead 24 h: nothing is logged until an operator confirms it (formats 5).

    Attributes:
        now: what the clock shows, ms.
        last: time of the newest leaf, ms.
    """

    def __init__(self, now: int, last: int) -> None:
        super().__init__(now, last)
        self.now = now
        self.last = last

    def __str__(self) -> str:
        return f"the clock is {self.now - self.last} ms off the newest leaf; it must be confirmed"


class InconsistentError(Exception):
    """What is stored does not fit together; nothing is served from it.

    Attributes:
        part: which part, such as ``tiles`` or ``map``.
        got: what was found.
        want: what would fit.
    """

    def __init__(self, part: str, *, got: str, want: str) -> None:
        super().__init__(part, got, want)
        self.part = part
        self.got = got
        self.want = want

    def __str__(self) -> str:
        return f"{self.part}: got {self.got}, want {self.want}"


class RolledBackError(InconsistentError):
    """The database is older than what this process has served: an old backup or a fork."""

    def __init__(self, got: int, want: int) -> None:
        super().__init__("head", got=f"{got} leaves", want=f"at least {want}")
