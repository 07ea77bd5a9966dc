"""The queue of deliveries: addresses of persons, and messages until they are delivered or given up.

An SQLite file with mode 0600 in the member's home. It holds no identity number and no pseudonym: a person is an inquiry
that asked for alerts, and a label that the member gives. Alerts are stored with their messages in one transaction,
before they are acknowledged to the registry, which then deletes them; a message keeps its id over all attempts.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sqlite3
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from client_sdk._files import create_for_sqlite
from client_sdk.alerting.address import Mailbox, address_of, kept_as
from client_sdk.errors import DeliveryQueueError
from client_sdk.kernel.formats.moment import DAY_MS, milliseconds, moment
from client_sdk.texts import N_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from client_sdk.alerting.address import Address
    from client_sdk.kernel.formats.plain import Json
    from client_sdk.models.alert import Alert, AlertsAsked

__all__ = ["DELIVERED", "WAITING", "AlertRequest", "DeliveryQueue", "QueuedMessage", "shown_address"]

QUEUE_FILE = "alerts.sqlite"
WAITING, DELIVERED = "WAITING", "DELIVERED"
# Marks the file as ours; one of another program is left alone.
_APPLICATION = 0x63726471
_FORM = 1
_BUSY_SECONDS = 30.0
_KEPT_MS = 30 * DAY_MS
_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (registry TEXT NOT NULL, institution TEXT NOT NULL, secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS persons (
    inquiry_id BLOB PRIMARY KEY, label TEXT NOT NULL, until TEXT NOT NULL, subject_key_version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS addresses (
    inquiry_id BLOB NOT NULL, address TEXT NOT NULL, PRIMARY KEY (inquiry_id, address)
);
CREATE TABLE IF NOT EXISTS messages (
    message_id TEXT NOT NULL, address TEXT NOT NULL, inquiry_id BLOB NOT NULL, label TEXT NOT NULL,
    kind TEXT NOT NULL, happened_at INTEGER NOT NULL, body BLOB NOT NULL, made_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'WAITING',
    failure TEXT NOT NULL DEFAULT '', PRIMARY KEY (message_id, address)
);
CREATE INDEX IF NOT EXISTS due ON messages (next_at) WHERE state = 'WAITING';
"""
_MESSAGE = "message_id, address, label, kind, happened_at, body, made_at, attempts, next_at, state, failure"


class AlertRequest(NamedTuple):
    """A person about whom the member is alerted.

    Attributes:
        inquiry_id: of the inquiry that asked for it, 16 bytes.
        label: by which the member knows the person; may be empty.
        until: last day, YYYY-MM-DD.
        subject_key_version: newest version of the subject keys that the inquiry knew.
        addresses: that messages go to, as they are kept.
    """

    inquiry_id: bytes
    label: str
    until: str
    subject_key_version: int
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        return "AlertRequest(...)"


class QueuedMessage(NamedTuple):
    """A message to one address.

    Attributes:
        message_id: the same over all attempts; receivers tell repetitions by it.
        address: URL, or ``mailto:`` and a mailbox.
        label: of the person or portfolio.
        kind: such as ``alert.access``.
        happened_at: ms.
        body: JSON that a webhook gets.
        made_at: when it was queued, ms.
        attempts: that have failed.
        next_at: when the next one is due, ms; when it was delivered or given up, once it was.
        state: WAITING, DELIVERED, or the rule by which it was given up.
        failure: rule that the last attempt broke; empty for none.
    """

    message_id: str
    address: str
    label: str
    kind: str
    happened_at: int
    body: bytes
    made_at: int
    attempts: int
    next_at: int
    state: str
    failure: str

    def __repr__(self) -> str:
        return "QueuedMessage(...)"

    @property
    def to(self) -> Address:
        """The address."""
        return address_of(self.address)


class QueueOwner(Protocol):
    """A member, as its settings name it.

    Attributes:
        home: its folder.
        name: of the registry.
        institution: its id.
    """

    @property
    def home(self) -> Path: ...
    @property
    def name(self) -> str: ...
    @property
    def institution(self) -> str: ...


