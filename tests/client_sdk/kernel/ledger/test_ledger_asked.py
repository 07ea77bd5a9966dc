"""Which directories an inquiry is judged by, also where an act has set the log's time back."""

from __future__ import annotations

from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.asked import DirectoryTimes
from tests.support.handmade_log import HandmadeLog

MINUTE = 60_000
NOON = 1_780_000_000_000


def test_an_inquiry_of_a_time_that_came_twice_is_judged_by_the_directories_of_both() -> None:
    log, times = HandmadeLog(), DirectoryTimes()
    first = log.state.directory
    log.act(StateBody("lender-2", InstitutionStatus.SUSPENDED))
    second = log.state.directory
    log.act(StateBody("lender-2", InstitutionStatus.ACTIVE))
    third = log.state.directory
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    fourth = log.state.directory
    times.add(NOON, first, 0)
    times.add(NOON + 10 * MINUTE, second, NOON + 5 * MINUTE)
    # The log's clock was an hour ahead: its last leaf before the correction was of 13:00.
    times.add(NOON + MINUTE, third, NOON + 60 * MINUTE)
    times.add(NOON + 30 * MINUTE, fourth, NOON + 20 * MINUTE)
    assert times.around(NOON + 45 * MINUTE) == [fourth, second]
    assert times.around(NOON + 2 * MINUTE) == [third, second, first]
    # After the time to which the log had been ahead, the newest alone.
    assert times.around(NOON + 90 * MINUTE) == [fourth]
    assert times.around(NOON - 60 * MINUTE)
