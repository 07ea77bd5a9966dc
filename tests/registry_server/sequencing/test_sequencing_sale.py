"""The first version of a bought record is held against the sold one, as a further version of it would be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.facts import SubjectRole
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.registry_world import World, accept, subject_of, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.sequencing.ledger import Ledger

FIRST_DAY = samples.DEFAULT.first_delinquency_on


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as ledger:
        yield ledger


def reason(ledger: Ledger, submission: pb.Submission) -> str:
    (result,) = submit(ledger, submission).results
    assert result.complaint is not None
    return result.complaint.reason


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"first_delinquency_on": FIRST_DAY + timedelta(1)}, "F09", id="re-aged"),
        pytest.param({"subject_role": SubjectRole.CO_BORROWER}, "role.same", id="of another role"),
        pytest.param({"as_of": samples.DEFAULT.as_of - timedelta(1)}, "as-of.backwards", id="of a day before the sale"),
    ],
)
def test_a_sale_begins_no_new_clock(
    ledger: Ledger, world: World, database_url: str, changes: dict[str, object], rule: str
) -> None:
    sold = world.key("lender-1", "sold")
    report = partial(world.report, person="debtor", contract="LN1")
    accept(ledger, report("lender-1", "sold"))
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2"))
    facts = replace(samples.DEFAULT, debt=replace(samples.DEFAULT.debt, contract="LN1"))
    anew = replace(facts, **changes)  # type: ignore[arg-type]  # the test names fields
    (refused,) = submit(ledger, report("lender-2", "bought", facts=anew, continues=sold)).results
    assert refused.complaint is not None
    assert refused.complaint.rule == rule
    # The facts are those that the log committed to, and no others that suit the buyer.
    world.newest.pop(world.key("lender-2", "bought"))
    message = report("lender-2", "bought", facts=anew, continues=sold)
    message.previous.facts = facts.encode()
    assert reason(ledger, message) == "COMMITMENT_MISMATCH"
    message.ClearField("previous")
    assert reason(ledger, message) == "PART_MISSING"
    with ledger.view() as view:
        ((found,),) = view.live_records([subject_of("debtor")]).values()
        assert found.row.key == sold
    world.newest.pop(world.key("lender-2", "bought"))
    accept(ledger, report("lender-2", "bought", facts=facts, continues=sold))
    assert reverify(database_url).chains[sold].continued
