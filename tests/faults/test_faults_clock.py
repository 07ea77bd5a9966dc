"""A clock that is wrong: the registry signs no HEAD that its clients must refuse, and a wrong time can be corrected."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.kernel.formats.act import ClockBody
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from registry_server.operating.clock import confirm_clock
from registry_server.sequencing.clock import AGREES_MS, CONFIRMED_FOR_MS, MAX_STEP_MS
from registry_server.sequencing.errors import ClockJumpedError, ClockUnconfirmedError, LogAheadError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from tests.support.registry import running_registry
from tests.support.registry_world import AUDITOR, DAY_MS, World, accept
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.auditing.report import AuditReport
    from registry_server.sequencing.ledger import Ledger
    from tests.support.registry import RunningRegistry

MINUTE_MS = 60_000
# A small step, several of which are more than one may be.
STEP_MS = 30_000


@pytest.fixture
def world() -> World:
    return World()


def head_time(ledger: Ledger) -> int:
    with ledger.view() as view:
        return view.logged_at


@pytest.mark.parametrize("step", [50 * MINUTE_MS, -DAY_MS, 2 * DAY_MS, MAX_STEP_MS + 1, -MAX_STEP_MS - 1])
def test_a_clock_that_is_set_stops_the_log_until_it_is_right_again(database_url: str, world: World, step: int) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        with ledger.view() as view:
            size = view.size
        world.clock.jump(step)
        act = world.act(ledger, ClockBody(1))
        for _ in range(2):
            with pytest.raises(ClockJumpedError) as jumped:
                ledger.append([act]).result()
            assert jumped.value.off_ms == step
        # What time decides is not decided, and no inquiry is logged with a wrong time.
        with pytest.raises(ClockJumpedError):
            Housekeeping(ledger).tidy()
        with pytest.raises(ClockJumpedError):
            ledger.record_inquiries([world.inquiry("lender-1", "asked")]).result()
        with ledger.view() as view:
            assert view.size == size
        world.clock.jump(-step)
        accept(ledger, world.report("lender-1", "after"))
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


@pytest.mark.parametrize("step", [50 * MINUTE_MS, 2 * DAY_MS])
def test_an_operator_or_time_synchronisation_confirms_a_clock_that_was_set(
    database_url: str, world: World, step: int
) -> None:
    with world.ledger(database_url) as ledger:
        world.clock.jump(step)
        with pytest.raises(ClockJumpedError):
            ledger.heartbeat().result()
        world.confirm_clock(ledger)
        accept(ledger, world.report("lender-1", "confirmed"))
        # A confirmation counts for one step, not for the next.
        world.clock.jump(CONFIRMED_FOR_MS // 2)
        with pytest.raises(ClockJumpedError):
            ledger.heartbeat().result()
        world.clock.is_synchronised = True
        accept(ledger, world.report("lender-1", "synchronised"))
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


def test_callers_do_not_decide_on_a_clock_that_was_set_while_the_registry_ran(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        world.clock.jump(50 * MINUTE_MS)
        for caller in ("lender-1", "lender-2", "lender-3"):
            ledger.vouch_for_clock(caller, world.clock.now)
        with pytest.raises(ClockJumpedError):
            ledger.heartbeat().result()


@pytest.mark.parametrize("step", [MAX_STEP_MS, -MAX_STEP_MS])
def test_a_small_step_stops_nothing_and_the_time_of_the_log_never_falls(
    database_url: str, world: World, step: int
) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        before = head_time(ledger)
        world.clock.jump(step)
        accept(ledger, world.report("lender-1", "after"))
        assert head_time(ledger) == max(before, world.clock.now)
    reverify(database_url)


def test_small_steps_add_up_only_as_far_as_something_vouches_for_them(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        for _ in range(20):
            world.clock.now += MINUTE_MS
            world.clock.jump(STEP_MS)
            ledger.vouch_for_clock("lender-1", world.clock.now)
            ledger.vouch_for_clock("lender-2", world.clock.now - 1)
            ledger.heartbeat().result()
        for _ in range(MAX_STEP_MS // STEP_MS):
            world.clock.jump(STEP_MS)
            ledger.heartbeat().result()
        world.clock.jump(STEP_MS)
        with pytest.raises(ClockJumpedError):
            ledger.heartbeat().result()
    reverify(database_url)


def test_a_suspended_machine_goes_on(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        world.clock.is_synchronised = False
        world.clock.now += 3 * DAY_MS
        accept(ledger, world.report("lender-1", "after it"))
    reverify(database_url)


@pytest.mark.parametrize("pause", [7 * DAY_MS, MAX_STEP_MS + 1])
@pytest.mark.parametrize("voucher", ["synchronised", "callers", "operator"])
def test_after_a_pause_the_log_waits_for_a_voucher(database_url: str, world: World, pause: int, voucher: str) -> None:
    with world.ledger(database_url) as ledger:
        last = head_time(ledger)
    world.clock.is_synchronised = False
    world.clock.now += pause
    with world.ledger(database_url) as ledger:
        with pytest.raises(ClockUnconfirmedError, match=r"shows .* after the time that was last known"):
            ledger.heartbeat().result()
        assert head_time(ledger) == last
        match voucher:
            case "synchronised":
                world.clock.is_synchronised = True
            case "operator":
                world.confirm_clock(ledger)
            case _:
                ledger.vouch_for_clock("lender-1", world.clock.now)
                # One alone does not do, however often it says so, nor one whose clock shows something else.
                ledger.vouch_for_clock("lender-1", world.clock.now)
                ledger.vouch_for_clock("lender-2", world.clock.now + 2 * MINUTE_MS)
                with pytest.raises(ClockUnconfirmedError):
                    ledger.heartbeat().result()
                ledger.vouch_for_clock("key-service-a", world.clock.now - 1_000)
                # It went on at once.
                assert head_time(ledger) == world.clock.now
        accept(ledger, world.report("lender-1", "afterwards"))
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


def test_after_a_short_pause_nobody_is_asked_and_restarts_do_not_add_up(database_url: str, world: World) -> None:
    with world.ledger(database_url):
        pass
    world.clock.is_synchronised = False
    for _ in range(3):
        world.clock.now += MAX_STEP_MS // 3
        with world.ledger(database_url) as ledger:
            ledger.append([world.act(ledger, ClockBody(1))]).result()
    world.clock.now += MAX_STEP_MS // 3
    with world.ledger(database_url) as ledger, pytest.raises(ClockUnconfirmedError):
        ledger.append([world.act(ledger, ClockBody(1))]).result()


@pytest.mark.parametrize("step", [-3 * DAY_MS, -MAX_STEP_MS - 1, MAX_STEP_MS + 1])
def test_a_restart_of_the_server_alone_does_not_hide_that_the_clock_was_set(
    database_url: str, world: World, step: int
) -> None:
    world.clock.reboot("first")
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        last = head_time(ledger)
    world.clock.is_synchronised = False
    world.clock.now += 3 * DAY_MS
    world.clock.jump(step)
    with world.ledger(database_url) as ledger:
        with pytest.raises(ClockUnconfirmedError) as unconfirmed:
            ledger.heartbeat().result()
        assert unconfirmed.value.off_ms == step
        assert head_time(ledger) == last
        world.clock.jump(-step)
        accept(ledger, world.report("lender-1", "after"))
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


@pytest.mark.parametrize("voucher", ["callers", "operator"])
def test_after_a_restart_of_the_server_alone_others_may_vouch_for_a_clock_that_was_set(
    database_url: str, world: World, voucher: str
) -> None:
    world.clock.reboot("first")
    with world.ledger(database_url):
        pass
    world.clock.jump(DAY_MS)
    with world.ledger(database_url) as ledger:
        if voucher == "callers":
            ledger.vouch_for_clock("lender-1", world.clock.now)
            ledger.vouch_for_clock("lender-2", world.clock.now)
        else:
            world.confirm_clock(ledger)
        accept(ledger, world.report("lender-1", "afterwards"))
    # The line that they vouched for is the one that the next start knows.
    world.clock.now += DAY_MS
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "once more"))
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


def test_after_a_long_pause_of_the_server_alone_nobody_is_asked(database_url: str, world: World) -> None:
    world.clock.reboot("first")
    with world.ledger(database_url):
        pass
    world.clock.is_synchronised = False
    world.clock.now += 7 * DAY_MS
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "after it"))
        assert head_time(ledger) == world.clock.now


def test_steps_over_restarts_on_one_boot_do_not_add_up(database_url: str, world: World) -> None:
    world.clock.reboot("first")
    with world.ledger(database_url):
        pass
    for _ in range(3):
        world.clock.now += DAY_MS
        world.clock.jump(MAX_STEP_MS // 3)
        with world.ledger(database_url) as ledger:
            ledger.append([world.act(ledger, ClockBody(1))]).result()
    world.clock.jump(MAX_STEP_MS // 3)
    with world.ledger(database_url) as ledger, pytest.raises(ClockUnconfirmedError):
        ledger.append([world.act(ledger, ClockBody(1))]).result()


# Of the boot in which the newest commit was made, and of this one: no line counts from one to the other.
@pytest.mark.parametrize(("before", "now"), [("first", "second"), ("", "second"), ("first", ""), ("", "")])
def test_after_another_boot_the_time_of_the_newest_commit_is_all_that_is_known(
    database_url: str, world: World, before: str, now: str
) -> None:
    world.clock.reboot(before)
    with world.ledger(database_url) as ledger:
        last = head_time(ledger)
    world.clock.is_synchronised = False
    world.clock.now += DAY_MS
    world.clock.reboot(now)
    with world.ledger(database_url) as ledger:
        with pytest.raises(ClockUnconfirmedError) as unconfirmed:
            ledger.heartbeat().result()
        assert unconfirmed.value.off_ms == world.clock.now - last
    # What no start can see: a clock that stood still while the machine was off.
    world.clock.jump(-DAY_MS)
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "late"))
        assert head_time(ledger) == last
    # From here on the line is known, where the boot has a name.
    world.clock.now += DAY_MS
    world.clock.jump(-DAY_MS)
    with world.ledger(database_url) as ledger:
        if now:
            with pytest.raises(ClockUnconfirmedError):
                ledger.heartbeat().result()
        else:
            accept(ledger, world.report("lender-1", "late again"))
    reverify(database_url)


def audit_of(registry: RunningRegistry, folder: Path, now_ms: int) -> AuditReport:
    source = RegistrySource(registry.channel(AUDITOR))
    return audit(source, AuditHome(folder / "audit"), registry.trust_root, now_ms=now_ms)


@pytest.mark.parametrize("wrong", [50 * MINUTE_MS, 2 * DAY_MS])
def test_a_wrong_confirmation_is_corrected_by_an_act_and_audit_and_fsck_are_clean(
    tmp_path: Path, local_database_url: str, world: World, wrong: int
) -> None:
    with running_registry(tmp_path, local_database_url, world) as registry:
        ledger = registry.app.ledger
        right = world.clock.now
        world.clock.jump(wrong)
        world.confirm_clock(ledger)
        accept(ledger, world.report("lender-1", "in the future"))
        assert head_time(ledger) == right + wrong
        world.clock.jump(-wrong)
        # The operator, confirming the right time, learns that this alone does not do.
        with pytest.raises(LogAheadError, match="act propose clock"):
            confirm_clock(registry.app.settings, world.clock)
        # Who audits meanwhile finds it.
        (finding,) = audit_of(registry, tmp_path, right).findings
        assert (finding.finding.id, finding.finding.rule) == (FindingId.TIME, "head.ahead")
        with pytest.raises(LogAheadError):
            ledger.heartbeat().result()
        with pytest.raises(LogAheadError):
            ledger.check_clock()
        # No earlier than the administrators allow.
        (early,) = ledger.append([world.act(ledger, ClockBody(right + 1))]).result().results
        assert "clock.not-before" in str(early.complaint)
        world.decide(ledger, ClockBody(right - MINUTE_MS))
        assert head_time(ledger) == right
        accept(ledger, world.report("lender-1", "after it"))
        assert head_time(ledger) == right
        registry.verify_log()
        report = audit_of(registry, tmp_path, right)
        assert report.findings == ()
        assert [act.decision for act in report.acts][-1] == "clock"
    reverify(local_database_url)
    with Database(local_database_url, serving=False) as database:
        assert fsck(database).clean


@contextmanager
def ahead(database_url: str, world: World) -> Iterator[Ledger]:
    """A ledger whose newest leaf lies a day in the future."""
    with world.ledger(database_url) as ledger:
        world.clock.jump(DAY_MS)
        world.confirm_clock(ledger)
        accept(ledger, world.report("lender-1", "in the future"))
        world.clock.jump(-DAY_MS)
        yield ledger


def test_the_time_of_the_log_goes_back_by_a_valid_act_alone(database_url: str, world: World) -> None:
    with ahead(database_url, world) as ledger:
        world.confirm_clock(ledger)
        unsigned = world.act(ledger, ClockBody(1))
        (refused,) = ledger.append([type(unsigned)(unsigned.payload, unsigned.approvals[:1])]).result().results
        assert "ACT_THRESHOLD" in str(refused.complaint)
        statement = world.annotate("lender-1", world.key("lender-1", "in the future"))
        together = [ledger.append([statement]), ledger.append([world.act(ledger, ClockBody(1))])]
        assert together[1].result().results[0].complaint is None
        assert head_time(ledger) == world.clock.now
    reverify(database_url)


def test_a_log_in_the_future_waits_after_a_restart_too(database_url: str, world: World) -> None:
    with ahead(database_url, world):
        pass
    with world.ledger(database_url) as ledger:
        with pytest.raises(ClockUnconfirmedError, match="before the time that was last known"):
            ledger.heartbeat().result()
        for caller in ("admin-1", "admin-2"):
            ledger.vouch_for_clock(caller, world.clock.now)
        with pytest.raises(LogAheadError):
            ledger.heartbeat().result()
        world.decide(ledger, ClockBody(world.clock.now - MINUTE_MS))
        accept(ledger, world.report("lender-1", "corrected"))
    reverify(database_url)


def test_before_the_first_act_one_founder_starts_the_log(database_url: str, world: World) -> None:
    with world.ledger(database_url, enrolled=False):
        pass
    world.clock.is_synchronised = False
    world.clock.now += 3 * DAY_MS
    with world.ledger(database_url, enrolled=False) as ledger:
        ledger.vouch_for_clock("admin-1", world.clock.now)
        assert head_time(ledger) == world.clock.now
        world.enrol(ledger)
    reverify(database_url)


def test_the_bounds_leave_room_for_heartbeat_and_clients() -> None:
    assert MAX_STEP_MS + AGREES_MS + 2 * MINUTE_MS + 65_000 <= MAX_OFF_MS
