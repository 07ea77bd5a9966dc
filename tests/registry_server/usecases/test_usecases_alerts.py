"""Alerts at the registry: who is alerted of what, once, until when, and what is left of it afterwards."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import AlertReason, Purpose, Role
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RegistryError
from registry_server.rpc.convert.checks import question
from registry_server.sequencing import alerting
from registry_server.usecases.alerts import Alerts
from registry_server.usecases.check import Checks
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from tests.conftest import sqlite_url
from tests.support.handmade_log import seed
from tests.support.registry import inquire
from tests.support.registry_world import DAY_MS, World, accept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from registry_server.sequencing.ledger import Ledger
    from registry_server.usecases.evidence import EvidencePage

OFFICE, OTHER = "office", "ombudsman"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        world.enrol_lender(opened, OFFICE, Role.REPRESENTATIVE)
        world.enrol_lender(opened, OTHER, Role.REPRESENTATIVE)
        yield opened


def ask(
    ledger: Ledger,
    world: World,
    asker: str,
    person: str,
    name: str,
    *,
    purpose: Purpose = Purpose.LOAN_APPROVAL,
    alerts_until: str = "",
) -> EvidencePage:
    asked = question(inquire(world, asker, [person], name, purpose=purpose, alerts_until=alerts_until), asker)
    (page,) = Checks(ledger, 1_000_000).answer([asked])
    world.clock.now += 1_000
    if isinstance(page, Exception):
        raise page
    return page


def day(world: World, days: int) -> str:
    return (day_of(world.clock.now, world.rulebook.time_zone) + timedelta(days)).isoformat()


def watch(ledger: Ledger, world: World, person: str, name: str, days: int = 30, member: str = OFFICE) -> bytes:
    ask(ledger, world, member, person, name, purpose=Purpose.SUBJECT_ACCESS, alerts_until=day(world, days))
    return seed(f"{name} id", 16)


def taken(ledger: Ledger, member: str = OFFICE) -> list[tuple[bytes, AlertReason]]:
    """Take every alert of a member, and leave none."""
    alerts = Alerts(ledger)
    waiting = alerts.take(member, ()).alerts
    assert alerts.take(member, [alert.alert_id for alert in waiting]).alerts == ()
    return [(alert.inquiry_id, alert.reason) for alert in waiting]


def test_access_and_a_new_record_are_alerted_once_to_who_asked_for_it(ledger: Ledger, world: World) -> None:
    own = watch(ledger, world, "A", "alerts on")
    ask(ledger, world, "lender-1", "A", "loan")
    ask(ledger, world, "lender-1", "B", "of another")
    # The same bytes again are the same question.
    world.clock.now -= 2_000
    ask(ledger, world, "lender-1", "A", "loan")
    accept(ledger, world.report("lender-1", "loan", person="A"))
    accept(ledger, world.report("lender-2", "other", person="B"))
    accept(ledger, world.report("lender-1", "loan", person="A"))
    ask(ledger, world, OFFICE, "A", "own report", purpose=Purpose.SUBJECT_ACCESS)
    assert Alerts(ledger).take(OFFICE, ()).watched == 1
    # What was not stored comes again.
    first, again = Alerts(ledger).take(OFFICE, ()), Alerts(ledger).take(OFFICE, ())
    assert first == again
    assert taken(ledger, OTHER) == []
    assert taken(ledger) == [(own, AlertReason.ACCESS), (own, AlertReason.NEW_RECORD)]
    assert fsck(ledger.database).clean


def test_a_new_record_under_newer_subject_keys_is_alerted_too(ledger: Ledger, world: World) -> None:
    own = watch(ledger, world, "A", "alerts on")
    world.introduce_keys(ledger)
    accept(ledger, world.report("lender-1", "loan", person="A"))
    assert taken(ledger) == [(own, AlertReason.NEW_RECORD)]


def test_alerts_end_when_they_are_ended_and_on_their_day(ledger: Ledger, world: World) -> None:
    own, other = watch(ledger, world, "A", "one"), watch(ledger, world, "A", "two", days=1, member=OTHER)
    ask(ledger, world, "lender-1", "A", "loan")
    alerts = Alerts(ledger)
    assert (alerts.end(OTHER, own), alerts.end(OFFICE, own), alerts.end(OFFICE, own)) == (False, True, False)
    # Out of the database's files too, whatever else there is to do.
    assert ledger.deleted.is_set()
    Housekeeping(ledger).tidy()
    assert not ledger.deleted.is_set()
    # What waited is gone as well, and of the other member nothing.
    assert (taken(ledger), taken(ledger, OTHER)) == ([], [(other, AlertReason.ACCESS)])
    world.clock.now += 2 * DAY_MS
    ask(ledger, world, "lender-1", "A", "later")
    assert taken(ledger, OTHER) == []
    Housekeeping(ledger).tidy()
    assert alerts.take(OTHER, ()).watched == 0


def test_an_alert_that_nobody_takes_is_forgotten_after_three_months(ledger: Ledger, world: World) -> None:
    watch(ledger, world, "A", "one", days=200)
    ask(ledger, world, "lender-1", "A", "loan")
    for days, left in ((89, 1), (2, 0)):
        world.clock.now += days * DAY_MS
        Housekeeping(ledger).tidy()
        assert len(Alerts(ledger).take(OFFICE, ()).alerts) == left


def test_who_asks_for_alerts_asks_for_one_person_and_a_year_at_most(ledger: Ledger, world: World) -> None:
    for days in (-1, 367):
        with pytest.raises(RuleError) as refused:
            watch(ledger, world, "A", f"{days} days", days)
        assert refused.value.complaint.rule == "alerts.until"
    with pytest.raises(FormatError) as lender:
        ask(ledger, world, "lender-1", "A", "a lender", alerts_until=day(world, 1))
    assert lender.value.complaint.rule == "alerts.one-person"
    two = inquire(world, OFFICE, ["A", "B"], "two", purpose=Purpose.SUBJECT_ACCESS, alerts_until=day(world, 1))
    with pytest.raises(FormatError):
        Inquiry.parse(two.inquiry.payload)
    with pytest.raises(FormatError):
        Alerts(ledger).end(OFFICE, b"short")
    with pytest.raises(RegistryError):
        Alerts(ledger).take(OFFICE, [bytes(16)] * 257)
    ask(ledger, world, "lender-1", "A", "loan")
    assert taken(ledger) == []


def test_alerts_about_a_person_are_asked_for_once_until_they_end(ledger: Ledger, world: World) -> None:
    running = watch(ledger, world, "A", "one", days=20)
    begun = day(world, 0)
    world.clock.now += 3 * DAY_MS
    with pytest.raises(RuleError) as refused:
        watch(ledger, world, "A", "one more", days=30)
    complaint = refused.value.complaint
    assert (complaint.reason, complaint.rule) == ("ALERTS_ON", "alerts.once")
    assert complaint.got == f"since {begun} and until {day(world, 17)}, as {running.hex()}"
    watch(ledger, world, "A", "of another member", member=OTHER)
    ask(ledger, world, "lender-1", "A", "loan")
    # One for what the other office asked, and one for the lender: none is told twice.
    assert taken(ledger) == [(running, AlertReason.ACCESS)] * 2
    assert Alerts(ledger).end(OFFICE, running)
    watch(ledger, world, "A", "anew")
    world.clock.now += 200 * DAY_MS
    watch(ledger, world, "A", "after the end")


def test_one_member_is_alerted_about_so_many_persons(
    ledger: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "MAX_WATCHED", 1)
    watch(ledger, world, "A", "of one")
    with pytest.raises(RuleError) as refused:
        watch(ledger, world, "B", "of another person")
    assert (refused.value.complaint.reason, refused.value.complaint.rule) == ("ALERTS_FULL", "alerts.most")
    watch(ledger, world, "B", "of another member", member=OTHER)


LIES = {
    "UPDATE watched_persons SET until = '2999-01-01'": "WATCHED_PERSON_ROW",
    "UPDATE watched_persons SET member = 'lender-1'": "WATCHED_PERSON_ROW",
    "UPDATE alerts SET member = 'ombudsman'": "ALERT_ROW",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_was_changed_is_found(sqlite_template: Path, tmp_path: Path, lie: str) -> None:
    world = World()
    with world.ledger(sqlite_url(shutil.copyfile(sqlite_template, tmp_path / "registry.sqlite"))) as ledger:
        world.enrol_lender(ledger, OFFICE, Role.REPRESENTATIVE)
        watch(ledger, world, "A", "one")
        ask(ledger, world, "lender-1", "A", "loan")
        with ledger.database.engine.begin() as work:
            work.execute(text(lie))
        assert set(fsck(ledger.database).counts) == {LIES[lie]}
