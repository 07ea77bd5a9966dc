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

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from client_sdk.kernel.formats.statement import RECORD_ID_BYTES, RecordKey
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.basis import RESTS_ON
from client_sdk.kernel.rules.errors import RuleReason
from client_sdk.kernel.rules.lifecycle import carries_subject
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.lending.cells import VALUE_WANTED, Cells
from client_sdk.lending.column_guide import GUIDE
from client_sdk.lending.fact_cells import (
    consent_of,
    default_facts,
    enforcement_facts,
    judgment_facts,
    listing_facts,
)
from client_sdk.lending.preflight import MAX_REFERENCE_CHARACTERS, REFERENCE_WANTED
from client_sdk.models.report import (
    Basis,
    DefaultReport,
    EnforcementReport,
    JudgmentReport,
    ListingReport,
    RecordName,
    Report,
)
from client_sdk.models.screening import Customer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from client_sdk.models.batch import RejectedRow

__all__ = ["COLUMNS", "VALUE_WANTED", "CustomerRow", "customer_of", "report_of", "report_of_cells"]

COLUMNS = tuple(GUIDE)

# Columns of some kinds that are refused where they are read, with a reason of their own.
_READ_ANYWAY = frozenset(("ended_on", "basis_reference", "basis_first_day"))


def _foreign(kind: Kind) -> tuple[tuple[str, str], ...]:
    """Return the columns that records of a kind do not have, each with what is wanted instead of a value."""
    found = []
    for name, column in GUIDE.items():
        if name not in _READ_ANYWAY and not column.is_of(kind):
            others = " and ".join(other.name for other in Kind if column.is_of(other))
            found.append((name, f"nothing for a {kind.name}: the column is for {others} alone"))
    return tuple(found)


_FOREIGN = {kind: _foreign(kind) for kind in Kind}
# Makes a report whose person could not be read; no rule is held against it (see report_of_cells).
_NOBODY = Identity.parse(IdType.LEI, "NOBODY00000000000083")
# As systems fill columns that do not concern a row.
_NOTHING = frozenset(("", "0", "false"))


def report_of(values: Mapping[str, str], row: int) -> Report | RejectedRow:
    """Return the report of one row, or everything that is wrong with its cells.

    Args:
        values: text by column; a column that is missing is empty.
        row: line of the file.
    """
    cells = Cells(values, row)
    report = report_of_cells(cells)
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
    consent = consent_of(cells)
    if consent is None and all(item.field != "consent_form" for item in cells.violations):
        cells.required("consent_form")
    if len(cells.text("reference")) > MAX_REFERENCE_CHARACTERS:
        cells.refuse("reference", RuleReason.FACTS_INVALID, "reference.form", REFERENCE_WANTED)
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


class _Named(TypedDict):
    """What reports of every kind have."""

    identity: Identity
    reference: str
    standing: Standing
    first_day: date | None
    attempt: int | None
    retain_until: date | None
    transferee: str
    continues: RecordKey | None
    row: int


def report_of_cells(cells: Cells) -> Report | None:
    """Return the report of a row; what cannot be read is noted in the cells.

    The report is whole only where nothing was noted. Else the fields of the cells that are named there hold values that
    nobody typed, so that the report can be made at all: ``half_read`` takes them out before a rule is held against it,
    and all others refuse the row. None where the kind cannot be read, so that nothing else can.
    """
    kind = cells.required_word(Kind, "kind")
    if cells.violations:
        return None
    standing = cells.required_word(Standing, "standing")
    # Most standings come with facts, so one that cannot be read is taken for such a one.
    bound = bool(cells.violations) or carries_subject(standing)
    _check_columns(cells, kind)
    identity = _identity(cells) or _NOBODY
    name, basis = cells.required("reference"), _basis(cells, kind)
    named: _Named = {
        "identity": identity,
        "reference": name,
        "standing": standing,
        "first_day": cells.day("first_day"),
        "attempt": _attempt(cells),
        "retain_until": cells.day("retain_until"),
        "transferee": cells.text("transferee"),
        "continues": _continues(cells),
        "row": cells.row,
    }
    match kind:
        case Kind.DEFAULT:
            return DefaultReport(**named, facts=default_facts(cells) if bound else None)
        case Kind.JUDGMENT:
            return JudgmentReport(**named, basis=basis, facts=judgment_facts(cells) if bound else None)
        case Kind.ENFORCEMENT:
            return EnforcementReport(**named, basis=basis, facts=enforcement_facts(cells) if bound else None)
        case Kind.LISTING:
            return ListingReport(**named, basis=basis, facts=listing_facts(cells) if bound else None)


def _check_columns(cells: Cells, kind: Kind) -> None:
    """Refuse cells that would be dropped, since they are of another kind of record: columns may be swapped."""
    for column, want in _FOREIGN[kind]:
        if cells.text(column).lower() not in _NOTHING:
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
