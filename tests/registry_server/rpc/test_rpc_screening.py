"""Screening a running registry: pages prove what is listed, and what goes beyond the signed inquiry is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2, submission_pb2, transparency_pb2

from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.map_entry import subject_key
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, Purpose
from client_sdk.kernel.ledger.inquiry import Screening
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from registry_server.sequencing import map_tree
from registry_server.usecases.screen import KEPT_MS, MAX_PREFIXES
from tests.support.registry import inquire, refusal, running_registry
from tests.support.registry_world import World, subject_of
from tests.support.screening import screen_request, verified_entries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import RunningRegistry

MINUTE_MS = 60_000
NEXT_HEAD_MS = 61_000


def report(registry: RunningRegistry, issuer: str, name: str, person: str) -> None:
    submission = registry.world.report(issuer, name, person=person)
    answer = registry.records(issuer).Submit(submission_pb2.SubmitRequest(submission=submission))
    assert answer.result.outcome == submission_pb2.OUTCOME_ACCEPTED, answer.result.violation


def beat(registry: RunningRegistry) -> None:
    registry.world.clock.now += NEXT_HEAD_MS
    registry.app.housekeeping.beat()


def outcomes(registry: RunningRegistry) -> list[str]:
    """Outcomes in the inquiry tree after the next HEAD."""
    beat(registry)
    with registry.app.ledger.view() as view:
        count = view.head.inquiry_count
    request = transparency_pb2.ListInquiryLeavesRequest(start=0, end=count)
    pages = registry.transparency("auditor").ListInquiryLeaves(request)
    return [InquiryLeaf.parse(item.leaf).outcome for page in pages for item in page.inquiries]


def test_a_page_shows_who_is_listed_and_nothing_else_of_anybody(registry: RunningRegistry) -> None:
    report(registry, "lender-1", "loan", "A")
    report(registry, "lender-3", "loan", "B")
    response = registry.inquiries("lender-2").Screen(screen_request(registry.world, "lender-2"))
    listed = verified_entries(registry.trust_root, response)
    assert sorted(listed) == sorted(subject_key(subject_of(person)) for person in "AB")
    # No sealed disclosure, no leaf, no opening: keys and values of the map alone.
    assert len(response.pages[0].entries) == 2 * 64
    assert outcomes(registry) == ["ANSWERED"]


def test_all_pages_are_of_the_head_of_the_first(registry: RunningRegistry) -> None:
    report(registry, "lender-1", "loan", "A")
    stub, screening = registry.inquiries("lender-2"), Screening(9, 2, 2)
    first = stub.Screen(screen_request(registry.world, "lender-2", [0], screening=screening))
    size = verified_size(first)
    request = screen_request(registry.world, "lender-2", [1], screening=screening, at_size=size)
    report(registry, "lender-1", "another loan", "B")
    beat(registry)
    second = stub.Screen(request)
    assert second.checkpoint == first.checkpoint
    found = verified_entries(registry.trust_root, first, 2) | verified_entries(registry.trust_root, second, 2)
    assert set(found) == {subject_key(subject_of("A"))}
    request.at_size = size + 1
    assert refusal(lambda: stub.Screen(request)).reason == "HEAD_GONE"


def verified_size(response: check_pb2.ScreenResponse) -> int:
    return int(response.checkpoint.split(b"\n")[1])


def test_a_page_with_too_many_entries_is_refused_and_served_deeper(
    registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a smaller limit, since thousands of records take minutes."""
    monkeypatch.setattr(map_tree, "MAX_PAGE_ENTRIES", 6)
    names = [str(number) for number in range(50)]
    halves = [[name for name in names if subject_key(subject_of(name))[0] >> 6 == half][:5] for half in (0, 1)]
    for name in (*halves[0], *halves[1]):
        report(registry, "lender-1", name, name)
    screens = registry.inquiries("lender-2").Screen
    refused = refusal(lambda: screens(screen_request(registry.world, "lender-2")))
    assert (refused.reason, refused.rule) == ("DEPTH_INVALID", "screening.page-entries")
    deeper = screen_request(registry.world, "lender-2", (0, 1), "deeper", screening=Screening(3, 2, 2))
    listed = verified_entries(registry.trust_root, screens(deeper), depth=2)
    assert sorted(listed) == sorted(subject_key(subject_of(name)) for half in halves for name in half)
    assert len(listed) == 10


