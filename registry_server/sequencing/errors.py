"""Exceptions of the sequencer as a whole; refusals of single items are results."""

from __future__ import annotations

from enum import StrEnum

from client_sdk.kernel.formats.moment import span

__all__ = [
    "ClockError",
    "ClockJumpedError",
    "ClockUnconfirmedError",
    "InconsistentError",
    "LedgerClosedError",
    "LogAheadError",
    "MapDamagedError",
    "NoGenesisError",
    "RegisterMismatch",
    "RegisterMismatchError",
    "RolledBackError",
]


class NoGenesisError(Exception):
    """The database holds no genesis yet."""


class LedgerClosedError(Exception):
    """The ledger takes nothing any more."""


class ClockError(Exception):
    """The time is not known: until it is, nothing is logged or decided by time.

    Attributes:
        off_ms: how far the clock is off, ms.
    """

    def __init__(self, off_ms: int) -> None:
        super().__init__(off_ms)
        self.off_ms = off_ms

    @property
    def got(self) -> str:
        """Description of what was found."""
        return f"a clock that was set {span(self.off_ms)} {'ahead' if self.off_ms > 0 else 'back'}"

    def __str__(self) -> str:
        return f"{self.got}; set it right, or confirm it with `registry-server clock confirm`"


class ClockJumpedError(ClockError):
    """The clock was set while this process ran."""


class ClockUnconfirmedError(ClockError):
    """Nothing vouches for the clock since this process started."""

    @property
    def got(self) -> str:
        """Description of what was found."""
        side = "after" if self.off_ms > 0 else "before"
        return f"a clock that shows {span(self.off_ms)} {side} the time that was last known to be right"

    def __str__(self) -> str:
        return (
            f"{self.got}; it is believed once time synchronisation is running, two members or key services have called "
            "whose clocks agree with it, or `registry-server clock confirm` was run"
        )


class LogAheadError(ClockError):
    """The newest leaf lies in the future of the clock."""

    @property
    def got(self) -> str:
        """Description of what was found."""
        return f"a newest leaf {span(self.off_ms)} ahead of the clock"

    def __str__(self) -> str:
        return f"{self.got}; set the clock right, or correct the log with `credit-registry act propose clock`"


class InconsistentError(Exception):
    """The stored data is inconsistent; it is not served.

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


class MapDamagedError(InconsistentError):
    """Some of the map is stored otherwise than the newest HEAD has it: what bears on it is not logged."""

    def __init__(self, got: str, want: str = "that of the HEAD") -> None:
        super().__init__("map", got=got, want=f"{want}; see registry-server fsck")


class RolledBackError(InconsistentError):
    """The database is older than what this process has served: an old backup or a fork."""

    def __init__(self, got: int, want: int) -> None:
        super().__init__("head", got=f"{got} leaves", want=f"at least {want}")


class RegisterMismatch(StrEnum):
    """Difference between database and checkpoint register; the names are reasons of the error catalogue."""

    AHEAD = "REGISTER_AHEAD"
    FORK = "REGISTER_FORK"
    MISSING = "REGISTER_MISSING"


_WHAT_TO_DO = {
    RegisterMismatch.AHEAD: (
        "this database is older than what the registry has signed: a copy, a backup, or one that has lost its last "
        "commits (SQLite's -wal file among them). Put the newest database back, or add the leaves that this one lacks "
        "from a copy of the log, by registry-server refill. Where they are lost for good, registry-server register "
        "reset says what that means for the members"
    ),
    RegisterMismatch.FORK: (
        "this database holds another history than the registry has signed: another copy of it was served. Serve that "
        "one, and never two. Where it is lost for good, registry-server register reset says what that means for the "
        "members"
    ),
    RegisterMismatch.MISSING: (
        "without the checkpoint register nobody knows whether this database is the newest. Put the register back, or "
        "set register_file or register_url to where it is. Where it is lost for good: registry-server register reset"
    ),
}


class RegisterMismatchError(InconsistentError):
    """The database and the checkpoint register do not belong together; nothing is signed and nothing is served.

    Attributes:
        mismatch: how they differ.
    """

    def __init__(self, mismatch: RegisterMismatch, *, got: str, want: str) -> None:
        super().__init__("register", got=got, want=want)
        self.mismatch = mismatch

    def __str__(self) -> str:
        return f"{self.mismatch}: got {self.got}, want {self.want}. {_WHAT_TO_DO[self.mismatch]}"
