"""Own records: a list with search, one record, its facts opened with the identity number, and its withdrawal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import FieldError, day_of_form, word_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.ask import identity_of_form, type_choices
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import ConflictError, FormatError, PreflightError, RuleError
from client_sdk.models import Kind, RecordName, RecordState, RecordView, WithdrawalReason
from client_sdk.subject_report.facts import FactSpeaker
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from client_sdk.models import DisputeView, Identity

__all__ = ["PAGES", "OpenedRecord"]

# Lines of a list; further ones are found by search.
_MOST = 200
_FORM_BYTES = 24 * 1024 * 1024
REASONS = {
    WithdrawalReason.ERROR: N_("It was a mistake"),
    WithdrawalReason.FRAUD: N_("Fraud, with evidence"),
    WithdrawalReason.IDENTITY_THEFT: N_("Identity theft, with evidence"),
    WithdrawalReason.COURT_ORDER: N_("A court ordered it, with evidence"),
    WithdrawalReason.PAID_IN_TIME: N_("A judgment that was paid within the rulebook's months"),
    WithdrawalReason.COURT_REMOVED: N_("The court removed the entry of the list"),
    WithdrawalReason.REMOVED_ON_REQUEST: N_("The court removed the entry on request"),
}
STATES = {RecordState.LIVE: N_("live"), RecordState.ENDED: N_("ended"), RecordState.ERASED: N_("erased")}
_REMOVED = (WithdrawalReason.COURT_REMOVED, WithdrawalReason.REMOVED_ON_REQUEST)


@dataclass(frozen=True, slots=True, repr=False)
class OpenedRecord:
    """A record whose facts were opened with the identity number, for minutes.

    Attributes:
        record: as held, its facts opened.
        identity: of its person.
    """

    record: RecordView
    identity: Identity


def _listed(visit: Visit) -> Response:
    """Show the records in order of their first leaf."""
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_RECORDS):
        found = list(islice(visit.desk.client.records(), _MOST + 1))
        disputes = visit.desk.client.disputes() if found else ()
    return _list(visit, found[:_MOST], disputes, more=len(found) > _MOST)


def _searched(visit: Visit) -> Response:
    """Find the record of a number, or of the lender's own name of it; the search is in no address."""
    form = visit.form
    try:
        if form.text("record"):
            record_id = _uuid(form.text("record")).bytes
        else:
            name = RecordName(
                kind=word_of_form(form, "kind", Kind, tuple(Kind)),
                reference=_reference(form.text("reference")),
                first_day=day_of_form(form, "first_day"),
            )
            record_id = visit.desk.client.record_id(name)
    except FieldError as error:
        return _list(visit, [], (), wrong={error.field: visit.say(error.text)})
    except (FormatError, PreflightError) as error:
        return _list(visit, [], (), wrong={"reference": broken_rules(error, visit.say)[0]})
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_RECORDS) as entry:
        found = list(visit.desk.client.records([record_id]))
        entry.about += [_ref(record) for record in found]
    if found:
        return visit.go(f"/records/{found[0].uuid}")
    return _list(visit, [], (), wrong={"reference": visit.say("The registry holds no record of this name.")})


def _one(visit: Visit) -> Response:
    """Show one record, its facts sealed."""
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_RECORD, about=[str(visit.path["record"])]):
        record, dispute = _record(visit)
    return _detail(visit, record, dispute)


def _open(visit: Visit) -> Response:
    """Open the facts with the identity number, and send the browser on to them."""
    try:
        identity = identity_of_form(visit)
    except FieldError as error:
        return _detail(visit, *_record(visit), wrong={error.field: visit.say(error.text)})
    except FormatError as error:
        return _detail(visit, *_record(visit), wrong={"number": broken_rules(error, visit.say)[0]})
    uuid = _path_uuid(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.OPEN_RECORD, about=[str(uuid)]):
        found = list(visit.desk.client.records([uuid.bytes], identity=identity))
    if not found:
        wrong = {"number": visit.say("This record is about somebody else, or has ended: compare the number.")}
        return _detail(visit, *_record(visit), wrong=wrong)
    return visit.go(f"/records/{uuid}/opened/{visit.desk.kept.keep(visit.key, OpenedRecord(found[0], identity))}")


def _opened(visit: Visit) -> Response:
    kept = visit.desk.kept.find(visit.key, str(visit.path["key"]), OpenedRecord)
    uuid = _path_uuid(visit)
    if kept is None or kept.record.uuid != uuid:
        return visit.go(f"/records/{uuid}")
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_RECORD, about=[str(uuid)]):
        _, dispute = _record(visit)
    return _detail(visit, kept.record, dispute, opened=str(visit.path["key"]))


