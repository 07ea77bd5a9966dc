"""A registry under the rulebook of the United Kingdom: report, check, dispute, expiry, and the rules it turns on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, LapseKind, Standing
from client_sdk.kernel.rules.facts import Amounts, DefaultCause
from registry_server.usecases.housekeeping import Housekeeping
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.client_sdk.kernel.rules.test_rules_forbidden import NUMBERS
from tests.registry_server.usecases.test_usecases_housekeeping import lapses, pass_days
from tests.support.registry import inquire, running_registry
from tests.support.registry_world import DAY_MS, NOW, World, accept, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from pathlib import Path

    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.sequencing.ledger import Ledger

DEFAULT = replace(
    samples.DEFAULT,
    amounts=Amounts(currency="GBP", principal=50_000),
    first_delinquency_on=date(2025, 6, 1),
    days_past_due=121,
    notice=replace(samples.NOTICE, sent_at=moment(NOW - 28 * DAY_MS)),
)
CURED = replace(samples.CURED, first_delinquency_on=date(2025, 6, 1), notice=DEFAULT.notice)


def uk() -> World:
    return World(Rulebook.shipped("uk"))


def test_a_sale_keeps_nothing_for_longer(tmp_path: Path, database_url: str) -> None:
    world = uk()
    with running_registry(tmp_path, database_url, world) as registry:
        ledger = registry.app.ledger
        accept(ledger, world.report("lender-1", "sold", facts=DEFAULT, person="Ann", retain_until="2030-06-01"))
        gone = replace(DEFAULT, ended_on=DEFAULT.as_of)
        sell = partial(world.report, "lender-1", "sold", Standing.TRANSFERRED, facts=gone, transferee="lender-2")
        accept(ledger, sell(retain_until="2030-06-01"))
        sold = world.key("lender-1", "sold")
        buy = partial(world.report, "lender-2", "bought", facts=DEFAULT, person="Ann", continues=sold)
        assert refused(ledger, buy()) == ("retain_until", "K05")
        world.newest.pop(world.key("lender-2", "bought"))
        accept(ledger, buy(retain_until="2030-06-01"))
    reverify(database_url)


def refused(ledger: Ledger, message: pb.Submission) -> tuple[str, str]:
    (result,) = submit(ledger, message).results
    assert result.complaint is not None
    return result.complaint.field, result.complaint.rule


def test_reports_checks_disputes_and_expiry_follow_it(tmp_path: Path, database_url: str) -> None:
    world = uk()
    with running_registry(tmp_path, database_url, world) as registry:
        ledger = registry.app.ledger
        housekeeping = Housekeeping(ledger)
        accept(ledger, world.report("lender-1", "a", facts=DEFAULT, person="Ann"))
        # Kept for six years from the first day, also while it is open.
        statement = world.newest[world.key("lender-1", "a")].statement
        assert statement.retain_until == "2031-06-01"
        question = inquire(world, "lender-2", ["Ann"])
        answer = registry.verify(question, registry.inquiries("lender-2").Check(question))
        assert [record.statement.retain_until for record in answer.persons[0].records] == ["2031-06-01"]

        dispute = world.annotate("lender-2", world.key("lender-1", "a"), AnnotationFlag.DISPUTED)
        assert ledger.append([dispute]).result().results[0].complaint is None
        pass_days(world, ledger, 28)
        housekeeping.tidy()
        assert lapses(ledger) == []
        pass_days(world, ledger, 3)
        housekeeping.tidy()
        assert [lapse.what for lapse in lapses(ledger)] == [LapseKind.RESTRICTED]

        # Later payment does not move the day.
        accept(ledger, world.report("lender-1", "a", Standing.CURED, facts=CURED))
        assert world.newest[world.key("lender-1", "a")].statement.retain_until == "2031-06-01"
        world.clock.now += (date(2031, 6, 2) - date(2025, 11, 1)).days * DAY_MS
        housekeeping.tidy()
        assert [lapse.what for lapse in lapses(ledger)] == [LapseKind.RESTRICTED, LapseKind.ERASED]
        question = inquire(world, "lender-2", ["Ann"], "again")
        assert not registry.verify(question, registry.inquiries("lender-2").Check(question)).persons[0].listed
        registry.verify_log()
    reverify(database_url)


def test_an_open_record_expires_too(database_url: str) -> None:
    world = uk()
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "open", facts=DEFAULT))
        world.clock.now += 6 * 366 * DAY_MS
        Housekeeping(ledger).tidy()
        assert [lapse.what for lapse in lapses(ledger)] == [LapseKind.ERASED]
    reverify(database_url)


def test_what_its_rules_refuse(database_url: str) -> None:
    world = uk()
    with world.ledger(database_url) as ledger:
        early = replace(DEFAULT, days_past_due=89, first_delinquency_on=DEFAULT.as_of - timedelta(days=89))
        assert refused(ledger, uk().report("lender-1", "early", facts=early)) == ("facts.days_past_due", "K05")
        hasty = replace(DEFAULT, notice=replace(samples.NOTICE, sent_at=moment(NOW - 28 * DAY_MS + 1000)))
        assert refused(ledger, uk().report("lender-1", "hasty", facts=hasty)) == ("facts.notice.sent_at", "C06")
        fraud = replace(DEFAULT, default_cause=DefaultCause.FRAUD)
        assert refused(ledger, uk().report("lender-1", "fraud", facts=fraud)) == ("facts.default_cause", "K04")
        longer = uk().report("lender-1", "longer", facts=DEFAULT, retain_until="2031-06-02")
        assert refused(ledger, longer) == ("statement.retain_until", "K02")
        forever = uk().report("lender-1", "forever", facts=DEFAULT, retain_until="")
        assert refused(ledger, forever) == ("statement.retain_until", "retention.absent")

        # One default a debt, also where the first has ended; sold debts go on.
        accept(ledger, world.report("lender-1", "first", facts=DEFAULT, person="Bob", contract="L1"))
        accept(ledger, world.report("lender-1", "first", Standing.CURED, facts=CURED))
        again = uk().report("lender-1", "second", facts=DEFAULT, person="Bob", contract="L1")
        assert refused(ledger, again) == ("binding.debt_ref", "debt.one-record")

        # No part payment of a judgment is recorded.
        basis = {"kind": Kind.JUDGMENT, "person": "Cal"}
        # Numbers of its courts have no one form.
        judged = replace(
            samples.JUDGMENT, case_number="KB-2024-001234", judged_on=date(2025, 1, 10), filed_on=date(2024, 3, 4)
        )
        judged = replace(judged, effective_on=date(2025, 1, 20))
        accept(ledger, world.report("lender-1", "suit", facts=judged, **basis))  # type: ignore[arg-type]  # names of fields
        less = replace(judged, amounts=replace(judged.amounts, principal=1))
        assert refused(ledger, world.report("lender-1", "suit", facts=less)) == ("facts.amounts", "K03")
        named = replace(judged, case_number=f"KB {NUMBERS[0]}")
        found = refused(ledger, uk().report("lender-1", "named", facts=named, kind=Kind.JUDGMENT))
        assert found == ("facts.case_number", "text.number")
    reverify(database_url)


def test_jurisdiction_zone_and_start_of_retention_stay(database_url: str) -> None:
    world = uk()
    with world.ledger(database_url) as ledger:
        before = world.rulebook
        for changed in (Rulebook(), replace(before, jurisdiction="cn", retention_years=5, dispute_days=20)):
            (result,) = ledger.append([world.act(ledger, RulebookBody(changed))]).result().results
            assert result.complaint is not None
            assert (result.complaint.reason, result.complaint.rule) == ("RULEBOOK_INVALID", "rulebook.kept")
