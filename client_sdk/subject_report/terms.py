"""Words of the contract and names of facts, to be said in Chinese or in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.acts import BreachedData, BreachNature
from client_sdk.models import (
    AnnotationFlag,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    DisputeOutcome,
    IdType,
    JudgmentResult,
    JudgmentStage,
    Kind,
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    Purpose,
    Standing,
    SubjectRole,
    Unopened,
)
from client_sdk.texts.catalogue import own_catalogue

if TYPE_CHECKING:
    from enum import Enum

    from client_sdk.texts import Language

__all__ = ["FACTS", "Term", "term_of"]


class Term(NamedTuple):
    """One text of a report; its Chinese is in the catalogue, under the context ``report``."""

    english: str

    def of(self, language: Language) -> str:
        """Return the text in a language."""
        return own_catalogue(language).pgettext("report", self.english)


_TERMS: tuple[tuple[Enum, Term], ...] = (
    (Kind.DEFAULT, Term("Default")),
    (Kind.JUDGMENT, Term("Judgment")),
    (Kind.ENFORCEMENT, Term("Enforcement")),
    (Kind.LISTING, Term("Entry in the courts' list of dishonest judgment debtors")),
    (Standing.OPEN, Term("open")),
    (Standing.ARRANGED, Term("under a payment arrangement")),
    (Standing.STAYED, Term("stayed")),
    (Standing.CURED, Term("paid up")),
    (Standing.SATISFIED, Term("satisfied")),
    (Standing.TRANSFERRED, Term("debt sold")),
    (Standing.SET_ASIDE, Term("set aside by a court")),
    (Standing.WITHDRAWN, Term("withdrawn as a mistake")),
    (Purpose.LOAN_APPROVAL, Term("to decide on a loan")),
    (Purpose.GUARANTEE_REVIEW, Term("to review a guarantor")),
    (Purpose.POST_LOAN_REVIEW, Term("to review a running loan")),
    (Purpose.COLLECTION, Term("to collect a debt")),
    (Purpose.REPORTING, Term("to report")),
    (Purpose.SUBJECT_ACCESS, Term("for the person's own report")),
    (AnnotationFlag.DISPUTED, Term("disputed by the person")),
    (AnnotationFlag.RESTRICTED, Term("restricted: must not be counted")),
    (AnnotationFlag.HIDDEN, Term("hidden under an overlay of the rulebook")),
    (AnnotationFlag.STATEMENT, Term("with the person's own statement")),
    (DisputeOutcome.CORRECTED, Term("corrected")),
    (DisputeOutcome.CONFIRMED, Term("found to be right")),
    (DisputeOutcome.UNCONFIRMED, Term("could not be confirmed; the dispute stays")),
    (DisputeOutcome.WITHDRAWN, Term("dispute taken back")),
    (SubjectRole.BORROWER, Term("borrower")),
    (SubjectRole.CO_BORROWER, Term("co-borrower")),
    (SubjectRole.GUARANTOR, Term("guarantor")),
    (Product.CONSUMER_LOAN, Term("consumer loan")),
    (Product.CREDIT_CARD, Term("credit card")),
    (Product.MORTGAGE, Term("mortgage")),
    (Product.CAR_LOAN, Term("car loan")),
    (Product.BUSINESS_LOAN, Term("business loan")),
    (Product.OTHER_CREDIT, Term("other credit")),
    (CollectionStage.REMINDED, Term("reminded")),
    (CollectionStage.COLLECTING, Term("in collection")),
    (CollectionStage.ARRANGED, Term("payment arranged")),
    (CollectionStage.IN_SUIT, Term("in court")),
    (CollectionStage.WRITTEN_OFF, Term("written off")),
    (CollectionStage.ENDED, Term("ended")),
    (DefaultCause.UNABLE_TO_PAY, Term("unable to pay")),
    (DefaultCause.UNWILLING_TO_PAY, Term("able to pay and does not")),
    (DefaultCause.NOT_REMINDED, Term("not reminded")),
    (DefaultCause.GOODS_DISPUTED, Term("goods or service disputed")),
    (DefaultCause.FRAUD, Term("fraud")),
    (DefaultCause.DEATH_OR_ILLNESS, Term("death or illness")),
    (DefaultCause.OTHER, Term("another cause")),
    (ArrangementPeriod.ONCE, Term("one later payment")),
    (ArrangementPeriod.WEEK, Term("weekly")),
    (ArrangementPeriod.MONTH, Term("monthly")),
    (ArrangementPeriod.QUARTER, Term("every three months")),
    (ArrangementOutcome.RUNNING, Term("running")),
    (ArrangementOutcome.KEPT, Term("kept")),
    (ArrangementOutcome.BROKEN, Term("broken")),
    (LegalBasis.CONSENT, Term("the person's written consent")),
    (LegalBasis.LEGALLY_PUBLIC, Term("information that is public by law")),
    (NoticeChannel.LETTER, Term("letter")),
    (NoticeChannel.SMS, Term("SMS")),
    (NoticeChannel.EMAIL, Term("e-mail")),
    (NoticeChannel.APP, Term("message in an app")),
    (NoticeChannel.CALL, Term("telephone call")),
    (NoticeChannel.SERVED, Term("served")),
    (ConsentForm.WRITTEN, Term("in writing")),
    (ConsentForm.VERBAL, Term("by word of mouth")),
    (JudgmentStage.FILED, Term("filed")),
    (JudgmentStage.JUDGED, Term("judged")),
    (JudgmentStage.APPEALED, Term("appealed")),
    (JudgmentStage.EFFECTIVE, Term("final")),
    (JudgmentResult.GRANTED, Term("claim granted")),
    (JudgmentResult.PARTLY_GRANTED, Term("claim granted in part")),
    (JudgmentResult.SETTLED, Term("settled in court")),
    (JudgmentResult.PAYMENT_ORDER, Term("payment order")),
    (ListingGround.REFUSES, Term("able to perform and refuses")),
    (
        ListingGround.OBSTRUCTS,
        Term("obstructs by forgery, violence or threats"),
    ),
    (
        ListingGround.EVADES,
        Term("evades by sham suits or hidden assets"),
    ),
    (ListingGround.ASSETS_UNREPORTED, Term("violates the rules on reporting assets")),
    (ListingGround.CONSUMPTION, Term("violates an order that limits consumption")),
    (ListingGround.SETTLEMENT_BROKEN, Term("breaks a settlement without just cause")),
    (ListingOrigin.APPLICANT, Term("the applicant asked for it")),
    (ListingOrigin.COURT, Term("the court's own decision")),
    (ListingPerformance.NONE, Term("nothing performed")),
    (ListingPerformance.PARTIAL, Term("performed in part")),
    (Measure.SEALED_UP, Term("property sealed up")),
    (Measure.DISTRAINED, Term("property distrained")),
    (Measure.FROZEN, Term("accounts frozen")),
    (Measure.CONSUMPTION_LIMITED, Term("consumption limited")),
    (Measure.LISTED_DISHONEST, Term("listed as dishonest")),
    (Unopened.SEALED, Term("they cannot be opened")),
    (Unopened.DISCLOSURE_MISMATCH, Term("other bytes are kept than were signed")),
    (Unopened.DISCLOSURE_UNOPENABLE, Term("what the lender sealed does not open")),
    (Unopened.FACTS_UNREADABLE, Term("what the lender sealed cannot be read")),
    (Unopened.SCOPE, Term("the purpose of the inquiry is not shown them")),
    (
        Unopened.SCOPE_PAID,
        Term("it was paid too long ago for the purpose of the inquiry"),
    ),
    (Unopened.RECIPROCITY, Term("they are held back by the rule of reciprocity")),
    (Unopened.DEBT_REF_WRONG, Term("the reference of the debt is not that of its contract")),
    (BreachNature.DISCLOSED, Term("disclosed")),
    (BreachNature.ALTERED, Term("altered")),
    (BreachNature.LOST, Term("lost")),
    (BreachedData.BINDINGS, Term("which records are about one person")),
    (BreachedData.FACTS, Term("facts of records")),
    (BreachedData.TEXTS, Term("statements of persons")),
    (BreachedData.INQUIRIES, Term("inquiries")),
    (BreachedData.PSEUDONYMS, Term("pseudonyms")),
    (BreachedData.IDENTITY_NUMBERS, Term("identity numbers")),
    (BreachedData.CONTACTS, Term("contacts of persons")),
    (BreachedData.KEYS, Term("keys")),
    (IdType.CN_RESIDENT_ID, Term("resident identity card")),
    (IdType.CN_FOREIGNER_PERMIT, Term("foreigner's permanent residence card")),
    (IdType.CN_PERMIT, Term("travel permit")),
    (IdType.PASSPORT, Term("passport")),
    (IdType.CN_USCC, Term("unified social credit code")),
    (IdType.LEI, Term("legal entity identifier")),
)
# By enumeration and name: words of two enumerations are equal where their texts are.
_NAMED = {(type(word), word.name): term for word, term in _TERMS}

# Fields of the facts, by their names.
FACTS: dict[str, Term] = {
    "subject_role": Term("Your part in the debt"),
    "product": Term("Product"),
    "amounts": Term("Amount"),
    "as_of": Term("As of"),
    "first_delinquency_on": Term("First day overdue"),
    "days_past_due": Term("Days overdue"),
    "days_estimated": Term("Days were derived"),
    "collection_stage": Term("Stage of collection"),
    "called_on": Term("Guarantor called on"),
    "default_cause": Term("Cause"),
    "contacts": Term("Contacts"),
    "arrangement": Term("Arrangement"),
    "ended_on": Term("Conduct ended on"),
    "debt": Term("Contract"),
    "legal_basis": Term("Reported on the ground of"),
    "notice": Term("Notice before the report"),
    "consent": Term("Consent to the report"),
    "approver": Term("Approved by"),
    "stage": Term("Stage of the suit"),
    "case_number": Term("Case number"),
    "judgment_case_number": Term("Judgment that is enforced"),
    "court": Term("Court"),
    "cause": Term("Cause of action"),
    "filed_on": Term("Filed on"),
    "judged_on": Term("Judged on"),
    "effective_on": Term("Final since"),
    "result": Term("Result"),
    "batch_reference": Term("Batch of suits"),
    "measures": Term("Measures"),
    "applied": Term("Amount applied for"),
    "executed": Term("Amount recovered"),
    "stayed_on": Term("Stayed on"),
    "issued_by": Term("Who made what is enforced"),
    "grounds": Term("Grounds"),
    "listed_on": Term("Listed on"),
    "listed_until": Term("Listed until"),
    "earliest_removal_on": Term("May be removed from"),
    "origin": Term("Listed because"),
    "performance": Term("Performance"),
}


def term_of(word: Enum) -> Term:
    """Return the name of a word of the contract in each language."""
    return _NAMED[type(word), word.name]
