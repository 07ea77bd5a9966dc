"""The life of an invented loan that went wrong: overdue, arranged, sued, enforced, paid; each step as a report.

A loan, its suit and its enforcement are values; each function returns the report of one step. Courts are real, their
case numbers cannot be: no court comes to 9,000,000 cases in a year.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.invented.parties import consent_to, notice_of
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
    JudgmentFacts,
    JudgmentReport,
    JudgmentResult,
    JudgmentStage,
    Kind,
    LegalBasis,
    Measure,
    Product,
    RecordName,
    Standing,
    SubjectRole,
    debt,
)

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.invented.parties import Lender
    from client_sdk.models import Identity

__all__ = [
    "COURTS",
    "Court",
    "Enforcement",
    "Loan",
    "Suit",
    "arranged",
    "cured",
    "enforcement_step",
    "judgment_step",
    "overdue",
    "withdrawn",
]

_CURRENCY = "CNY"
# Rates of an invented price list, in parts of the principal a day: 1/5,000 interest, 1/10,000 penalty interest (罚息).
_INTEREST = 5_000
_PENALTY = 10_000
_COURT_FEES = 50_000
# Monthly instalments of an arrangement.
_INSTALMENTS = 12


@dataclass(frozen=True, slots=True)
class Court:
    """A court.

    Attributes:
        code: 法院代字.
        appeal: code of the court above it.
        title: its name.
    """

    code: str
    appeal: str
    title: str


COURTS = (
    Court("京0105", "京03", "北京市朝阳区人民法院"),
    Court("沪0115", "沪01", "上海市浦东新区人民法院"),
    Court("粤0606", "粤06", "广东省佛山市顺德区人民法院"),
)


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan and the day since which it is overdue.

    Attributes:
        lender: who lent.
        identity: who owes.
        contract: number of the contract.
        product: what it is for.
        principal: fen.
        signed_on: day of the contract.
        since: first day of the delinquency.
    """

    lender: Lender
    identity: Identity
    contract: str
    product: Product
    principal: int
    signed_on: date
    since: date


