"""Alerts are queued before they are acknowledged, and persons are forgotten once nothing waits for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.alerting.address import mailbox
from client_sdk.alerting.queue import DeliveryQueue
from client_sdk.alerting.taking import Taken, take_alerts
from client_sdk.errors import TransportError
from client_sdk.kernel.formats.words import AlertReason
from client_sdk.models.alert import Alert, AlertPage, AlertsAsked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LAST_DAY = date(2026, 5, 1)
ASKED = AlertsAsked(inquiry_id=b"i" * 16, until=LAST_DAY, subject_key_version=1)
ALERTS = [
    Alert(
        alert_id=bytes([number]) * 16,
        inquiry_id=ASKED.inquiry_id,
        reason=AlertReason.ACCESS,
        happened_at=datetime(2026, 4, 1, tzinfo=UTC),
    )
    for number in range(3)
]


class Registry:
    """What waits at a registry, two a page; it forgets what is acknowledged."""

    def __init__(self, queue: DeliveryQueue, *, away_after: int = 10) -> None:
        self.queue = queue
        self.waiting = {alert.alert_id: alert for alert in ALERTS}
        self.calls_left = away_after

    def take(self, stored: Iterable[bytes]) -> AlertPage:
        if not self.calls_left:
            raise TransportError("away")
        self.calls_left -= 1
        queued = {message.message_id for message in self.queue.messages(10)}
        for alert_id in stored:
            assert f"msg_{alert_id.hex()}" in queued
            del self.waiting[alert_id]
        page = list(self.waiting.values())[:2]
        return AlertPage(alerts=tuple(page), more=len(self.waiting) > 2, watched=1)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[DeliveryQueue]:
    with DeliveryQueue(tmp_path, "example", "office") as queue:
        queue.add_request(ASKED, "case-17", [mailbox("a@b.example")])
        yield queue


def take(registry: Registry, today: date, key_version: int = 1) -> Taken:
    return take_alerts(registry.take, registry.queue, contact="", key_version=key_version, today=today, now=0)


def test_every_alert_is_queued_before_it_is_acknowledged(queue: DeliveryQueue) -> None:
    registry = Registry(queue)
    assert take(registry, LAST_DAY, key_version=2) == Taken(1, fewer=False, outdated=1)
    assert not registry.waiting
    assert len(queue.messages(10)) == len(ALERTS)


def test_what_was_taken_before_the_registry_went_away_stays(queue: DeliveryQueue) -> None:
    registry = Registry(queue, away_after=1)
    with pytest.raises(TransportError):
        take(registry, LAST_DAY)
    assert len(queue.messages(10)) == 2
    assert len(registry.waiting) == len(ALERTS)


def test_alerts_that_are_taken_long_after_the_last_day_are_delivered_before_the_person_is_forgotten(
    queue: DeliveryQueue,
) -> None:
    late = LAST_DAY + timedelta(40)
    take(Registry(queue), late)
    assert [person.inquiry_id for person in queue.persons()] == [ASKED.inquiry_id]
    for message in queue.due(0, 10):
        queue.settle(message, "DELIVERED", "", 0)
    take_alerts(
        lambda _stored: AlertPage(alerts=(), more=False, watched=0), queue, contact="", key_version=1, today=late, now=1
    )
    assert queue.persons() == []


def test_fewer_requests_than_are_kept_here_are_noticed(queue: DeliveryQueue) -> None:
    queue.add_request(
        AlertsAsked(inquiry_id=b"j" * 16, until=LAST_DAY, subject_key_version=1), "", [mailbox("c@d.example")]
    )
    assert take(Registry(queue), LAST_DAY).fewer
    assert not take(Registry(queue), LAST_DAY + timedelta(1)).fewer
