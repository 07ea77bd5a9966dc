"""Rows of a witness: what it has cosigned last, one a log, moved by compare-and-swap and durable before an answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk._files import create_for_sqlite
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["LogRow", "LogRows"]

# In the header of the file: "CRwi".
_APPLICATION = 0x43527769
_TABLES = (
    """\
CREATE TABLE logs (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, checkpoint BLOB NOT NULL
) STRICT, WITHOUT ROWID""",
    "CREATE TABLE witness (verifier_key TEXT NOT NULL) STRICT",
    f"PRAGMA application_id = {_APPLICATION}",
)
# Until another process of the same witness has finished.
_PATIENCE_SECONDS = 5


class LogRow(NamedTuple):
    """The newest checkpoint of a log that was cosigned.

    Attributes:
        size: leaves of its tree.
        root: 32 bytes.
        checkpoint: the note, with the log's line and the witness's own.
    """

    size: int
    root: bytes
    checkpoint: bytes


class LogRows:
    """The rows of a witness; for any number of threads and processes.

    Args:
        path: of the SQLite file that ``create`` has made.
        key: verifier key of the witness for which it was made.

    Raises:
        ConfigError: it is missing or no such file, of another witness, or cannot be read or written.
    """

    def __init__(self, path: Path, key: VerifierKey) -> None:
        self._path = path
        # A new file in its place, or that of another key, would let the key cosign a second history.
        want = "put back its newest copy, or make a new witness with a new key"
        if not path.is_file():
            raise ConfigError(f"{path} is missing, and with it what was cosigned: {want}")
        with _connected(self._path) as connection:
            if _application_of(connection) != _APPLICATION:
                raise ConfigError(f"{path} is not the file that was made with this witness: {want}")
            if connection.execute("SELECT verifier_key FROM witness").fetchall() != [(key.text(),)]:
                raise ConfigError(f"{path} is of a witness with another name or key than {key.name}: {want}")

    @classmethod
    def create(cls, path: Path, key: VerifierKey) -> Self:
        """Make the file, mode 0600, of a witness that has cosigned nothing yet; one that it has already is kept.

        Raises:
            ConfigError: it cannot be written, or is there for another witness.
        """
        try:
            create_for_sqlite(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        with _connected(path) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute("INSERT INTO witness (verifier_key) VALUES (?)", (key.text(),))
        return cls(path, key)

    def read(self, origin: str) -> LogRow | None:
        """Return the row of a log; None where nothing of it was cosigned.

        Raises:
            ConfigError: the file cannot be read.
        """
        with _connected(self._path) as connection:
            query = "SELECT size, root, checkpoint FROM logs WHERE origin = ?"
            found: tuple[int, bytes, bytes] | None = connection.execute(query, (origin,)).fetchone()
        return None if found is None else LogRow(*found)

    def move(self, origin: str, held: LogRow | None, row: LogRow) -> bool:
        """Replace what was read by another row, durably; return False where it is not that any more.

        Raises:
            ConfigError: the file cannot be written.
        """
        with _connected(self._path) as connection:
            if held is None:
                query = "INSERT INTO logs (origin, size, root, checkpoint) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
                return connection.execute(query, (origin, *row)).rowcount == 1
            query = "UPDATE logs SET size = ?, root = ?, checkpoint = ? WHERE origin = ? AND size = ? AND root = ?"
            return connection.execute(query, (*row, origin, held.size, held.root)).rowcount == 1


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection; what was done is committed at the end, to the disk."""
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_SECONDS)) as connection, connection:
            # EXTRA: a journal whose removal a power cut takes back would undo the last cosignature.
            connection.execute("PRAGMA synchronous = EXTRA")
            yield connection
    except sqlite3.Error as error:
        raise ConfigError(f"{path} cannot be used: {error}") from error


def _application_of(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    return int(found)