def test_more_pages_than_declared_are_refused(registry: RunningRegistry) -> None:
    stub, screening = registry.inquiries("lender-2"), Screening(9, 3, 2)
    stub.Screen(screen_request(registry.world, "lender-2", [0, 3], screening=screening))
    refused = refusal(lambda: stub.Screen(screen_request(registry.world, "lender-2", [1], screening=screening)))
    assert refused == (
        "RESOURCE_EXHAUSTED",
        "PAGES_EXCEEDED",
        "prefixes",
        "screening.pages",
        "3 pages",
        "at most 2, as the inquiry declares",
    )
    # A page whose answer was lost is served again, but not without end.
    again = screen_request(registry.world, "lender-2", [0], screening=screening)
    for _ in range(3):
        stub.Screen(again)
    assert refusal(lambda: stub.Screen(again))[1:4] == ("PAGES_EXCEEDED", "prefixes", "screening.again")


def test_a_screening_ends_with_its_time_and_is_not_begun_twice(registry: RunningRegistry) -> None:
    stub, request = registry.inquiries("lender-2"), screen_request(registry.world, "lender-2")
    stub.Screen(request)
    registry.world.clock.now += KEPT_MS + 1
    # Its age alone refuses it, and what was kept of it is not answered from a newer HEAD.
    assert refusal(lambda: stub.Screen(request)).reason in {"HEAD_GONE", "INQUIRY_STALE"}
    request.at_size = 7
    assert refusal(lambda: stub.Screen(request)).reason == "HEAD_GONE"


def test_two_screenings_are_kept_of_one_institution_and_do_not_end_those_of_others(registry: RunningRegistry) -> None:
    other = registry.inquiries("lender-3")
    other.Screen(screen_request(registry.world, "lender-3", name="other"))
    stub = registry.inquiries("lender-2")
    requests = [screen_request(registry.world, "lender-2", name=f"screening {place}") for place in range(3)]
    for request in requests:
        stub.Screen(request)
    assert refusal(lambda: stub.Screen(requests[0])).reason == "HEAD_GONE"
    stub.Screen(requests[1])
    other.Screen(screen_request(registry.world, "lender-3", name="other"))
    # What a question about persons is answered from is not touched by any of it.
    registry.inquiries("lender-2").Check(inquire(registry.world, "lender-2", ["A"]))


@pytest.mark.parametrize(
    ("changes", "prefixes", "reason", "rule"),
    [
        ({"screening": Screening(3, 5, 3)}, [0], "DEPTH_INVALID", "screening.depth"),
        ({"screening": Screening(1, 2, 2)}, [0], "MALFORMED", "screening.pages"),
        ({"purpose": Purpose.REPORTING}, [0], "PURPOSE_INVALID", "inquiry.purpose"),
        ({"purpose": Purpose.SUBJECT_ACCESS}, [0], "PURPOSE_INVALID", "inquiry.purpose"),
        ({"officer_commitment": bytes(32)}, [0], "COMMITMENT_MISMATCH", "commitment.opens"),
        ({}, [1], "MALFORMED", "screening.prefix"),
        ({}, [], "MALFORMED", "screening.prefixes"),
        ({}, list(range(MAX_PREFIXES + 1)), "MALFORMED", "screening.prefixes"),
        ({}, [0, 0], "MALFORMED", "screening.order"),
    ],
)
def test_what_is_not_in_order_is_refused_and_kept(
    registry: RunningRegistry, changes: dict[str, object], prefixes: list[int], reason: str, rule: str
) -> None:
    request = screen_request(registry.world, "lender-2", prefixes, **changes)  # type: ignore[arg-type]  # by name
    refused = refusal(lambda: registry.inquiries("lender-2").Screen(request))
    assert (refused.reason, refused.rule) == (reason, rule)
    assert outcomes(registry) == [reason]


