"""The checkpoint register: the newest (origin, size, root) that the registry has signed, kept outside of its database.

A database that is restored, copied or damaged knows nothing of what was signed after it. The register does, as long as
it does not share the database's fate: it belongs on another disk or another machine. It holds no secret.

    FileRegister       a file with the body of a C2SP checkpoint, replaced as a whole under a lock file
    DatabaseRegister   one row a log in a table of a second database (SQLite or PostgreSQL)

Both move by compare-and-swap, so that any number of processes and machines may share one. Whether a move leads to a
tree that contains the former one is checked by the caller, who has the log.
"""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.checkpoint import Checkpoint, parse_body
from client_sdk.kernel.formats.errors import FormatError
from registry_server.serving.answered import answers_within
from registry_server.serving.files import create_for_sqlite, replace_file
from registry_server.serving.postgresql import postgresql_engine
from registry_server.storage.errors import RegisterError, RegisterFault, StorageFault
from registry_server.storage.read_only import fault_of
from registry_server.storage.sqlite_file import located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["DatabaseRegister", "FileRegister", "Register", "open_register"]

# How long a register may take for an operation: in a file or on SQLite, how long it waits for another process that
# moves it at the same moment; on PostgreSQL, from waiting for a connection to the last answer.
# Whatever it was asked, nothing is lost where no answer comes: a move that was made all the same is found by the next
# look at the register.
ANSWER_SECONDS = 5.0
# What part of it a server waits for another process: it says so before its answer is given up.
_SERVER_PART = 0.8
# After a wait of at least this part of it that failed, nothing waits again for as long: those that have queued behind
# it are told at once.
_PAUSE_PART = 0.4
# How often the lock file is tried meanwhile: a move takes some milliseconds, and every append makes one.
_TRY_SECONDS = 0.002
# The body of a checkpoint: an origin of some hundred characters at most, a number and a hash.
_MAX_BYTES = 4_096
_MODE = 0o600
_FOLDER_MODE = 0o700


class Register(Protocol):
    """Interface of a checkpoint register: stores the newest signed checkpoint outside of the database.

    Every method raises RegisterError where the register cannot be read or written, or holds anything but one checkpoint
    of its log.
    """

    place: str

    def read(self) -> Checkpoint | None:
        """Return what it holds; None where there is no register yet."""
        ...

    def create(self, first: Checkpoint) -> Checkpoint:
        """Make the register of a new log; return what it holds, which is another where it was there already."""
        ...

    def move(self, before: Checkpoint, after: Checkpoint) -> Checkpoint | None:
        """Replace ``before`` durably by ``after`` if it still holds that; return what it holds then."""
        ...

    def reset(self, checkpoint: Checkpoint) -> None:
        """Set it to a checkpoint, whatever it held: an operator has confirmed it."""
        ...

    def close(self) -> None:
        """Give up every connection."""
        ...


def open_register(file: Path, url: str, origin: str) -> Register:
    """Return the register of a log.

    Args:
        file: where it is unless a URL is given.
        url: of a second database; empty for none.
        origin: of the log.
    """
    return DatabaseRegister(url, origin) if url else FileRegister(file, origin)


class _RegisterPause:
    """The pause after a register gave no answer in time: until it is over, operations fail at once instead of waiting.

    Args:
        place: of the register.
        answer_seconds: how long one operation waits.
    """

    def __init__(self, place: str, answer_seconds: float) -> None:
        self._place = place
        self._seconds = _PAUSE_PART * answer_seconds
        self._until = float("-inf")

    def check(self) -> None:
        """Check that it is over.

        Raises:
            RegisterError: it is not.
        """
        if time.monotonic() < self._until:
            what = f"{self._place}: it gave no answer a moment ago"
            raise RegisterError(RegisterFault.UNAVAILABLE, StorageFault.GONE, what)

    def begin(self, began: float) -> None:
        """Begin, after an operation that failed, where that has taken long.

        Args:
            began: when the operation did, by the clock that never steps.
        """
        if time.monotonic() - began >= self._seconds:
            self._until = time.monotonic() + self._seconds


