"""Facts of a portfolio's row, by kind: cells become values, and every cell that is wrong is noted."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from client_sdk.kernel.formats.debt import canonical_contract, fold_code
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.words import Word
from client_sdk.kernel.rules.case_number import parse_case_number
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import (
    Amounts,
    Arrangement,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    Consent,
    ConsentForm,
    ContactCount,
    DefaultCause,
    DefaultFacts,
    EnforcementFacts,
    JudgmentFacts,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    NoticeEvidence,
    Product,
    SubjectRole,
)
from client_sdk.kernel.rules.instrument import canonical_instrument, is_instrument
from client_sdk.lending.cells import MAX_DIGITS, Cells
from client_sdk.lending.typed_text import typed_time
from client_sdk.models.report import (
    debt,
)

__all__ = ["consent_of", "default_facts", "enforcement_facts", "judgment_facts", "listing_facts"]

_ARRANGEMENT = ("agreed_on", "instalments", "period", "paid", "outcome")

W = TypeVar("W", bound=Word)


def _amounts(cells: Cells, prefix: str = "") -> Amounts:
    return Amounts(
        currency=cells.required("currency").upper(),
        principal=cells.integer(f"{prefix}principal"),
        interest=cells.integer(f"{prefix}interest"),
        penalty=cells.integer(f"{prefix}penalty"),
        fees=cells.integer(f"{prefix}fees"),
        estimated=cells.flag("estimated"),
    )


def _notice(cells: Cells) -> NoticeEvidence | None:
    if not cells.text("notice_channel"):
        _refuse_part(cells, "notice_channel", ("notice_sent_at", "notice_digest"))
        return None
    channel = cells.required_word(NoticeChannel, "notice_channel")
    try:
        sent = datetime.fromisoformat(typed_time(cells.required("notice_sent_at")))
        count = milliseconds(sent) if sent.tzinfo else -1
    except ValueError:
        count = -1
    if count < 0 and cells.text("notice_sent_at"):
        cells.refuse("notice_sent_at", RuleReason.DATE_INVALID, "column.time", "ISO 8601 with its offset from UTC")
    digest = cells.octets("notice_digest", HASH_BYTES)
    return NoticeEvidence(channel=channel, sent_at=moment(max(0, count)), digest=digest)


def consent_of(cells: Cells) -> Consent | None:
    """Return the consent of a row; None where it has none."""
    if not cells.text("consent_form"):
        _refuse_part(cells, "consent_form", ("consent_date", "consent_digest"))
        return None
    return Consent(
        form=cells.required_word(ConsentForm, "consent_form"),
        date=cells.required_day("consent_date"),
        digest=cells.octets("consent_digest", HASH_BYTES),
    )


def _refuse_part(cells: Cells, column: str, others: tuple[str, ...]) -> None:
    """Refuse an empty cell without which the others, one of which is filled, would be dropped."""
    if any(cells.text(other) for other in others):
        cells.required(column)


def _case_number(cells: Cells, column: str) -> str:
    """Return a number in the canonical form of Chinese courts; whether another will do pre-flight knows."""
    if not cells.required(column):
        return ""
    text = cells.text(column)
    try:
        return parse_case_number(text, column).text
    except RuleError:
        return text


def _enforced_number(cells: Cells) -> str:
    text = cells.text("judgment_case_number")
    return canonical_instrument(text) if is_instrument(text) else _case_number(cells, "judgment_case_number")


def _contract(cells: Cells) -> str:
    return cells.read("contract", canonical_contract, "X") if cells.required("contract") else "X"


def _creditor(cells: Cells) -> str:
    """Return the code of the first lender, folded as the same code is where it is an identity number."""
    return fold_code(cells.required("original_creditor"))


def default_facts(cells: Cells) -> DefaultFacts:
    """Return the facts of a row of the kind DEFAULT; what is wrong with it is noted in the cells."""
    return DefaultFacts(
        subject_role=cells.required_word(SubjectRole, "subject_role"),
        product=cells.required_word(Product, "product"),
        amounts=_amounts(cells),
        as_of=cells.required_day("as_of"),
        first_delinquency_on=cells.required_day("first_delinquency_on"),
        days_past_due=cells.integer("days_past_due", required=True),
        days_estimated=cells.flag("days_estimated"),
        collection_stage=cells.required_word(CollectionStage, "collection_stage"),
        debt=debt(original_creditor=_creditor(cells), contract=_contract(cells)),
        legal_basis=cells.required_word(LegalBasis, "legal_basis"),
        approver=cells.required("approver"),
        called_on=cells.day("called_on"),
        ended_on=cells.day("ended_on"),
        notice=_notice(cells),
        consent=consent_of(cells),
        default_cause=cells.word(DefaultCause, "default_cause"),
        contacts=_contacts(cells),
        arrangement=_arrangement(cells),
    )


def _contacts(cells: Cells) -> tuple[ContactCount, ...]:
    found: dict[NoticeChannel, int] = {}
    for item in cells.text("contacts").upper().split():
        name, _, count = item.partition(":")
        channel = NoticeChannel.__members__.get(name)
        if channel is None or channel in found or not (count.isascii() and count.isdigit()) or len(count) > MAX_DIGITS:
            want = f"CHANNEL:COUNT with spaces between, such as SMS:3 CALL:2; {' or '.join(NoticeChannel.__members__)}"
            cells.refuse("contacts", RuleReason.FACTS_INVALID, "column.contacts", want)
            return ()
        found[channel] = int(count)
    return tuple(ContactCount(channel=channel, count=found[channel]) for channel in sorted(found))


def _arrangement(cells: Cells) -> Arrangement | None:
    if not any(cells.text(f"arrangement_{part}") for part in _ARRANGEMENT):
        return None
    return Arrangement(
        agreed_on=cells.required_day("arrangement_agreed_on"),
        instalments=cells.integer("arrangement_instalments", required=True),
        period=cells.required_word(ArrangementPeriod, "arrangement_period"),
        outcome=cells.required_word(ArrangementOutcome, "arrangement_outcome"),
        paid=cells.integer("arrangement_paid"),
    )


def judgment_facts(cells: Cells) -> JudgmentFacts:
    """Return the facts of a row of the kind JUDGMENT; what is wrong with it is noted in the cells."""
    return JudgmentFacts(
        subject_role=cells.required_word(SubjectRole, "subject_role"),
        stage=cells.required_word(JudgmentStage, "stage"),
        case_number=_case_number(cells, "case_number"),
        court=cells.required("court"),
        cause=cells.required("cause"),
        filed_on=cells.required_day("filed_on"),
        judged_on=cells.day("judged_on"),
        effective_on=cells.day("effective_on"),
        result=cells.word(JudgmentResult, "result"),
        amounts=_amounts(cells),
        as_of=cells.required_day("as_of"),
        debt=debt(original_creditor=_creditor(cells), contract=_contract(cells)),
        legal_basis=cells.required_word(LegalBasis, "legal_basis"),
        approver=cells.required("approver"),
        ended_on=cells.day("ended_on"),
        notice=_notice(cells),
        consent=consent_of(cells),
        batch_reference=cells.text("batch_reference"),
    )


def enforcement_facts(cells: Cells) -> EnforcementFacts:
    """Return the facts of a row of the kind ENFORCEMENT; what is wrong with it is noted in the cells."""
    return EnforcementFacts(
        subject_role=cells.required_word(SubjectRole, "subject_role"),
        case_number=_case_number(cells, "case_number"),
        judgment_case_number=_enforced_number(cells),
        court=cells.required("court"),
        filed_on=cells.required_day("filed_on"),
        measures=_words(cells, Measure, "measures"),
        applied=_amounts(cells),
        executed=_amounts(cells, "executed_"),
        as_of=cells.required_day("as_of"),
        debt=debt(original_creditor=_creditor(cells), contract=_contract(cells)),
        legal_basis=cells.required_word(LegalBasis, "legal_basis"),
        approver=cells.required("approver"),
        stayed_on=cells.day("stayed_on"),
        ended_on=cells.day("ended_on"),
        notice=_notice(cells),
        consent=consent_of(cells),
    )


def listing_facts(cells: Cells) -> ListingFacts:
    """Return the facts of a row of the kind LISTING; what is wrong with it is noted in the cells."""
    if cells.text("ended_on"):
        want = "none: a listing that the court removed is withdrawn for the reason COURT_REMOVED or REMOVED_ON_REQUEST"
        cells.refuse("ended_on", RuleReason.DATE_INVALID, "listing.removed", want)
    return ListingFacts(
        subject_role=cells.required_word(SubjectRole, "subject_role"),
        case_number=_case_number(cells, "case_number"),
        judgment_case_number=_enforced_number(cells),
        issued_by=cells.required("issued_by"),
        court=cells.required("court"),
        filed_on=cells.required_day("filed_on"),
        grounds=_words(cells, ListingGround, "grounds"),
        listed_on=cells.required_day("listed_on"),
        origin=cells.required_word(ListingOrigin, "origin"),
        performance=cells.required_word(ListingPerformance, "performance"),
        amounts=_amounts(cells),
        as_of=cells.required_day("as_of"),
        debt=debt(original_creditor=_creditor(cells), contract=_contract(cells)),
        legal_basis=cells.required_word(LegalBasis, "legal_basis"),
        approver=cells.required("approver"),
        listed_until=cells.day("listed_until"),
        earliest_removal_on=cells.day("earliest_removal_on"),
        notice=_notice(cells),
        consent=consent_of(cells),
    )


def _words(cells: Cells, words: type[W], column: str) -> tuple[W, ...]:
    """Return words with spaces between, in their order, each once."""
    names = cells.text(column).upper().split()
    if any(name not in words.__members__ for name in names):
        cells.refuse(column, RuleReason.FACTS_INVALID, "column.word", " or ".join(words.__members__))
        return ()
    return tuple(sorted({words[name] for name in names}))
