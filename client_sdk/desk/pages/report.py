"""Reporting one record: a form that holds what is typed against the rules, a plan of what will be said, the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.failures import error_words
from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.money import minor_units
from client_sdk.desk.pages.doing import do_or_request_approval, show_plan
from client_sdk.desk.person_form import type_choices
from client_sdk.desk.prepared import PreparedReport
from client_sdk.desk.record_columns import UNREAD, cells_of, columns_of, fields_of, typed_of_form
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, MISSING, field_of, mistakes_of, sorted_out
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import CreditRegistryError, PreflightError
from client_sdk.lending.column_guide import standings_of
from client_sdk.lending.columns import report_of
from client_sdk.lending.places import column_of
from client_sdk.models import Kind, RejectedRow, Violation
from client_sdk.subject_report.facts import money_text
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from client_sdk.desk.record_columns import FieldOfColumn

__all__ = ["PAGES", "form_violations", "report_form"]

_NOTICE = ("notice_channel", "notice_sent_at", "notice_digest", "consent_form", "consent_date", "consent_digest")
_SUMS = ("principal", "interest", "penalty", "fees")
_MONEY = ("currency", *_SUMS, "estimated")
_SELDOM = ("first_day", "attempt", "retain_until", "transferee", "continues_issuer", "continues_record_id")
_DEBT = (
    *("standing", "reference", "basis_reference", "basis_first_day", "subject_role", "original_creditor", "contract"),
    *("as_of", "ended_on", "legal_basis", "approver"),
)
_PERSON = ("id_type", "issuing_state")


@dataclass(frozen=True, slots=True, repr=False)
class _Read:
    """What a form comes to.

    Attributes:
        typed: by field, without the number.
        cells: by column, the number with them.
        wrong: what is wrong with fields that a cell cannot say, by field, said.
    """

    typed: dict[str, str]
    cells: dict[str, str]
    wrong: dict[str, str]


def _kinds(visit: Visit) -> Response:
    """Show what can be reported."""
    kinds = [(kind.name.lower(), term_of(kind).of(visit.language)) for kind in Kind]
    return visit.show("report_kinds.html.j2", kinds=kinds)


def _empty(visit: Visit) -> Response:
    kind = _kind(visit)
    if kind is None:
        return visit.go("/report")
    typed = {"approver": visit.user.name, "standing": "OPEN", "as_of": visit.desk.today.isoformat()}
    return report_form(visit, kind, typed)


def _rules(visit: Visit) -> Response:
    """Tell, while the form is filled, what is wrong and what is missing; nothing is signed, sent or kept."""
    kind = _kind(visit)
    if kind is None:
        return visit.show("report_rules.html.j2", named=[], others=[], missing=[], total="")
    read = _read(visit, kind)
    broken = form_violations(visit, read.cells, read.wrong)
    missing = [item for item in broken if item.rule == MISSING]
    wrong, others = sorted_out([item for item in broken if item.rule != MISSING], columns_of(kind), visit.say)
    wrong = wrong | read.wrong
    labels = {field.name: field.label for field in _fields(visit, kind, read.typed)} | _person_labels(visit)
    return visit.show(
        "report_rules.html.j2",
        named=[(name, labels.get(name, name), text) for name, text in wrong.items()],
        others=others,
        missing=[(field_of(item), labels.get(field_of(item), item.field)) for item in missing],
        total=_total(read.typed),
    )


def _prepare(visit: Visit) -> Response:
    """Hold the form against the rules and against what the registry holds, and send the browser on to the plan."""
    kind = _kind(visit)
    if kind is None:
        return visit.go("/report")
    read = _read(visit, kind)
    try:
        report = report_of(read.cells, 0)
        if read.wrong or isinstance(report, RejectedRow):
            broken: Sequence[Violation] = form_violations(visit, read.cells, read.wrong)
        else:
            found = visit.desk.client.preview(report)
            if not found.violations:
                prepared = PreparedReport(
                    report, read.typed, found.warnings, repeated=bool(found.repeated), following=found.follows
                )
                return visit.go(f"/reports/{visit.keep(prepared)}")
            broken = found.violations
    except CreditRegistryError as error:
        return _refused(visit, kind, read.typed, error)
    at_fields, others = sorted_out(broken, columns_of(kind), visit.say)
    return report_form(visit, kind, read.typed, at_fields | read.wrong, others)


def _plan(visit: Visit) -> Response:
    """Show what will be said, before it is signed."""
    prepared = visit.kept(PreparedReport)
    if prepared is None:
        return _away(visit)
    place = f"/reports/{visit.path['key']}"
    return show_plan(visit, prepared, place, f"{place}/change", visit.say("Change it; the number is typed anew"))


def _send(visit: Visit) -> Response:
    prepared = visit.kept(PreparedReport)
    if prepared is None:
        return _away(visit)
    try:
        return do_or_request_approval(visit, prepared)
    except FORM_ERRORS as error:
        return _refused(visit, prepared.report.kind, prepared.typed, error)


def _change(visit: Visit) -> Response:
    """Show the form again as it was typed; the number is typed anew."""
    prepared = visit.kept(PreparedReport)
    return _away(visit) if prepared is None else report_form(visit, prepared.report.kind, prepared.typed)


def report_form(
    visit: Visit,
    kind: Kind,
    typed: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    others: Sequence[str] = (),
) -> Response:
    """Show the form of a kind.

    Args:
        visit: of who fills it.
        kind: of the record.
        typed: by field, as it was typed before.
        wrong: what is wrong with fields, said.
        others: what is wrong with none of them, said.
    """
    fields = {field.name: field for field in _fields(visit, kind, typed)}
    grouped = {*_DEBT, *_MONEY, *_NOTICE, *_SELDOM}
    groups = [
        (visit.say(title), [fields[name] for name in names if name in fields])
        for title, names in (
            (N_("The debt"), _DEBT),
            (N_("Money"), _MONEY),
            (N_("Of this kind of record"), tuple(name for name in fields if name not in grouped)),
            (N_("Notice and consent"), _NOTICE),
        )
    ]
    return visit.show(
        "report.html.j2",
        status=422 if wrong or others else 200,
        kind=kind.name.lower(),
        kind_name=term_of(kind).of(visit.language),
        groups=groups,
        seldom=[fields[name] for name in _SELDOM if name in fields],
        # What is folded is open where something in it is filled or wrong.
        is_seldom=any(typed.get(name) or name in (wrong or {}) for name in _SELDOM),
        given={name: typed.get(name, "") for name in _PERSON},
        wrong=dict(wrong or {}),
        broken=list(others),
        types=type_choices(visit),
        today=visit.desk.today.isoformat(),
    )


def form_violations(visit: Visit, cells: Mapping[str, str], wrong: Mapping[str, str]) -> list[Violation]:
    """Return everything that is wrong with the cells of a form, as far as they can be read.

    Args:
        visit: of who fills it.
        cells: by column.
        wrong: what is wrong with columns, as ``cells_of`` says it; nothing else is said of them.
    """
    silent = {*wrong, *(name for name, text in cells.items() if text == UNREAD)}
    return [item for item in visit.desk.client.preflight_row(cells) if item.field not in silent]


def _fields(visit: Visit, kind: Kind, typed: Mapping[str, str]) -> list[FieldOfColumn]:
    only = {"standing": tuple(standing.name for standing in standings_of(kind))}
    return fields_of(columns_of(kind), typed, visit.language, visit.say, only)


def _read(visit: Visit, kind: Kind) -> _Read:
    """Read a form as far as it can be read."""
    typed, twice = typed_of_form(visit.form, columns_of(kind))
    cells, wrong = cells_of(typed, visit.say)
    for error in twice:
        wrong |= error.said(visit.say)
    if typed["standing"] and typed["standing"] not in standings_of(kind):
        cells["standing"], wrong["standing"] = UNREAD, visit.say("Choose one of the list.")
    for name in _PERSON:
        typed[name] = visit.form.text(name)
    cells |= {"kind": kind.name, "id_type": typed["id_type"], "issuing_state": typed["issuing_state"]}
    cells["id_number"] = visit.form.text("number")
    return _Read(typed, cells, wrong)


def _refused(visit: Visit, kind: Kind, typed: Mapping[str, str], error: CreditRegistryError) -> Response:
    """Show the form again with what was refused, at its field where that is known."""
    if not isinstance(error, FORM_ERRORS):
        return report_form(visit, kind, typed, {}, [error_words(error, visit.say).said(visit.say)])
    fields = {column: column for column in columns_of(kind)}
    if not isinstance(error, PreflightError) and (column := column_of(error.complaint.field)) in fields:
        fields[error.complaint.field] = column
    return report_form(visit, kind, typed, *mistakes_of(error, fields, visit.say))


def _total(typed: Mapping[str, str]) -> str:
    """Return what is owed in all, as people write it; an empty text where a part cannot be read."""
    currency = typed.get("currency", "").upper()
    parts = [minor_units(typed[name], currency) for name in _SUMS if typed.get(name)]
    known = [part for part in parts if part is not None]
    return f"{money_text(sum(known), currency)} {currency}" if parts and len(known) == len(parts) and currency else ""


def _person_labels(visit: Visit) -> dict[str, str]:
    return {
        "id_type": visit.say("Type of number"),
        "number": visit.say("Identity number of the person"),
        "issuing_state": visit.say("Issuing state"),
    }


def _kind(visit: Visit) -> Kind | None:
    return Kind.__members__.get(str(visit.path["kind"]).upper())


def _away(visit: Visit) -> Response:
    text = visit.say("What was prepared is kept for ten minutes: fill the form again.")
    return visit.show("message.html.j2", status=404, title=visit.say("This report is not here any more"), text=text)


PAGES = (
    DeskPage("GET", "/report", Right.ACT, _kinds),
    DeskPage("GET", "/report/{kind}", Right.ACT, _empty),
    DeskPage("POST", "/report/{kind}", Right.ACT, _prepare, DOCUMENTS_BYTES),
    DeskPage("POST", "/report/{kind}/rules", Right.ACT, _rules),
    DeskPage("GET", "/reports/{key}", Right.ACT, _plan),
    DeskPage("POST", "/reports/{key}", Right.ACT, _send),
    DeskPage("GET", "/reports/{key}/change", Right.ACT, _change),
)
