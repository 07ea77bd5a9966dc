"""Storage in a file for what grows with the log while it is replayed, so that memory is bounded.

    with StateFile(folder / "audit.state") as store: ...

    an SQLite file that begins empty and has no name once it is open, so that nothing is left of it, however it ends
        a table a mapping, (key, value); the newest entries are in memory as well
        a table whatever is put in order, (number, some items): sorted runs one after the other

An audit, and the registry's ``fsck``, repair and refill, share it. Values are encrypted under a key that this process
alone has and that ends with it: among them are pseudonyms and openings, of which nothing may be left on a disk. Keys
are in clear: of mappings, they are what the log shows; what is put in order by persons is numbered, so that a row tells
neither its place nor its record.
"""

from __future__ import annotations

import heapq
import os
import pickle
import sqlite3
from collections.abc import MutableMapping, ValuesView
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from client_sdk._files import cannot_be_written
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["HOT_ENTRIES", "StateFile"]

K = TypeVar("K", bound="int | bytes | tuple[str, bytes]")
V = TypeVar("V")
D = TypeVar("D")

# Entries of one mapping in memory; of those of records some hundred bytes each. A part of them is given up at a time.
HOT_ENTRIES = 65_536
_GIVEN_UP = 4
# Items of a sorted run that are read at once, of each run: few, as there are many runs.
_READ_AT_ONCE = 16
_CACHE_KIB = 16 * 1024
_INDEX_BYTES = 8
_NONCE_BYTES = 12
_SETTINGS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", f"cache_size = -{_CACHE_KIB}")


