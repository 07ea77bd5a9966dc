"""The log of requests: one transaction for many, counted once, and never half."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, select

from client_sdk.kernel.formats.key_request import KeyRequest
from client_sdk.kernel.formats.words import KeyUse, Purpose
from registry_server.subject_key_service import request_log
from registry_server.subject_key_service.admission import Admitted
from registry_server.subject_key_service.group_commit import GroupCommit
from registry_server.subject_key_service.request_log import (
    LogEntry,
    RequestLog,
    RequestLogError,
    RequestOutcome,
    key_requests,
)
from tests.conftest import postgres_database
from tests.support.stalling import stall
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = KeyRequest(
    "registry.example", bytes(32), 1, "lender-1", bytes(16), 1, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL, bytes(32)
)


def entry(number: int, count: int = 1, limit: int = 100, **changes: object) -> LogEntry:
    request = replace(REQUEST, request_id=number.to_bytes(16), **changes)  # type: ignore[arg-type]  # named by tests
    admitted = Admitted(request, request.encode(), bytes(32), bytes(64), bytes(32 * count))
    return LogEntry(admitted, received_at=5, day="2026-03-01", limit=limit)


def used(log: RequestLog, institution: str = "lender-1", use: KeyUse = KeyUse.INQUIRE) -> int:
    return log.used(institution, use, "2026-03-01")


@pytest.fixture
def log(empty_database_url: str) -> Iterator[RequestLog]:
    opened = RequestLog(empty_database_url)
    yield opened
    opened.close()


def test_requests_are_recorded_and_counted(log: RequestLog) -> None:
    assert log.record([entry(1, 3), entry(2, 4)]) == [RequestOutcome.ADMITTED] * 2
    assert used(log) == 7


def test_a_request_twice_in_one_transaction_counts_once(log: RequestLog) -> None:
    assert log.record([entry(1, 3), entry(1, 3)]) == [RequestOutcome.ADMITTED, RequestOutcome.USED]
    assert used(log) == 3


def test_a_request_again_is_known_after_a_restart(log: RequestLog, empty_database_url: str) -> None:
    log.record([entry(1)])
    again = RequestLog(empty_database_url)
    assert again.record([entry(1)]) == [RequestOutcome.USED]
    again.close()


def test_what_does_not_fit_is_refused_and_the_rest_is_not(log: RequestLog) -> None:
    outcomes = log.record([entry(1, 60), entry(2, 50), entry(3, 40), entry(4, 1)])
    assert outcomes == [
        RequestOutcome.ADMITTED,
        RequestOutcome.QUOTA_EXCEEDED,
        RequestOutcome.ADMITTED,
        RequestOutcome.QUOTA_EXCEEDED,
    ]
    assert used(log) == 100


def test_quotas_are_of_one_institution_one_use_and_one_day(log: RequestLog) -> None:
    full = entry(1, 100)
    others = [
        entry(2, 100, institution="lender-2"),
        entry(3, 100, use=KeyUse.REPORT, purpose=Purpose.REPORTING),
        replace(entry(4, 100), day="2026-03-02"),
    ]
    assert log.record([full, *others]) == [RequestOutcome.ADMITTED] * 4
    assert log.record([entry(5)]) == [RequestOutcome.QUOTA_EXCEEDED]


def test_a_refused_request_is_logged_as_refused(log: RequestLog, empty_database_url: str) -> None:
    log.record([entry(1, 101)])
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        assert connection.execute(select(key_requests.c.outcome)).scalars().all() == ["QUOTA_EXCEEDED"]
    engine.dispose()
    assert log.record([entry(1, 1)]) == [RequestOutcome.USED]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 40)), max_size=12), st.integers(1, 5))
def test_however_requests_are_grouped_the_outcome_is_the_same(requests: list[tuple[int, int]], size: int) -> None:
    entries = [entry(number, count) for number, count in requests]
    together, apart = RequestLog("sqlite://"), RequestLog("sqlite://")
    grouped = [outcome for at in range(0, len(entries), size) for outcome in together.record(entries[at : at + size])]
    assert grouped == [outcome for item in entries for outcome in apart.record([item])]
    assert used(together) == used(apart) <= 100
    together.close()
    apart.close()


def test_two_services_on_one_database_share_the_quota(log: RequestLog, empty_database_url: str) -> None:
    other = RequestLog(empty_database_url)
    logs, outcomes = (log, other), list[RequestOutcome]()

    def work(at: int) -> None:
        for number in range(20):
            outcomes.extend(logs[at].record([entry(100 * at + number, 4)]))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert outcomes.count(RequestOutcome.ADMITTED) == 25
    assert outcomes.count(RequestOutcome.QUOTA_EXCEEDED) == 15
    assert used(log) == 100


async def test_requests_that_wait_are_committed_together(log: RequestLog) -> None:
    commits: list[object] = []
    event.listen(log._engine, "commit", commits.append)
    async with GroupCommit(log) as commit:
        outcomes = await asyncio.gather(*(commit.record(entry(number)) for number in range(50)))
    assert outcomes == [RequestOutcome.ADMITTED] * 50
    assert len(commits) <= 2


async def test_whoever_has_gone_stops_nobody(log: RequestLog) -> None:
    async with GroupCommit(log) as commit:
        gone = asyncio.create_task(commit.record(entry(1)))
        stayed = asyncio.create_task(commit.record(entry(2)))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stayed is RequestOutcome.ADMITTED
        assert await commit.record(entry(3)) is RequestOutcome.ADMITTED
    assert used(log) == 3


async def test_a_database_that_is_locked_fails_those_who_wait_and_nobody_after(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'requests.sqlite'}"
    log, other = RequestLog(url), create_engine(url)
    event.listen(log._engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=10"))
    log.close()
    async with GroupCommit(log) as commit:
        with other.connect() as holder:
            holder.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(RequestLogError):
                await commit.record(entry(1, 3))
            holder.exec_driver_sql("ROLLBACK")
        assert await commit.record(entry(1, 3)) is RequestOutcome.ADMITTED
    assert used(log) == 3
    log.close()
    other.dispose()


def test_an_error_of_the_database_shows_nothing_of_a_request(log: RequestLog) -> None:
    key_requests.drop(log._engine)
    with pytest.raises(RequestLogError) as caught:
        log.record([entry(1)])
    assert "lender-1" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("word", [b"INSERT", b"COMMIT\x00"], ids=["asked", "committed"])
def test_a_database_that_keeps_its_connections_and_answers_nothing_is_given_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, word: bytes
) -> None:
    monkeypatch.setattr(request_log, "ANSWER_SECONDS", 3.0)
    with postgres_database(postgres_url) as url, stall(url) as between:
        opened = RequestLog(between.url)
        assert opened.record([entry(1)]) == [RequestOutcome.ADMITTED]
        between.stall_at(word, passed=False)
        with ThreadPoolExecutor(1) as asking:
            recorded = asking.submit(opened.record, [entry(2)])
            try:
                assert isinstance(recorded.exception(timeout=60), RequestLogError)
            finally:
                between.go_on()
        wait_until(lambda: is_recorded(opened, entry(3)))
        opened.close()


def is_recorded(log: RequestLog, one: LogEntry) -> bool:
    """Whether the log takes requests again."""
    try:
        log.record([one])
    except RequestLogError:
        return False
    return True
