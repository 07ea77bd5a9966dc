"""One report a call, 64 in flight, against the plain alternative."""

from __future__ import annotations

from creditregistry.v1 import submission_pb2 as pb

from benchmarks import prepare, world
from benchmarks.empty import empty_rate
from benchmarks.generator import answers
from benchmarks.plain.running import plain
from benchmarks.table import Row

EACH = 1_500
WARM_EACH = 200
IN_FLIGHT = 64
GOAL = 0.7


def _requests(made: list[list[bytes]]) -> list[list[bytes]]:
    return [
        [pb.SubmitRequest(submission=pb.Submission.FromString(item)).SerializeToString() for item in submissions]
        for submissions in made
    ]


def measure() -> Row:
    """Return calls a second over those of the plain alternative; both generators are one process."""
    with world.registry() as running, plain(running) as other:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.unary(running, world.SUBMIT, _requests(prepare.submissions(lenders, WARM_EACH)), IN_FLIGHT)
        other.drive(other.reports(WARM_EACH * len(lenders))[0], IN_FLIGHT)
        sent = _requests(prepare.submissions(lenders, EACH))
        ours, received = world.unary(running, world.SUBMIT, sent, IN_FLIGHT)
        outcomes = {pb.SubmitResponse.FromString(answer).result.outcome for answer in answers(received)}
        if outcomes != {pb.OUTCOME_ACCEPTED}:
            raise RuntimeError("a report was not accepted")
        theirs = other.drive(other.reports(EACH * len(lenders))[0], IN_FLIGHT)
        bare = empty_rate(running.registry_home, running.folder / "load", IN_FLIGHT)
    note = f"a gRPC call that does nothing: {bare:,.0f}/s, {bare / theirs:.2f} of the plain alternative"
    return Row("report-single", ours, theirs, "calls/s", ours / theirs, GOAL, note=note)
