"""Clock supervision (ADR 0014): the registry signs no HEAD that its clients would have to refuse.

The wall clock is compared with one that never steps. Their difference, the line, stays the same as long as the wall
clock runs; it moves where the clock is set. A line is believed once something vouches for it: the system's time
synchronisation, two callers (members or key services) whose clocks agree with it, or an operator. From then on the wall
clock is believed as long as it is less than ``MAX_STEP_MS`` off the line.

Each commit keeps the line, and which running of the machine (boot) it holds for: after a restart of the server alone,
the clock is compared with it as if the server had run on.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from client_sdk.clock import clock_ms
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS
from registry_server.sequencing.errors import ClockJumpedError, ClockUnconfirmedError, LogAheadError

if TYPE_CHECKING:
    from registry_server.storage.head import HeadRow

__all__ = [
    "AGREES_MS",
    "CONFIRMED_FOR_MS",
    "MAX_STEP_MS",
    "Clocks",
    "KnownClock",
    "Moment",
    "SystemClocks",
    "Timekeeper",
]

# Of what clients accept, the clocks of those who vouch and of those who verify take a minute each, and the age of the
# newest HEAD before the next heartbeat 65 s. What is left is for a step, and for what a vouched clock may be off.
MAX_STEP_MS = 80_000
AGREES_MS = 30_000
# So long an operator's confirmation waits for the server to see it.
CONFIRMED_FOR_MS = 600_000
# What a line moves by less than this is no step: readings take a moment, and time daemons correct in small steps.
_SETTLED_MS = 1_000
# Two readings of the steady clock around one of the wall clock are further apart only where the process was stopped.
_AT_ONCE_MS = 100
_FURTHER_READINGS = 2
# Linux counts the time of a suspended machine in this clock, and slews it together with the wall clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC of <sys/timex.h>; set by the kernel whenever the clock is set by hand


class Clocks(Protocol):
    """The clocks of a machine."""

    def wall(self) -> int:
        """Return milliseconds since 1970 UTC."""
        ...

    def steady(self) -> int:
        """Return milliseconds of a clock that never steps, from any beginning."""
        ...

    def synchronised(self) -> int | None:
        """Return the time that time synchronisation vouches for, ms since 1970 UTC; None where none does."""
        ...

    def boot(self) -> str:
        """Return the name of the boot since which ``steady`` counts, another after each; empty where it has none."""
        ...


class SystemClocks:
    """The clocks of this machine."""

    def wall(self) -> int:
        """Return milliseconds since 1970 UTC."""
        return clock_ms()

    def steady(self) -> int:
        """Return milliseconds since the machine was started."""
        return time.clock_gettime_ns(_STEADY) // 1_000_000

    def synchronised(self) -> int | None:
        """Return the kernel's time where it says that it is synchronised (adjtimex); None elsewhere."""
        if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != ctypes.sizeof(ctypes.c_int64):
            return None
        state = _Timex()
        try:
            failed = ctypes.CDLL(None).adjtimex(ctypes.byref(state)) < 0
        except (OSError, AttributeError):
            return None
        # The kernel itself lets the largest error grow, and gives up at 16 s.
        if failed or state.status & _UNSYNCHRONISED or state.maxerror > CLOCKS_DIFFER_MS * 1_000:
            return None
        return int(state.seconds) * 1_000

    def boot(self) -> str:
        """Return Linux's random id of this boot; empty elsewhere."""
        if _STEADY == time.CLOCK_MONOTONIC:
            return ""
        try:
            return _BOOT_ID.read_text("ascii").strip()
        except (OSError, ValueError):
            return ""


