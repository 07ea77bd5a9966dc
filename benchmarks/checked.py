"""Checks over a map of 100,000 subjects, shared by the rows that measure them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2
from creditregistry.v1 import submission_pb2 as pb

from benchmarks import prepare, world
from benchmarks.generator import answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.plain.running import Plain
    from client_sdk.testing import TestRegistry

__all__ = ["IN_FLIGHT", "SUBJECTS", "fill", "fill_plain", "rate"]

SUBJECTS = 100_000
IN_FLIGHT = 16
PLAIN_RECORDS = 20_000
LOAD_EACH = 25_000
# Every tenth person asked about is listed.
LISTED_ONE_IN = 10


def fill(running: TestRegistry) -> list[bytes]:
    """Report 100,000 persons; return their pseudonyms."""
    lenders = [world.lender(running, institution) for institution in world.LENDERS]
    made = prepare.submissions(lenders, LOAD_EACH)
    world.stream(running, made)
    return [pb.Submission.FromString(item).binding.subject for items in made for item in items]


def fill_plain(other: Plain) -> list[str]:
    """Store records in the plain alternative; return their subjects."""
    requests, subjects = other.reports(PLAIN_RECORDS)
    other.drive(requests, 64)
    return subjects


def rate(running: TestRegistry, listed: Sequence[bytes], calls: int, group: int, in_flight: int) -> float:
    """Return checks a second of so many persons each, all answered with evidence.

    Raises:
        RuntimeError: an answer holds less than was asked for.
    """
    strangers = [random.randbytes(32) for _ in range(calls * group)]
    subjects = [random.choice(listed) if at % LISTED_ONE_IN == 0 else other for at, other in enumerate(strangers)]
    groups = [subjects[start : start + group] for start in range(0, len(subjects), group)]
    share = -(-len(groups) // len(world.LENDERS))
    sent = [
        prepare.checks(world.lender(running, institution), groups[at * share : (at + 1) * share])
        for at, institution in enumerate(world.LENDERS)
    ]
    done, received = world.unary(running, world.CHECK, sent, in_flight)
    for answer in answers(received):
        if len(check_pb2.CheckResponse.FromString(answer).evidence.persons) != group:
            raise RuntimeError("an answer holds fewer persons than were asked about")
    return done
