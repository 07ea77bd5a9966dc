"""Correction of an own record: a form of what it holds, then what changes, then the signed further version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.records import OpenedRecord
from client_sdk.desk.record_columns import cells_of, fields_of, name_of, shown_cell
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import PreflightError, RuleError
from client_sdk.lending.columns import report_of
from client_sdk.lending.rows import facts_cells
from client_sdk.models import RejectedRow

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import Report, RowWarning

__all__ = ["PAGES"]


@dataclass(frozen=True, slots=True, repr=False)
class PreparedCorrection:
    """A correction that breaks no rule, until it is signed.

    Attributes:
        opened: the record as held, and its person.
        report: the whole record as it should be.
        warnings: of what is allowed and probably a mistake.
    """

    opened: OpenedRecord
    report: Report
    warnings: tuple[RowWarning, ...]


def _form(visit: Visit) -> Response:
    opened = _opened(visit)
    return _away(visit) if opened is None else _shown(visit, opened, {}, [])


def _prepare(visit: Visit) -> Response:
    """Hold what was typed against the rules and against the record, and send the browser on to what changes."""
    opened = _opened(visit)
    if opened is None:
        return _away(visit)
    try:
        report = _report(visit, opened)
        found = visit.desk.client.preview(report, opened.record.record_id)
        if found.violations:
            raise PreflightError(found.violations)  # noqa: TRY301 - treated as the client's own
    except FieldError as error:
        return _shown(visit, opened, {error.field: visit.say(error.text)}, [])
    except (PreflightError, RuleError) as error:
        return _shown(visit, opened, {}, broken_rules(error, visit.say))
    key = visit.desk.kept.keep(visit.key, PreparedCorrection(opened, report, found.warnings))
    return visit.go(f"/corrections/{key}")


def _plan(visit: Visit) -> Response:
    """Show what changes, as held and as corrected."""
    prepared = _prepared(visit)
    if prepared is None:
        return _away(visit)
    old, new = _cells(prepared.opened), {} if prepared.report.facts is None else facts_cells(prepared.report.facts)
    changed = [
        (
            name_of(column, visit.language, visit.say),
            shown_cell(column, old, visit.language),
            shown_cell(column, new, visit.language),
        )
        for column in {**old, **new}
        if old.get(column, "") != new.get(column, "")
    ]
    return visit.show(
        "correction.html.j2",
        changed=changed,
        warnings=[item.text for item in prepared.warnings],
        key=visit.path["key"],
        uuid=prepared.opened.record.uuid,
    )


def _sign(visit: Visit) -> Response:
    prepared = _prepared(visit)
    if prepared is None:
        return _away(visit)
    record = prepared.opened.record
    with visit.desk.journal.act(visit.user.name, DeskAct.CORRECT_RECORD, about=[str(record.uuid)]):
        receipt = visit.desk.client.correct(prepared.report, record.record_id)
    text = visit.say("Version {version} is logged at leaf {index}.", version=receipt.version, index=receipt.index)
    return visit.go(f"/records/{record.uuid}", text)


def _report(visit: Visit, opened: OpenedRecord) -> Report:
    """Return the report that the form makes of the record.

    Raises:
        FieldError: an amount is of another form.
        PreflightError: a cell cannot be read.
    """
    record, identity = opened.record, opened.identity
    cells = cells_of(visit.form.texts, _cells(opened))
    cells |= {"kind": record.kind.name, "standing": record.standing.name, "reference": str(record.uuid)}
    cells |= {"transferee": record.transferee} if record.transferee else {}
    cells |= {"id_type": identity.id_type.value, "id_number": identity.number, "issuing_state": identity.issuing_state}
    read = report_of(cells, 0)
    if isinstance(read, RejectedRow):
        raise PreflightError(read.violations)
    return read


def _cells(opened: OpenedRecord) -> dict[str, str]:
    return {} if opened.record.facts is None else facts_cells(opened.record.facts)


def _opened(visit: Visit) -> OpenedRecord | None:
    return visit.desk.kept.find(visit.key, str(visit.path["key"]), OpenedRecord)


def _prepared(visit: Visit) -> PreparedCorrection | None:
    return visit.desk.kept.find(visit.key, str(visit.path["key"]), PreparedCorrection)


def _away(visit: Visit) -> Response:
    text = visit.say("An opened record is kept for ten minutes: open it again with the person's number.")
    return visit.show("message.html.j2", status=404, title=visit.say("This record is not open any more"), text=text)


def _shown(visit: Visit, opened: OpenedRecord, wrong: dict[str, str], broken: list[str]) -> Response:
    fields = fields_of(_cells(opened), visit.language, visit.say)
    for field in fields:
        field["value"] = visit.form.texts.get(str(field["name"]), field["value"])
    return visit.show(
        "correct.html.j2",
        status=422 if wrong or broken else 200,
        fields_shown=fields,
        wrong=wrong,
        broken=broken,
        key=visit.path["key"],
        uuid=opened.record.uuid,
    )


PAGES = (
    DeskPage("GET", "/opened/{key}/correct", Right.ACT, _form),
    DeskPage("POST", "/opened/{key}/correct", Right.ACT, _prepare),
    DeskPage("GET", "/corrections/{key}", Right.ACT, _plan),
    DeskPage("POST", "/corrections/{key}", Right.ACT, _sign),
)