class DeliveryQueue:
    """One member's queue; belongs to one thread.

    Args:
        home: of the member; the file is made where there is none.
        registry: name of the registry.
        institution: id of the member.

    Raises:
        DeliveryQueueError: the file is damaged, is none of ours, or belongs to another institution.
    """

    def __init__(self, home: Path, registry: str, institution: str) -> None:
        self.path = home / QUEUE_FILE
        self.registry = registry
        try:
            create_for_sqlite(self.path)
            self._database = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise DeliveryQueueError(f"{self.path} cannot be opened: {error}") from error
        try:
            with self._translated():
                self._secret = self._set_up(institution)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, owner: QueueOwner) -> Self:
        """Return the queue of a member.

        Raises:
            DeliveryQueueError: as the class.
        """
        return cls(owner.home, owner.name, owner.institution)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _set_up(self, institution: str) -> bytes:
        database = self._database
        ((application,),) = database.execute("PRAGMA application_id")
        ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master")
        ((form,),) = database.execute("PRAGMA user_version")
        if (application, form) != (_APPLICATION, _FORM) and tables:
            raise DeliveryQueueError(f"{self.path} is no queue of deliveries of this version")
        self.path.chmod(0o600)
        for setting in ("synchronous = EXTRA", "secure_delete = ON"):
            database.execute(f"PRAGMA {setting}")
        with self._transaction():
            if not tables:
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {_FORM}")
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            row = database.execute("SELECT registry, institution, secret FROM owner").fetchone()
            if row is None:
                row = (self.registry, institution, secrets.token_bytes(32))
                database.execute("INSERT INTO owner VALUES (?, ?, ?)", row)
        if row[:2] != (self.registry, institution):
            raise DeliveryQueueError(f"{self.path} belongs to another institution or registry")
        return bytes(row[2])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DeliveryQueueError(f"{self.path}: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def secret_of(self, url: str) -> bytes:
        """Return the secret by which messages to a webhook are signed: 32 bytes, of this member and this URL alone."""
        return hmac.new(self._secret, b"webhook\0" + url.encode(), sha256).digest()

    def add_request(self, asked: AlertsAsked, label: str, addresses: Sequence[Address]) -> None:
        """Keep where messages about a person go."""
        with self._translated(), self._transaction():
            row = (asked.inquiry_id, label, asked.until.isoformat(), asked.subject_key_version)
            self._database.execute("INSERT INTO persons VALUES (?, ?, ?, ?)", row)
            for address in addresses:
                self._database.execute("INSERT INTO addresses VALUES (?, ?)", (asked.inquiry_id, kept_as(address)))

    def remove_request(self, inquiry_id: bytes) -> bool:
        """Delete a person, the addresses and every message; return whether there was one."""
        with self._translated(), self._transaction():
            found = self._database.execute("DELETE FROM persons WHERE inquiry_id = ?", (inquiry_id,)).rowcount
            for name in ("addresses", "messages"):
                self._database.execute(f"DELETE FROM {name} WHERE inquiry_id = ?", (inquiry_id,))  # noqa: S608 - our own tables
        return found > 0

    def persons(self) -> list[AlertRequest]:
        """Return about whom the member is alerted, in order of the last day."""
        with self._translated():
            rows = self._database.execute("SELECT * FROM persons ORDER BY until, inquiry_id").fetchall()
            kept: dict[bytes, list[str]] = {}
            for inquiry_id, address in self._database.execute("SELECT * FROM addresses ORDER BY address"):
                kept.setdefault(inquiry_id, []).append(address)
        return [
            AlertRequest(inquiry_id, label, until, version, tuple(kept.get(inquiry_id, ())))
            for inquiry_id, label, until, version in rows
        ]

    def store(self, alerts: Iterable[Alert], contact: str, now: int) -> None:
        """Make the messages of alerts, each once however often it comes; alerts about nobody known make none.

        Args:
            alerts: as the registry gives them.
            contact: whom a person may ask.
            now: ms.
        """
        with self._translated(), self._transaction():
            known = {person.inquiry_id: person for person in self.persons()}
            for alert in alerts:
                person = known.get(alert.inquiry_id)
                kind = f"alert.{alert.reason.name.lower().replace('_', '-')}"
                data = {"registry": self.registry, "alerts": alert.inquiry_id.hex(), "contact": contact}
                for address in () if person is None else person.addresses:
                    label = "" if person is None else person.label
                    message_id = f"msg_{alert.alert_id.hex()}"
                    about = (alert.inquiry_id, label)
                    self._put(message_id, address, about, kind, milliseconds(alert.happened_at), data, now)

    def add(
        self,
        message_id: str,
        to: Address,
        label: str,
        kind: str,
        happened_at: datetime,
        data: Mapping[str, Json],
        now: int,
    ) -> None:
        """Queue a message that is about no person.

        Args:
            message_id: names it; a message with the same id to the same address is there once.
            to: where it goes.
            label: shown in lists.
            kind: such as ``watch.changed``.
            happened_at: UTC.
            data: of the body.
            now: ms.
        """
        with self._translated(), self._transaction():
            self._put(message_id, kept_as(to), (b"", label), kind, milliseconds(happened_at), data, now)

    def _put(
        self,
        message_id: str,
        address: str,
        about: tuple[bytes, str],
        kind: str,
        happened_at: int,
        data: Mapping[str, Json],
        now: int,
    ) -> None:
        content = {"type": kind, "timestamp": moment(happened_at).isoformat(timespec="milliseconds"), "data": data}
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._database.execute(
            "INSERT OR IGNORE INTO messages "
            "(message_id, address, inquiry_id, label, kind, happened_at, body, made_at, next_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (message_id, address, *about, kind, happened_at, body, now, now),
        )

    def check_writable(self) -> None:
        """Check that results can be noted: what is sent and never noted would be sent again and again.

        Raises:
            DeliveryQueueError: the file cannot be written, as on a full disk.
        """
        with self._translated(), self._transaction():
            # It is written also where it stays the same.
            self._database.execute(f"PRAGMA user_version = {_FORM}")

    def due(self, now: int, limit: int) -> list[QueuedMessage]:
        """Return messages whose next attempt is due, the oldest first, at most so many."""
        return self._messages(
            "WHERE state = ? AND next_at <= ? ORDER BY made_at, happened_at LIMIT ?", (WAITING, now, limit)
        )

    def messages(self, limit: int) -> list[QueuedMessage]:
        """Return messages, the newest first, at most so many; those delivered or given up are kept for 30 days."""
        return self._messages("ORDER BY made_at DESC, happened_at DESC LIMIT ?", (limit,))

    def _messages(self, which: str, values: tuple[object, ...]) -> list[QueuedMessage]:
        query = f"SELECT {_MESSAGE} FROM messages {which}"  # noqa: S608 - our own columns and conditions
        with self._translated(), closing(self._database.execute(query, values)) as found:
            return [QueuedMessage(*row) for row in found]

    def settle(self, message: QueuedMessage, state: str, failure: str, next_at: int) -> None:
        """Note how an attempt ended; what is delivered or given up keeps no body.

        Args:
            message: that was attempted.
            state: WAITING, DELIVERED, or the rule by which it is given up.
            failure: rule that the attempt broke; empty for none.
            next_at: when the next one is due, ms; now, where there is none.
        """
        body, failed = message.body if state == WAITING else b"", 1 if failure else 0
        with self._translated(), self._transaction():
            self._database.execute(
                "UPDATE messages SET state = ?, failure = ?, next_at = ?, body = ?, attempts = attempts + ? "
                "WHERE message_id = ? AND address = ?",
                (state, failure, next_at, body, failed, message.message_id, message.address),
            )

    def postpone(self, address: str, until: int) -> None:
        """Let what waits for an address that just failed wait with it."""
        with self._translated(), self._transaction():
            query = "UPDATE messages SET next_at = max(next_at, ?) WHERE address = ? AND state = ? AND next_at < ?"
            self._database.execute(query, (until, address, WAITING, until))

    def forget_persons(self, before: str) -> None:
        """Delete persons and addresses whose last day is before a day, YYYY-MM-DD: no alert comes any more.

        A person with a message that waits is kept until it was delivered or given up.
        """
        with self._translated():
            query = "SELECT DISTINCT inquiry_id FROM messages WHERE state = ?"
            waiting = {inquiry_id for (inquiry_id,) in self._database.execute(query, (WAITING,))}
        for person in self.persons():
            if person.until < before and person.inquiry_id not in waiting:
                self.remove_request(person.inquiry_id)

    def forget(self, now: int) -> None:
        """Delete messages that were delivered or given up 30 days ago or longer."""
        with self._translated(), self._transaction():
            over = (WAITING, now - _KEPT_MS)
            self._database.execute("DELETE FROM messages WHERE state <> ? AND next_at < ?", over)


def shown_address(address: str, say: Callable[..., str] = str.format) -> str:
    """Return an address as lists show it: the host alone, for path and mailbox may name the person.

    Args:
        address: as the queue keeps it.
        say: says it in a language; programs read it in English.
    """
    to = address_of(address)
    if isinstance(to, Mailbox):
        return say(N_("mail at {host}"), host=to.text.rpartition("@")[2])
    return say(N_("webhook at {host}"), host=to.host)
