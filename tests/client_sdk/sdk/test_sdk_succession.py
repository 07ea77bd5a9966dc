"""A successor through the SDK: what it lists, proves, ends and takes over of a lender that is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client
from client_sdk.errors import (
    ConflictError,
    CreditRegistryError,
    NotPermittedError,
)
from client_sdk.kernel.formats.act import SuccessionBody
from client_sdk.models import (
    DefaultFacts,
    Purpose,
    RecordKey,
    RecordState,
    Standing,
    written_consent,
)
from tests.client_sdk.sdk_samples import default_facts, default_report, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture
def other(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def terminate(registry: TestRegistry, institution: str, successor: str) -> None:
    """Log the act of two administrators that terminates a member."""
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-2")) as second:
        body = SuccessionBody(institution, successor, "merger")
        assert second.approve(first.propose(body).proposal).logged


def test_a_successor_lists_proves_and_ends_what_it_took_over(registry: TestRegistry, other: Client) -> None:
    registry.enrol("lender-9")
    with Client(registry.config("lender-9")) as gone:
        receipts = [gone.report(default_report(number)) for number in (120, 121)]
    mistaken, running = (receipt.record_id for receipt in receipts)
    # The client has followed the directory just now; it learns of the act all the same.
    other.status()
    for call in (
        lambda: list(other.records(issuer="lender-9")),
        lambda: other.receipt(mistaken, 1, issuer="lender-9"),
        lambda: other.withdraw(mistaken, "lender-9"),
    ):
        with pytest.raises(NotPermittedError, match="NOT_THE_SUCCESSOR"):
            call()
    terminate(registry, "lender-9", "lender-2")
    views = list(other.records(issuer="lender-9"))
    assert [(view.issuer, view.record_id, view.version) for view in views] == [
        ("lender-9", mistaken, 1),
        ("lender-9", running, 1),
    ]
    (opened,) = other.records(identity=person(121), issuer="lender-9")
    assert isinstance(opened.facts, DefaultFacts)
    assert (opened.record_id, opened.facts.as_of) == (running, default_facts().as_of)
    first = other.receipt(mistaken, 1, issuer="lender-9")
    assert (first.issuer, first.leaf, first.index) == ("lender-9", receipts[0].leaf, receipts[0].index)
    ended = other.withdraw(mistaken, "lender-9")
    assert (ended.issuer, ended.version) == ("lender-9", 2)
    assert other.receipt(mistaken, 2, issuer="lender-9") == ended
    states = {view.record_id: view.state for view in other.records(issuer="lender-9")}
    assert states == {mistaken: RecordState.ENDED, running: RecordState.LIVE}
    # It takes the other over by a sale to itself, and reports it under its own name.
    sold = replace(default_report(121), standing=Standing.TRANSFERRED, transferee="lender-2")
    sold = replace(sold, facts=replace(opened.facts, ended_on=opened.facts.as_of))
    for wrong, broken in (
        (replace(sold, identity=person(120)), ConflictError),
        (replace(sold, standing=Standing.OPEN, transferee=""), CreditRegistryError),
    ):
        with pytest.raises(broken):
            other.succeed(running, "lender-9", wrong)
    taken = other.succeed(running, "lender-9", sold)
    assert (taken.issuer, taken.version) == ("lender-9", 2)
    own = other.report(replace(default_report(121), continues=RecordKey("lender-9", running)))
    assert (own.issuer, own.version) == ("lender-2", 1)
    answer = other.check(person(121), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert [(record.issuer, record.standing) for record in answer.records] == [("lender-2", Standing.OPEN)]
    # It stays the other's record: what the outbox keeps of it is no receipt of an own one.
    with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
        other.receipt(mistaken, 2)
    with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
        other.withdraw(running)
    assert mistaken not in {view.record_id for view in other.records()}


async def test_the_asyncio_client_of_a_successor_does_the_same(registry: TestRegistry) -> None:
    registry.enrol("lender-8")
    async with registry.async_client("lender-8") as gone, registry.async_client("lender-2") as other:
        receipt = await gone.report(default_report(125))
        with pytest.raises(NotPermittedError, match="NOT_THE_SUCCESSOR"):
            await other.receipt(receipt.record_id, 1, issuer="lender-8")
        await asyncio.to_thread(terminate, registry, "lender-8", "lender-2")
        (view,) = [view async for view in other.records(issuer="lender-8")]
        assert (view.issuer, view.record_id) == ("lender-8", receipt.record_id)
        assert (await other.receipt(receipt.record_id, 1, issuer="lender-8")).leaf == receipt.leaf
        assert (await other.withdraw(receipt.record_id, "lender-8")).version == 2
        (view,) = [view async for view in other.records([receipt.record_id], issuer="lender-8")]
        assert view.state is RecordState.ENDED
