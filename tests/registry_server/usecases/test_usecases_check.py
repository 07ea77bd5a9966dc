"""Answering several inquiries together: what is wrong with one answer is told to its asker alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from registry_server.rpc.convert.checks import question
from registry_server.usecases.check import Checks
from registry_server.usecases.evidence import EvidencePage
from registry_server.usecases.failures import complaint_of
from tests.support.registry import inquire
from tests.support.registry_world import World, accept, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.ledger import Ledger

DAMAGES = {
    "a leaf that is none": "UPDATE leaves SET leaf = :bytes WHERE leaf_index IN"
    " (SELECT leaf_index FROM live_records WHERE subject = :subject)",
    "an annotation that is not there": "UPDATE live_records SET annotation_index = 1 WHERE subject = :subject",
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        accept(opened, *(world.report("lender-1", f"loan of {name}", person=name) for name in "ABC"))
        yield opened


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_spoils_the_answers_about_its_person_alone(ledger: Ledger, world: World, damage: str) -> None:
    with ledger.database.engine.begin() as connection:
        names = text(damage).compile().params
        given = {"bytes": b"\x00", "subject": subject_of("B")}
        connection.execute(text(damage), {name: given[name] for name in names})
    asked = [
        question(inquire(world, asker, [name], f"about {name}"), asker)
        for asker, name in (("lender-2", "A"), ("lender-3", "B"), ("lender-2", "C"), ("lender-1", "nobody"))
    ]
    first, damaged, last, nobody = Checks(ledger, 1_000_000).answer(asked)
    assert isinstance(damaged, Exception)
    assert complaint_of(damaged).reason == "INTERNAL"
    for page, listed in ((first, 1), (last, 1), (nobody, 0)):
        assert isinstance(page, EvidencePage)
        assert len(page.evidence.persons[0].subjects[0].records) == listed
