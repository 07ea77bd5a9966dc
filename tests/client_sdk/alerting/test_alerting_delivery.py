"""Deliveries: a receiver that is down for a day, for a week, or for good, and what the file keeps."""

from __future__ import annotations

import json
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from client_sdk.alerting.address import Address, mailbox, webhook
from client_sdk.alerting.delivery import KEEP_TRYING_MS, Delivered, Deliveries, alone, next_pause
from client_sdk.alerting.queue import DELIVERED, WAITING, DeliveryQueue, shown_address
from client_sdk.errors import DeliveryQueueError
from client_sdk.models import Alert, AlertReason, AlertsAsked
from client_sdk.testing.ports import free_port
from tests.support.hooks import running_hook
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.alerting.settings import DeliverySettings

DAY_MS = 86_400_000
WHEN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ASKED = AlertsAsked(inquiry_id=b"a" * 16, until=date(2027, 5, 4), subject_key_version=1)
ALERTS = [
    Alert(alert_id=bytes([number]) * 16, inquiry_id=ASKED.inquiry_id, reason=reason, happened_at=WHEN)
    for number, reason in enumerate((AlertReason.ACCESS, AlertReason.NEW_RECORD), start=1)
]


class Clock:
    """Says what time it is."""

    def __init__(self) -> None:
        self.now = 1_780_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[DeliveryQueue]:
    with DeliveryQueue(tmp_path, "registry.example", "office") as opened:
        yield opened


def deliveries(queue: DeliveryQueue, settings: DeliverySettings, clock: Clock) -> Deliveries:
    return Deliveries(queue, settings, clock, lambda: 0.5)


def stored(queue: DeliveryQueue, clock: Clock, *to: Address) -> None:
    queue.add_request(ASKED, "case-17", to)
    queue.store(ALERTS, "Consumer desk", clock.now)


def test_a_receiver_that_is_down_for_a_day_gets_each_message_once(
    queue: DeliveryQueue, settings: DeliverySettings, clock: Clock
) -> None:
    port, begun = free_port(), clock.now
    stored(queue, clock, webhook(f"http://127.0.0.1:{port}/hook?of=person"))
    down = deliveries(queue, settings, clock)
    rounds = 0
    while clock.now < begun + DAY_MS:
        assert down.deliver().delivered == 0
        clock.now = max(min(message.next_at for message in queue.messages(9)), clock.now + 1)
        rounds += 1
    # More and more rarely, and the second message waits with the first.
    assert rounds < 20
    assert {message.failure for message in queue.messages(9)} == {"webhook.unreachable", ""}
    clock.now = max(message.next_at for message in queue.messages(9))
    with running_hook(port=port) as hook:
        assert deliveries(queue, settings, clock).deliver() == (2, 0, 0)
        # Thirty days are counted from the delivery, a day after the messages were made.
        clock.now += 30 * DAY_MS
        assert deliveries(queue, settings, clock).deliver() == (0, 0, 0)
        assert [message.state for message in queue.messages(9)] == [DELIVERED, DELIVERED]
        clock.now += 1
        assert deliveries(queue, settings, clock).deliver() == (0, 0, 0)
        assert queue.messages(9) == []
    assert [json.loads(got.body)["type"] for got in hook.got] == ["alert.access", "alert.new-record"]
    (first, _) = hook.got
    assert json.loads(first.body) == {
        "type": "alert.access",
        "timestamp": "2026-05-04T12:00:00.000+00:00",
        "data": {"registry": "registry.example", "alerts": ASKED.inquiry_id.hex(), "contact": "Consumer desk"},
    }
    assert first.headers["webhook-id"] == f"msg_{ALERTS[0].alert_id.hex()}"


def test_a_receiver_that_is_down_for_a_week_is_given_up_by_name(
    queue: DeliveryQueue, settings: DeliverySettings, clock: Clock
) -> None:
    with running_hook() as hook:
        hook.status = 500
        stored(queue, clock, webhook(hook.url))
        assert deliveries(queue, settings, clock).deliver() == (0, 1, 0)
        clock.now += KEEP_TRYING_MS
        # The last attempt is made at the end of the week; the second message waits with the first.
        assert deliveries(queue, settings, clock).deliver() == (0, 1, 1)
        assert deliveries(queue, settings, clock).deliver() == (0, 1, 1)
    messages = queue.messages(9)
    assert {(message.state, message.failure, message.body) for message in messages} == {
        ("alert.expired", "webhook.status", b"")
    }
    clock.now += 29 * DAY_MS
    deliveries(queue, settings, clock).deliver()
    assert len(queue.messages(9)) == 2
    clock.now += 2 * DAY_MS
    deliveries(queue, settings, clock).deliver()
    assert queue.messages(9) == []


