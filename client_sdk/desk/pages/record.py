"""One own record: its facts opened with the identity number, its receipt, and its withdrawal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError, day_of_form, digests_of_form, read_all, word_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import record_of
from client_sdk.desk.pages.doing import do_or_request_approval
from client_sdk.desk.pages.records import record_row
from client_sdk.desk.pages.report import report_form
from client_sdk.desk.person_form import type_choices, typed_identity
from client_sdk.desk.prepared import OpenedRecord, PreparedWithdrawal
from client_sdk.desk.record_columns import typed_of_cells
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.desk.withdrawal_words import REASONS, REMOVED
from client_sdk.lending.rows import facts_cells
from client_sdk.models import RecordState, RecordView, WithdrawalReason
from client_sdk.subject_report.facts import FactSpeaker

if TYPE_CHECKING:
    from datetime import date

    from starlette.responses import Response

    from client_sdk.desk.form import Form
    from client_sdk.models import DisputeView

__all__ = ["PAGES"]


def _one(visit: Visit) -> Response:
    """Show one record, its facts sealed."""
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_RECORD, about=[str(visit.path["record"])]):
        record, dispute = _record(visit)
    return _detail(visit, record, dispute)


def _open(visit: Visit) -> Response:
    """Open the facts with the identity number, and send the browser on to them."""
    try:
        identity = typed_identity(visit)
    except FieldError as error:
        return _detail(visit, *_record(visit), wrong=error.said(visit.say))
    uuid = _path_uuid(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.OPEN_RECORD, about=[str(uuid)]):
        found = list(visit.desk.client.records([uuid.bytes], identity=identity))
    if not found:
        wrong = {"number": visit.say("This record is about another person, or has ended: compare the number.")}
        return _detail(visit, *_record(visit), wrong=wrong)
    return visit.go(f"/records/{uuid}/opened/{visit.keep(OpenedRecord(found[0], identity))}")


def _opened(visit: Visit) -> Response:
    kept = _kept(visit, str(visit.path["key"]))
    uuid = _path_uuid(visit)
    if kept is None:
        return visit.go(f"/records/{uuid}")
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_RECORD, about=[str(uuid)]):
        _, dispute = _record(visit)
    return _detail(visit, kept.record, dispute, opened=str(visit.path["key"]))


def _further(visit: Visit) -> Response:
    """Show the form of a further version, filled with what the record holds; number and reference are typed anew."""
    kept = _kept(visit, str(visit.path["key"]))
    if kept is None or kept.record.facts is None:
        return visit.go(f"/records/{_path_uuid(visit)}")
    typed = typed_of_cells(facts_cells(kept.record.facts)) | {"standing": kept.record.standing.name}
    typed |= {"id_type": kept.identity.id_type.value, "issuing_state": kept.identity.issuing_state}
    return report_form(visit, kept.record.kind, typed)


def _receipt(visit: Visit) -> Response:
    """Give the receipt of a version as a file that proves by itself."""
    uuid, version = _path_uuid(visit), int(str(visit.path["version"]))
    with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_RECEIPT, about=[str(uuid)]):
        receipt = visit.desk.client.receipt(uuid.bytes, version)
    name = f"receipt-{uuid}-{version}.tlog-proof"
    return file_to_save(receipt.tlog_proof().encode(), "text/plain; charset=utf-8", name)


def _withdraw(visit: Visit) -> Response:
    """Withdraw the record, once the box that says so is ticked."""
    form, uuid = visit.form, _path_uuid(visit)
    try:
        (reason, removed_on), evidence, _ = read_all(
            lambda: _reason(form), lambda: digests_of_form(form, "evidence"), lambda: _check_sure(form)
        )
        opened = _kept(visit, form.text("opened"))
        return do_or_request_approval(visit, PreparedWithdrawal(uuid, reason, evidence, removed_on, opened))
    except FieldError as error:
        return _detail(visit, *_record(visit), wrong=error.said(visit.say))
    except FORM_ERRORS as error:
        wrong, broken = mistakes_of(error, _FIELDS, visit.say)
        return _detail(visit, *_record(visit), wrong=wrong, broken=broken)


def _reason(form: Form) -> tuple[WithdrawalReason, date | None]:
    """Return why a record is withdrawn, and for what takes effect on a day that day.

    Raises:
        FieldError: none was chosen, or no day given.
    """
    reason = word_of_form(form, "reason", WithdrawalReason, tuple(REASONS))
    return reason, day_of_form(form, "removed_on") if reason in REMOVED else None


def _check_sure(form: Form) -> None:
    if not form.text("sure"):
        raise FieldError("sure", N_("Tick the box: a withdrawal cannot be taken back."))


def _record(visit: Visit) -> tuple[RecordView, DisputeView | None]:
    """Return the record of the path, and its dispute.

    Raises:
        ConflictError: this member has no such record.
    """
    record = record_of(visit.desk.client, _path_uuid(visit))
    disputes = {dispute.record_id: dispute for dispute in visit.desk.client.disputes()}
    return record, disputes.get(record.record_id)


def _detail(
    visit: Visit,
    record: RecordView,
    dispute: DisputeView | None,
    *,
    wrong: dict[str, str] | None = None,
    broken: list[str] | None = None,
    opened: str = "",
) -> Response:
    speaker = FactSpeaker(visit.language, clock_text)
    facts = [] if record.facts is None else list(speaker.facts(record.facts))
    return visit.show(
        "record.html.j2",
        status=422 if wrong or broken else 200,
        row=record_row(visit, record, [dispute] if dispute else []),
        facts=facts,
        opened=opened,
        dispute=dispute,
        may_act=visit.may(Right.ACT) and record.state is RecordState.LIVE,
        asks=visit.desk.settings.approval.wanted,
        wrong=wrong or {},
        broken=broken or [],
        types=type_choices(visit),
        given={name: visit.form.text(name) for name in ("id_type", "issuing_state", "reason", "removed_on")},
        reasons=[(word.value, visit.say(text)) for word, text in REASONS.items()],
        until=record.retain_until.isoformat() if record.retain_until else "",
    )


def _kept(visit: Visit, key: str) -> OpenedRecord | None:
    """Return the record of the path as it was opened in this session; None where it was not."""
    kept = visit.desk.kept.find(visit.key, key, OpenedRecord)
    return kept if kept is not None and kept.record.uuid == _path_uuid(visit) else None


def _path_uuid(visit: Visit) -> UUID:
    return UUID(str(visit.path["record"]))


# Fields by the names that errors give them.
_FIELDS = {
    "statement.reason": "reason",
    "statement.removed_on": "removed_on",
    "evidence": "evidence",
}
_RECORD = "/records/{record:uuid}"
PAGES = (
    DeskPage("GET", _RECORD, Right.READ, _one),
    DeskPage("POST", f"{_RECORD}/open", Right.ACT, _open),
    DeskPage("GET", _RECORD + "/opened/{key}", Right.ACT, _opened),
    DeskPage("GET", _RECORD + "/opened/{key}/further", Right.ACT, _further),
    DeskPage("GET", _RECORD + "/receipts/{version:number}", Right.READ, _receipt, is_part=True),
    DeskPage("POST", f"{_RECORD}/withdraw", Right.ACT, _withdraw, DOCUMENTS_BYTES),
)