class StateFile:
    """A ``StateStore`` in a file, while a block lasts.

    Args:
        path: what errors call the file; it lies in this folder, and any number may, of any number of processes.
        hot_entries: of each mapping in memory.
    """

    def __init__(self, path: Path, hot_entries: int = HOT_ENTRIES) -> None:
        self._path = path
        self.hot_entries = hot_entries
        self._box = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        self._tables = 0
        self._nonces = count()

    def __enter__(self) -> Self:
        try:
            # A name that nobody knows before: no link that another has put there is followed. Mode 0600.
            opened, name = mkstemp(prefix=f"{self._path.name}.", dir=self._path.parent)
        except OSError as error:
            raise cannot_be_written(self._path, error) from error
        os.close(opened)
        try:
            self._open(name)
        finally:
            # Only its name is gone.
            with suppress(OSError):
                Path(name).unlink()
        return self

    def _open(self, name: str) -> None:
        try:
            self._connection = sqlite3.connect(name, isolation_level=None)
        except sqlite3.Error as error:
            raise self._failed(error) from None
        try:
            for statement in (*(f"PRAGMA {setting}" for setting in _SETTINGS), "BEGIN EXCLUSIVE"):
                self.execute(statement)
        except ConfigError:
            self._connection.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def mapping(self, name: str, key: type[K], value: type[V]) -> MutableMapping[K, V]:  # noqa: ARG002 - for people
        """Return a new, empty mapping.

        Raises:
            ConfigError: the file cannot be written; so does whatever is done with the mapping.
        """
        self._tables += 1
        return _Mapping[K, V](self, f"m{self._tables}", key)

    def ascending(self, mapping: MutableMapping[K, V]) -> Iterator[tuple[K, V]]:
        """Yield the items of one of its mappings by key, ascending."""
        return cast("_Mapping[K, V]", mapping).ascending()

    def in_order(self, items: Iterable[V], place: Callable[[V], bytes]) -> Iterator[V]:
        """Return items ascending by their places; so many are in memory as of a mapping, and a few of each run.

        Raises:
            ConfigError: the file cannot be written; reading what is returned raises it as well.
        """
        left = iter(items)
        run = sorted(islice(left, self.hot_entries), key=place)
        if len(run) < self.hot_entries:
            return iter(run)
        self._tables += 1
        table = f"r{self._tables}"
        self.execute(f'CREATE TABLE "{table}" (number BLOB PRIMARY KEY, items BLOB NOT NULL) WITHOUT ROWID')
        start = 0
        runs: list[Iterator[V]] = []
        while run:
            numbers = range(start, start + len(run), _READ_AT_ONCE)
            self.put(table, [(_bytes_of(at), run[at - start : at - start + _READ_AT_ONCE]) for at in numbers])
            runs.append(self._run(table, numbers))
            start += len(run)
            run = sorted(islice(left, self.hot_entries), key=place)
        return heapq.merge(*runs, key=place)

    def _run(self, table: str, numbers: range) -> Iterator[V]:
        for number in numbers:
            key = _bytes_of(number)
            row = self.row(f'SELECT items FROM "{table}" WHERE number = ?', (key,))  # noqa: S608 - our own name
            if row is None:
                raise self._damaged()
            yield from cast("list[V]", self.opened(table, key, row[0]))

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> None:
        """Run a statement that returns no rows.

        Raises:
            ConfigError: the file cannot be read or written, such as on a full disk.
        """
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def row(self, statement: str, values: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        """Return the one row that a statement finds, or None.

        Raises:
            ConfigError: as for ``execute``.
        """
        return next(self.rows(statement, values), None)

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that a statement finds.

        Raises:
            ConfigError: as for ``execute``.
        """
        try:
            yield from self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def put(self, table: str, rows: list[tuple[bytes, object]]) -> None:
        """Write entries of a table, encrypted, in place of those that have the same key.

        Raises:
            ConfigError: as for ``execute``.
        """
        ascending = sorted(rows, key=lambda row: row[0])
        sealed = ((key, self._sealed(table, key, value)) for key, value in ascending)
        try:
            self._connection.executemany(f'INSERT OR REPLACE INTO "{table}" VALUES (?, ?)', sealed)  # noqa: S608 - our own name
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def opened(self, table: str, key: bytes, sealed: bytes) -> object:
        """Return a value as it was put: bytes that this process did not write under this key are never read.

        Raises:
            ConfigError: they are others, such as on a damaged disk.
        """
        try:
            value = self._box.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(table, key))
        except (InvalidTag, ValueError, TypeError):
            raise self._damaged() from None
        return pickle.loads(value)  # noqa: S301 - sealed by this process

    def _sealed(self, table: str, key: bytes, value: object) -> bytes:
        # Never used before under this key.
        nonce = next(self._nonces).to_bytes(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, pickle.dumps(value, pickle.HIGHEST_PROTOCOL), _place(table, key))

    def _damaged(self) -> ConfigError:
        return ConfigError(f"{self._path} is damaged: it is not as this program has written it")

    def _failed(self, error: sqlite3.Error) -> ConfigError:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        return ConfigError(f"{self._path} cannot be read or written: {name}")


class _Mapping(MutableMapping[K, V], Generic[K, V]):
    """One table. What was put or got last is in memory; what was put and is not in the file yet is noted."""

    def __init__(self, file: StateFile, table: str, key: type[K]) -> None:
        self._file = file
        self._table = table
        self._key = key
        self._hot: dict[K, V] = {}
        self._unwritten: set[K] = set()
        # Whether memory has become too small: until then the table is empty, and never asked.
        self._spilled = False
        file.execute(f'CREATE TABLE "{table}" (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID')

    def __getitem__(self, key: K) -> V:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    # Asked some times a leaf, so without the errors that the base class raises and catches.
    def __contains__(self, key: object) -> bool:
        return self.get(cast("K", key)) is not None

    def get(self, key: K, default: D | None = None) -> V | D | None:  # type: ignore[override]  # its overloads
        """Return the value of a key, or the default."""
        value = self._hot.get(key)
        if value is None and self._spilled:
            value = self._read(key)
        return default if value is None else value

    def _read(self, key: K) -> V | None:
        raw = _bytes_of(key)
        row = self._file.row(f'SELECT value FROM "{self._table}" WHERE key = ?', (raw,))  # noqa: S608 - our own name
        if row is None:
            return None
        value = cast("V", self._file.opened(self._table, raw, row[0]))
        self._keep(key, value)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        if self._spilled:
            self._unwritten.add(key)
            # The newest entry is the last one.
            self._hot.pop(key, None)
        self._keep(key, value)

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._hot.pop(key, None)
        self._unwritten.discard(key)
        if self._spilled:
            self._file.execute(f'DELETE FROM "{self._table}" WHERE key = ?', (_bytes_of(key),))  # noqa: S608 - our own name

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.ascending())

    def __len__(self) -> int:
        if not self._spilled:
            return len(self._hot)
        self._write(self._unwritten)
        return int(next(self._file.rows(f'SELECT count(*) FROM "{self._table}"'))[0])  # noqa: S608 - our own name

    def values(self) -> ValuesView[V]:
        """Return the values, in any order; each is read once."""
        return _Values(self)

    def ascending(self) -> Iterator[tuple[K, V]]:
        """Yield all items by key, ascending."""
        if not self._spilled:
            yield from ((key, self._hot[key]) for key in sorted(self._hot))
            return
        self._write(self._unwritten)
        for raw, sealed in self._file.rows(f'SELECT key, value FROM "{self._table}" ORDER BY key'):  # noqa: S608 - our own name
            # Opened first: it holds the key as well.
            value = cast("V", self._file.opened(self._table, raw, sealed))
            yield _key_of(raw, self._key), value

    def each(self) -> Iterator[V]:
        """Yield all values."""
        return (value for _, value in self.ascending()) if self._spilled else iter(self._hot.values())

    def _keep(self, key: K, value: V) -> None:
        """Keep an entry in memory, the oldest of which make room."""
        self._hot[key] = value
        if len(self._hot) > self._file.hot_entries:
            if not self._spilled:
                self._spilled, self._unwritten = True, set(self._hot)
            oldest = list(islice(self._hot, len(self._hot) // _GIVEN_UP))
            self._write(self._unwritten.intersection(oldest))
            for each in oldest:
                del self._hot[each]

    def _write(self, keys: AbstractSet[K]) -> None:
        if keys:
            self._file.put(self._table, [(_bytes_of(key), self._hot[key]) for key in keys])
            self._unwritten -= keys


class _Values(ValuesView[V]):
    """The values of a mapping."""

    _mapping: _Mapping[Any, V]

    def __iter__(self) -> Iterator[V]:
        return self._mapping.each()


def _place(table: str, key: bytes) -> bytes:
    """Return what binds a value to its row; with the length of the first, so that no other two come to the same."""
    return bytes([len(table)]) + table.encode() + key


def _bytes_of(key: int | bytes | tuple[str, bytes]) -> bytes:
    """Return a key as a table has it, in the same order."""
    match key:
        case int():
            return key.to_bytes(_INDEX_BYTES)
        case bytes():
            return key
        case _:
            return key[0].encode() + b"\0" + key[1]


def _key_of(raw: bytes, kind: type[K]) -> K:
    """Return a key that a table has."""
    if issubclass(kind, int):
        return cast("K", int.from_bytes(raw))
    if issubclass(kind, bytes):
        return cast("K", raw)
    name, _, rest = raw.partition(b"\0")
    return cast("Callable[[str, bytes], K]", kind)(name.decode(), rest)