def test_forms_that_no_screening_has_are_refused_and_not_kept(registry: RunningRegistry) -> None:
    stub, world = registry.inquiries("lender-2"), registry.world
    for screening, rule in (
        (Screening(3, 0, 1), "screening.depth"),
        (Screening(3, 25, 1), "screening.depth"),
        (Screening(3, 1, 2), "screening.pages"),
        (Screening(3, 1, 0), "screening.pages"),
        (Screening(0, 1, 1), "screening.persons"),
    ):
        request = screen_request(world, "lender-2", screening=screening)
        assert refusal(lambda sent=request: stub.Screen(sent)).rule == rule  # type: ignore[misc]  # it is called at once
    assert outcomes(registry) == []


def test_a_question_about_persons_is_no_screening_and_a_screening_no_question(registry: RunningRegistry) -> None:
    stub, world = registry.inquiries("lender-2"), registry.world
    question = inquire(world, "lender-2", ["A"])
    screening = screen_request(world, "lender-2")
    asked = check_pb2.ScreenRequest(inquiry=question.inquiry, opening=question.opening, prefixes=[0])
    assert refusal(lambda: stub.Screen(asked)).rule == "screening.present"
    checked = check_pb2.CheckRequest(inquiry=screening.inquiry, opening=screening.opening)
    assert refusal(lambda: stub.Check(checked)).rule == "inquiry.persons"


def test_another_members_screening_is_refused_and_so_is_a_foreign_signature(registry: RunningRegistry) -> None:
    request = screen_request(registry.world, "lender-2")
    assert refusal(lambda: registry.inquiries("lender-3").Screen(request)).reason == "PEER_MISMATCH"
    registry.inquiries("lender-2").Screen(request)
    assert refusal(lambda: registry.inquiries("lender-3").Screen(request)).reason == "PEER_MISMATCH"
    request.inquiry.signature = bytes(64)
    assert refusal(lambda: registry.inquiries("lender-2").Screen(request)).reason == "SIGNATURE_INVALID"


def test_nothing_more_is_served_to_who_is_suspended_meanwhile(registry: RunningRegistry) -> None:
    request = screen_request(registry.world, "lender-2")
    stub = registry.inquiries("lender-2")
    stub.Screen(request)
    registry.world.decide(registry.app.ledger, StateBody("lender-2", InstitutionStatus.SUSPENDED))
    assert refusal(lambda: stub.Screen(request)).reason == "INSTITUTION_SUSPENDED"


def test_persons_of_a_day_are_counted_and_leave_those_who_are_asked_about_alone(
    tmp_path: Path, database_url: str
) -> None:
    world = World(replace(Rulebook(), daily_inquired_subjects=10))
    with running_registry(tmp_path, database_url, world) as registry:
        stub = registry.inquiries("lender-2")
        stub.Screen(screen_request(world, "lender-2", name="first", screening=Screening(10, 1, 1)))
        more = screen_request(world, "lender-2", name="second", screening=Screening(1, 1, 1))
        refused = refusal(lambda: stub.Screen(more))
        assert refused[1:4] == ("QUOTA_EXCEEDED", "inquiry.screening.persons", "rulebook.daily-inquired-subjects")
        stub.Check(inquire(world, "lender-2", ["A"]))
        registry.inquiries("lender-3").Screen(screen_request(world, "lender-3", name="third"))
        assert sorted(outcomes(registry)) == ["ANSWERED", "ANSWERED", "ANSWERED", "QUOTA_EXCEEDED"]
        registry.verify_log()


def test_the_same_first_call_twice_is_one_inquiry(registry: RunningRegistry) -> None:
    request = screen_request(registry.world, "lender-2")
    stub = registry.inquiries("lender-2")
    assert stub.Screen(request) == stub.Screen(request)
    assert outcomes(registry) == ["ANSWERED"]
