"""Columns of a portfolio: one row is one version of one record (``DefaultReport`` and its like).

| column | kinds | holds |
|---|---|---|
| ``kind`` | all | DEFAULT, JUDGMENT, ENFORCEMENT or LISTING |
| ``standing`` | all | OPEN, ARRANGED, STAYED, CURED, SATISFIED, TRANSFERRED, SET_ASIDE or WITHDRAWN |
| ``id_type``, ``id_number``, ``issuing_state`` | all | identity; only a passport needs its state |
| ``reference``, ``first_day``, ``attempt`` | all | the record's name; the day is that of the facts where empty |
| ``retain_until``, ``transferee`` | all | see ``DefaultReport``; usually empty |
| ``continues_issuer``, ``continues_record_id`` | all | the old record of a bought debt, hexadecimal |
| ``basis_reference``, ``basis_first_day`` | J, E, L | the own default, judgment or enforcement that this one rests on |
| ``subject_role``, ``legal_basis``, ``approver`` | all | words and text of the facts |
| ``original_creditor``, ``contract`` | all | the debt |
| ``as_of`` | all | day of the facts; of a listing, day on which the court's list was read |
| ``ended_on`` | D, J, E | date; a listing that has ended is withdrawn |
| ``currency``, ``principal``, ``interest``, ``penalty``, ``fees``, ``estimated`` | all | money, see below |
| ``notice_channel``, ``notice_sent_at``, ``notice_digest`` | all | notice; the time as ISO 8601 with its offset |
| ``consent_form``, ``consent_date``, ``consent_digest`` | all | consent |
| ``product``, ``first_delinquency_on``, ``days_past_due``, ``days_estimated`` | D | |
| ``collection_stage``, ``called_on``, ``default_cause`` | D | |
| ``contacts`` | D | how often the person was contacted: ``SMS:3 CALL:2`` |
| ``arrangement_agreed_on``, ``arrangement_instalments``, ``arrangement_period`` | D | the newest arrangement |
| ``arrangement_paid``, ``arrangement_outcome`` | D | instalments paid; RUNNING, KEPT or BROKEN |
| ``case_number``, ``court``, ``filed_on`` | J, E, L | 案号 is brought into its canonical form |
| ``stage``, ``cause``, ``judged_on``, ``effective_on``, ``result``, ``batch_reference`` | J | |
| ``judgment_case_number`` | E, L | 案号 or that of an award |
| ``measures``, ``stayed_on`` | E | measures with spaces between |
| ``executed_principal``, ``executed_interest``, ``executed_penalty``, ``executed_fees`` | E | recovered so far |
| ``listed_on``, ``listed_until``, ``earliest_removal_on`` | L | dates of the entry in the court's list |
| ``grounds``, ``origin``, ``performance``, ``issued_by`` | L | grounds with spaces between |

Money is whole numbers of minor units; of an enforcement ``principal`` and so on are what was applied for. Dates are
YYYY-MM-DD, digests hexadecimal SHA-256, yes and no are ``true`` and ``false``. What is empty is absent. A WITHDRAWN or
SET_ASIDE row needs no facts, but then its ``first_day``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from client_sdk.kernel.formats.debt import canonical_contract, fold_code
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.statement import RECORD_ID_BYTES, RecordKey
from client_sdk.kernel.formats.words import Kind, Standing, Word
from client_sdk.kernel.rules.basis import RESTS_ON
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
from client_sdk.kernel.rules.lifecycle import carries_subject
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.lending.cells import MAX_DIGITS, VALUE_WANTED, Cells
from client_sdk.models.report import (
    Basis,
    DefaultReport,
    EnforcementReport,
    JudgmentReport,
    ListingReport,
    RecordName,
    Report,
    debt,
)
from client_sdk.models.screening import Customer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from client_sdk.models.batch import RejectedRow

__all__ = ["COLUMNS", "VALUE_WANTED", "CustomerRow", "customer_of", "report_of"]

COLUMNS = (
    *("kind", "standing", "id_type", "id_number", "issuing_state", "reference", "first_day", "attempt"),
    *("retain_until", "transferee", "continues_issuer", "continues_record_id", "basis_reference", "basis_first_day"),
    *("subject_role", "legal_basis", "approver", "original_creditor", "contract", "as_of", "ended_on"),
    *("currency", "principal", "interest", "penalty", "fees", "estimated"),
    *("notice_channel", "notice_sent_at", "notice_digest", "consent_form", "consent_date", "consent_digest"),
    *("product", "first_delinquency_on", "days_past_due", "days_estimated", "collection_stage", "called_on"),
    *("default_cause", "contacts", "arrangement_agreed_on", "arrangement_instalments", "arrangement_period"),
    *("arrangement_paid", "arrangement_outcome"),
    *("case_number", "court", "filed_on", "stage", "cause", "judged_on", "effective_on", "result", "batch_reference"),
    *("judgment_case_number", "measures", "stayed_on"),
    *("executed_principal", "executed_interest", "executed_penalty", "executed_fees"),
    *("listed_on", "listed_until", "earliest_removal_on", "grounds", "origin", "performance", "issued_by"),
)

# Columns that only these kinds have; all others are of every kind, or refused where they are read.
_OF_KINDS = {
    (Kind.DEFAULT,): (
        *("product", "first_delinquency_on", "days_past_due", "days_estimated", "collection_stage", "called_on"),
        *("default_cause", "contacts", *(column for column in COLUMNS if column.startswith("arrangement_"))),
    ),
    (Kind.JUDGMENT,): ("stage", "cause", "judged_on", "effective_on", "result", "batch_reference"),
    (Kind.ENFORCEMENT,): ("measures", "stayed_on", *(column for column in COLUMNS if column.startswith("executed_"))),
    (Kind.LISTING,): (
        *("listed_on", "listed_until", "earliest_removal_on", "grounds", "origin", "performance", "issued_by"),
    ),
    (Kind.JUDGMENT, Kind.ENFORCEMENT, Kind.LISTING): ("case_number", "court", "filed_on"),
    (Kind.ENFORCEMENT, Kind.LISTING): ("judgment_case_number",),
}
# As systems fill columns that do not concern a row.
_NOTHING = frozenset(("", "0", "false"))

W = TypeVar("W", bound=Word)


def report_of(values: Mapping[str, str], row: int) -> Report | RejectedRow:
    """Return the report of one row, or everything that is wrong with its cells.

    Args:
        values: text by column; a column that is missing is empty.
        row: line of the file.
    """
    cells = Cells(values, row)
    report = _report(cells)
    if cells.violations or report is None:
        return cells.rejected()
    return report


def customer_of(values: Mapping[str, str], row: int) -> CustomerRow | RejectedRow:
    """Return the customer of one row for a screening: identity, consent and reference; no other cell is read.

    Args:
        values: text by column; a column that is missing is empty.
        row: line of the file.
    """
    cells = Cells(values, row)
    identity = _identity(cells)
    cells.required("consent_form")
    consent = _consent(cells)
    if cells.violations or identity is None or consent is None:
        return cells.rejected()
    return CustomerRow(row, cells.text("reference"), Customer(identity, consent))


class CustomerRow(NamedTuple):
    """One row of a portfolio that is screened.

    Attributes:
        row: line of the file.
        reference: the lender's own name of the customer or the debt; may be empty.
        customer: to be screened.
    """

    row: int
    reference: str
    customer: Customer


def _report(cells: Cells) -> Report | None:
    kind = cells.required_word(Kind, "kind")
    standing = cells.required_word(Standing, "standing")
    if cells.violations:
        return None
    _check_columns(cells, kind)
    identity = _identity(cells)
    bound = carries_subject(standing)
    if identity is None:
        # Nothing can be made of the row, but its other cells are looked at too.
        if bound:
            _FACTS[kind](cells)
        return None
    name, basis = cells.required("reference"), _basis(cells, kind)
    first_day, attempt, until = cells.day("first_day"), _attempt(cells), cells.day("retain_until")
    transferee, continues, row = cells.text("transferee"), _continues(cells), cells.row
    match kind:
        case Kind.DEFAULT:
            return DefaultReport(
                identity=identity,
                reference=name,
                standing=standing,
                first_day=first_day,
                attempt=attempt,
                retain_until=until,
                transferee=transferee,
                continues=continues,
                row=row,
                facts=_default(cells) if bound else None,
            )
        case Kind.JUDGMENT:
            return JudgmentReport(
                identity=identity,
                reference=name,
                standing=standing,
                first_day=first_day,
                attempt=attempt,
                retain_until=until,
                transferee=transferee,
                continues=continues,
                row=row,
                basis=basis,
                facts=_judgment(cells) if bound else None,
            )
        case Kind.ENFORCEMENT:
            return EnforcementReport(
                identity=identity,
                reference=name,
                standing=standing,
                first_day=first_day,
                attempt=attempt,
                retain_until=until,
                transferee=transferee,
                continues=continues,
                row=row,
                basis=basis,
                facts=_enforcement(cells) if bound else None,
            )
        case Kind.LISTING:
            return ListingReport(
                identity=identity,
                reference=name,
                standing=standing,
                first_day=first_day,
                attempt=attempt,
                retain_until=until,
                transferee=transferee,
                continues=continues,
                row=row,
                basis=basis,
                facts=_listing(cells) if bound else None,
            )


def _check_columns(cells: Cells, kind: Kind) -> None:
    """Refuse cells that would be dropped, since they are of another kind of record: columns may be swapped."""
    for kinds, columns in _OF_KINDS.items():
        for column in columns if kind not in kinds else ():
            if cells.text(column).lower() not in _NOTHING:
                want = f"nothing for a {kind.name}: the column is for {' and '.join(one.name for one in kinds)} alone"
                cells.refuse(column, RuleReason.FACTS_INVALID, "column.kind", want)


def _identity(cells: Cells) -> Identity | None:
    text = cells.required("id_type").upper()
    number = cells.required("id_number")
    if text not in IdType.__members__:
        if text:
            cells.refuse("id_type", RuleReason.IDENTIFIER_INVALID, "column.word", " or ".join(IdType.__members__))
        return None
    if not number:
        return None
    state = cells.text("issuing_state")
    return cells.read("id_number", lambda given: Identity.parse(IdType[text], given, state), None)


def _attempt(cells: Cells) -> int | None:
    return cells.integer("attempt") if cells.text("attempt") else None


def _continues(cells: Cells) -> RecordKey | None:
    issuer = cells.text("continues_issuer")
    if not issuer and not cells.text("continues_record_id"):
        return None
    return RecordKey(cells.required("continues_issuer"), cells.octets("continues_record_id", RECORD_ID_BYTES))


def _basis(cells: Cells, kind: Kind) -> Basis | None:
    reference = cells.text("basis_reference")
    if not reference or kind not in RESTS_ON:
        if reference:
            cells.refuse("basis_reference", RuleReason.BASIS_INVALID, "basis.none", "none for a DEFAULT")
        return None
    first_day = cells.required_day("basis_first_day")
    return Basis(record=RecordName(kind=RESTS_ON[kind], reference=reference, first_day=first_day))


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
        return None
    channel = cells.required_word(NoticeChannel, "notice_channel")
    try:
        sent = datetime.fromisoformat(cells.required("notice_sent_at"))
        count = milliseconds(sent) if sent.tzinfo else -1
    except ValueError:
        count = -1
    if count < 0 and cells.text("notice_sent_at"):
        cells.refuse("notice_sent_at", RuleReason.DATE_INVALID, "column.time", "ISO 8601 with its offset from UTC")
    digest = cells.octets("notice_digest", HASH_BYTES)
    return NoticeEvidence(channel=channel, sent_at=moment(max(0, count)), digest=digest)


def _consent(cells: Cells) -> Consent | None:
    if not cells.text("consent_form"):
        return None
    return Consent(
        form=cells.required_word(ConsentForm, "consent_form"),
        date=cells.required_day("consent_date"),
        digest=cells.octets("consent_digest", HASH_BYTES),
    )


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


def _default(cells: Cells) -> DefaultFacts:
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
        consent=_consent(cells),
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
    if not any(cells.text(column) for column in COLUMNS if column.startswith("arrangement_")):
        return None
    return Arrangement(
        agreed_on=cells.required_day("arrangement_agreed_on"),
        instalments=cells.integer("arrangement_instalments", required=True),
        period=cells.required_word(ArrangementPeriod, "arrangement_period"),
        outcome=cells.required_word(ArrangementOutcome, "arrangement_outcome"),
        paid=cells.integer("arrangement_paid"),
    )


def _judgment(cells: Cells) -> JudgmentFacts:
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
        consent=_consent(cells),
        batch_reference=cells.text("batch_reference"),
    )


def _enforcement(cells: Cells) -> EnforcementFacts:
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
        consent=_consent(cells),
    )


def _listing(cells: Cells) -> ListingFacts:
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
        consent=_consent(cells),
    )


def _words(cells: Cells, words: type[W], column: str) -> tuple[W, ...]:
    """Return words with spaces between, in their order, each once."""
    names = cells.text(column).upper().split()
    if any(name not in words.__members__ for name in names):
        cells.refuse(column, RuleReason.FACTS_INVALID, "column.word", " or ".join(words.__members__))
        return ()
    return tuple(sorted({words[name] for name in names}))


_FACTS: dict[Kind, Callable[[Cells], object]] = {
    Kind.DEFAULT: _default,
    Kind.JUDGMENT: _judgment,
    Kind.ENFORCEMENT: _enforcement,
    Kind.LISTING: _listing,
}
