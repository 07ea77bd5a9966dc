"""The columns of a portfolio, described once: kinds of records, meaning, example and words of each.

Files, options and forms are made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.words import Kind, Standing, Word
from client_sdk.kernel.rules.facts import (
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    SubjectRole,
)
from client_sdk.kernel.rules.lifecycle import NEXT, carries_subject
from client_sdk.kernel.subjects.identifiers import IdType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GUIDE", "WORDS", "Column", "standings_of", "words_of_column"]

_ALL = "DJEL"
_DIGEST = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"


class Column(NamedTuple):
    """One column.

    Attributes:
        kinds: of records that it belongs to: D for DEFAULT, J for JUDGMENT, E for ENFORCEMENT, L for LISTING.
        meaning: one sentence.
        example: a cell as it may be written; empty where the column is usually empty.
    """

    kinds: str
    meaning: str
    example: str

    def is_of(self, kind: Kind) -> bool:
        """Whether records of a kind have it."""
        return kind.name[0] in self.kinds


GUIDE: dict[str, Column] = {
    "kind": Column(_ALL, "What the record is about.", "DEFAULT"),
    "standing": Column(_ALL, "How it stands from this version on.", "OPEN"),
    "id_type": Column(_ALL, "What kind of identity number it is.", "CN_RESIDENT_ID"),
    "id_number": Column(_ALL, "Identity number; it never leaves this machine.", "110105180001010010"),
    "issuing_state": Column(_ALL, "State that issued a passport, ISO 3166-1 alpha-2; else empty.", ""),
    "reference": Column(_ALL, "Your own name of the debt; never shown to anybody else.", "LOAN-4711"),
    "first_day": Column(
        _ALL, "First day of the episode as first reported; that of the facts if left out.", "2026-01-05"
    ),
    "attempt": Column(_ALL, "How many records of the episode were withdrawn before.", "0"),
    "retain_until": Column(_ALL, "Last day it is kept; the longest that the law allows if left out.", ""),
    "transferee": Column(_ALL, "Institution id of the buyer, where TRANSFERRED.", ""),
    "continues_issuer": Column(_ALL, "Issuer of the old record of a bought debt.", ""),
    "continues_record_id": Column(_ALL, "Its id, 32 hexadecimal digits.", ""),
    "basis_reference": Column("JEL", "Your name of the debt of the record that this one rests on.", "LOAN-4711"),
    "basis_first_day": Column("JEL", "First day of that record.", "2026-01-05"),
    "subject_role": Column(_ALL, "As what the person owes.", "BORROWER"),
    "legal_basis": Column(_ALL, "On which ground it is reported.", "CONSENT"),
    "approver": Column(_ALL, "Who approved the report.", "credit desk"),
    "original_creditor": Column(
        _ALL, "Unified social credit code of the first lender, else its LEI.", "91110000MA0000000H"
    ),
    "contract": Column(_ALL, "Number of the contract; letters and digits alone are kept: LOAN4711.", "LOAN-4711"),
    "as_of": Column(
        _ALL, "Day of which the facts are; of a listing, day on which the court's list was read.", "2026-03-31"
    ),
    "ended_on": Column("DJE", "Day on which the conduct ended.", ""),
    "currency": Column(_ALL, "ISO 4217.", "CNY"),
    "principal": Column(_ALL, "Principal owed; of an enforcement, applied for. 12,500.00 CNY is 1250000.", "1250000"),
    "interest": Column(_ALL, "Interest owed; of an enforcement, applied for.", "23000"),
    "penalty": Column(_ALL, "Penalty interest owed; of an enforcement, applied for.", "0"),
    "fees": Column(_ALL, "Fees owed; of an enforcement, applied for.", "0"),
    "estimated": Column(_ALL, "true where amounts were derived and not read from the books.", ""),
    "notice_channel": Column(_ALL, "How the person was told before the report.", "SMS"),
    "notice_sent_at": Column(_ALL, "When the notice was sent, ISO 8601 with its offset.", "2026-01-20T10:00:00+08:00"),
    "notice_digest": Column(_ALL, "SHA-256 of the notice; the notice itself is not sent.", _DIGEST),
    "consent_form": Column(_ALL, "Form of the person's consent to being reported.", "WRITTEN"),
    "consent_date": Column(_ALL, "Day of that consent.", "2025-06-01"),
    "consent_digest": Column(_ALL, "SHA-256 of the signed consent; the consent itself is not sent.", _DIGEST),
    "product": Column("D", "What was lent.", "CONSUMER_LOAN"),
    "first_delinquency_on": Column("D", "First day on which a payment was overdue.", "2026-01-05"),
    "days_past_due": Column("D", "Days overdue on the day of the facts.", "85"),
    "days_estimated": Column("D", "true where the days were derived.", ""),
    "collection_stage": Column("D", "How far collection is.", "COLLECTING"),
    "called_on": Column("D", "Day on which a guarantor was called on (代偿); of a GUARANTOR alone.", ""),
    "default_cause": Column("D", "Why the debt was not paid, as you found; empty where it is not known.", ""),
    "contacts": Column("D", "How often the person was contacted: CHANNEL:COUNT, with spaces between.", "SMS:3 CALL:2"),
    "arrangement_agreed_on": Column("D", "Day of the newest arrangement about the payment (协商); else empty.", ""),
    "arrangement_instalments": Column("D", "Number of instalments agreed; 1 for an extension (展期).", ""),
    "arrangement_period": Column("D", "How far apart they are; ONCE is an extension.", ""),
    "arrangement_paid": Column("D", "Number of instalments paid.", ""),
    "arrangement_outcome": Column("D", "RUNNING while ARRANGED; KEPT or BROKEN afterwards.", ""),
    "case_number": Column("JEL", "Number of the case (案号).", "(2026)京0105民初123号"),
    "court": Column("JEL", "Name of the court.", "北京市朝阳区人民法院"),
    "filed_on": Column("JEL", "Day on which the case was filed.", "2026-02-01"),
    "stage": Column("J", "How far the case is.", "JUDGED"),
    "cause": Column("J", "Cause of action (案由).", "金融借款合同纠纷"),
    "judged_on": Column("J", "Day of the judgment.", "2026-03-01"),
    "effective_on": Column("J", "Day on which it took effect.", ""),
    "result": Column("J", "What was decided.", "GRANTED"),
    "batch_reference": Column("J", "Reference of a batch of cases, if it is one of many.", ""),
    "judgment_case_number": Column(
        "EL",
        "Number of the judgment, or of the award or notarised instrument, that is enforced.",
        "(2025)京0105民初123号",
    ),
    "measures": Column("E", "Measures of enforcement, separated by spaces.", ""),
    "stayed_on": Column("E", "Day on which enforcement was stayed (终本).", ""),
    "executed_principal": Column("E", "Principal recovered so far.", "0"),
    "executed_interest": Column("E", "Interest recovered so far.", "0"),
    "executed_penalty": Column("E", "Penalty interest recovered so far.", "0"),
    "executed_fees": Column("E", "Fees recovered so far.", "0"),
    "listed_on": Column("L", "Day on which the court listed the person as a dishonest judgment debtor.", "2026-03-15"),
    "listed_until": Column("L", "Day on which the entry ends; empty where its only ground is REFUSES.", "2028-03-15"),
    "earliest_removal_on": Column("L", "Day from which the court may remove the entry early, if it set one.", ""),
    "grounds": Column("L", "Grounds of the entry, separated by spaces.", "EVADES"),
    "origin": Column("L", "At whose instance the court made the entry.", "APPLICANT"),
    "performance": Column("L", "How far the obligation was performed, as the entry says.", "NONE"),
    "issued_by": Column("L", "Court, tribunal or notary that made what is enforced.", "北京市朝阳区人民法院"),
}
# Enumerations that columns are written in; of `measures` and `grounds` several words, with spaces between.
WORDS: Mapping[str, type[Word | IdType]] = {
    "kind": Kind,
    "standing": Standing,
    "id_type": IdType,
    "subject_role": SubjectRole,
    "legal_basis": LegalBasis,
    "notice_channel": NoticeChannel,
    "consent_form": ConsentForm,
    "product": Product,
    "collection_stage": CollectionStage,
    "default_cause": DefaultCause,
    "arrangement_period": ArrangementPeriod,
    "arrangement_outcome": ArrangementOutcome,
    "stage": JudgmentStage,
    "result": JudgmentResult,
    "measures": Measure,
    "grounds": ListingGround,
    "origin": ListingOrigin,
    "performance": ListingPerformance,
}


def words_of_column(name: str) -> tuple[str, ...]:
    """Return the words that a column takes; none where it takes any text."""
    return tuple(WORDS[name].__members__) if name in WORDS else ()


def standings_of(kind: Kind) -> tuple[Standing, ...]:
    """Return the standings that a report of a kind with facts may have, in their order."""
    reached = {*NEXT[kind], *(standing for follows in NEXT[kind].values() for standing in follows)}
    return tuple(standing for standing in Standing if standing in reached and carries_subject(standing))