@dataclass(frozen=True, slots=True)
class Suit:
    """A suit about a loan.

    Attributes:
        loan: what it is about.
        court: where.
        filed_on: day on which the court took it.
        judged_on: day of the judgment.
        effective_on: day on which it became final.
        sequence: running number at the court, from 9,000,000.
        appealed: whether it went to the court above, where it got a number of its own.
    """

    loan: Loan
    court: Court
    filed_on: date
    judged_on: date
    effective_on: date
    sequence: int
    appealed: bool = False

    def number(self, stage: JudgmentStage) -> str:
        """Return the 案号 that it has at a stage."""
        above = self.appealed and stage >= JudgmentStage.APPEALED
        code = f"{self.court.appeal}民终" if above else f"{self.court.code}民初"
        return f"（{self.filed_on.year}）{code}{self.sequence}号"


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The enforcement of a judgment.

    Attributes:
        suit: whose judgment it is.
        filed_on: day on which the court took it.
        sequence: running number at the court, from 9,000,000.
        resumed_on: day on which it went on after a stay, under a new number (执恢); None if it never stopped.
    """

    suit: Suit
    filed_on: date
    sequence: int
    resumed_on: date | None = None

    def number(self, on: date) -> str:
        """Return the 案号 that it has on a day."""
        resumed = self.resumed_on is not None and on >= self.resumed_on
        year = self.resumed_on.year if self.resumed_on is not None and resumed else self.filed_on.year
        return f"（{year}）{self.suit.court.code}{'执恢' if resumed else '执'}{self.sequence}号"


def overdue(loan: Loan, on: date, stage: CollectionStage) -> DefaultReport:
    """Report that the loan is overdue on a day, and how far collection has gone."""
    return _default(loan, Standing.OPEN, on, stage)


def arranged(loan: Loan, on: date) -> DefaultReport:
    """Report that the loan is paid under an arrangement (协商)."""
    report = _default(loan, Standing.ARRANGED, on, CollectionStage.ARRANGED)
    agreed = Arrangement(
        agreed_on=on,
        instalments=_INSTALMENTS,
        period=ArrangementPeriod.MONTH,
        outcome=ArrangementOutcome.RUNNING,
    )
    return replace(report, facts=replace(report.facts, arrangement=agreed) if report.facts else None)


def cured(loan: Loan, on: date) -> DefaultReport:
    """Report that nothing is overdue any more."""
    return _default(loan, Standing.CURED, on, CollectionStage.ENDED)


def withdrawn(loan: Loan) -> DefaultReport:
    """Take the report back: it should never have been made."""
    return DefaultReport(
        identity=loan.identity, reference=loan.contract, standing=Standing.WITHDRAWN, first_day=loan.since
    )


def judgment_step(suit: Suit, stage: JudgmentStage, on: date, *, paid: bool = False) -> JudgmentReport:
    """Report how far the suit has gone.

    Args:
        suit: the suit.
        stage: that it has reached.
        on: the day.
        paid: whether the judgment is satisfied.
    """
    loan = suit.loan
    judged = stage is not JudgmentStage.FILED
    facts = JudgmentFacts(
        subject_role=SubjectRole.BORROWER,
        stage=stage,
        case_number=suit.number(stage),
        court=suit.court.title,
        cause="金融借款合同纠纷",
        filed_on=suit.filed_on,
        judged_on=suit.judged_on if judged else None,
        effective_on=suit.effective_on if stage is JudgmentStage.EFFECTIVE else None,
        result=JudgmentResult.GRANTED if judged else None,
        amounts=replace(_owed(loan, suit.filed_on), fees=_COURT_FEES),
        as_of=on,
        ended_on=on if paid else None,
        debt=debt(original_creditor=loan.lender.creditor, contract=loan.contract),
        legal_basis=LegalBasis.CONSENT,
        notice=notice_of(loan.lender.name, loan.contract, suit.filed_on, suit.filed_on),
        consent=consent_to(loan.lender.name, loan.contract, loan.signed_on),
        approver=f"{loan.lender.name} legal desk",
        batch_reference=f"{loan.lender.name}-{suit.filed_on:%Y-%m}",
    )
    default = RecordName(kind=Kind.DEFAULT, reference=loan.contract, first_day=loan.since)
    return JudgmentReport(
        identity=loan.identity,
        reference=loan.contract,
        standing=Standing.SATISFIED if paid else Standing.OPEN,
        facts=facts,
        basis=None if judged else Basis(record=default),
    )


def enforcement_step(
    enforcement: Enforcement, standing: Standing, on: date, *, executed: int = 0, first: bool = False
) -> EnforcementReport:
    """Report the state of the enforcement.

    Args:
        enforcement: the enforcement.
        standing: from that day on.
        on: the day.
        executed: what was recovered, in parts of a hundred of the award.
        first: whether this begins the record, which then names the judgment.
    """
    suit = enforcement.suit
    loan = suit.loan
    award = replace(_owed(loan, suit.filed_on), fees=_COURT_FEES)
    facts = EnforcementFacts(
        subject_role=SubjectRole.BORROWER,
        case_number=enforcement.number(on),
        judgment_case_number=suit.number(JudgmentStage.EFFECTIVE),
        court=suit.court.title,
        filed_on=enforcement.filed_on,
        measures=(Measure.FROZEN, Measure.CONSUMPTION_LIMITED),
        applied=award,
        executed=Amounts(currency=_CURRENCY, principal=award.total * executed // 100),
        stayed_on=on if standing is Standing.STAYED else None,
        ended_on=on if standing is Standing.SATISFIED else None,
        as_of=on,
        debt=debt(original_creditor=loan.lender.creditor, contract=loan.contract),
        # The courts publish enforcements: neither notice nor consent is asked for (征信业管理条例 Art. 13, 15).
        legal_basis=LegalBasis.LEGALLY_PUBLIC,
        approver=f"{loan.lender.name} legal desk",
    )
    judgment = RecordName(kind=Kind.JUDGMENT, reference=loan.contract, first_day=suit.filed_on)
    return EnforcementReport(
        identity=loan.identity,
        reference=loan.contract,
        standing=standing,
        facts=facts,
        basis=Basis(record=judgment) if first else None,
    )


def _default(loan: Loan, standing: Standing, on: date, stage: CollectionStage) -> DefaultReport:
    ended = standing is Standing.CURED
    facts = DefaultFacts(
        subject_role=SubjectRole.BORROWER,
        product=loan.product,
        amounts=Amounts(currency=_CURRENCY) if ended else _owed(loan, on),
        as_of=on,
        first_delinquency_on=loan.since,
        days_past_due=0 if ended else (on - loan.since).days,
        collection_stage=stage,
        ended_on=on if ended else None,
        debt=debt(original_creditor=loan.lender.creditor, contract=loan.contract),
        legal_basis=LegalBasis.CONSENT,
        notice=notice_of(loan.lender.name, loan.contract, loan.since, loan.since),
        consent=consent_to(loan.lender.name, loan.contract, loan.signed_on),
        approver=f"{loan.lender.name} credit desk",
    )
    return DefaultReport(identity=loan.identity, reference=loan.contract, standing=standing, facts=facts)


def _owed(loan: Loan, on: date) -> Amounts:
    days = (on - loan.since).days
    return Amounts(
        currency=_CURRENCY,
        principal=loan.principal,
        interest=loan.principal * days // _INTEREST,
        penalty=loan.principal * days // _PENALTY,
    )
