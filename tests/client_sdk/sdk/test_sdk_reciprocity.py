"""Reciprocity against a real registry: what is held back, that it is said, and what a member does about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, Kind, Outcome, Purpose, ReasonId, Role, Unopened, Verdict, written_consent
from client_sdk._protocol.reciprocity import check_given, own_gifts
from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.rules.dates import day_of
from client_sdk.verification import verify
from tests.client_sdk.sdk_samples import default_report, person, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.models import Answer
    from client_sdk.testing import TestRegistry

RULEBOOK = Rulebook()
TAKER, OFFICE = "taking-lender", "reciprocal-office"
CONSENT = written_consent(document=b"a signed form", given_on=date(2026, 1, 1))


def _decide(registry: TestRegistry, rulebook: Rulebook) -> None:
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-2")) as second:
        assert second.approve(first.propose(RulebookBody(rulebook)).proposal).logged


@pytest.fixture(scope="module")
def strict(registry: TestRegistry) -> Iterator[TestRegistry]:
    """The registry of the folder, with a rulebook that gives new members no grace while these tests run."""
    registry.enrol(TAKER, Role.LENDER)
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config("admin-1")) as administrator:
        before = administrator.directory().rulebook
    _decide(registry, replace(before, reciprocity_grace_days=0))
    yield registry
    _decide(registry, before)


def _ask(client: Client, number: int) -> Answer:
    return client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")


def test_a_lender_that_gives_nothing_learns_that_there_is_something(strict: TestRegistry) -> None:
    with Client(strict.config("lender-1")) as giver, Client(strict.config(TAKER)) as taker:
        giver.report(default_report(7301))
        answer = _ask(taker, 7301)
        assert answer.verdict is Verdict.LISTED
        (record,) = answer.records
        assert (record.issuer, record.kind, record.facts) == ("lender-1", Kind.DEFAULT, None)
        assert record.unopened is Unopened.RECIPROCITY
        assessment = answer.assess()
        assert assessment.outcome is Outcome.REFER
        assert [reason.id for reason in assessment.reasons] == [ReasonId.RECIPROCITY]
        # The evidence says so to anybody, offline.
        (offline,) = verify(answer.evidence, taker.config.trust_root())
        assert offline.records[0].unopened is Unopened.RECIPROCITY
        assert _ask(taker, 7399).verdict is Verdict.CLEAR
        reciprocity = taker.status().reciprocity
        assert reciprocity is not None
        # No level names the courts' public list.
        assert reciprocity.held_back == set(Kind) - {Kind.LISTING}
        # Its own records are shown to it, and to the person everything is.
        assert _ask(giver, 7301).records[0].facts is not None
        with Client(strict.config(OFFICE)) as office:
            assert office.status().reciprocity is None
            report = office.subject_report(person(7301), mandate=request_of(person(7301)), officer="desk-1")
            assert report.records[0].record.facts is not None
        # What it gives, it receives, and no more.
        taker.report(default_report(7302))
        (opened,) = _ask(taker, 7301).records
        assert opened.facts is not None
        after = taker.status().reciprocity
        assert after is not None
        assert after.held_back == {Kind.JUDGMENT, Kind.ENFORCEMENT}
        assert [level.gives for level in after.levels if level.reached] == [Kind.DEFAULT]


def test_what_a_receipt_shows_was_given(strict: TestRegistry) -> None:
    """A registry that forgets what was given is found out by the lender that has the receipt."""
    with Client(strict.config("lender-2")) as giver:
        receipt = giver.report(default_report(7303))
    payload = parse_leaf(receipt.leaf).payload
    logged_at = int(receipt.logged_at.timestamp() * 1_000)
    gifts = own_gifts([(receipt.index, logged_at, payload)], "lender-2")
    assert set(gifts) == {Kind.DEFAULT}
    assert own_gifts([(receipt.index, logged_at, payload)], "lender-1") == {}
    day = day_of(logged_at, RULEBOOK.time_zone).isoformat()
    nothing = Contribution("lender-2", "2026-01-01")
    check_given(nothing.after(Kind.DEFAULT, day).encode(), RULEBOOK, gifts, receipt.size, logged_at)
    # Logged later than the answer's HEAD, or ahead of it after a correction of the log's time.
    check_given(nothing.encode(), RULEBOOK, gifts, receipt.index, logged_at)
    check_given(nothing.encode(), RULEBOOK, gifts, receipt.size, logged_at - 1)
    for less in (nothing, nothing.after(Kind.DEFAULT, "2026-01-02"), nothing.after(Kind.JUDGMENT, day)):
        with pytest.raises(FormatError, match=r"contribution\.receipt"):
            check_given(less.encode(), RULEBOOK, gifts, receipt.size, logged_at)
