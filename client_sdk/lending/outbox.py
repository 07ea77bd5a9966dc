"""The outbox: signed submissions without a receipt yet, receipts, and what a registry may have to be given back (P6).

An SQLite file with mode 0600. Signed bytes are stored, durably, before they are sent, and kept until the receipt is
stored in the same transaction that deletes them: after a crash at any point the same bytes are sent again, and the
registry answers with the first receipt. Openings are random, so bytes that were lost cannot be signed a second time.

The submission of a record's newest version is kept for 36 days after its receipt: a registry that lost its disk has all
but what was sent after its backup, which is at most 35 days old, and openings are nowhere else. A submission holds
pseudonym and facts. A receipt holds the signed statement alone, which identifies no person.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

from filelock import FileLock, Timeout

from client_sdk._files import create_for_sqlite
from client_sdk.errors import OutboxError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.ledger.proving import split_hashes
from client_sdk.models.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from creditregistry.v1 import evidence_pb2

__all__ = ["Outbox", "Pending", "Stored"]

# Bumped when a table changes; an outbox of another form is refused rather than guessed at.
FORM = 3
BUSY_SECONDS = 30.0
KEPT_DAYS = 36
_DAY_SECONDS = 86_400

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (form INTEGER NOT NULL, registry TEXT NOT NULL, institution TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pending (
    sequence INTEGER PRIMARY KEY, issuer TEXT NOT NULL, record_id BLOB NOT NULL, version INTEGER NOT NULL,
    submission BLOB NOT NULL, until INTEGER, UNIQUE (issuer, record_id, version)
);
CREATE INDEX IF NOT EXISTS waiting ON pending (sequence) WHERE until IS NULL;
CREATE INDEX IF NOT EXISTS kept ON pending (until) WHERE until IS NOT NULL;
CREATE TABLE IF NOT EXISTS checkpoints (
    id INTEGER PRIMARY KEY, note BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, proved INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS unproved ON checkpoints (size) WHERE NOT proved;
CREATE TABLE IF NOT EXISTS receipts (
    issuer TEXT NOT NULL, record_id BLOB NOT NULL, version INTEGER NOT NULL,
    leaf_index INTEGER NOT NULL, logged_at INTEGER NOT NULL,
    payload BLOB NOT NULL, key_id BLOB NOT NULL, signature BLOB NOT NULL,
    path BLOB NOT NULL, checkpoint INTEGER NOT NULL,
    PRIMARY KEY (issuer, record_id, version)
) WITHOUT ROWID;
"""


class Pending(NamedTuple):
    """A signed submission without a receipt.

    Attributes:
        issuer: of the record.
        record_id: 16 bytes.
        version: of the record.
        submission: serialised, as it was or will be sent.
    """

    issuer: str
    record_id: bytes
    version: int
    submission: bytes


class Stored(NamedTuple):
    """Parts of a receipt, without the checkpoint that a whole chunk shares."""

    issuer: str
    record_id: bytes
    version: int
    leaf_index: int
    logged_at: int
    payload: bytes
    key_id: bytes
    signature: bytes
    path: bytes

    @classmethod
    def of(cls, receipt: Receipt, signed: evidence_pb2.SignedPayload) -> Stored:
        """Return the stored form of a verified receipt for a signed statement."""
        return cls(
            receipt.issuer,
            receipt.record_id,
            receipt.version,
            receipt.index,
            milliseconds(receipt.logged_at),
            signed.payload,
            signed.key_id,
            signed.signature,
            b"".join(receipt.path),
        )


