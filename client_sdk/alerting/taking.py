"""Takes the alerts that wait at the registry into the queue of deliveries: each is stored before it is acknowledged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from client_sdk.alerting.queue import DeliveryQueue
    from client_sdk.models.alert import AlertPage

__all__ = ["Taken", "take_alerts"]

# After its last day a person is kept so long, for alerts that are taken late.
_LEFT = timedelta(8)


class Taken(NamedTuple):
    """What was noticed while alerts were taken.

    Attributes:
        held: for how many requests of this member the registry makes alerts.
        fewer: whether these are fewer than the queue has of persons whose last day is not over.
        outdated: persons whose alerts were asked for under earlier subject keys, so that newer records are missed.
    """

    held: int
    fewer: bool
    outdated: int


def take_alerts(
    take: Callable[[Iterable[bytes]], AlertPage],
    queue: DeliveryQueue,
    *,
    contact: str,
    key_version: int,
    today: date,
    now: int,
) -> Taken:
    """Queue the messages of every alert that waits, and forget persons whose time is over.

    Args:
        take: acknowledges the alerts of these ids and returns those that wait, as ``Client.take_alerts``.
        queue: of the deliveries.
        contact: whom a person may ask.
        key_version: newest version of the subject keys.
        today: legal day of the registry.
        now: ms since 1970 UTC.

    Raises:
        CreditRegistryError: as ``take`` raises; what was queued stays queued.
    """
    persons = queue.persons()
    page = take(())
    held = page.watched
    while page.alerts:
        # Durable here before the registry forgets them.
        queue.store(page.alerts, contact, now)
        page = take([alert.alert_id for alert in page.alerts])
    queue.forget_persons((today - _LEFT).isoformat())
    return Taken(
        held,
        held < sum(person.until >= today.isoformat() for person in persons),
        sum(person.subject_key_version < key_version for person in persons),
    )
