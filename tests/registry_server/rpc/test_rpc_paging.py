"""Answers that are longer than a message: paged under one HEAD, and quotas that count persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2

from client_sdk.kernel.formats.state import Rulebook
from registry_server.usecases.asking import GOOD_FOR_MS
from tests.support.registry import inquire, refusal, running_registry
from tests.support.registry_world import DAY_MS, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import RunningRegistry

PERSONS = ["A", "B", "C", "D"]
# One person has room in it, four have not.
PAGE_BYTES = 3_000


@pytest.fixture
def registry(tmp_path: Path, database_url: str) -> Iterator[RunningRegistry]:
    """A registry whose pages are short."""
    with running_registry(tmp_path, database_url, answer_page_bytes=PAGE_BYTES) as running:
        yield running
        running.verify_log()


def report_some(registry: RunningRegistry) -> None:
    world = registry.world
    submissions = [world.report("lender-1", f"loan {person}", person=person) for person in PERSONS]
    header = submission_pb2.SubmitBatchRequest(header=submission_pb2.BatchHeader(count=len(submissions)))
    chunk = submission_pb2.SubmitBatchRequest(chunk=submission_pb2.BatchChunk(submissions=submissions))
    (answer,) = registry.records("lender-1").SubmitBatch(iter((header, chunk)))
    assert {result.outcome for result in answer.results} == {submission_pb2.OUTCOME_ACCEPTED}


def test_a_long_answer_is_paged_under_one_head(registry: RunningRegistry) -> None:
    report_some(registry)
    stub = registry.inquiries("lender-2")
    request = inquire(registry.world, "lender-2", PERSONS)
    first = stub.Check(request)
    verified = registry.verify(request, first)
    seen = [person.position for person in verified.persons]
    assert 0 < len(seen) < len(PERSONS)
    # Something is logged between the pages: they still rest on the HEAD of the first.
    registry.world.clock.now += 61_000
    registry.app.housekeeping.beat()
    following = first.next_position
    while following:
        request.from_position, request.at_size = following, verified.checkpoint.size
        page = stub.Check(request)
        answer = registry.verify(request, page)
        assert answer.checkpoint == verified.checkpoint
        assert answer.persons[0].position == following
        seen += [person.position for person in answer.persons]
        assert all(person.listed for person in answer.persons)
        following = page.next_position
    assert seen == [0, 1, 2, 3]
    with registry.app.ledger.view() as view:
        assert view.head.inquiry_count == 1


def test_pages_are_kept_for_some_minutes_and_for_their_asker(registry: RunningRegistry) -> None:
    report_some(registry)
    stub = registry.inquiries("lender-2")
    request = inquire(registry.world, "lender-2", PERSONS)
    first = stub.Check(request)
    with registry.app.ledger.view() as view:
        request.from_position, request.at_size = first.next_position, view.size
    assert refusal(lambda: registry.inquiries("lender-3").Check(request)).reason == "HEAD_GONE"
    assert stub.Check(request).evidence.persons
    assert stub.Check(request).evidence.persons
    registry.world.clock.now += GOOD_FOR_MS + 1
    refused = refusal(lambda: stub.Check(request))
    assert refused[:4] == ("FAILED_PRECONDITION", "HEAD_GONE", "at_size", "page.kept")


def test_the_rulebook_limits_persons_a_question_and_a_day(tmp_path: Path, database_url: str) -> None:
    world = World(Rulebook(max_subjects_per_inquiry=3, daily_inquired_subjects=4))
    with running_registry(tmp_path, database_url, world) as registry:
        stub = registry.inquiries("lender-2")
        many = inquire(world, "lender-2", PERSONS, "many")
        refused = refusal(lambda: stub.Check(many))
        assert refused[:4] == (
            "RESOURCE_EXHAUSTED",
            "TOO_MANY_SUBJECTS",
            "inquiry.subject_commitments",
            "rulebook.max-subjects-per-inquiry",
        )
        stub.Check(inquire(world, "lender-2", PERSONS[:3], "first"))
        again = inquire(world, "lender-2", PERSONS[:2], "second")
        assert refusal(lambda: stub.Check(again))[:2] == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
        # Others have their own, and the next day is another one.
        registry.inquiries("lender-1").Check(inquire(world, "lender-1", PERSONS[:2]))
        world.clock.now += DAY_MS
        stub.Check(inquire(world, "lender-2", PERSONS[:2], "third"))
        registry.verify_log()
