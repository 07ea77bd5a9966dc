"""The enumerations inside facts as Python types (proto/creditregistry/v1/facts.proto).

Members are words, and their numbers are those of the contract, as in ``formats.words``.
"""

from __future__ import annotations

from client_sdk.kernel.formats.words import Word

__all__ = [
    "ArrangementOutcome",
    "ArrangementPeriod",
    "CollectionStage",
    "ConsentForm",
    "DefaultCause",
    "JudgmentResult",
    "JudgmentStage",
    "LegalBasis",
    "ListingGround",
    "ListingOrigin",
    "ListingPerformance",
    "Measure",
    "NoticeChannel",
    "Product",
    "SubjectRole",
]


class NoticeChannel(Word):
    """Channel of a notice."""

    LETTER = "LETTER", 1
    SMS = "SMS", 2
    EMAIL = "EMAIL", 3
    APP = "APP", 4
    CALL = "CALL", 5
    SERVED = "SERVED", 6


class ConsentForm(Word):
    """In what form the person agreed; an e-document is written (电子签名法 Art. 4)."""

    WRITTEN = "WRITTEN", 1
    VERBAL = "VERBAL", 2


class LegalBasis(Word):
    """Why a record may be collected (征信业管理条例 Art. 13, 15)."""

    CONSENT = "CONSENT", 1
    LEGALLY_PUBLIC = "LEGALLY_PUBLIC", 2


class SubjectRole(Word):
    """In what capacity the person owes."""

    BORROWER = "BORROWER", 1
    CO_BORROWER = "CO_BORROWER", 2
    GUARANTOR = "GUARANTOR", 3


class Product(Word):
    """Product of a loan."""

    CONSUMER_LOAN = "CONSUMER_LOAN", 1
    CREDIT_CARD = "CREDIT_CARD", 2
    MORTGAGE = "MORTGAGE", 3
    CAR_LOAN = "CAR_LOAN", 4
    BUSINESS_LOAN = "BUSINESS_LOAN", 5
    OTHER_CREDIT = "OTHER_CREDIT", 6


class CollectionStage(Word):
    """Stage of collection."""

    REMINDED = "REMINDED", 1
    COLLECTING = "COLLECTING", 2
    ARRANGED = "ARRANGED", 3
    IN_SUIT = "IN_SUIT", 4
    WRITTEN_OFF = "WRITTEN_OFF", 5
    ENDED = "ENDED", 6


class DefaultCause(Word):
    """Why a debt was not paid, as the lender found; of illness and death never which (征信业管理条例 Art. 14)."""

    UNABLE_TO_PAY = "UNABLE_TO_PAY", 1
    UNWILLING_TO_PAY = "UNWILLING_TO_PAY", 2
    NOT_REMINDED = "NOT_REMINDED", 3
    GOODS_DISPUTED = "GOODS_DISPUTED", 4
    FRAUD = "FRAUD", 5
    DEATH_OR_ILLNESS = "DEATH_OR_ILLNESS", 6
    OTHER = "OTHER", 7


class ArrangementPeriod(Word):
    """How far apart the instalments of an arrangement are; ONCE is an extension (展期)."""

    ONCE = "ONCE", 1
    WEEK = "WEEK", 2
    MONTH = "MONTH", 3
    QUARTER = "QUARTER", 4


class ArrangementOutcome(Word):
    """How an arrangement stands."""

    RUNNING = "RUNNING", 1
    KEPT = "KEPT", 2
    BROKEN = "BROKEN", 3


class JudgmentStage(Word):
    """Stage of a suit."""

    FILED = "FILED", 1
    JUDGED = "JUDGED", 2
    APPEALED = "APPEALED", 3
    EFFECTIVE = "EFFECTIVE", 4


class JudgmentResult(Word):
    """Result of a suit."""

    GRANTED = "GRANTED", 1
    PARTLY_GRANTED = "PARTLY_GRANTED", 2
    SETTLED = "SETTLED", 3
    PAYMENT_ORDER = "PAYMENT_ORDER", 4


class Measure(Word):
    """A measure of enforcement (查封, 扣押, 冻结, 限制高消费, 失信)."""

    SEALED_UP = "SEALED_UP", 1
    DISTRAINED = "DISTRAINED", 2
    FROZEN = "FROZEN", 3
    CONSUMPTION_LIMITED = "CONSUMPTION_LIMITED", 4
    LISTED_DISHONEST = "LISTED_DISHONEST", 5


class ListingGround(Word):
    """Ground of an entry in the courts' list of dishonest judgment debtors (失信被执行人, 2017, Art. 1)."""

    REFUSES = "REFUSES", 1
    OBSTRUCTS = "OBSTRUCTS", 2
    EVADES = "EVADES", 3
    ASSETS_UNREPORTED = "ASSETS_UNREPORTED", 4
    CONSUMPTION = "CONSUMPTION", 5
    SETTLEMENT_BROKEN = "SETTLEMENT_BROKEN", 6


class ListingOrigin(Word):
    """At whose instance a court listed a person."""

    APPLICANT = "APPLICANT", 1
    COURT = "COURT", 2


class ListingPerformance(Word):
    """How far a listed obligation was performed."""

    NONE = "NONE", 1
    PARTIAL = "PARTIAL", 2
