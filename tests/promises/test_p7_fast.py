"""P7, Fast: counted, not timed. What a batch costs in transactions, statements and calls is the same for any size.

How many records a second that makes is measured by ``make bench``.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from creditregistry.v1 import submission_pb2 as pb
from sqlalchemy import event

from tests.client_sdk.sdk_samples import default_report, history
from tests.support.held import KEY_SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine

    from client_sdk.models import Report
    from tests.support.held import Site
    from tests.support.registry import RunningRegistry

FEW, MANY = 64, 256
# How often each size is measured.
TURNS = 4
# Names of the threads that serve calls; others ask the database by the clock: health, who may call, what is over.
SERVE_CALLS = ("ledger-writer", "registry_", "registry-pages", "checking")


def serves_calls() -> bool:
    """Whether this thread works for a call."""
    return threading.current_thread().name.startswith(SERVE_CALLS)


class Cost(NamedTuple):
    """What a database was asked to do: calls of its driver, and transactions."""

    statements: tuple[str, ...]
    commits: int


class Meter:
    """Counts statements and commits of an engine that serve calls."""

    def __init__(self, engine: Engine) -> None:
        self._statements: list[str] = []
        self._commits = 0
        event.listen(engine, "before_cursor_execute", self._execute)
        event.listen(engine, "commit", self._commit)

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if serves_calls():
            # How long a list of keys or rows is does not make it another statement.
            self._statements.append(statement.partition("VALUES")[0])

    def _commit(self, _connection: Any) -> None:
        self._commits += serves_calls()

    def read(self) -> Cost:
        """Return what was counted since the last time."""
        cost = Cost(tuple(self._statements), self._commits)
        self._statements.clear()
        self._commits = 0
        return cost


def cheapest(meter: Meter, calls: Iterable[Callable[[], object]]) -> Cost:
    """Return what the cheapest of equal calls cost: now and then the writer also looks whether a HEAD is due."""
    costs = []
    for call in calls:
        meter.read()
        call()
        costs.append(meter.read())
    return min(costs, key=lambda cost: len(cost.statements))


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

    What counts is what goes to the driver: PostgreSQL gets arrays, SQLite one prepared statement with all rows, which
    it steps through within the process.
    """
    world, meter = running.world, Meter(running.app.ledger.database.engine)
    costs = {}
    for count in (FEW, MANY):
        first, *others = (
            [world.report("lender-1", f"{turn} {count} {n}") for n in range(count)] for turn in range(1 + TURNS)
        )
        send(running, first)
        costs[count] = cheapest(meter, (partial(send, running, batch) for batch in others))
    # The next append stores the checkpoint with its own leaves, or a heartbeat does.
    assert costs[FEW].commits == costs[MANY].commits == 1
    assert costs[FEW].statements == costs[MANY].statements
    assert len(costs[MANY].statements) < 32


def test_p7_an_answer_about_a_hundred_needs_the_statements_of_one(running: RunningRegistry) -> None:
    from tests.support.registry import inquire

    world, meter = running.world, Meter(running.app.ledger.database.engine)
    send(running, [world.report("lender-1", f"loan {n}") for n in range(100)])
    costs = {}
    for count in (1, 2, 100):
        people = [f"person of loan {n}" for n in range(count)]
        questions = [inquire(world, "lender-2", people, f"question {count} {turn}") for turn in range(TURNS)]
        costs[count] = cheapest(
            meter, (partial(running.inquiries("lender-2").Check, question) for question in questions)
        )
    assert len(costs[2].statements) == len(costs[100].statements)
    assert costs[2].commits == costs[100].commits


def calls(site: Site) -> dict[str, Counter[str]]:
    """Calls that registry and key services have served so far, by the institution that made them and by method."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    # Lines of their logs are gathered; a program that ends has written all of them.
    with site.at_rest():
        for program in ("registry", *KEY_SERVICES):
            for line in (site.registry.folder / f"{program}.log").read_text().splitlines():
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("event") == "call":
                    counted[entry["institution"]][f"{program} {entry['method'].rpartition('/')[2]}"] += 1
    return counted


def portfolio(kind: str, first: int, count: int) -> list[Report]:
    """That many statements: of one version, or of three."""
    if kind == "records":
        return [default_report(number) for number in range(first, first + count)]
    return [row for number in range(first, first + count // 2) for row in history(number, cured=False)]


@pytest.mark.parametrize("kind", ["records", "versions"])
def test_p7_a_portfolio_needs_no_call_a_record(site: Site, kind: str) -> None:
    """The real SDK calls registry and key services as often for 256 statements as for 64."""
    first, sent = (50_000 if kind == "records" else 60_000), {"lender-1": FEW, "lender-2": MANY}
    for lender in sent:
        with site.registry.client(lender) as client:
            client.status()  # both know the directory from here on
    before = calls(site)
    for place, (lender, count) in enumerate(sent.items()):
        with site.registry.client(lender) as client:
            assert client.report_many(portfolio(kind, first + 1_000 * place, count)).accepted == count
    after = calls(site)
    few, many = (after[lender] - before[lender] for lender in sent)
    # The log goes on by itself between the two, and its newest checkpoint is proved where it has.
    proofs = {counted.pop("registry GetCheckpoint", 0) for counted in (few, many)}
    assert max(proofs) <= 3
    assert few == many
    assert few["registry SubmitBatch"] == 1
    assert {few[f"{name} Evaluate"] for name in KEY_SERVICES} == {1}
    # Beside them, the directory is read once.
    assert sum(few.values()) <= 10
