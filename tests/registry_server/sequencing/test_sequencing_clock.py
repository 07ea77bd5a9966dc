"""Which time is believed, over random walks of a machine's clock."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS, MAX_OFF_MS
from registry_server.sequencing.clock import MAX_STEP_MS, KnownClock, SystemClocks, Timekeeper
from registry_server.sequencing.errors import ClockError, ClockUnconfirmedError
from registry_server.storage.head import HeadRow

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_800_000_000_000
HEARTBEAT_MS = 65_000
STEPS = st.sampled_from((0, 1_000, -1_000, 30_000, -45_000, 90_000, -90_000, 3_000_000, -86_400_000, 172_800_000))
MOVES = st.tuples(
    st.sampled_from((100, 5_000, 60_000, 3_600_000)),
    STEPS,
    st.sampled_from(("nothing", "callers", "liar", "synchronise", "right", "confirm", "restart", "reboot")),
    st.integers(-CLOCKS_DIFFER_MS, CLOCKS_DIFFER_MS),
)


class Machine:
    """A machine whose wall clock is off the true time; honest vouchers know the true time."""

    def __init__(self) -> None:
        self.true = START
        self.off = 0
        self.booted = START
        self.named = True

    def wall(self) -> int:
        return self.true + self.off

    def steady(self) -> int:
        return self.true - self.booted

    def boot(self) -> str:
        return f"since {self.booted}" if self.named else ""

    def synchronised(self) -> int | None:
        # Time synchronisation says so only of a clock that is right.
        return self.wall() if abs(self.off) < 16_000 else None


def row(logged_at: int, known: KnownClock, confirmed: int | None = None) -> HeadRow:
    return HeadRow(0, b"", b"", logged_at, b"", 0, 0, 0, b"", *known, clock_confirmed_at=confirmed)


class Unsynchronised(Machine):
    """The same without time synchronisation."""

    def synchronised(self) -> int | None:
        return None


class Unnamed(Unsynchronised):
    """The same on a system that gives a boot no name."""

    def __init__(self) -> None:
        super().__init__()
        self.named = False


@example(
    moves=[(60_000, -90_000, "nothing", 0), (60_000, 0, "restart", 0), *[(60_000, -45_000, "nothing", 0)] * 2],
    machine=Machine(),
)
@given(moves=st.lists(MOVES, max_size=40), machine=st.builds(Machine) | st.builds(Unsynchronised) | st.builds(Unnamed))
def test_no_head_is_ever_signed_that_clients_must_refuse(
    moves: Sequence[tuple[int, int, str, int]], machine: Machine
) -> None:
    stored = row(START, KnownClock(START))
    keeper = Timekeeper(machine, stored)
    # Time that passed between the newest commit and the first one after a boot: a step back may hide so much of it. Of
    # a boot that has no name, each restart may be another one.
    unseen, committed, booted = 0, machine.true, True
    for passed, step, event, skew in moves:
        machine.true += passed
        machine.off += step
        match event:
            case "callers":
                for caller in ("lender-1", "lender-2"):
                    keeper.vouch(caller, machine.true + skew, 2)
            case "liar":
                for _ in range(3):
                    keeper.vouch("liar", machine.wall(), 2)
            case "right":
                machine.off = 0
            case "confirm" if abs(machine.off) <= CLOCKS_DIFFER_MS:
                stored = replace(stored, clock_confirmed_at=machine.wall())
            case "restart":
                keeper, booted = Timekeeper(machine, stored), booted or not machine.named
            case "reboot":
                machine.booted = machine.true
                keeper, booted = Timekeeper(machine, stored), True
            case _:
                pass
        keeper.saw(stored)
        try:
            moment = keeper.moment(stored.logged_at)
        except ClockError:
            continue
        unseen += (machine.true - committed) * booted
        committed, booted = machine.true, False
        # Clients' own clocks may be a minute off, and a HEAD is the newest for a heartbeat.
        assert moment.leaf - machine.true <= MAX_OFF_MS - CLOCKS_DIFFER_MS
        assert machine.true - moment.leaf <= MAX_OFF_MS - CLOCKS_DIFFER_MS - HEARTBEAT_MS + unseen
        assert moment.leaf >= stored.logged_at
        stored = row(moment.leaf, keeper.known, stored.clock_confirmed_at)


def test_what_was_said_of_a_clock_before_it_was_set_does_not_count() -> None:
    machine = Unsynchronised()
    machine.off = 3_600_000
    keeper = Timekeeper(machine, row(START - 86_400_000, KnownClock(START - 86_400_000)))
    assert not keeper.vouch("lender-1", machine.wall(), 2)
    machine.off = 0
    assert not keeper.vouch("lender-2", machine.wall(), 2)
    with pytest.raises(ClockUnconfirmedError):
        keeper.now()
    assert keeper.vouch("lender-1", machine.wall(), 2)
    assert keeper.now() == machine.wall()


def test_a_process_that_was_stopped_between_two_readings_reads_again() -> None:
    class Stopped(Unsynchronised):
        readings = 0

        def steady(self) -> int:
            self.readings += 1
            if self.readings == 2:
                self.true += 3_600_000
            return super().steady()

    machine = Stopped()
    keeper = Timekeeper(machine, row(START, KnownClock(START + 3_600_000)))
    assert keeper.now() == machine.wall()
    assert abs(keeper.known.reference - machine.wall()) <= MAX_STEP_MS


def test_this_machines_clocks_are_read() -> None:
    clocks = SystemClocks()
    assert abs(clocks.wall() - time.time_ns() // 1_000_000) < MAX_STEP_MS
    assert clocks.steady() <= clocks.steady()
    assert clocks.boot() == SystemClocks().boot()
    assert bool(clocks.boot()) == Path("/proc/sys/kernel/random/boot_id").exists()
    vouched = clocks.synchronised()
    assert vouched is None or abs(vouched - clocks.wall()) < MAX_STEP_MS
