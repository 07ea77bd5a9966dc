"""Subject keys are introduced and retired while a portfolio is on its way: every row is logged all the same."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk import AsyncClient, Client, Phase, Standing, Verdict, written_consent
from client_sdk.acts import KeyServiceFile, KeyServices, KeyServicesBody, RetireKeyServicesBody
from client_sdk.models import Customer, ScreenFinding
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_report, history, person, suit
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.acts import Body, KeyService
    from client_sdk.models import Progress, Report

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
KEY_SERVICES = ("key-service-a", "key-service-b")


@pytest.fixture
def rotating() -> Iterator[TestRegistry]:
    """A registry of each test's own, as a version of the subject keys is introduced once."""
    with TestRegistry(lenders=("lender-1",), auditors=()) as running:
        yield running


def further_keys(registry: TestRegistry) -> tuple[KeyService, ...]:
    """Give each key service a key for the next version, and return what an act says of them."""
    services = []
    program = str(Path(sys.executable).with_name("subject-key-service"))
    for name in KEY_SERVICES:
        home = registry.folder / name
        subprocess.run([program, "key", "add-version", "--home", str(home)], check=True, capture_output=True)
        registry.stop(name)
        registry.start_key_service(name)
        services.append(KeyServiceFile.parse((home / f"{name}-2.key-service.json").read_bytes()).service)
    return tuple(services)


def decide(registry: TestRegistry, body: Body) -> None:
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-2")) as second:
        assert second.approve(first.propose(body).proposal).logged


def once(decided: Callable[[], None], phase: Phase) -> Callable[[Progress], None]:
    """What decides the first time that it is told of a phase; here before what is signed is sent."""
    told: list[Phase] = []

    def tell(progress: Progress) -> None:
        if progress.phase is phase and not told:
            told.append(progress.phase)
            decided()

    return tell


def portfolio(first: int) -> list[Report]:
    """Records of which later rows follow or rest on earlier ones, and records with one row."""
    rows: list[Report] = [row for number in range(first, first + 5) for row in (*history(number), *suit(number + 50))]
    again = default_report(first + 100)
    return [*rows, again, default_report(first + 100, standing=Standing.WITHDRAWN, facts=None), again]


def versions(client: Client) -> set[int]:
    return {view.subject_key_version for view in client.records() if view.subject_key_version}


def test_rows_that_a_new_version_overtakes_are_signed_anew(
    rotating: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the second block is sent: the first is logged under the old version, what is signed is refused."""
    monkeypatch.setattr("client_sdk.lending.batch.BLOCK_RECORDS", 6)
    services = further_keys(rotating)
    rows = portfolio(1)
    sent: list[Phase] = []

    def rotate(progress: Progress) -> None:
        sent.append(progress.phase)
        if sent.count(Phase.SENDING) == 2:
            sent.append(Phase.SENDING)
            decide(rotating, KeyServicesBody(KeyServices(2, services)))

    people = [Customer(person(number), CONSENT) for number in (1, 901, 902)]
    with Client(rotating.config("lender-1")) as lender, Client(rotating.config("lender-1")) as behind:
        # For a minute it holds that there is the old version alone.
        assert behind.screen(people, purpose="POST_LOAN_REVIEW", officer="desk-1").count(ScreenFinding.CLEAR) == 3
        done = lender.report_many(rows, rotate)
        assert sent.count(Phase.SENDING) > 4
        assert (done.rejected, done.accepted, done.rows) == ((), len(rows), len(rows))
        assert versions(lender) == {1, 2}
        again = lender.report_many(rows)
        assert (again.rejected, again.repeated) == ((), len(rows))
        assert lender.report(default_report(901)).version == 1
        # One person is in the map under the first version alone, the other under the second alone.
        screened = behind.screen(people, purpose="POST_LOAN_REVIEW", officer="desk-1")
        assert screened.findings == (ScreenFinding.OWN, ScreenFinding.OWN, ScreenFinding.CLEAR)


def test_rows_of_one_signature_that_a_new_version_overtakes_go_under_a_second_one(
    rotating: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are sent block by block: what comes after the change is refused, and signed together once more."""
    monkeypatch.setattr("client_sdk.lending.batch.BLOCK_RECORDS", 4)
    services = further_keys(rotating)
    rows = portfolio(1)
    decided: list[int] = []

    def rotate(progress: Progress) -> None:
        if progress.phase is Phase.SENDING and progress.done and not decided:
            decided.append(progress.done)
            decide(rotating, KeyServicesBody(KeyServices(2, services)))

    with Client(rotating.config("lender-1")) as lender:
        done = lender.report_many(rows, rotate, one_signature=True)
        assert (done.rejected, done.accepted, done.signatures) == ((), len(rows), 2)
        assert versions(lender) == {1, 2}
        assert lender.report_many(rows, one_signature=True).repeated == len(rows)


async def test_rows_that_the_end_of_a_version_overtakes_are_signed_anew(rotating: TestRegistry) -> None:
    decide(rotating, KeyServicesBody(KeyServices(2, further_keys(rotating))))
    rows = portfolio(201)
    retire = once(lambda: decide(rotating, RetireKeyServicesBody(1)), Phase.SENDING)
    async with AsyncClient(rotating.config("lender-1")) as lender:
        done = await lender.report_many(rows, retire)
        assert (done.rejected, done.accepted) == ((), len(rows))
        assert {view.subject_key_version async for view in lender.records() if view.subject_key_version} == {2}
        again = await lender.report_many(rows)
        assert (again.rejected, again.repeated) == ((), len(rows))


def test_a_row_that_is_overtaken_a_second_time_is_rejected(rotating: TestRegistry) -> None:
    """It is tried once more, and not for ever; another call reports it."""
    services = further_keys(rotating)
    acts = iter((KeyServicesBody(KeyServices(2, services)), RetireKeyServicesBody(1)))

    def rotate(progress: Progress) -> None:
        if progress.phase is Phase.SENDING:
            decide(rotating, next(acts))

    with Client(rotating.config("lender-1")) as lender:
        done = lender.report_many([default_report(301)], rotate)
        assert [(item.row, item.reason) for item in done.rejected] == [(1, "ALIASES_INVALID")]
        assert lender.report_many([default_report(301)]).accepted == 1


def test_a_question_under_subject_keys_that_have_ended_is_asked_again(rotating: TestRegistry) -> None:
    """The client has followed the directory a moment ago, and the key services a moment later."""
    asked: dict[str, Any] = {"purpose": "LOAN_APPROVAL", "consent": CONSENT, "officer": "clerk-7"}
    services = further_keys(rotating)
    with Client(rotating.config("lender-1")) as lender, Client(rotating.config("admin-1")) as other:
        before = lender.directory()
        decide(rotating, KeyServicesBody(KeyServices(2, services)))
        decide(rotating, RetireKeyServicesBody(1))
        wait_until(lambda: {one.subject_key_versions for one in other.status().key_services} == {(2,)})
        assert lender.directory() is before
        assert lender.check(person(1), **asked).verdict is Verdict.CLEAR
        assert [item.subject_key_version for item in lender.directory().state.key_services] == [2]
