"""Records whose time is over, erased by the housekeeping of a real registry, while reports go on.

The first housekeeping is a minute after the start of a registry: until then 10,000 records are reported, cured and due.
When it erased them is read from the times of its leaves.
"""

from __future__ import annotations

import os
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub

from benchmarks import prepare, world
from client_sdk._protocol.statement import Issuer, sign_version
from client_sdk._transport.channels import TlsMaterial, channel
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import LeafType
from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.facts import CollectionStage
from client_sdk.kernel.subjects.pseudonym import Pseudonym
from client_sdk.models.report import DefaultReport
from registry_server.usecases.housekeeping import TIDY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from client_sdk.testing import TestRegistry

__all__ = ["Erasing", "measure"]

EACH = 2_500
# Single reports before the erasing; those beside it go on until it is over.
BEFORE = 400
BESIDE = 6_000
PATIENCE_SECONDS = 600.0
_PERCENTILE = 0.99


@dataclass(frozen=True)
class Erasing:
    """What one run has measured.

    Attributes:
        erased: records erased and logged a second.
        streamed: records reported by stream a second.
        before: 99th percentile of a single report before, seconds.
        beside: the same while records were erased.
    """

    erased: float
    streamed: float
    before: float
    beside: float


def measure(each: int = EACH) -> Erasing:
    """Erase so many records of each of four lenders.

    Raises:
        RuntimeError: the records were not due before the first housekeeping, or were not erased in time.
    """
    with world.registry() as running:
        started = time.monotonic()
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        with ProcessPoolExecutor(prepare.WORKERS) as executor:
            due = list(executor.map(_due, lenders, [each] * len(lenders)))
        singles = iter(prepare.submissions(lenders[:1], BEFORE + BESIDE)[0])
        streamed = world.stream(running, [[first for first, _ in made] for made in due])
        with channel(running.address, TlsMaterial.from_folder(running.home(world.LENDERS[0]) / "tls")) as opened:
            stub = RecordServiceStub(opened)
            before = [seconds for _, seconds in _reports(stub, singles, BEFORE)]
            world.stream(running, [[second for _, second in made] for made in due])
            if time.monotonic() - started > TIDY_SECONDS:
                raise RuntimeError("this machine is too slow: the housekeeping began before all records were due")
            timed, times = _until_erased(running, stub, singles, each * len(lenders))
    first, last = times[0] / 1_000, times[-1] / 1_000
    beside = [seconds for at, seconds in timed if first <= at <= last + seconds]
    return Erasing(len(times) / max(last - first, 1e-3), streamed, _percentile(before), _percentile(beside))


def _due(lender: prepare.Lender, count: int) -> list[tuple[bytes, bytes]]:
    """Return two versions of so many records: OPEN, and CURED with its time over."""
    issuer = Issuer(
        lender.registry, lender.institution, Ed25519Signer.from_pkcs8_pem(lender.report_pem), prepare.RULEBOOK
    )
    secret, person, now = os.urandom(32), prepare.identity(1), int(time.time()) * 1000
    made: list[tuple[bytes, bytes]] = []
    for number in range(count):
        facts = prepare.facts_of(f"LD{number:012d}")
        report = DefaultReport(identity=person, reference=str(number), standing=Standing.OPEN, facts=facts)
        record_id = derive_record_id(secret, Kind.DEFAULT, str(number), facts.first_delinquency_on)
        key = RecordKey(lender.institution, record_id)
        names = {1: Pseudonym(1, os.urandom(32), os.urandom(32))}
        first, version = sign_version(issuer, report, key, names, None, issued_at=now)
        cured = replace(
            report,
            standing=Standing.CURED,
            facts=replace(facts, ended_on=facts.as_of, collection_stage=CollectionStage.ENDED),
            retain_until=facts.as_of,
        )
        second, _ = sign_version(issuer, cured, key, names, version, issued_at=now)
        made.append((first.SerializeToString(), second.SerializeToString()))
    return made


def _reports(stub: RecordServiceStub, singles: Iterator[bytes], count: int) -> Iterator[tuple[float, float]]:
    """Report one record after the other; yield when each call ended, in seconds since 1970, and how long it took."""
    for _ in range(count):
        message = pb.SubmitRequest(submission=pb.Submission.FromString(next(singles)))
        began = time.perf_counter()
        answer = stub.Submit(message, timeout=PATIENCE_SECONDS)
        seconds = time.perf_counter() - began
        if answer.result.outcome != pb.OUTCOME_ACCEPTED:
            raise RuntimeError("a report was not accepted")
        yield time.time(), seconds


def _until_erased(
    running: TestRegistry, stub: RecordServiceStub, singles: Iterator[bytes], count: int
) -> tuple[list[tuple[float, float]], list[int]]:
    """Wait for the housekeeping, then report until all is erased; return the reports, and the times of the lapses."""
    database = running.registry_home / "registry.sqlite"
    deadline = time.monotonic() + PATIENCE_SECONDS
    timed: list[tuple[float, float]] = []
    times: list[int] = []
    while time.monotonic() < deadline:
        times = _lapses(database)
        if len(times) >= count:
            return timed, times
        if times:
            timed += _reports(stub, singles, 50)
        else:
            time.sleep(0.05)
    raise RuntimeError(f"{len(times)} of {count} records were erased in {PATIENCE_SECONDS:g} s")


def _lapses(database: Path) -> list[int]:
    """Return logged_at of each LAPSE of the log, ms, ascending."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT substr(leaf, 3, 8) FROM leaves WHERE substr(leaf, 1, 1) = ? ORDER BY leaf_index",
            (bytes((LeafType.LAPSE,)),),
        )
        return [int.from_bytes(row[0]) for row in rows]


def _percentile(seconds: Sequence[float]) -> float:
    if not seconds:
        raise RuntimeError("no report was made meanwhile")
    return sorted(seconds)[int(len(seconds) * _PERCENTILE)]
