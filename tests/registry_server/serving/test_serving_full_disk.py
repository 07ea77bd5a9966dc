"""A full disk is told apart from every other failure, whoever meets it first."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg.errors
import pytest
from sqlalchemy import Engine, event

from client_sdk.kernel.formats.complaint import Complaint
from registry_server.errors import RefusalReason
from registry_server.serving.full_disk import is_full
from registry_server.storage import migrations
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.subject_key_service import errors as key_service_errors
from registry_server.subject_key_service.request_log import RequestLogError
from registry_server.usecases import failures

if TYPE_CHECKING:
    from pathlib import Path


def test_files_and_both_databases_say_that_there_is_no_room(tmp_path: Path) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left") as written:
        os.write(descriptor, b"x")
    os.close(descriptor)
    with closing(sqlite3.connect(tmp_path / "database")) as connection:
        connection.execute("PRAGMA max_page_count=2")
        with pytest.raises(sqlite3.OperationalError, match="full") as stored:
            connection.execute("CREATE TABLE kept AS SELECT zeroblob(100000) AS bytes")
    assert is_full(written.value)
    assert is_full(stored.value)
    assert is_full(psycopg.errors.DiskFull("no room"))


def test_another_failure_is_none() -> None:
    for error in (
        OSError(errno.EACCES, "not permitted"),
        psycopg.errors.InsufficientResources("too many"),
        psycopg.errors.LockNotAvailable("busy"),
        sqlite3.OperationalError("no such table"),
        ValueError("full"),
        None,
    ):
        assert not is_full(error)


def test_it_is_the_reason_of_a_refusal_and_of_what_the_registry_does_by_itself() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert failures.complaint_of(full) == Complaint(
        RefusalReason.DISK_FULL, "", "storage.full", want="a disk that has room"
    )
    assert failures.reason_of(OSError(errno.EACCES, "not permitted")) == RefusalReason.INTERNAL


def test_a_key_service_tells_it_as_the_registry_does() -> None:
    for full, told in ((True, ("DISK_FULL", "storage.full")), (False, ("STORAGE_UNAVAILABLE", "storage.failed"))):
        complaint = key_service_errors.complaint_of(RequestLogError("OperationalError", full=full))
        assert (complaint.reason, complaint.rule) == told
        assert key_service_errors.CATALOGUE[complaint.reason].retryable


def test_tables_that_find_no_room_say_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    with pytest.raises(StorageError, match="the database is full"):
        _upgraded_without_room(url)
    assert str(StorageError(StorageFault.OTHER, "ProgrammingError")) == "the database failed: ProgrammingError"


def _upgraded_without_room(url: str) -> None:
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=3")

    event.listen(Engine, "connect", limit)
    try:
        migrations.upgrade(url)
    finally:
        event.remove(Engine, "connect", limit)
