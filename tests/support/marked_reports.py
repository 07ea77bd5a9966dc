"""Reports in which every fact is a marker: values that stand nowhere else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.models import (
    Amounts,
    Basis,
    CollectionStage,
    Consent,
    ConsentForm,
    DefaultFacts,
    DefaultReport,
    EnforcementFacts,
    EnforcementReport,
    Identity,
    IdType,
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
    Product,
    RecordName,
    SubjectRole,
    debt,
    notice_sent,
)
from tests.client_sdk.sdk_samples import LENDER_CODE
from tests.support.handmade_log import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.models import Report

__all__ = ["REFERENCE", "fact_markers", "marked_person", "marked_reports", "varint"]

REFERENCE = "own-reference-QZX7741"
_FIRST_DAY = date(2019, 2, 11)
_FILED = date(2020, 4, 13)
_ENFORCED = date(2021, 3, 19)


def marked_person() -> Identity:
    """A person born in the 19th century; the number stands in no other test."""
    body = "64022118371109931"
    return Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))


def _amounts(name: str) -> Amounts:
    parts = [2**50 + int.from_bytes(seed(f"{name} {part}", 6)) for part in ("principal", "interest", "penalty", "fees")]
    return Amounts(currency="CHF", principal=parts[0], interest=parts[1], penalty=parts[2], fees=parts[3])


def _consent(name: str, given: date) -> Consent:
    return Consent(form=ConsentForm.WRITTEN, date=given, digest=seed(f"consent {name}"))


def marked_reports() -> list[Report]:
    """A default with an update and its end, its judgment, the enforcement, stayed, and an entry in the court's list."""
    owed = debt(original_creditor=LENDER_CODE, contract="CONTRACT-QZX-88123907")
    first = DefaultFacts(
        subject_role=SubjectRole.GUARANTOR,
        called_on=date(2019, 3, 14),
        product=Product.CREDIT_CARD,
        amounts=_amounts("default"),
        as_of=date(2019, 5, 17),
        first_delinquency_on=_FIRST_DAY,
        days_past_due=93,
        collection_stage=CollectionStage.COLLECTING,
        debt=owed,
        legal_basis=LegalBasis.CONSENT,
        approver="approver-QZX-default",
        notice=notice_sent(
            document=b"notice", sent_at=datetime(2019, 2, 15, 3, 4, 5, 678000, UTC), channel=NoticeChannel.SMS
        ),
        consent=_consent("default", date(2017, 7, 23)),
    )
    second = replace(first, amounts=_amounts("default updated"), as_of=date(2019, 6, 27), approver="approver-QZX-again")
    won = JudgmentFacts(
        subject_role=SubjectRole.GUARANTOR,
        stage=JudgmentStage.EFFECTIVE,
        case_number="（2020）京0105民初7741903号",
        court="马克法院甲乙丙丁",
        cause="马克纠纷戊己庚辛",
        filed_on=_FILED,
        judged_on=date(2020, 8, 21),
        effective_on=date(2020, 9, 25),
        result=JudgmentResult.GRANTED,
        amounts=_amounts("judgment"),
        as_of=date(2020, 10, 29),
        debt=owed,
        legal_basis=LegalBasis.CONSENT,
        approver="approver-QZX-judgment",
        batch_reference="batch-QZX-5518",
        notice=notice_sent(
            document=b"notice 2", sent_at=datetime(2020, 4, 14, 6, 7, 8, 901000, UTC), channel=NoticeChannel.SMS
        ),
        consent=_consent("judgment", date(2017, 9, 28)),
    )
    enforced = EnforcementFacts(
        subject_role=SubjectRole.GUARANTOR,
        case_number="（2021）京0105执7741904号",
        judgment_case_number=won.case_number,
        court="马克执行法院壬癸子丑",
        filed_on=_ENFORCED,
        measures=(Measure.FROZEN, Measure.CONSUMPTION_LIMITED),
        applied=_amounts("applied"),
        executed=_amounts("executed"),
        as_of=date(2021, 5, 31),
        debt=owed,
        legal_basis=LegalBasis.CONSENT,
        approver="approver-QZX-enforced",
        notice=notice_sent(
            document=b"notice 3", sent_at=datetime(2021, 3, 20, 9, 10, 11, 234000, UTC), channel=NoticeChannel.SMS
        ),
        consent=_consent("enforcement", date(2017, 11, 29)),
    )
    stayed = replace(enforced, stayed_on=date(2021, 7, 23), as_of=date(2021, 8, 27), executed=_amounts("executed more"))
    # An entry that still stands, whenever this runs; each day is one that nothing else has.
    today = datetime.now(UTC).date()
    listed = ListingFacts(
        subject_role=SubjectRole.GUARANTOR,
        case_number=enforced.case_number,
        judgment_case_number=won.case_number,
        issued_by="马克依据单位寅卯辰巳",
        court="马克失信法院午未申酉",
        filed_on=_ENFORCED,
        grounds=(ListingGround.OBSTRUCTS, ListingGround.EVADES),
        listed_on=today - timedelta(days=403),
        listed_until=today + timedelta(days=307),
        earliest_removal_on=today - timedelta(days=41),
        origin=ListingOrigin.COURT,
        performance=ListingPerformance.PARTIAL,
        amounts=_amounts("listing"),
        as_of=today - timedelta(days=53),
        debt=owed,
        legal_basis=LegalBasis.CONSENT,
        approver="approver-QZX-listing",
        notice=notice_sent(
            document=b"notice 4", sent_at=datetime(2022, 5, 21, 11, 12, 13, 456000, UTC), channel=NoticeChannel.SMS
        ),
        consent=_consent("listing", date(2018, 1, 26)),
    )
    who = marked_person()
    default = DefaultReport(identity=who, reference=REFERENCE, standing=Standing.OPEN, facts=first)
    of_default = RecordName(kind=Kind.DEFAULT, reference=REFERENCE, first_day=_FIRST_DAY)
    of_judgment = RecordName(kind=Kind.JUDGMENT, reference=REFERENCE, first_day=_FILED)
    enforcement = EnforcementReport(
        identity=who, reference=REFERENCE, standing=Standing.OPEN, facts=enforced, basis=Basis(record=of_judgment)
    )
    return [
        default,
        replace(default, facts=second),
        JudgmentReport(
            identity=who, reference=REFERENCE, standing=Standing.OPEN, facts=won, basis=Basis(record=of_default)
        ),
        enforcement,
        replace(enforcement, standing=Standing.STAYED, facts=stayed),
        # The statement says in clear until when it is kept, so here that is not the end of the entry.
        ListingReport(
            identity=who,
            reference=REFERENCE,
            standing=Standing.OPEN,
            facts=listed,
            retain_until=today + timedelta(days=211),
            basis=Basis(record=RecordName(kind=Kind.ENFORCEMENT, reference=REFERENCE, first_day=_ENFORCED)),
        ),
    ]


def varint(number: int) -> bytes:
    """The bytes of a number in protobuf."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def fact_markers(facts: Facts) -> Iterator[tuple[str, bytes | str]]:
    """Yield every value of the facts that is long enough to be told from chance, as it may be written."""
    yield from _markers(type(facts).__name__, facts)


def _markers(name: str, value: object) -> Iterator[tuple[str, bytes | str]]:
    match value:
        case Enum():
            # A role, a stage: one of a few words, found by their neighbours in the canonical bytes.
            pass
        case bytes() if any(value):
            yield name, value
        case date():
            yield name, value.isoformat()
        case int() if value > 2**40:
            yield name, str(value)
            if value >= 2**42:
                yield name, varint(value)
            yield name, value.to_bytes(8)
            yield name, value.to_bytes(8, "little")
        case str() if len(value.encode()) > 6:
            yield name, value
        case _ if is_dataclass(value):
            for field in fields(value):
                yield from _markers(f"{name}.{field.name}", getattr(value, field.name))
        case _:
            # A currency, a small number: likewise.
            pass