class FileRegister:
    """A register in a file of its own.

    Args:
        path: of the file; ``create`` makes its folder.
        origin: of the log.
        answer_seconds: how long an operation waits for another process.
    """

    def __init__(self, path: Path, origin: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.place = str(path)
        self._path = path
        self._origin = origin
        self._pause = _RegisterPause(self.place, answer_seconds)
        # Excludes other processes; within this process callers hold a lock of their own.
        self._lock = FileLock(f"{path}.lock", timeout=answer_seconds, mode=_MODE, thread_local=False)

    def read(self) -> Checkpoint | None:
        """Return what the file holds; None where it is not there."""
        with self._failing():
            try:
                with open(self._path, "rb") as file:  # noqa: PTH123 - on the way of every append; Path.open takes longer
                    data = file.read(_MAX_BYTES + 1)
            except FileNotFoundError:
                return None
        return self._parse(data)

    def create(self, first: Checkpoint) -> Checkpoint:
        """Make folder and file, unless the file is there."""
        with self._failing():
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with self._alone():
            held = self.read()
            if held is None:
                self._write(first)
            return held or first

    def move(self, before: Checkpoint, after: Checkpoint) -> Checkpoint | None:
        """Replace the file by one that holds another checkpoint."""
        with self._alone():
            held = self.read()
            if held != before:
                return held
            self._write(after)
            return after

    def reset(self, checkpoint: Checkpoint) -> None:
        """Replace the file, or make it."""
        with self._failing():
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with self._alone():
            self._write(checkpoint)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _write(self, checkpoint: Checkpoint) -> None:
        """Put a new file in the place of the old one; after a crash at any moment one of them is there, whole."""
        with self._failing():
            replace_file(self._path, checkpoint.body().encode())

    def _parse(self, data: bytes) -> Checkpoint:
        try:
            held, extensions = parse_body(data[: _MAX_BYTES + 1].decode())
        except (FormatError, UnicodeDecodeError) as error:
            got = error.rule if isinstance(error, FormatError) else "bytes that are no UTF-8"
            raise RegisterError(RegisterFault.DAMAGED, StorageFault.OTHER, f"{self.place}: {got}") from None
        if extensions or held.origin != self._origin or held.body().encode() != data:
            what = f"{self.place}: not exactly one checkpoint of {self._origin}"
            raise RegisterError(RegisterFault.DAMAGED, StorageFault.OTHER, what)
        return held

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._pause.check()
        began = time.monotonic()
        try:
            with self._failing():
                self._lock.acquire(poll_interval=_TRY_SECONDS)
        except Timeout:
            self._pause.begin(began)
            what = f"{self.place}.lock is held by another process"
            raise RegisterError(RegisterFault.UNAVAILABLE, StorageFault.BUSY, what) from None
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, Timeout):
                raise
            fault = fault_of(error)
            what = f"{self.place}: {error.strerror or type(error).__name__}"
            raise RegisterError(RegisterFault.UNAVAILABLE, fault, what) from None


_TABLE = Table(
    "checkpoint_register",
    MetaData(),
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, CheckConstraint("size > 0"), nullable=False),
    Column("root", LargeBinary, CheckConstraint("length(root) = 32"), nullable=False),
)


