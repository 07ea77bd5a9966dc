"""Streams that nobody reads: they hold no connection, no snapshot and nobody up, and they end."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import submission_pb2 as pb
from creditregistry.v1 import transparency_pb2
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool, QueuePool

from client_sdk.kernel.formats.words import Standing
from registry_server.storage.unit_of_work import READERS
from tests.conftest import sqlite_url
from tests.support.registry import inquire, refusal, running_registry
from tests.support.registry_world import AUDITOR, subject_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import RunningRegistry

# With their leaves and disclosures these are more than gRPC takes from a server whose client reads nothing.
RECORDS = 120
# No window: the client's transport takes nothing of a stream before its program asks for it.
UNREAD = (("grpc.http2.lookahead_bytes", 0), ("grpc.http2.bdp_probe", 0))
# Streams that must be under way at one time; the others wait or are refused where there is a limit.
AT_LEAST = 4
CALL_SECONDS = 60


def unread_channel(registry: RunningRegistry, institution: str) -> grpc.Channel:
    identity = registry.identity(institution)
    credentials = grpc.ssl_channel_credentials(registry.authority.certificate, identity.key, identity.certificate)
    return grpc.secure_channel(registry.target, credentials, UNREAD)


def report_many(registry: RunningRegistry) -> None:
    batch = [pb.SubmitBatchRequest(header=pb.BatchHeader(count=RECORDS))]
    submissions = [registry.world.report("lender-1", f"loan {number}") for number in range(RECORDS)]
    batch.append(pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=submissions)))
    (answer,) = registry.records("lender-1").SubmitBatch(iter(batch))
    assert {result.outcome for result in answer.results} == {pb.OUTCOME_ACCEPTED}


def figure(registry: RunningRegistry, name: str, **labels: str) -> float:
    return registry.app.metrics.get_sample_value(name, labels) or 0


def checked_out(registry: RunningRegistry) -> int:
    pool = registry.app.database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def idle_in_transaction(url: str) -> int:
    """Sessions of the registry that keep a transaction open and do nothing; on PostgreSQL."""
    engine = create_engine(url, poolclass=NullPool)
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    with engine.connect() as connection:
        found: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return found


def open_unread(registry: RunningRegistry, channels: ExitStack, count: int) -> list[grpc.Call]:
    """Open streams of a lender and of the auditor, and take nothing of any."""
    lender = RecordServiceStub(channels.enter_context(unread_channel(registry, "lender-1")))
    auditor = TransparencyServiceStub(channels.enter_context(unread_channel(registry, AUDITOR)))
    with registry.app.ledger.view() as view:
        size = view.size
    streams: list[grpc.Call] = [lender.ListRecords(pb.ListRecordsRequest()) for _ in range(count)]
    for _ in range(count // 20):
        streams.append(auditor.ListLiveBindings(transparency_pb2.ListLiveBindingsRequest()))
        streams.append(auditor.ListLeaves(transparency_pb2.ListLeavesRequest(end=size)))
    wait_until(lambda: figure(registry, "registry_calls_running") >= AT_LEAST)
    return streams


@pytest.mark.parametrize("count", [40, 200])
def test_streams_that_nobody_reads_hold_no_connection_and_nobody_up(
    registry: RunningRegistry, database_url: str, count: int
) -> None:
    report_many(registry)
    with ExitStack() as channels:
        streams = open_unread(registry, channels, count)
        # The writer's connection stays; the others are back as soon as the first pages are read.
        wait_until(lambda: checked_out(registry) <= 1)
        if registry.app.database.on_postgresql:
            wait_until(lambda: idle_in_transaction(database_url) == 0)
        for number in range(5):
            submission = registry.world.report("lender-2", f"meanwhile {number}")
            reported = registry.records("lender-2").Submit(
                pb.SubmitRequest(submission=submission), timeout=CALL_SECONDS
            )
            assert reported.result.outcome == pb.OUTCOME_ACCEPTED
            asked = inquire(registry.world, "lender-2", [f"person of loan {number}"], f"meanwhile {number}")
            assert registry.inquiries("lender-2").Check(asked, timeout=CALL_SECONDS).evidence.persons
            assert checked_out(registry) <= READERS
        health = health_pb2_grpc.HealthStub(registry.channel("lender-2"))
        for service in ("", "creditregistry.v1.RecordService"):
            told = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=CALL_SECONDS)
            assert told.status == health_pb2.HealthCheckResponse.SERVING
        assert figure(registry, "registry_calls_running") >= AT_LEAST
        for stream in streams:
            stream.cancel()
    wait_until(lambda: figure(registry, "registry_calls_running") == 0)


def test_what_is_withdrawn_is_gone_from_the_files_though_a_stream_is_not_read(
    tmp_path: Path, sqlite_template: Path
) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    files = [path, path.with_name(f"{path.name}-wal")]
    subject = subject_of("person of loan 7")
    with running_registry(tmp_path, sqlite_url(path)) as registry, ExitStack() as channels:
        report_many(registry)
        assert any(subject in file.read_bytes() for file in files)
        streams = open_unread(registry, channels, AT_LEAST)
        ended = registry.world.report("lender-1", "loan 7", Standing.WITHDRAWN)
        registry.records("lender-1").Submit(pb.SubmitRequest(submission=ended))
        registry.world.clock.now += 61_000
        registry.app.housekeeping.beat()
        assert figure(registry, "registry_calls_running") >= AT_LEAST
        assert not any(subject in file.read_bytes() for file in files)
        for stream in streams:
            stream.cancel()


def test_a_stream_whose_client_takes_nothing_ends_and_says_so(tmp_path: Path, database_url: str) -> None:
    with running_registry(tmp_path, database_url, stream_progress_seconds=0.2) as registry, ExitStack() as channels:
        report_many(registry)
        lender = RecordServiceStub(channels.enter_context(unread_channel(registry, "lender-1")))
        stream = lender.ListRecords(pb.ListRecordsRequest())
        labels = {"method": "/creditregistry.v1.RecordService/ListRecords", "reason": "DEADLINE_EXCEEDED"}
        wait_until(lambda: figure(registry, "registry_calls_total", **labels) == 1)
        assert figure(registry, "registry_calls_running") == 0
        # Who reads after all gets what was on its way, and then the reason.
        assert len(next(stream).records) == RECORDS
        refused = refusal(lambda: next(stream))
        assert refused[:4] == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "stream", "stream.progress")
        # Who reads is not ended, however long the whole takes.
        assert sum(len(page.records) for page in registry.records("lender-1").ListRecords(pb.ListRecordsRequest()))


def test_reads_that_find_no_connection_are_told_to_come_again_and_writing_goes_on(registry: RunningRegistry) -> None:
    database, stub = registry.app.database, registry.transparency("lender-1")
    with ExitStack() as snapshots:
        for _ in range(READERS):
            snapshots.enter_context(database.snapshot())
        refused = refusal(lambda: stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest(), timeout=CALL_SECONDS))
        assert refused[:4] == ("UNAVAILABLE", "STORAGE_UNAVAILABLE", "", "storage.busy")
        submission = registry.world.report("lender-1", "meanwhile")
        reported = registry.records("lender-1").Submit(pb.SubmitRequest(submission=submission), timeout=CALL_SECONDS)
        assert reported.result.outcome == pb.OUTCOME_ACCEPTED
        registry.world.clock.now += 61_000
        registry.app.housekeeping.beat()
        registry.app.housekeeping.tidy()
        with registry.app.ledger.view(reserved=True) as view:
            assert registry.app.status.ask() == view.size
    assert stub.GetCheckpoint(transparency_pb2.GetCheckpointRequest()).checkpoint
