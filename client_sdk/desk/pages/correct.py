"""Correction of an own record: a form of what it holds, then what changes, then the signed further version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.pages.doing import do_or_request_approval, show_plan
from client_sdk.desk.pages.report import form_violations
from client_sdk.desk.prepared import OpenedRecord, PreparedCorrection
from client_sdk.desk.record_columns import cells_of, columns_of, fields_of, typed_of_cells, typed_of_form
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import sorted_out
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import PreflightError, RuleError
from client_sdk.lending.columns import report_of
from client_sdk.lending.preflight import violation_of_error
from client_sdk.lending.rows import facts_cells
from client_sdk.models import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from client_sdk.models import Violation

__all__ = ["PAGES"]

# What names the record, or stays as it is.
_NAMING = frozenset(
    (
        *("standing", "reference", "first_day", "attempt", "retain_until", "transferee", "continues_issuer"),
        *("continues_record_id", "basis_reference", "basis_first_day"),
    )
)


def _form(visit: Visit) -> Response:
    opened = visit.kept(OpenedRecord)
    return _away(visit) if opened is None else _shown(visit, opened, typed_of_cells(_cells(opened)))


def _prepare(visit: Visit) -> Response:
    """Hold what was typed against the rules and against the record, and send the browser on to what changes."""
    opened = visit.kept(OpenedRecord)
    if opened is None:
        return _away(visit)
    typed, twice = typed_of_form(visit.form, _columns(opened))
    cells, wrong = cells_of(typed, visit.say)
    for error in twice:
        wrong |= error.said(visit.say)
    whole = _whole(opened, cells)
    report = report_of(whole, 0)
    if wrong or isinstance(report, RejectedRow):
        return _broken(visit, opened, typed, form_violations(visit, whole, wrong), wrong)
    try:
        found = visit.desk.client.preview(report, opened.record.record_id)
    except PreflightError as error:
        return _broken(visit, opened, typed, error.violations)
    except RuleError as error:
        return _broken(visit, opened, typed, [violation_of_error(error, 0)])
    if found.violations:
        return _broken(visit, opened, typed, found.violations)
    key = visit.keep(PreparedCorrection(opened, report, found.warnings))
    return visit.go(f"/corrections/{key}")


def _plan(visit: Visit) -> Response:
    """Show what changes, as held and as corrected."""
    prepared = visit.kept(PreparedCorrection)
    if prepared is None:
        return _away(visit)
    back = f"/records/{prepared.record}"
    return show_plan(visit, prepared, f"/corrections/{visit.path['key']}", back, visit.say("Back to the record"))


def _sign(visit: Visit) -> Response:
    prepared = visit.kept(PreparedCorrection)
    return _away(visit) if prepared is None else do_or_request_approval(visit, prepared)


def _whole(opened: OpenedRecord, cells: Mapping[str, str]) -> dict[str, str]:
    """Return the cells of the form with those that name record and person."""
    record, identity = opened.record, opened.identity
    whole = {**cells, "kind": record.kind.name, "standing": record.standing.name, "reference": str(record.uuid)}
    whole |= {"transferee": record.transferee} if record.transferee else {}
    whole |= {"id_type": identity.id_type.value, "id_number": identity.number, "issuing_state": identity.issuing_state}
    return whole


def _cells(opened: OpenedRecord) -> dict[str, str]:
    return {} if opened.record.facts is None else facts_cells(opened.record.facts)


def _columns(opened: OpenedRecord) -> tuple[str, ...]:
    """Return the columns of the facts."""
    return tuple(name for name in columns_of(opened.record.kind) if name not in _NAMING)


def _away(visit: Visit) -> Response:
    text = visit.say("An opened record is kept for ten minutes: open it again with the person's number.")
    return visit.show("message.html.j2", status=404, title=visit.say("This record is not open any more"), text=text)


def _broken(
    visit: Visit,
    opened: OpenedRecord,
    typed: Mapping[str, str],
    broken: Sequence[Violation],
    wrong: Mapping[str, str] | None = None,
) -> Response:
    at_fields, others = sorted_out(broken, _columns(opened), visit.say)
    return _shown(visit, opened, typed, at_fields | dict(wrong or {}), others)


def _shown(
    visit: Visit,
    opened: OpenedRecord,
    typed: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    broken: Sequence[str] = (),
) -> Response:
    return visit.show(
        "correct.html.j2",
        status=422 if wrong or broken else 200,
        columns=fields_of(_columns(opened), typed, visit.language, visit.say),
        wrong=dict(wrong or {}),
        broken=list(broken),
        key=visit.path["key"],
        uuid=opened.record.uuid,
    )


PAGES = (
    DeskPage("GET", "/opened/{key}/correct", Right.ACT, _form),
    DeskPage("POST", "/opened/{key}/correct", Right.ACT, _prepare, DOCUMENTS_BYTES),
    DeskPage("GET", "/corrections/{key}", Right.ACT, _plan),
    DeskPage("POST", "/corrections/{key}", Right.ACT, _sign),
)