def _withdraw(visit: Visit) -> Response:
    """Withdraw the record, once the box that says so is ticked."""
    form, desk, uuid = visit.form, visit.desk, _path_uuid(visit)
    try:
        reason = word_of_form(form, "reason", WithdrawalReason, tuple(REASONS))
        removed_on = day_of_form(form, "removed_on") if reason in _REMOVED else None
        if not form.text("sure"):
            raise FieldError("sure", N_("Tick the box: a withdrawal cannot be taken back."))  # noqa: TRY301 - as the others
        evidence = [hashlib.sha256(data).digest() for data in form.files.values() if data]
        with desk.journal.act(visit.user.name, DeskAct.WITHDRAW_RECORD, about=[str(uuid)], reason=reason.name):
            receipt = desk.client.withdraw(uuid.bytes, reason=reason, evidence=evidence, removed_on=removed_on)
    except FieldError as error:
        return _detail(visit, *_record(visit), wrong={error.field: visit.say(error.text)})
    except (PreflightError, RuleError) as error:
        return _detail(visit, *_record(visit), broken=broken_rules(error, visit.say))
    told = visit.say("Withdrawn at leaf {index}: it is in no answer any more.", index=receipt.index)
    return visit.go(f"/records/{uuid}", told)


def _record(visit: Visit) -> tuple[RecordView, DisputeView | None]:
    """Return the record of the path, and its dispute.

    Raises:
        ConflictError: this member has no such record.
    """
    uuid = _path_uuid(visit)
    found = list(visit.desk.client.records([uuid.bytes]))
    if not found:
        raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want="an own record")
    disputes = {dispute.record_id: dispute for dispute in visit.desk.client.disputes()}
    return found[0], disputes.get(found[0].record_id)


def _list(
    visit: Visit,
    records: Sequence[RecordView],
    disputes: Sequence[DisputeView],
    *,
    more: bool = False,
    wrong: dict[str, str] | None = None,
) -> Response:
    rows = [_row(visit, record, disputes) for record in records]
    return visit.show(
        "records.html.j2",
        status=422 if wrong else 200,
        rows=rows,
        searched=wrong is not None,
        more=more,
        most=_MOST,
        wrong=wrong or {},
        given={name: visit.form.text(name) for name in ("record", "kind", "first_day")},
        kinds=[(kind.value, term_of(kind).of(visit.language)) for kind in Kind],
    )


def _row(visit: Visit, record: RecordView, disputes: Sequence[DisputeView]) -> dict[str, object]:
    language = visit.language
    dispute = next((item for item in disputes if item.record_id == record.record_id), None)
    return {
        "uuid": str(record.uuid),
        "kind": term_of(record.kind).of(language),
        "standing": term_of(record.standing).of(language),
        "state": visit.say(STATES[record.state]),
        "version": record.version,
        "logged": clock_text(record.logged_at),
        "marks": _marks(visit, record, dispute),
    }


def _marks(visit: Visit, record: RecordView, dispute: DisputeView | None) -> list[str]:
    marks = [] if dispute is None else [term_of(flag).of(visit.language) for flag in sorted(dispute.flags)]
    marks += [visit.say("not updated for long")] if record.stale else []
    marks += [visit.say("signed by a key in doubt")] if record.contested else []
    return marks + ([visit.say("hidden")] if record.hidden else [])


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
    may_act = visit.may(Right.ACT) and record.state is RecordState.LIVE
    return visit.show(
        "record.html.j2",
        status=422 if wrong or broken else 200,
        record=record,
        row=_row(visit, record, [dispute] if dispute else []),
        facts=facts,
        opened=opened,
        dispute=dispute,
        may_act=may_act,
        wrong=wrong or {},
        broken=broken or [],
        types=type_choices(visit),
        given={name: visit.form.text(name) for name in ("id_type", "issuing_state", "reason", "removed_on")},
        reasons=[(word.value, visit.say(text)) for word, text in REASONS.items()],
        until=record.retain_until.isoformat() if record.retain_until else "",
    )


def _reference(text: str) -> str:
    if not text:
        raise FieldError("reference", N_("Give the record's number, or your own reference with kind and first day."))
    return text


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FieldError("record", N_("A record's number looks like 01234567-89ab-8def-8123-456789abcdef.")) from None


def _path_uuid(visit: Visit) -> UUID:
    return UUID(str(visit.path["record"]))


def _ref(record: RecordView) -> str:
    return f"{record.issuer}/{record.uuid}"


_RECORD = "/records/{record:uuid}"
PAGES = (
    DeskPage("GET", "/records", Right.READ, _listed),
    DeskPage("POST", "/records", Right.READ, _searched),
    DeskPage("GET", _RECORD, Right.READ, _one),
    DeskPage("POST", f"{_RECORD}/open", Right.ACT, _open),
    DeskPage("GET", _RECORD + "/opened/{key}", Right.ACT, _opened),
    DeskPage("POST", f"{_RECORD}/withdraw", Right.ACT, _withdraw, _FORM_BYTES),
)
