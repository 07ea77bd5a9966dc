"""Checks of programs in a loop of their own: acts in the journal, to their end, and none after the end of the desk."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from client_sdk import AsyncClient
from client_sdk._steps import beside, run_async, together
from client_sdk.desk.asking_loop import AskingLoop
from client_sdk.desk.journal import Journal, read_journal
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.models import KeyUsage, Purpose, Verdict
from tests.client_sdk.sdk.test_sdk_twins import CONSENT
from tests.client_sdk.sdk_samples import person
from tests.support.waiting import awaited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._steps import Flow
    from client_sdk.models import Answer
    from client_sdk.testing import TestRegistry


class Desk(NamedTuple):
    journal: Path
    asking: AskingLoop

    def check(self, number: int) -> Answer:
        return asyncio.run(self.later(number))

    async def later(self, number: int) -> Answer:
        purpose = Purpose.LOAN_APPROVAL
        return await self.asking.check(
            "token:core", person(number), purpose=purpose, consent=CONSENT, officer="clerk-7", about=["officer:clara"]
        )

    def lines(self) -> list[tuple[str, str]]:
        return [(line.result, line.reason) for line, _ in read_journal(self.journal)]


@pytest.fixture
def desk(registry: TestRegistry, tmp_path: Path) -> Iterator[Desk]:
    with (
        closing(Journal(tmp_path / "journal")) as journal,
        closing(AskingLoop(registry.config("lender-2"), journal)) as asking,
    ):
        yield Desk(tmp_path / "journal", asking)


def test_a_check_is_an_act_of_the_journal(desk: Desk) -> None:
    answer = desk.check(971)
    assert answer.verdict is Verdict.CLEAR
    begun, done = (line for line, _ in read_journal(desk.journal))
    assert (begun.who, begun.act, begun.result, begun.reason) == ("token:core", "ASK", "BEGUN", "LOAN_APPROVAL")
    assert (done.result, done.to) == ("DONE", begun.number)
    assert done.about == ("officer:clara", answer.inquiry_id.hex())


def test_many_are_under_way_in_one_thread(desk: Desk) -> None:
    async def ask() -> list[Answer]:
        return await asyncio.gather(*(desk.later(number) for number in range(972, 988)))

    assert {answer.verdict for answer in asyncio.run(ask())} == {Verdict.CLEAR}
    assert [thread.name for thread in threading.enumerate() if thread.name == "desk-asking"] == ["desk-asking"]
    assert sorted(result for result, _ in desk.lines()) == ["BEGUN"] * 16 + ["DONE"] * 16


def test_a_check_that_is_refused_is_an_act_that_failed(desk: Desk) -> None:
    with pytest.raises(CreditRegistryError):
        asyncio.run(
            desk.asking.check(
                "token:core", person(988), purpose=Purpose.SUBJECT_ACCESS, consent=CONSENT, officer="clerk-7", about=[]
            )
        )
    (began, _), (ended, why) = desk.lines()
    assert (began, ended) == ("BEGUN", "FAILED")
    assert why


def test_an_act_that_nobody_waits_for_goes_on_to_its_end(desk: Desk) -> None:
    async def ask() -> None:
        asked = asyncio.create_task(desk.later(989))
        # It is put to the other loop, whose answer this one has not looked at yet.
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(ask())
    lines = awaited(desk.lines, lambda found: len(found) > 1)
    assert [result for result, _ in lines] == ["BEGUN", "DONE"]


def test_nothing_is_asked_once_the_desk_has_ended(desk: Desk) -> None:
    desk.check(990)
    desk.asking.close()
    with pytest.raises(ConfigError, match="ending"):
        desk.check(990)
    assert not [thread for thread in threading.enumerate() if thread.name == "desk-asking"]


def test_a_loop_that_nobody_used_ends_at_once(registry: TestRegistry, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal")) as journal:
        AskingLoop(registry.config("lender-2"), journal).close()


def test_what_is_done_in_place_is_done_by_the_thread_of_the_loop() -> None:
    def flow() -> Flow[list[int]]:
        first = yield from beside(threading.get_ident)
        others = yield from together(beside(threading.get_ident), beside(threading.get_ident))
        return [first, *others]

    assert set(asyncio.run(run_async(flow(), in_place=True))) == {threading.get_ident()}
    assert threading.get_ident() not in asyncio.run(run_async(flow()))


def test_a_client_in_place_answers_as_any_other(registry: TestRegistry) -> None:
    async def ask() -> Answer:
        async with AsyncClient(registry.config("lender-2"), in_place=True) as client:
            return await client.check(person(991), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")

    assert asyncio.run(ask()).verdict is Verdict.CLEAR


def test_what_is_wrong_with_a_key_is_told_where_the_desk_is_started(registry: TestRegistry, tmp_path: Path) -> None:
    config = replace(registry.config("lender-2"), keys={KeyUsage.INQUIRE: "file:keys/none.pem"})
    with (
        closing(Journal(tmp_path / "journal")) as journal,
        closing(AskingLoop(config, journal)) as asking,
        pytest.raises(ConfigError, match="none"),
    ):
        asking.open()
