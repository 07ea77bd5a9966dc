"""P7, Fast: counted, not timed. What a batch costs in transactions, statements and calls is the same for any size.

How many records a second that makes is measured by ``make bench``.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from creditregistry.v1 import submission_pb2 as pb
from sqlalchemy import event

from tests.client_sdk.sdk_samples import default_report, history
from tests.support.held import KEY_SERVICES

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from client_sdk.models import Report
    from tests.support.held import Site
    from tests.support.registry import RunningRegistry

FEW, MANY = 64, 256


class Cost(NamedTuple):
    """What a database was asked to do."""

    statements: tuple[str, ...]
    commits: int


class Meter:
    """Counts statements and commits of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._statements: list[str] = []
        self._commits = 0
        event.listen(engine, "before_cursor_execute", self._execute)
        event.listen(engine, "commit", self._commit)

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # How long a list of keys or rows is does not make it another statement.
        self._statements.append(statement.partition("VALUES")[0])

    def _commit(self, _connection: Any) -> None:
        self._commits += 1

    def read(self) -> Cost:
        """Return what was counted since the last time."""
        cost = Cost(tuple(self._statements), self._commits)
        self._statements.clear()
        self._commits = 0
        return cost


def send(running: RunningRegistry, submissions: list[pb.Submission]) -> None:
    """Report one chunk over a stream."""
    requests = [
        pb.SubmitBatchRequest(header=pb.BatchHeader(count=len(submissions))),
        pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=submissions)),
    ]
    (answer,) = running.records("lender-1").SubmitBatch(iter(requests))
    assert [result.outcome for result in answer.results] == [pb.OUTCOME_ACCEPTED] * len(submissions)


def test_p7_a_batch_is_one_transaction_and_no_statement_is_for_one_record(running: RunningRegistry) -> None:
    """Fast. Near the limit of the RPC framework and of signature verification: group commit, streaming, no per-record
    round trip.
    """
    world, meter = running.world, Meter(running.app.ledger.database.engine)
    batches = {
        count: [[world.report("lender-1", f"{name} {count} {n}") for n in range(count)] for name in ("first", "second")]
        for count in (FEW, MANY)
    }
    costs = {}
    for count, (warm, measured) in batches.items():
        send(running, warm)
        meter.read()
        send(running, measured)
        costs[count] = meter.read()
    # The log's transaction, and the checkpoint's once it is signed.
    assert costs[FEW].commits == costs[MANY].commits == 2
    assert costs[FEW].statements == costs[MANY].statements
    assert len(costs[MANY].statements) < 32


def test_p7_an_answer_about_a_hundred_needs_the_statements_of_one(running: RunningRegistry) -> None:
    from tests.support.registry import inquire

    world, meter = running.world, Meter(running.app.ledger.database.engine)
    send(running, [world.report("lender-1", f"loan {n}") for n in range(100)])
    costs = {}
    for count in (1, 2, 100):
        request = inquire(world, "lender-2", [f"person of loan {n}" for n in range(count)], f"question {count}")
        meter.read()
        running.inquiries("lender-2").Check(request)
        costs[count] = meter.read()
    assert len(costs[2].statements) == len(costs[100].statements)
    assert costs[2].commits == costs[100].commits


def calls(site: Site) -> Counter[str]:
    """Calls that registry and key services have served so far, by method."""
    counted: Counter[str] = Counter()
    for program in ("registry", *KEY_SERVICES):
        for line in (site.registry.folder / f"{program}.log").read_text().splitlines():
            if line.startswith("{") and (method := json.loads(line).get("method")):
                counted[f"{program} {method.rpartition('/')[2]}"] += 1
    return counted


def portfolio(kind: str, first: int, count: int) -> list[Report]:
    """That many statements: of one version, or of three."""
    if kind == "records":
        return [default_report(number) for number in range(first, first + count)]
    return [row for number in range(first, first + count // 2) for row in history(number, cured=False)]


@pytest.mark.parametrize("kind", ["records", "versions"])
def test_p7_a_portfolio_needs_no_call_a_record(site: Site, kind: str) -> None:
    """The real SDK calls registry and key services as often for 256 statements as for 64."""
    client = site.registry.client("lender-1")
    first = 50_000 if kind == "records" else 60_000
    assert client.report_many(portfolio(kind, first, 1 + (kind == "versions"))).complete
    made = []
    for place, count in enumerate((FEW, MANY), start=1):
        before = calls(site)
        assert client.report_many(portfolio(kind, first + 1_000 * place, count)).accepted == count
        made.append(served(calls(site) - before))
    assert made[0] == made[1]
    assert made[0]["registry SubmitBatch"] == 1
    assert sum(made[0].values()) <= 6


def served(counted: Counter[str]) -> Counter[str]:
    """Calls of lenders; key services follow the directory meanwhile, as they do every ten seconds."""
    followed = ("GetDirectoryProof", "GetCheckpoint", "ListActs", "Check", "Watch")
    return Counter({name: count for name, count in counted.items() if name.rpartition(" ")[2] not in followed})
