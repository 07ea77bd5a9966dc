"""The enumerations inside facts as Python types (proto/creditregistry/v1/facts.proto).

Numbers are those of the contract and never change; ``UNSPECIFIED`` (0) is not a member, as in ``formats.words``.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "CollectionStage",
    "ConsentForm",
    "JudgmentResult",
    "JudgmentStage",
    "LegalBasis",
    "Measure",
    "NoticeChannel",
    "Product",
    "SubjectRole",
]


class NoticeChannel(IntEnum):
    """Channel of a notice."""

    LETTER = 1
    SMS = 2
    EMAIL = 3
    APP = 4
    CALL = 5
    SERVED = 6


class ConsentForm(IntEnum):
    """In what form the person agreed; an e-document is written (电子签名法 Art. 4)."""

    WRITTEN = 1
    VERBAL = 2


class LegalBasis(IntEnum):
    """Why a record may be collected (征信业管理条例 Art. 13, 15)."""

    CONSENT = 1
    LEGALLY_PUBLIC = 2


class SubjectRole(IntEnum):
    """In what capacity the person owes."""

    BORROWER = 1
    CO_BORROWER = 2
    GUARANTOR = 3


class Product(IntEnum):
    """Product of a loan."""

    CONSUMER_LOAN = 1
    CREDIT_CARD = 2
    MORTGAGE = 3
    CAR_LOAN = 4
    BUSINESS_LOAN = 5
    OTHER_CREDIT = 6


class CollectionStage(IntEnum):
    """Stage of collection."""

    REMINDED = 1
    COLLECTING = 2
    ARRANGED = 3
    IN_SUIT = 4
    WRITTEN_OFF = 5
    ENDED = 6


class JudgmentStage(IntEnum):
    """Stage of a suit."""

    FILED = 1
    JUDGED = 2
    APPEALED = 3
    EFFECTIVE = 4


class JudgmentResult(IntEnum):
    """Result of a suit."""

    GRANTED = 1
    PARTLY_GRANTED = 2
    SETTLED = 3
    PAYMENT_ORDER = 4


class Measure(IntEnum):
    """A measure of enforcement (查封, 扣押, 冻结, 限制高消费, 失信)."""

    SEALED_UP = 1
    DISTRAINED = 2
    FROZEN = 3
    CONSUMPTION_LIMITED = 4
    LISTED_DISHONEST = 5
