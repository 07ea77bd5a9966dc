"""What fails around a running registry: database, clock, deadlines, a second server, an end in the middle of work."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import submission_pb2 as pb
from creditregistry.v1 import transparency_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from client_sdk.kernel.formats.leaf import parse_leaf
from registry_server.app import build
from registry_server.errors import RegistryError
from registry_server.sequencing.errors import ClockJumpedError, ClockUnconfirmedError
from registry_server.serving.deadlines import CallDeadlines
from registry_server.storage.errors import DatabaseInUseError, MigrationNeededError
from tests.conftest import sqlite_url
from tests.support.registry import inquire, refusal, running_registry
from tests.support.registry_world import DAY_MS
from tests.support.troubles import full_disk, gone, locked, unwritable
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import DatabaseKind
    from tests.support.registry import RunningRegistry

WAIT_SECONDS = 60
STORAGE_GONE = ("UNAVAILABLE", "STORAGE_UNAVAILABLE", "", "storage.gone")
# How often a client sends again: so many sessions may have been opened while nobody could write, and each is given up
# when it is first written to.
RETRIES = 3


def submit(registry: RunningRegistry, name: str, timeout: float | None = None) -> pb.SubmitResponse:
    submission = registry.world.report("lender-1", name)
    return registry.records("lender-1").Submit(pb.SubmitRequest(submission=submission), timeout=timeout)


def count_records(registry: RunningRegistry) -> int:
    pages = registry.records("lender-1").ListRecords(pb.ListRecordsRequest())
    return sum(len(page.records) for page in pages)


def send_again(registry: RunningRegistry, submission: pb.Submission) -> pb.SubmissionResult:
    """Send the same bytes again as a client does, until the registry is back."""
    stub = registry.records("lender-1")
    for _ in range(RETRIES):
        with suppress(grpc.RpcError):
            return stub.Submit(pb.SubmitRequest(submission=submission)).result
    return stub.Submit(pb.SubmitRequest(submission=submission)).result


def test_a_locked_database_is_told_and_nothing_is_lost(registry: RunningRegistry, database_url: str) -> None:
    submit(registry, "before")
    submission = registry.world.report("lender-1", "meanwhile")
    stub = registry.records("lender-1")
    with locked(database_url):
        refused = refusal(lambda: stub.Submit(pb.SubmitRequest(submission=submission)))
    assert refused[:2] == ("UNAVAILABLE", "STORAGE_UNAVAILABLE")
    assert refused.rule == "storage.busy"
    # The same bytes again, and it is as if nothing had happened.
    assert stub.Submit(pb.SubmitRequest(submission=submission)).result.outcome == pb.OUTCOME_ACCEPTED


def test_a_database_that_is_gone_is_told_by_calls_and_by_the_health_service(tmp_path: Path, database_url: str) -> None:
    with running_registry(tmp_path, database_url, health_interval_seconds=0.05) as registry:
        submit(registry, "before")
        health = health_pb2_grpc.HealthStub(registry.channel("lender-1"))

        def told(status: int) -> bool:
            return bool(health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS).status == status)

        assert told(health_pb2.HealthCheckResponse.SERVING)
        submission = registry.world.report("lender-1", "meanwhile")
        stub, asking = registry.records("lender-1"), registry.inquiries("lender-2")
        with gone(database_url):
            refused = refusal(lambda: stub.Submit(pb.SubmitRequest(submission=submission)))
            assert refused[:4] == STORAGE_GONE
            asked = refusal(lambda: asking.Check(inquire(registry.world, "lender-2", ["A"])))
            assert asked[:4] == STORAGE_GONE
            wait_until(lambda: told(health_pb2.HealthCheckResponse.NOT_SERVING))
            assert registry.app.status.figures() == {"registry_up": 0}
        wait_until(lambda: told(health_pb2.HealthCheckResponse.SERVING))
        assert stub.Submit(pb.SubmitRequest(submission=submission)).result.outcome == pb.OUTCOME_ACCEPTED
        registry.verify_log()


def test_a_database_that_cannot_be_written_is_told_and_nothing_is_lost(
    registry: RunningRegistry, database_url: str
) -> None:
    submit(registry, "before")
    submission = registry.world.report("lender-1", "meanwhile")
    stub, asking = registry.records("lender-1"), registry.inquiries("lender-2")
    with unwritable(database_url):
        # The first one finds that its session has ended, those after it that no session may write.
        for _ in range(2):
            refused = refusal(lambda: stub.Submit(pb.SubmitRequest(submission=submission)))
            assert refused[:4] == STORAGE_GONE
        asked = refusal(lambda: asking.Check(inquire(registry.world, "lender-2", ["A"])))
        assert asked[:4] == STORAGE_GONE
        # What needs no writing is served.
        assert count_records(registry) == 1
    assert send_again(registry, submission).outcome == pb.OUTCOME_ACCEPTED
    registry.verify_log()


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, local_database_url: str) -> None:
    with running_registry(tmp_path, local_database_url, health_interval_seconds=0.05) as registry:
        submit(registry, "before")
        submissions = [registry.world.report("lender-1", f"loan {number}") for number in range(100)]
        batch = [
            pb.SubmitBatchRequest(header=pb.BatchHeader(count=100)),
            pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=submissions)),
        ]
        stub = registry.records("lender-1")
        health = health_pb2_grpc.HealthStub(registry.channel("lender-1"))

        def told(status: int, service: str = "") -> bool:
            request = health_pb2.HealthCheckRequest(service=service)
            return bool(health.Check(request, timeout=WAIT_SECONDS).status == status)

        assert told(health_pb2.HealthCheckResponse.SERVING)
        with full_disk(registry.app.database, local_database_url):
            refused = refusal(lambda: list(stub.SubmitBatch(iter(batch))))
            assert refused[:4] == ("UNAVAILABLE", "DISK_FULL", "", "storage.full")
            assert count_records(registry) == 1
            # A balancer sends elsewhere; who only reads goes on.
            wait_until(lambda: told(health_pb2.HealthCheckResponse.NOT_SERVING))
            assert told(health_pb2.HealthCheckResponse.SERVING, "creditregistry.v1.TransparencyService")
            assert told(health_pb2.HealthCheckResponse.NOT_SERVING, "creditregistry.v1.RecordService")
        # Nobody reports: the heartbeat finds that writing works again.
        wait_until(lambda: told(health_pb2.HealthCheckResponse.SERVING))
        (answer,) = stub.SubmitBatch(iter(batch))
        assert {result.outcome for result in answer.results} == {pb.OUTCOME_ACCEPTED}
        registry.verify_log()


@pytest.mark.parametrize(("step", "got"), [(-DAY_MS, "set 1 d back"), (50 * 60_000, "set 50 min ahead")])
def test_a_clock_that_is_set_stops_the_log_until_it_is_confirmed(
    registry: RunningRegistry, step: int, got: str
) -> None:
    submit(registry, "before")
    registry.world.clock.jump(step)
    refused = refusal(lambda: submit(registry, "after"))
    assert refused[:4] == ("UNAVAILABLE", "CLOCK_JUMPED", "logged_at", "clock.step")
    assert refused.got == f"a clock that was {got}"
    question = inquire(registry.world, "lender-2", ["A"])
    assert refusal(lambda: registry.inquiries("lender-2").Check(question)).reason == "CLOCK_JUMPED"
    # What was logged is still read.
    assert registry.transparency("lender-1").GetCheckpoint(transparency_pb2.GetCheckpointRequest()).checkpoint
    with pytest.raises(ClockJumpedError):
        registry.app.status.ask_writing()
    assert registry.app.status.ask()
    assert registry.app.status.figures()["registry_clock_believed"] == 0
    registry.world.clock.jump(-step)
    registry.app.status.ask_writing()
    registry.world.newest.pop(registry.world.key("lender-1", "after"))
    assert submit(registry, "after").result.outcome == pb.OUTCOME_ACCEPTED


def test_after_a_pause_two_callers_start_the_log_again(tmp_path: Path, database_url: str) -> None:
    with running_registry(tmp_path, database_url) as registry:
        submit(registry, "before")
    world = registry.world
    world.clock.is_synchronised = False
    world.clock.now += 7 * DAY_MS
    with running_registry(tmp_path, database_url, world) as again:
        refused = refusal(lambda: submit(again, "after"))
        assert refused[:4] == ("UNAVAILABLE", "CLOCK_UNCONFIRMED", "logged_at", "clock.vouched")
        request = transparency_pb2.GetDirectoryProofRequest(sent_at=world.clock.now)
        told = again.transparency("lender-1").GetDirectoryProof(request)
        with pytest.raises(ClockUnconfirmedError):
            again.app.status.ask_writing()
        assert again.transparency("lender-1").GetDirectoryProof(request).checkpoint == told.checkpoint
        # The second one is answered from a HEAD of now.
        head = parse_leaf(again.transparency("auditor").GetDirectoryProof(request).head)
        assert head.logged_at == world.clock.now
        world.newest.pop(world.key("lender-1", "after"))
        assert submit(again, "after").result.outcome == pb.OUTCOME_ACCEPTED
        again.verify_log()


def test_a_deadline_that_is_too_short_is_refused_or_over(registry: RunningRegistry) -> None:
    submit(registry, "before")
    with pytest.raises(grpc.RpcError) as caught:
        submit(registry, "after", timeout=0.02)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_call_that_takes_longer_than_the_registry_allows_is_ended(tmp_path: Path, database_url: str) -> None:
    with running_registry(tmp_path, database_url, call_deadline_seconds=0.3, call_deadline_max_seconds=0.3) as registry:
        submission = registry.world.report("lender-1", "slow")
        stub = registry.records("lender-1")
        with locked(database_url):
            refused = refusal(lambda: stub.Submit(pb.SubmitRequest(submission=submission)))
        assert refused[:4] == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "deadline", "deadline.maximum")
        # Whether it was done is not known; the same bytes again are safe.
        assert send_again(registry, submission).outcome in {pb.OUTCOME_ACCEPTED, pb.OUTCOME_REPEATED}
        registry.verify_log()


def test_deadlines_are_the_clients_within_the_registrys_limits() -> None:
    limits = CallDeadlines(call=20, call_max=120, stream=600, stream_max=7_200)
    assert limits.limit(None, streaming=False) == 20
    assert limits.limit(None, streaming=True) == 600
    assert limits.limit(60, streaming=False) is None
    assert limits.limit(500, streaming=False) == 120
    assert limits.limit(500, streaming=True) is None
    with pytest.raises(RegistryError) as caught:
        limits.limit(0.049, streaming=False)
    assert str(caught.value) == "DEADLINE_TOO_SHORT at deadline: deadline.minimum (got 49 ms, want at least 50 ms)"


def test_a_second_server_on_one_sqlite_file_is_refused_and_on_postgresql_it_serves(
    registry: RunningRegistry, database_kind: DatabaseKind
) -> None:
    submit(registry, "first")
    if database_kind == "sqlite":
        with pytest.raises(DatabaseInUseError, match="served by another process"):
            build(registry.app.settings, registry.world.clock)
        return
    second = build(registry.app.settings, registry.world.clock)
    try:
        with second.ledger.view() as view, registry.app.ledger.view() as other:
            assert view.checkpoint == other.checkpoint
    finally:
        second.housekeeping.start()
        second.close()


def test_a_database_without_our_tables_is_refused(registry: RunningRegistry, tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    url = SecretStr(sqlite_url(tmp_path / "empty.sqlite"))
    empty = registry.app.settings.model_copy(update={"database_url": url})
    with pytest.raises(MigrationNeededError, match="none"):
        build(empty)


def test_an_address_that_is_taken_is_told(registry: RunningRegistry, tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{(tmp_path / 'second.sqlite')}"
    (tmp_path / "second.sqlite").write_bytes(sqlite_template.read_bytes())
    (tmp_path / "second").mkdir()
    with pytest.raises(RuntimeError), running_registry(tmp_path / "second", url, listen=registry.target):
        pass


def test_what_is_under_way_when_the_registry_stops_is_finished(tmp_path: Path, database_url: str) -> None:
    with running_registry(tmp_path, database_url) as registry:
        submissions = [registry.world.report("lender-1", f"loan {number}") for number in range(30)]
        stub = registry.records("lender-1")
        stub.ListRecords(pb.ListRecordsRequest())
        calls = [stub.Submit.future(pb.SubmitRequest(submission=submission)) for submission in submissions]
        calls[0].result()
    acknowledged = [call.result().result for call in calls if call.exception() is None]
    told = {call.code() for call in calls}
    assert told <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert acknowledged
    with running_registry(tmp_path, database_url, registry.world) as again:
        again.verify_log()
        stub = again.records("lender-1")
        results = [stub.Submit(pb.SubmitRequest(submission=submission)).result for submission in submissions]
        indexes = {result.inclusion.index for result in results if result.outcome == pb.OUTCOME_REPEATED}
        assert {result.inclusion.index for result in acknowledged} <= indexes


def test_housekeeping_goes_on_after_a_failure(registry: RunningRegistry) -> None:
    registry.world.clock.jump(2 * DAY_MS)
    with pytest.raises(ClockJumpedError):
        registry.app.housekeeping.beat()
    registry.world.confirm_clock(registry.app.ledger)
    with registry.app.ledger.view() as view:
        before = view.size
    registry.app.housekeeping.beat()
    registry.app.housekeeping.tidy()
    with registry.app.ledger.view() as view:
        assert view.size == before + 1
