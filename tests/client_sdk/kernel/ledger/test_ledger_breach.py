"""Notices of breaches: what an act may tell, whether it was in time, and who is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.act import BreachBody, RulebookBody, StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import BreachedData, BreachNature, InstitutionStatus
from client_sdk.kernel.ledger.breach import notified_members
from tests.client_sdk.kernel.ledger.test_ledger_onboarding import rule_of
from tests.support.handmade_log import START_MS, HandmadeLog
from tests.support.production import BREACH

HOUR_MS = 3_600_000


@pytest.fixture
def log() -> HandmadeLog:
    return HandmadeLog()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"members": ()}, ""),
        ({"noticed_at": START_MS}, ""),
        ({"noticed_at": START_MS + 1}, "breach.noticed"),
        ({"members": ("lender-1", "nobody")}, "institution.member"),
        ({"cause": "the file of 110105 180001 010010 was sent away"}, "breach.number"),
        ({"contact": "\u202e400 123 4567"}, "breach.text"),
        ({"contact": "400 123 4567\ufe0f"}, "breach.text"),
        ({"harm": "法\U000e0100院\u034f"}, "breach.text"),
        ({"harm": "\u8fba\U000e0100"}, ""),
        ({"advice": " \u3000"}, "breach.text"),
        ({"harm": "１１０１０５１８０００１０１００１０"}, "breach.number"),
        ({"harm": "card 6222-0212-3456-7890-123"}, "breach.number"),
        ({"advice": "\u2800"}, "breach.text"),
        ({"members": ("admin-1",)}, "breach.member"),
        ({"contact": "\u3164 \uffa0"}, "breach.text"),
        ({"cause": "two\u2028lines"}, "breach.text"),
        ({"harm": "two\u2029lines"}, "breach.text"),
        ({"advice": "call \ufffd"}, "breach.text"),
        ({"cause": "2026-11-27 10:30, then 2026-11-28 11:00; 400 123 4567, 400 123 4568"}, ""),
    ],
)
def test_what_a_notice_may_tell(log: HandmadeLog, changes: dict[str, object], rule: str) -> None:
    body = replace(BREACH, **changes)  # type: ignore[arg-type]  # the test names fields
    assert rule_of(log, body) == rule
    assert len(log.state.directory.breaches) == (0 if rule else 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"noticed_at": 0},
        {"natures": ()},
        {"data": ()},
        {"natures": (BreachNature.LOST, BreachNature.DISCLOSED)},
        {"data": (BreachedData.FACTS, BreachedData.FACTS)},
        {"harm": ""},
        {"remedies": "x" * 1_001},
        {"members": ("lender-3", "lender-1")},
        {"members": ("Lender",)},
        {"members": tuple(f"lender-{number:03}" for number in range(201))},
    ],
)
def test_a_notice_of_another_form_is_refused(changes: dict[str, object]) -> None:
    body = replace(BREACH, **changes)  # type: ignore[arg-type]  # the test names fields
    with pytest.raises(FormatError, match="breach"):
        BreachBody.of(body.message())


def test_the_longest_notice_fits_into_a_leaf(log: HandmadeLog) -> None:
    text = "\U00020000" * 1_000
    texts = dict.fromkeys(("cause", "harm", "remedies", "advice", "contact"), text)
    body = replace(BREACH, **texts, members=())  # type: ignore[arg-type]  # the test names fields
    assert rule_of(log, body) == ""
    # 200 members with the longest names take some 13,000 bytes more, and 32 signatures 3,300.
    assert len(log.leaves[-1]) + 200 * 66 + 32 * 104 < 65_536


def test_a_notice_is_in_time_by_the_hours_of_its_day(log: HandmadeLog) -> None:
    """A shorter period binds those that come later."""

    def in_time(hours: int, milliseconds: int = 0) -> bool:
        noticed = log.logged_at - hours * HOUR_MS - milliseconds
        index = log.act(replace(BREACH, noticed_at=noticed))
        return log.state.directory.breaches[index].in_time

    assert [in_time(72), in_time(72, 1)] == [True, False]
    before = dict(log.state.directory.breaches)
    log.act(RulebookBody(Rulebook(breach_hours=24)))
    assert [in_time(24), in_time(24, 1)] == [True, False]
    assert before.items() <= log.state.directory.breaches.items()
    assert not log.complaints


def test_members_with_an_inbox_are_told(log: HandmadeLog) -> None:
    log.act(StateBody("lender-2", InstitutionStatus.SUSPENDED))
    log.act(StateBody("lender-3", InstitutionStatus.TERMINATED))
    institutions = log.state.directory.institutions
    assert notified_members(replace(BREACH, members=()), institutions) == ("lender-1", "lender-2")
    assert notified_members(BREACH, institutions) == ("lender-1",)
    assert notified_members(replace(BREACH, members=("admin-1",)), institutions) == ()
