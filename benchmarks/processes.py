"""Two processes on one PostgreSQL against one: streams and single reports of four lenders."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from benchmarks import prepare, world
from benchmarks.generator import answers
from tests.postgres_server import postgres_server
from tests.support.further_process import further_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.testing import TestRegistry

__all__ = ["IN_FLIGHT", "compare", "singles", "streams"]

ROUNDS = 3
STREAMED_EACH = 2_000
SINGLE_EACH = 500
IN_FLIGHT = 64
_WARM_EACH = 300


def streams(running: TestRegistry, lenders: list[prepare.Lender], each: int, address: str) -> float:
    """Return records a second."""
    return world.stream(running, prepare.submissions(lenders, each), address)


def singles(running: TestRegistry, lenders: list[prepare.Lender], each: int, address: str) -> float:
    """Return calls a second with one report each.

    Raises:
        RuntimeError: a report was not accepted.
    """
    made = prepare.submissions(lenders, each)
    sent = [
        [pb.SubmitRequest(submission=pb.Submission.FromString(item)).SerializeToString() for item in items]
        for items in made
    ]
    rate, received = world.unary(running, world.SUBMIT, sent, IN_FLIGHT, address)
    outcomes = {pb.SubmitResponse.FromString(answer).result.outcome for answer in answers(received)}
    if outcomes != {pb.OUTCOME_ACCEPTED}:
        raise RuntimeError("a report was not accepted")
    return rate


def compare(
    measure: Callable[[TestRegistry, list[prepare.Lender], int, str], float], each: int
) -> tuple[float, float, str]:
    """Return the rates with two processes and with one, medians of rounds in turn, and the ratios of the rounds.

    One process is measured while the other one runs and follows what is logged, as it does where it is a spare.
    """
    with postgres_server(durable=True) as url, world.registry(url) as running, further_process(running, url) as further:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        both = f"{running.address},{further.address}"
        measure(running, lenders, _WARM_EACH, both)
        one, two = [], []
        for _ in range(ROUNDS):
            one.append(measure(running, lenders, each, running.address))
            two.append(measure(running, lenders, each, both))
    ratios = ", ".join(f"{many / single:.2f}" for many, single in zip(two, one, strict=True))
    return median(two), median(one), f"rounds {ratios}"
