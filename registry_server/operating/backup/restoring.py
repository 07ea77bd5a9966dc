"""Restoring a backup into an empty database, in one transaction, believed for nothing but what verifies.

What was signed after the backup is missing then. Register and witnesses say how much, and nothing is served until
``refilling`` has brought it back, or an operator has confirmed what is lost (``register reset``).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.moment import DAY_MS, HOUR_MS
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.trust_root import TrustRoot
from registry_server.operating.backup import MAX_AGE_DAYS, MAX_AGE_MS, BackupError
from registry_server.operating.backup.container import BackupReader
from registry_server.operating.backup.keys import read_secret_key
from registry_server.operating.backup.making import show_backup
from registry_server.operating.replay_state import replay_state
from registry_server.operating.standing import DatabaseStanding, standing_of
from registry_server.operating.wind_down import while_not_served
from registry_server.sequencing.clock import MAX_STEP_MS, SystemClocks
from registry_server.serving.files import open_regular
from registry_server.storage import head, migrations, schema, wholesale
from registry_server.storage.driver import insert
from registry_server.storage.errors import StorageError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.fsck.report import LOST_FOR_GOOD

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.operating.backup.container import BackupHeader
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["restore"]


def restore(
    settings: Settings, path: Path, key: Path, passphrase_file: Path | None = None, clocks: Clocks | None = None
) -> DatabaseStanding:
    """Fill the empty database of a registry from a backup, verify all of it, and compare it with what was signed last.

    Args:
        settings: of the registry; its keys and ``public/trust-root.bin`` are in its home. No server of it runs.
        path: of the backup.
        key: file of the secret key.
        passphrase_file: holds the passphrase of that key in one line; None where it has none.
        clocks: this machine's where none are given.

    Raises:
        BackupError: the backup is damaged, foreign, too old, or does not verify, or the database is not empty; the
            database is as it was.
        ConfigError: the key has another passphrase, or the registry's folder takes no file; the database is as it was.
        WindDownError: a server of the registry runs.
        StorageError: the database failed, which says nothing about the backup; where it takes nothing any more, what it
            was given is still there, and the next run verifies it.
        OSError: a file cannot be read.
    """
    secret_key = read_secret_key(key, passphrase_file)
    _check_header(settings, show_backup(path), (clocks or SystemClocks()).wall())
    migrations.upgrade(settings.database)
    with Database(settings.database) as database, while_not_served(database):
        with open_regular(path) as file, database.append() as work:
            reader = BackupReader(file, path, secret_key)
            _check_header(settings, reader.header, (clocks or SystemClocks()).wall())
            held = _rows_of(work)
            for table, rows in reader.pages():
                if not held:
                    insert(work, table, rows)
            # A run that was killed while it verified has restored it already.
            if held and held != reader.rows:
                raise BackupError(
                    f"the database is not empty ({min(held)}): a backup is restored into an empty one alone"
                )
            _check_head(work, reader.header)
            work.commit()
        with replay_state(settings) as store:
            _verify(database, path, store, fresh=not held)
    return standing_of(settings)


def _check_header(settings: Settings, header: BackupHeader, now: int) -> None:
    """Check that a backup is of this registry, of these tables, and young enough.

    Raises:
        BackupError: it is not.
    """
    root = TrustRoot.parse((settings.public_folder / "trust-root.bin").read_bytes())
    own = (root.registry, root.fingerprint, settings.log_origin)
    if (header.registry, header.fingerprint, header.origin) != own:
        raise BackupError(f"the backup is of {header.origin}, {header.fingerprint}: this is {own[2]}, {own[1]}")
    if header.tables != migrations.newest():
        raise BackupError(
            f"the backup has tables {header.tables}, and this program {migrations.newest()}: restore it with the "
            "version that made it, then upgrade"
        )
    age = now - header.made_at_ms
    if age > MAX_AGE_MS:
        raise BackupError(
            f"the backup is {age // DAY_MS} days old: after {MAX_AGE_DAYS} days none is restored, since what the "
            "law has let persons forget meanwhile is still in it. Destroy it"
        )
    if age < -MAX_STEP_MS:
        raise BackupError(f"the backup was made {-age / HOUR_MS:.1f} hours from now: set the clock right")


def _rows_of(work: UnitOfWork) -> dict[str, int]:
    """Return how many rows there are in each table that has any."""
    counts = {table.name: wholesale.rows_of(work, table) for table in schema.metadata.sorted_tables}
    return {name: count for name, count in counts.items() if count}


def _check_head(work: UnitOfWork, header: BackupHeader) -> None:
    row = head.read(work)
    if row is None or (row.size, Frontier.from_bytes(row.frontier).root().hex()) != (header.size, header.root):
        raise BackupError("rows and header of the backup do not belong together: use another backup")


def _verify(database: Database, path: Path, store: StateStore, *, fresh: bool) -> None:
    """Recompute everything that was restored; where anything is wrong, take out again what this run has put in.

    Raises:
        BackupError: it is not what a registry writes.
        ConfigError: the store's file cannot be written.
        StorageError: the database failed.
    """
    try:
        wrong = _wrong(database, store)
    except (ConfigError, StorageError):
        # Of the store, such as on a full disk, or of the database: nothing is known of what was restored.
        if fresh:
            with suppress(StorageError):
                _empty(database)
        raise
    except Exception as error:  # noqa: BLE001 - whatever damaged rows do to it
        wrong = type(error).__name__
    if not wrong:
        return
    if not fresh:
        raise BackupError(f"what was restored before does not verify: {wrong}; see registry-server fsck")
    _empty(database)
    raise BackupError(f"{path} does not verify, and nothing of it was kept: {wrong}")


def _empty(database: Database) -> None:
    with database.append() as work:
        for table in schema.metadata.sorted_tables:
            work.connection.execute(table.delete())
        work.commit()
    database.compact(schema.metadata.sorted_tables)


def _wrong(database: Database, store: StateStore) -> str:
    """Return the first thing that is wrong with what was restored; empty for nothing."""
    report = fsck(database, store=store)
    with database.snapshot() as work:
        awaited = wholesale.rows_of(work, schema.lost_bindings)
    # Rows of records that are waited for lack their records, as fsck has found; so no other record lacks its row.
    waiting = {FindingId.BINDING_MISSING} if report.counts[FindingId.BINDING_MISSING] == awaited else set()
    return next((str(found) for found in report.findings if found.reason not in LOST_FOR_GOOD | waiting), "")
