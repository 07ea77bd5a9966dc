"""A sold debt through the SDK: its buyer continues it as it stood, one by one, in a file and under one signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk import Auditor, Client
from client_sdk.errors import NotPermittedError, PreflightError
from client_sdk.models import DefaultFacts, RecordKey, Standing
from tests.client_sdk.sdk_samples import default_facts, default_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.models import DefaultReport, Violation
    from client_sdk.testing import TestRegistry

SOLD_ON = date(2025, 5, 31)


@pytest.fixture
def seller(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture
def buyer(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def facts_of(number: int) -> DefaultFacts:
    return default_facts(contract=f"HT-{number}", as_of=SOLD_ON)


def sell(seller: Client, number: int, to: str = "lender-2") -> RecordKey:
    """Report a debt and sell it."""
    receipt = seller.report(default_report(number, facts=facts_of(number)))
    gone = replace(facts_of(number), ended_on=SOLD_ON)
    seller.report(replace(default_report(number, standing=Standing.TRANSFERRED, facts=gone), transferee=to))
    return RecordKey("lender-1", receipt.record_id)


def bought(number: int, sold: RecordKey, **changes: object) -> DefaultReport:
    facts = replace(facts_of(number), **changes)  # type: ignore[arg-type]  # the test names fields
    return replace(default_report(number, facts=facts), continues=sold)


def later(number: int) -> date:
    """A first day of the delinquency that would begin its clock anew."""
    return facts_of(number).first_delinquency_on + timedelta(1)


def refused(buyer: Client, report: DefaultReport) -> Violation:
    """The rule for which one report is refused, and a file with it too, before anything is sent."""
    with pytest.raises(PreflightError) as error:
        buyer.report(report)
    (violation,) = error.value.violations
    for one_signature in (False, True):
        batch = buyer.report_many([report], one_signature=one_signature)
        assert [(one.reason, one.rule) for one in batch.rejected] == [(violation.reason, violation.rule)]
        assert batch.accepted == 0
    return violation


def test_a_buyer_makes_no_debt_younger(registry: TestRegistry, seller: Client, buyer: Client) -> None:
    sold = sell(seller, 8301)
    aged = refused(buyer, bought(8301, sold, first_delinquency_on=later(8301)))
    first = facts_of(8301).first_delinquency_on
    assert (aged.reason, aged.rule, aged.want) == ("REAGED", "F09", f"not after {first}")
    assert buyer.report(bought(8301, sold)).version == 1
    # The same again changes nothing, and the buyer's own versions follow.
    assert buyer.report(bought(8301, sold)).repeated
    assert buyer.report(bought(8301, sold, as_of=SOLD_ON + timedelta(30), days_past_due=59)).version == 2
    assert Auditor.from_home(registry.home("auditor")).audit().clean


@pytest.mark.parametrize("one_signature", [False, True])
def test_bought_debts_come_in_a_file(seller: Client, buyer: Client, *, one_signature: bool) -> None:
    numbers = [8310, 8311, 8312] if one_signature else [8320, 8321, 8322]
    sold = [sell(seller, number) for number in numbers]
    reports = [bought(number, key) for number, key in zip(numbers, sold, strict=True)]
    reports[1] = bought(numbers[1], sold[1], first_delinquency_on=later(numbers[1]))
    batch = buyer.report_many(reports, one_signature=one_signature)
    assert (batch.accepted, [(one.row, one.rule) for one in batch.rejected]) == (2, [(2, "F09")])
    again = buyer.report_many([reports[0], reports[2]], one_signature=one_signature)
    assert (again.accepted, again.repeated) == (0, 2)


def test_what_was_not_sold_here_is_not_continued(seller: Client, buyer: Client) -> None:
    kept = RecordKey("lender-1", seller.report(default_report(8303, facts=facts_of(8303))).record_id)
    of_another = sell(seller, 8305)
    for number, key in (
        (8303, kept),
        (8304, RecordKey("lender-1", bytes.fromhex("00000000000080008000000000000000"))),
        (8306, of_another),
        (8307, RecordKey("nobody", of_another.record_id)),
    ):
        violation = refused(buyer, bought(number, key))
        assert (violation.reason, violation.rule) == ("CONTINUES_INVALID", "record.continues")
    with pytest.raises(NotPermittedError, match="NOT_THE_SUCCESSOR"):
        list(buyer.records([kept.record_id], issuer="lender-1"))
    (shown,) = buyer.records([of_another.record_id], issuer="lender-1")
    assert (shown.issuer, shown.standing) == ("lender-1", Standing.TRANSFERRED)
