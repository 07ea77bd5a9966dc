"""Debts of made-up persons over the years: what a lender's books and the court's papers say of them on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.models import (
    Amounts,
    Arrangement,
    ArrangementOutcome,
    ArrangementPeriod,
    Basis,
    CollectionStage,
    DefaultFacts,
    DefaultReport,
    EnforcementFacts,
    EnforcementReport,
    Identity,
    JudgmentFacts,
    JudgmentReport,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    ListingReport,
    Measure,
    NoticeChannel,
    RecordName,
    debt,
    notice_sent,
    written_consent,
)
from tests.client_sdk.sdk_samples import LENDER_CODE, default_facts, person

__all__ = ["Owed"]

COURT = "北京市朝阳区人民法院"


class Owed(NamedTuple):
    """One debt that was not paid in time.

    Attributes:
        number: of the person.
        since: first day overdue.
        principal: in fen.
        sued: day on which the suit was filed, where there was one; case numbers follow from it and from the person.
    """

    number: int
    since: date
    principal: int = 300_000
    sued: date = date.min

    @property
    def who(self) -> Identity:
        return person(self.number)

    @property
    def reference(self) -> str:
        return f"loan-{self.number}"

    @property
    def contract(self) -> str:
        return f"CONTRACT-{self.number:06d}"

    def name(self, kind: Kind = Kind.DEFAULT) -> RecordName:
        """What a lender calls its record."""
        first_day = {Kind.DEFAULT: self.since, Kind.JUDGMENT: self.sued, Kind.ENFORCEMENT: self.enforced_on}
        return RecordName(kind=kind, reference=self.reference, first_day=first_day.get(kind, self.listed_on))

    # The default

    def facts(self, day: date, **changes: object) -> DefaultFacts:
        """The debt as it stands on a day, not paid."""
        noticed = datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC) + timedelta(days=3)
        facts = replace(
            default_facts(contract=self.contract, as_of=day, days=(day - self.since).days, principal=self.principal),
            first_delinquency_on=self.since,
            amounts=Amounts(currency="CNY", principal=self.principal),
            notice=notice_sent(document=b"notice", sent_at=noticed, channel=NoticeChannel.LETTER),
            consent=written_consent(document=b"consent", given_on=self.since - timedelta(days=100)),
        )
        return replace(facts, **changes)  # type: ignore[arg-type]  # the caller names fields

    def default(self, day: date, standing: Standing = Standing.OPEN, **changes: object) -> DefaultReport:
        """A report of that day."""
        return DefaultReport(
            identity=self.who,
            reference=self.reference,
            standing=standing,
            first_day=self.since,
            facts=self.facts(day, **changes),
        )

    def arranged(self, day: date, outcome: ArrangementOutcome, paid: int, agreed_on: date) -> DefaultReport:
        """A report about twelve instalments, one a month."""
        arrangement = Arrangement(
            agreed_on=agreed_on, instalments=12, period=ArrangementPeriod.MONTH, outcome=outcome, paid=paid
        )
        running = outcome is ArrangementOutcome.RUNNING
        standing = Standing.ARRANGED if running else Standing.OPEN
        late = 0 if running else (day - self.since).days
        return self.default(day, standing, arrangement=arrangement, days_past_due=late)

    def paid(self, day: date, **changes: object) -> DefaultReport:
        """All was paid on that day; the amounts are what had been overdue."""
        ended = {"days_past_due": 0, "collection_stage": CollectionStage.ENDED, "ended_on": day}
        return self.default(day, Standing.CURED, **{**ended, **changes})

    # The court

    @property
    def judged_on(self) -> date:
        return self.sued + timedelta(days=60)

    @property
    def enforced_on(self) -> date:
        return self.judged_on + timedelta(days=40)

    @property
    def listed_on(self) -> date:
        return self.enforced_on + timedelta(days=10)

    def case(self, kind: str) -> str:
        """Number of a case of the court."""
        day = self.sued if kind == "民初" else self.enforced_on
        return f"（{day.year}）京0105{kind}{9_000_000 + self.number}号"

    def judgment(self, day: date, standing: Standing = Standing.OPEN, **changes: object) -> JudgmentReport:
        """The judgment on the default, in force."""
        facts = JudgmentFacts(
            subject_role=self.facts(day).subject_role,
            stage=JudgmentStage.EFFECTIVE,
            case_number=self.case("民初"),
            court=COURT,
            cause="金融借款合同纠纷",
            filed_on=self.sued,
            judged_on=self.judged_on,
            effective_on=self.judged_on + timedelta(days=20),
            result=JudgmentResult.GRANTED,
            amounts=Amounts(currency="CNY", principal=self.principal, fees=500),
            as_of=day,
            debt=debt(original_creditor=LENDER_CODE, contract=self.contract),
            legal_basis=LegalBasis.LEGALLY_PUBLIC,
            approver="clerk-1",
        )
        return JudgmentReport(
            identity=self.who,
            reference=self.reference,
            standing=standing,
            first_day=self.sued,
            facts=replace(facts, **changes),  # type: ignore[arg-type]  # the caller names fields
            basis=Basis(record=self.name()),
        )

    def enforcement(self, day: date) -> EnforcementReport:
        """The judgment is enforced."""
        won = self.judgment(day).facts
        assert won is not None
        facts = EnforcementFacts(
            subject_role=won.subject_role,
            case_number=self.case("执"),
            judgment_case_number=won.case_number,
            court=COURT,
            filed_on=self.enforced_on,
            measures=(Measure.FROZEN, Measure.CONSUMPTION_LIMITED),
            applied=won.amounts,
            executed=Amounts(currency="CNY"),
            as_of=day,
            debt=won.debt,
            legal_basis=LegalBasis.LEGALLY_PUBLIC,
            approver="clerk-1",
        )
        basis = Basis(record=self.name(Kind.JUDGMENT))
        return EnforcementReport(
            identity=self.who, reference=self.reference, standing=Standing.OPEN, facts=facts, basis=basis
        )

    def listing(self, day: date, until: date) -> ListingReport:
        """The court's list has the person until a day."""
        won = self.judgment(day).facts
        assert won is not None
        facts = ListingFacts(
            subject_role=won.subject_role,
            case_number=self.case("执"),
            judgment_case_number=won.case_number,
            issued_by=COURT,
            court=COURT,
            filed_on=self.enforced_on,
            grounds=(ListingGround.EVADES,),
            listed_on=self.listed_on,
            listed_until=until,
            earliest_removal_on=self.listed_on + timedelta(days=90),
            origin=ListingOrigin.APPLICANT,
            performance=ListingPerformance.PARTIAL,
            amounts=won.amounts,
            as_of=day,
            debt=won.debt,
            legal_basis=LegalBasis.LEGALLY_PUBLIC,
            approver="clerk-1",
        )
        basis = Basis(record=self.name(Kind.ENFORCEMENT))
        return ListingReport(
            identity=self.who, reference=self.reference, standing=Standing.OPEN, facts=facts, basis=basis
        )