class Outbox:
    """One member's outbox; safe to share between threads.

    Args:
        path: of the file; made where there is none.
        registry: name of the registry.
        institution: id of the member.

    Raises:
        OutboxError: it is damaged, of another form, or belongs to another institution.
    """

    def __init__(self, path: Path, registry: str, institution: str) -> None:
        self._path = path
        self._mutex = threading.RLock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_for_sqlite(path)
            path.chmod(0o600)
            self._database = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
            )
        except (OSError, sqlite3.Error) as error:
            raise OutboxError(f"{path} cannot be opened: {error}") from error
        try:
            self._set_up()
            self._check_owner(registry, institution)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is pending stays."""
        with self._mutex:
            self._database.close()

    def _set_up(self) -> None:
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise OutboxError(f"{self._path} cannot be opened: {error}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the outbox for one call of ``report_many``.

        Raises:
            OutboxError: another process holds it.
        """
        lock = FileLock(f"{self._path}.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise OutboxError(f"{self._path} is used by another process") from None
        try:
            yield
        finally:
            lock.release()

    def add(self, pending: Iterable[Pending]) -> None:
        """Store signed submissions in one durable transaction, in order, before they are sent.

        Raises:
            OutboxError: the disk is full or the file damaged; nothing was stored.
        """
        with self._transaction() as database:
            database.executemany(
                "INSERT OR REPLACE INTO pending (issuer, record_id, version, submission) VALUES (?, ?, ?, ?)", pending
            )

    def pending(self) -> list[Pending]:
        """Return the submissions without a receipt, in the order in which they were signed.

        Raises:
            OutboxError: the file is damaged.
        """
        query = "SELECT issuer, record_id, version, submission FROM pending WHERE until IS NULL ORDER BY sequence"
        with self._transaction() as database:
            return [Pending(*row) for row in database.execute(query)]

    def pending_version(self, issuer: str, record_id: bytes, version: int) -> Pending | None:
        """Return the submission of one version without a receipt; None where there is none.

        Raises:
            OutboxError: the file is damaged.
        """
        query = (
            "SELECT issuer, record_id, version, submission FROM pending "
            "WHERE issuer = ? AND record_id = ? AND version = ? AND until IS NULL"
        )
        with self._transaction() as database:
            row = database.execute(query, (issuer, record_id, version)).fetchone()
        return None if row is None else Pending(*row)

    def kept(self, after: int, limit: int) -> tuple[list[Pending], int]:
        """Return submissions that are kept after their receipt, in the order in which they were signed, and a place.

        Args:
            after: place of the last one that was returned; 0 to begin.
            limit: at most so many.

        Raises:
            OutboxError: the file is damaged.
        """
        query = (
            "SELECT sequence, issuer, record_id, version, submission FROM pending "
            "WHERE until IS NOT NULL AND sequence > ? ORDER BY sequence LIMIT ?"
        )
        with self._transaction() as database:
            rows = database.execute(query, (after, limit)).fetchall()
        return [Pending(*row[1:]) for row in rows], rows[-1][0] if rows else after

    def settle(
        self, checkpoint: bytes, size: int, receipts: Iterable[Stored], refused: Iterable[tuple[str, bytes, int]] = ()
    ) -> None:
        """Store receipts, keep what they are for, and delete what was refused, in one durable transaction.

        Of a record only its newest version is kept; one that ends it holds no person.

        Args:
            checkpoint: signed note that the receipts lead to.
            size: of the checkpoint.
            receipts: verified.
            refused: issuer, record id and version of submissions that the registry refused for good.

        Raises:
            OutboxError: the disk is full or the file damaged; nothing was stored, and all stays pending.
        """
        stored = list(receipts)
        now = int(time.time())
        keys = [(item.issuer, item.record_id, item.version) for item in stored]
        with self._transaction() as database:
            if stored:
                place = self._checkpoint_id(checkpoint, size)
                database.executemany(
                    "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [(*item, place) for item in stored],
                )
            until = now + KEPT_DAYS * _DAY_SECONDS
            database.executemany(
                "UPDATE pending SET until = ? WHERE issuer = ? AND record_id = ? AND version = ? AND until IS NULL",
                [(until, *key) for key in keys],
            )
            database.executemany(
                "DELETE FROM pending WHERE issuer = ? AND record_id = ? AND version < ? AND until IS NOT NULL", keys
            )
            database.executemany(
                "DELETE FROM pending WHERE issuer = ? AND record_id = ? AND version = ? AND until IS NULL", refused
            )
            database.execute("DELETE FROM pending WHERE until < ?", (now,))

    def receipt(self, issuer: str, record_id: bytes, version: int) -> Receipt | None:
        """Return the receipt of a version, None where it is not here; it was verified when it was stored.

        Raises:
            OutboxError: the file is damaged.
        """
        query = (
            "SELECT leaf_index, logged_at, payload, key_id, signature, path, note, size "
            "FROM receipts JOIN checkpoints ON checkpoints.id = receipts.checkpoint "
            "WHERE issuer = ? AND record_id = ? AND version = ?"
        )
        with self._transaction() as database:
            row = database.execute(query, (issuer, record_id, version)).fetchone()
        if row is None:
            return None
        index, logged_at, payload, key_id, signature, path, note, size = row
        return Receipt(
            issuer=issuer,
            record_id=record_id,
            version=version,
            index=index,
            logged_at=moment(logged_at),
            leaf=StatementLeaf(logged_at, dsse.STATEMENT, payload, key_id, signature).encode(),
            path=tuple(split_hashes(path, "receipt")),
            checkpoint=note,
            size=size,
        )

    def newest(self, limit: int) -> list[tuple[int, int, bytes]]:
        """Return leaf index, time (ms) and payload of the statements with the newest receipts, the last one first.

        Raises:
            OutboxError: the file is damaged.
        """
        query = "SELECT leaf_index, logged_at, payload FROM receipts ORDER BY leaf_index DESC LIMIT ?"
        with self._transaction() as database:
            return database.execute(query, (limit,)).fetchall()

    def unproved(self) -> list[bytes]:
        """Return the checkpoints of receipts that were not yet held against the newest one, smallest first.

        Raises:
            OutboxError: the file is damaged.
        """
        with self._mutex:
            try:
                # A read-only connection, used on every call: readers do not wait for writers.
                found = self._database.execute("SELECT note FROM checkpoints WHERE NOT proved ORDER BY size").fetchall()
            except sqlite3.Error as error:
                raise OutboxError(f"{self._path}: {error}") from error
        return [note for (note,) in found]

    def proved(self, notes: Iterable[bytes]) -> None:
        """Note that checkpoints were held against the newest one.

        Raises:
            OutboxError: the disk is full or the file damaged.
        """
        with self._transaction() as database:
            database.executemany("UPDATE checkpoints SET proved = 1 WHERE note = ?", [(note,) for note in notes])

    def _checkpoint_id(self, note: bytes, size: int) -> int:
        self._database.execute("INSERT OR IGNORE INTO checkpoints (note, size) VALUES (?, ?)", (note, size))
        row = self._database.execute("SELECT id FROM checkpoints WHERE note = ?", (note,)).fetchone()
        return int(row[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield self._database
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise OutboxError(f"{self._path}: {error}") from error

    def _check_owner(self, registry: str, institution: str) -> None:
        wanted = (FORM, registry, institution)
        with self._transaction() as database:
            owner = database.execute("SELECT form, registry, institution FROM owner").fetchone()
            if owner is None:
                database.execute("INSERT INTO owner VALUES (?, ?, ?)", wanted)
            elif owner != wanted:
                raise OutboxError(f"{self._path} is of {owner[2]} at {owner[1]}, form {owner[0]}")
