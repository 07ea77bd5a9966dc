"""Asking a running registry: what is answered verifies, and what is refused says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2

if TYPE_CHECKING:
    from tests.support.registry import RunningRegistry

from tests.support.registry import inquire


def test_a_reported_person_is_listed_and_another_is_clear(registry: RunningRegistry) -> None:
    world = registry.world
    reported = registry.records("lender-1").Submit(
        submission_pb2.SubmitRequest(submission=world.report("lender-1", "loan", person="A"))
    )
    assert reported.result.outcome == submission_pb2.OUTCOME_ACCEPTED
    request = inquire(world, "lender-2", ["A", "B"])
    response = registry.inquiries("lender-2").Check(request)
    listed, clear = registry.verify(request, response).persons
    assert listed.listed
    assert not clear.listed
