"""Tables of alerts: which member is to be alerted about which person, and the alerts that wait for a member.

Both name the person by the pseudonyms of the inquiry that asked for the alerts, or by that inquiry alone. A row goes
when the alerts end or the member has stored the alert, and by housekeeping when their time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, select

from client_sdk.kernel.formats.words import AlertReason, word
from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "AlertRequestRow",
    "StoredAlert",
    "add",
    "count_watches",
    "forget",
    "forget_before",
    "rows",
    "unwatch",
    "waiting",
    "watch",
    "watches",
    "watches_of",
]

_WATCHES = schema.watched_persons
_ALERTS = schema.alerts
_COLUMNS = ", ".join(column.name for column in _WATCHES.columns)


class AlertRequestRow(NamedTuple):
    """A person about whom a member is to be alerted.

    Attributes:
        subject: pseudonym, 32 bytes, under one version of the subject keys.
        member: institution id.
        inquiry_id: of its inquiry that asked for the alerts, 16 bytes.
        until: last day of it, YYYY-MM-DD in the rulebook's time zone.
    """

    subject: bytes
    member: str
    inquiry_id: bytes
    until: str

    def __repr__(self) -> str:
        return "AlertRequestRow(...)"


class StoredAlert(NamedTuple):
    """An alert that waits for a member.

    Attributes:
        member: institution id.
        alert_id: 16 random bytes.
        inquiry_id: of the member's inquiry that asked for it, 16 bytes.
        reason: of the alert.
        happened_at: ms.
    """

    member: str
    alert_id: bytes
    inquiry_id: bytes
    reason: AlertReason
    happened_at: int


def watch(work: UnitOfWork, new: Sequence[AlertRequestRow]) -> None:
    """Add persons about whom members are to be alerted."""
    insert(work, _WATCHES, new)


def watches_of(work: UnitOfWork, subjects: Iterable[bytes]) -> list[AlertRequestRow]:
    """Return the rows of these pseudonyms, those included whose last day is over, in order."""
    keys = [(subject,) for subject in dict.fromkeys(subjects)]
    found = select_in(work, f"SELECT {_COLUMNS} FROM watched_persons", (_WATCHES.c.subject,), keys)  # noqa: S608 - names of our own schema
    return sorted(AlertRequestRow(*row) for row in found)


def count_watches(work: UnitOfWork, members: Iterable[str]) -> dict[str, int]:
    """Return for how many inquiries each member is to be alerted."""
    row = _WATCHES.c
    wanted = sorted(set(members))
    query = select(row.member, func.count(row.inquiry_id.distinct())).where(row.member.in_(wanted))
    counted = work.connection.execute(query.group_by(row.member)) if wanted else ()
    found: dict[str, int] = {member: count for member, count in counted}  # noqa: C416 - a Row is no tuple to mypy
    return {member: found.get(member, 0) for member in wanted}


def unwatch(work: UnitOfWork, member: str, inquiry_id: bytes) -> bool:
    """Delete what an inquiry asked for, and the alerts that wait; return whether there was anything to end."""
    row, alert = _WATCHES.c, _ALERTS.c
    ended = work.connection.execute(delete(_WATCHES).where(row.member == member, row.inquiry_id == inquiry_id))
    work.connection.execute(delete(_ALERTS).where(alert.member == member, alert.inquiry_id == inquiry_id))
    return ended.rowcount > 0


def add(work: UnitOfWork, new: Sequence[StoredAlert]) -> None:
    """Add alerts."""
    insert(
        work,
        _ALERTS,
        [(row.member, row.alert_id, row.inquiry_id, row.reason.number, row.happened_at) for row in new],
    )


def waiting(work: UnitOfWork, member: str, limit: int) -> list[StoredAlert]:
    """Return a member's alerts, the oldest first, at most so many."""
    row = _ALERTS.c
    query = select(_ALERTS).where(row.member == member).order_by(row.happened_at, row.alert_id).limit(limit)
    return [_alert(*found) for found in work.connection.execute(query)]


def forget(work: UnitOfWork, member: str, alert_ids: Sequence[bytes]) -> None:
    """Delete alerts that a member has stored; unknown ones do not matter."""
    row = _ALERTS.c
    work.connection.execute(delete(_ALERTS).where(row.member == member, row.alert_id.in_(list(alert_ids))))


def forget_before(work: UnitOfWork, day: str, moment: int) -> int:
    """Delete what ended before that day, and alerts of what happened before that moment (ms); return how many."""
    ended = work.connection.execute(delete(_WATCHES).where(_WATCHES.c.until < day)).rowcount
    return ended + work.connection.execute(delete(_ALERTS).where(_ALERTS.c.happened_at < moment)).rowcount


def watches(work: UnitOfWork) -> Iterator[AlertRequestRow]:
    """Yield every row of a person about whom a member is to be alerted, in no order."""
    with work.connection.execute(select(_WATCHES).execution_options(yield_per=work.page_rows)) as found:
        for row in found:
            yield AlertRequestRow(*row)


def rows(work: UnitOfWork) -> Iterator[StoredAlert]:
    """Yield every alert that waits, in no order."""
    with work.connection.execute(select(_ALERTS).execution_options(yield_per=work.page_rows)) as found:
        for row in found:
            yield _alert(*row)


def _alert(member: str, alert_id: bytes, inquiry_id: bytes, reason: int, happened_at: int) -> StoredAlert:
    return StoredAlert(member, alert_id, inquiry_id, word(AlertReason, reason, "database", "reason"), happened_at)
