"""A registry with four lenders for the benchmarks, and what is sent to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from benchmarks import prepare
from benchmarks.generator import Plan, answers, drive
from client_sdk.testing import TestRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["CHECK", "LENDERS", "SUBMIT", "SUBMIT_BATCH", "lender", "registry", "stream", "unary"]

LENDERS = ("lender-1", "lender-2", "lender-3", "lender-4")
SUBMIT_BATCH = "/creditregistry.v1.RecordService/SubmitBatch"
SUBMIT = "/creditregistry.v1.RecordService/Submit"
CHECK = "/creditregistry.v1.InquiryService/Check"


@contextmanager
def registry(database_url: str = "") -> Iterator[TestRegistry]:
    """Yield a running registry with two key services; SQLite unless a database is given."""
    environment = {"REGISTRY_DATABASE_URL": database_url} if database_url else {}
    with TestRegistry(lenders=LENDERS, environment=environment) as running:
        yield running


def lender(running: TestRegistry, institution: str) -> prepare.Lender:
    """Return what preparing needs of a lender."""
    keys = running.home(institution) / "keys"
    return prepare.Lender(
        running.name, institution, (keys / "report.pem").read_bytes(), (keys / "inquire.pem").read_bytes()
    )


def _tls(running: TestRegistry, institution: str) -> Path:
    return running.home(institution) / "tls"


def stream(running: TestRegistry, made: Sequence[Sequence[bytes]], address: str = "") -> float:
    """Stream the submissions of all lenders at once; return records a second.

    Args:
        running: the registry.
        made: of each lender.
        address: of its processes, with commas between; the registry's own without it.

    Raises:
        RuntimeError: a record was not accepted.
    """
    plan = Plan(SUBMIT_BATCH)
    for institution, submissions in zip(LENDERS, made, strict=True):
        plan.add(_tls(running, institution), prepare.batches(submissions))
    folder = running.folder / "load"
    plan.write(folder)
    seconds, _ = drive("benchmarks.generator", address or running.address, folder)
    outcomes = [
        result.outcome
        for answer in answers(folder / "answers")
        for result in pb.SubmitBatchResponse.FromString(answer).results
    ]
    if len(outcomes) != sum(map(len, made)) or set(outcomes) != {pb.OUTCOME_ACCEPTED}:
        raise RuntimeError(f"{len(outcomes)} results, {outcomes.count(pb.OUTCOME_ACCEPTED)} accepted")
    return len(outcomes) / seconds


def unary(
    running: TestRegistry, method: str, sent: Sequence[Sequence[bytes]], in_flight: int, address: str = ""
) -> tuple[float, Path]:
    """Send unary calls of the first lenders, so many at once; return calls a second and the file of the answers."""
    plan = Plan(method)
    for institution, messages in zip(LENDERS, sent, strict=False):
        plan.add(_tls(running, institution), messages)
    folder = running.folder / "load"
    plan.write(folder)
    seconds, calls = drive("benchmarks.calls", address or running.address, folder, str(in_flight))
    return calls / seconds, folder / "answers"