class _Timex(ctypes.Structure):
    """``struct timex`` of 64-bit Linux, as far as it is read; modes 0 reads without setting anything."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


class _ClockReading(NamedTuple):
    """One look at the clocks, ms.

    Attributes:
        wall: since 1970 UTC.
        steady: of the clock that never steps, at the same moment.
    """

    wall: int
    steady: int

    @property
    def line(self) -> int:
        return self.wall - self.steady


class Moment(NamedTuple):
    """When something is logged, ms since 1970 UTC.

    Attributes:
        now: the time.
        leaf: what its leaf carries, which is never before the leaf before.
    """

    now: int
    leaf: int


class KnownClock(NamedTuple):
    """What was known of the clock at a commit; stored for the next start.

    Attributes:
        reference: the time by the line, ms since 1970 UTC.
        line: wall clock less steady clock, ms; counts in the boot that is named.
        boot: see ``Clocks.boot``; empty where the line counts no longer than its process.
    """

    reference: int
    line: int = 0
    boot: str = ""


class Timekeeper:
    """Says what time it is, or why that is not known; thread-safe.

    Args:
        clocks: of the machine.
        row: the head row as it was found.
    """

    def __init__(self, clocks: Clocks, row: HeadRow) -> None:
        self._clocks = clocks
        self._lock = threading.Lock()
        self._line: int | None = None
        self._callers: dict[str, int] = {}
        self._boot = clocks.boot()
        self._stored = _known_of(row)
        self._confirmed = row.clock_confirmed_at
        self._confirmation_used: int | None = None

    def saw(self, row: HeadRow) -> None:
        """Take note of the head row as it is now."""
        with self._lock:
            self._stored, self._confirmed = _known_of(row), row.clock_confirmed_at

    def now(self) -> int:
        """Return what time it is, ms since 1970 UTC.

        Raises:
            ClockJumpedError: the wall clock was set while this process ran.
            ClockUnconfirmedError: nothing vouches for the clock since this process started.
        """
        with self._lock:
            reading = self._read()
            self._believe(reading)
            return reading.wall

    def moment(self, newest: int, *, correcting: bool = False) -> Moment:
        """Return when something is logged.

        Args:
            newest: time of the newest leaf, ms.
            correcting: it is an act that corrects the log's time, which may then go back.

        Raises:
            ClockJumpedError, ClockUnconfirmedError: as for ``now``.
            LogAheadError: the newest leaf lies in the future.
        """
        now = self.now()
        ahead = newest - now
        if ahead <= MAX_STEP_MS:
            return Moment(now, max(now, newest))
        if not correcting:
            raise LogAheadError(ahead)
        return Moment(now, now)

    @property
    def known(self) -> KnownClock:
        """What is known of the clock now, to be stored; a reference of 0 where nothing is."""
        with self._lock:
            if self._line is None:
                return KnownClock(0)
            return KnownClock(self._line + self._clocks.steady(), self._line, self._boot)

    def vouch(self, caller: str, stated: int, needed: int) -> bool:
        """Take note of the time that a caller says it is; it counts only for what the registry's own clock shows.

        Args:
            caller: that states the time; each counts once.
            stated: ms since 1970 UTC.
            needed: how many callers must agree.

        Returns:
            Whether the clock is believed from now on and was not before.
        """
        with self._lock:
            reading = self._read()
            if abs(reading.wall - stated) > AGREES_MS or self._jumped(reading):
                return False
            # What was said of a clock that has been set since counts no more.
            self._callers = {who: line for who, line in self._callers.items() if _settled(line, reading.line)}
            self._callers[caller] = reading.line
            if len(self._callers) < needed:
                return False
            self._callers.clear()
            fresh, self._line = self._line is None, reading.line
            return fresh

    def _read(self) -> _ClockReading:
        """Read both clocks at one moment."""
        reading, took = self._read_once()
        for _ in range(_FURTHER_READINGS):
            if took <= _AT_ONCE_MS:
                break
            reading, took = self._read_once()
        return reading

    def _read_once(self) -> tuple[_ClockReading, int]:
        """Return both clocks, and how long it took, ms."""
        before = self._clocks.steady()
        wall = self._clocks.wall()
        after = self._clocks.steady()
        return _ClockReading(wall, after), after - before

    def _believe(self, reading: _ClockReading) -> None:
        confirmed = self._is_confirmed(reading)
        if self._line is not None and _settled(self._line, reading.line):
            return
        if confirmed or self._is_synchronised(reading):
            self._line = reading.line
        elif self._line is None:
            line = self._line_before(reading)
            if abs(reading.line - line) > MAX_STEP_MS:
                raise ClockUnconfirmedError(reading.line - line)
            # No new line: restarts must not add up to more than one step.
            self._line = line
        elif self._jumped(reading):
            raise ClockJumpedError(reading.line - self._line)

    def _line_before(self, reading: _ClockReading) -> int:
        """Return the line before this start; after a boot, as if no time had passed since the newest commit."""
        if self._boot and self._boot == self._stored.boot:
            return self._stored.line
        return self._stored.reference - reading.steady

    def _jumped(self, reading: _ClockReading) -> bool:
        return self._line is not None and abs(reading.line - self._line) > MAX_STEP_MS

    def _is_confirmed(self, reading: _ClockReading) -> bool:
        """Whether an operator has confirmed this clock; each confirmation counts once, and not for what comes later."""
        given, used = self._confirmed, self._confirmation_used
        self._confirmation_used = given
        return given is not None and given != used and -MAX_STEP_MS <= reading.wall - given <= CONFIRMED_FOR_MS

    def _is_synchronised(self, reading: _ClockReading) -> bool:
        vouched = self._clocks.synchronised()
        return vouched is not None and abs(reading.wall - vouched) <= AGREES_MS


def _known_of(row: HeadRow) -> KnownClock:
    return KnownClock(row.clock_reference, row.clock_line, row.clock_boot)


def _settled(line: int, other: int) -> bool:
    return abs(line - other) <= _SETTLED_MS
