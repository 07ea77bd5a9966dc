"""Who takes over the records of a lender that is gone, and what becomes of those that nobody takes over."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.act import EndingBody, InstitutionBody, StateBody, SuccessionBody
from client_sdk.kernel.formats.state import InstitutionState
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.retention import expires_on
from tests.client_sdk.kernel.ledger.test_ledger_directory import apply, refused
from tests.support.handmade_log import HandmadeLog


@pytest.fixture
def log() -> HandmadeLog:
    log = HandmadeLog()
    log.act(InstitutionBody(log.enrolment("auditor", (Role.AUDITOR,), KeyUsage.AUDIT)))
    return log


def test_a_succession_terminates_and_makes_no_circle(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    state = log.state.directory.institution("lender-1")
    assert (state.status, state.successor) == (InstitutionStatus.TERMINATED, "lender-2")
    assert refused(log, SuccessionBody("lender-1", "lender-2", "merger")) == "STATE_INVALID"
    assert refused(log, SuccessionBody("lender-2", "lender-1", "merger")) == "STATE_INVALID"
    assert refused(log, StateBody("lender-1", InstitutionStatus.ACTIVE)) == "STATE_INVALID"
    log.act(SuccessionBody("lender-2", "lender-3", "merger"))
    for heir in ("lender-1", "lender-2"):
        assert refused(log, SuccessionBody("lender-3", heir, "merger")) == "STATE_INVALID"
    assert apply(log, SuccessionBody("lender-1", "lender-3", "merger")).institution("lender-1").successor == "lender-3"


def test_an_ending_is_final_and_says_until_when_records_are_kept(log: HandmadeLog) -> None:
    assert refused(log, EndingBody("lender-1", "bankruptcy")) == "STATE_INVALID"
    assert refused(log, EndingBody("auditor", "bankruptcy")) == "STATE_INVALID"
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    index = log.act(EndingBody("lender-1", "bankruptcy"))
    state = log.state.directory.institution("lender-1")
    assert state.ending is not None
    today = day_of(log.logged_at, "Asia/Shanghai")
    assert (state.ending.index, state.ending.retain_until) == (index, expires_on(today, 5).isoformat())
    assert (state.successor, state.speaks_at("lender-2", index), state.speaks_at("lender-2", index + 1)) == (
        "",
        True,
        False,
    )
    assert InstitutionState.parse(state.encode()) == state
    for body in (EndingBody("lender-1", "again"), SuccessionBody("lender-1", "lender-3", "late")):
        assert refused(log, body) == "STATE_INVALID"