def test_who_is_gone_is_asked_once_and_holds_up_no_other(
    queue: DeliveryQueue, settings: DeliverySettings, clock: Clock
) -> None:
    with running_hook() as gone, running_hook() as well:
        gone.status = 410
        stored(queue, clock, webhook(gone.url), webhook(well.url), mailbox("person@mail.example"))
        assert deliveries(queue, settings, clock).deliver() == (2, 3, 2)
        assert (len(gone.got), len(well.got)) == (2, 2)
    states = {message.state: message.failure for message in queue.messages(9)}
    assert states == {"webhook.gone": "webhook.gone", DELIVERED: "", WAITING: ""} or states[WAITING] == "mail.server"


def test_what_was_delivered_is_noted_before_the_next_message_is(
    queue: DeliveryQueue, settings: DeliverySettings, clock: Clock, tmp_path: Path
) -> None:
    """A process that is killed then says nothing twice that it has noted."""
    with running_hook() as hook, ThreadPoolExecutor(1) as thread:
        hook.statuses = [200, 0]
        stored(queue, clock, webhook(hook.url))

        def deliver() -> Delivered:
            with DeliveryQueue(tmp_path, "registry.example", "office") as own:
                return deliveries(own, settings, clock).deliver()

        running = thread.submit(deliver)
        wait_until(lambda: [message.state for message in queue.messages(9)].count(DELIVERED) == 1)
        assert not running.done()
        hook.ended.set()
        assert running.result() == (1, 1, 0)


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process be written, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_is_sent_while_nothing_can_be_noted(
    queue: DeliveryQueue, settings: DeliverySettings, clock: Clock
) -> None:
    """A person would be told the same every fifteen seconds, for as long as the disk is full."""
    with running_hook() as hook:
        stored(queue, clock, webhook(hook.url))
        with no_room():
            for _ in range(3):
                with pytest.raises(DeliveryQueueError, match=r"alerts\.sqlite"):
                    deliveries(queue, settings, clock).deliver()
        assert hook.got == []
        done = deliveries(queue, settings, clock).deliver()
        assert done.delivered == len(hook.got) > 0


def test_an_alert_that_comes_again_makes_no_second_message(queue: DeliveryQueue, clock: Clock) -> None:
    stored(queue, clock, webhook("https://hooks.example/a"))
    unknown = Alert(alert_id=b"z" * 16, inquiry_id=b"?" * 16, reason=AlertReason.ACCESS, happened_at=WHEN)
    queue.store([*ALERTS, unknown], "", clock.now)
    assert len(queue.messages(9)) == 2


def test_ended_alerts_leave_no_address(queue: DeliveryQueue, clock: Clock, tmp_path: Path) -> None:
    stored(queue, clock, webhook("https://hooks.example/needle-in-a-url"), mailbox("needle@mail.example"))
    assert stat.S_IMODE(queue.path.stat().st_mode) == 0o600
    queue.forget_persons("2027-05-04")
    assert len(queue.persons()) == 1
    assert "needle" not in repr(queue.persons()) + repr(queue.messages(9))
    assert [shown_address(address) for address in queue.persons()[0].addresses] == [
        "webhook at hooks.example",
        "mail at mail.example",
    ]
    assert queue.remove_request(ASKED.inquiry_id)
    assert (queue.persons(), queue.messages(9)) == ([], [])
    queue.close()
    assert all(b"needle" not in file.read_bytes() for file in tmp_path.iterdir())


def test_each_url_has_a_secret_of_its_own_that_stays(queue: DeliveryQueue, tmp_path: Path) -> None:
    secret = queue.secret_of("https://hooks.example/a")
    assert len({secret, queue.secret_of("https://hooks.example/b"), bytes(32)}) == 3
    with DeliveryQueue(tmp_path, "registry.example", "office") as again:
        assert again.secret_of("https://hooks.example/a") == secret


def test_a_file_that_is_none_of_ours_is_left_alone(queue: DeliveryQueue, tmp_path: Path) -> None:
    with pytest.raises(DeliveryQueueError):
        DeliveryQueue(tmp_path, "registry.example", "another")
    for place, data in enumerate((b"of somebody else" * 100, b"")):
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "alerts.sqlite").write_bytes(data)
        if data:
            with pytest.raises(DeliveryQueueError):
                DeliveryQueue(folder, "registry.example", "office")
            assert (folder / "alerts.sqlite").read_bytes() == data


def test_one_process_delivers_at_a_time(queue: DeliveryQueue, settings: DeliverySettings, clock: Clock) -> None:
    with alone(queue), pytest.raises(DeliveryQueueError):
        deliveries(queue, settings, clock).deliver()


def test_pauses_grow_threefold_up_to_six_hours_and_are_spread() -> None:
    assert [next_pause(attempts, 0.5) // 1_000 for attempts in (1, 2, 3, 7, 8, 9, 1_000)] == [
        *(10, 30, 90, 7_290),
        *(21_600, 21_600, 21_600),
    ]
    assert (next_pause(1, 0.0), next_pause(1, 1.0)) == (7_500, 12_500)