class DatabaseRegister:
    """A register in a table of a second database.

    Args:
        url: of SQLAlchemy: ``sqlite:///path`` or ``postgresql+psycopg://...``.
        origin: of the log.
        answer_seconds: how long an operation may take.
    """

    def __init__(self, url: str, origin: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._url, self._seconds = make_url(url), answer_seconds
        self.place = self._url.render_as_string(hide_password=True)
        self._origin = origin
        self._file = None if self._url.get_backend_name() == "postgresql" else Path(self._url.database or "").absolute()
        self._engine = _engine(self._url, self._file, answer_seconds)
        # Whether the table was seen; asked for until then.
        self._made = False
        self._pause = _RegisterPause(self.place, answer_seconds)

    def read(self) -> Checkpoint | None:
        """Return the row of the log; None where there is none, or no table."""
        if self._file is not None and not self._file.exists():
            return None
        with self._failing(), self._engine.connect() as connection:
            self._made = self._made or inspect(connection).has_table(_TABLE.name)
            return self._held(connection) if self._made else None

    def create(self, first: Checkpoint) -> Checkpoint:
        """Make table and row, unless they are there."""
        with answers_within(self._seconds):
            with self._failing():
                if self._file is not None:
                    self._file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
                    create_for_sqlite(self._file)
                with self._engine.begin() as connection:
                    _TABLE.metadata.create_all(connection)
            try:
                with self._failing(), self._engine.begin() as connection:
                    connection.execute(insert(_TABLE), self._row(first))
            except IntegrityError:
                # Another process has just made it.
                return self.read() or first
            return first

    def move(self, before: Checkpoint, after: Checkpoint) -> Checkpoint | None:
        """Update the row if it holds what is expected."""
        expected = (_TABLE.c.origin == self._origin, _TABLE.c.size == before.size, _TABLE.c.root == before.root)
        moved = update(_TABLE).where(*expected).values(size=after.size, root=after.root)
        with self._failing():
            with self._engine.begin() as connection:
                if connection.execute(moved).rowcount == 1:
                    return after
            with self._engine.connect() as connection:
                return self._held(connection)

    def reset(self, checkpoint: Checkpoint) -> None:
        """Replace the row, or make it."""
        with answers_within(self._seconds):
            self.create(checkpoint)
            with self._failing(), self._engine.begin() as connection:
                connection.execute(delete(_TABLE).where(_TABLE.c.origin == self._origin))
                connection.execute(insert(_TABLE), self._row(checkpoint))

    def close(self) -> None:
        """Give up every connection."""
        self._engine.dispose()

    def _held(self, connection: Connection) -> Checkpoint | None:
        row = connection.execute(select(_TABLE.c.size, _TABLE.c.root).where(_TABLE.c.origin == self._origin)).first()
        return None if row is None else Checkpoint(self._origin, int(row[0]), bytes(row[1]))

    def _row(self, checkpoint: Checkpoint) -> dict[str, str | int | bytes]:
        return {"origin": self._origin, "size": checkpoint.size, "root": checkpoint.root}

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn the driver's errors into ours, without its words: they may quote the URL."""
        self._pause.check()
        began = time.monotonic()
        try:
            with answers_within(self._seconds):
                yield
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            self._pause.begin(began)
            name = getattr(getattr(error, "orig", None), "sqlite_errorname", "") or type(error).__name__
            fault = fault_of(getattr(error, "orig", None))
            raise RegisterError(RegisterFault.UNAVAILABLE, fault, f"{self.place}: {name}") from None
        except OSError as error:
            fault = fault_of(error)
            what = f"{self.place}: {error.strerror or type(error).__name__}"
            raise RegisterError(RegisterFault.UNAVAILABLE, fault, what) from None


def _engine(url: URL, file: Path | None, answer_seconds: float) -> Engine:
    if file is None:
        # Each of them bounds a wait for another process; none cuts short a commit that waits for a standby.
        waits = int(_SERVER_PART * answer_seconds * 1_000)
        limits = dict.fromkeys(("lock_timeout", "idle_in_transaction_session_timeout"), waits)
        return postgresql_engine(
            url,
            "registry-server register",
            limits,
            pool_size=1,
            max_overflow=2,
            pool_timeout=answer_seconds,
            pre_ping=True,
            answer_seconds=answer_seconds,
        )
    # Opened by its name each time: a file that was moved away must be missed, not written to.
    engine = create_engine(located(url, file), poolclass=NullPool, connect_args={"timeout": answer_seconds})
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # EXTRA: a journal whose removal a power cut takes back would undo the last move; its checkpoint is signed.
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA synchronous = EXTRA")
