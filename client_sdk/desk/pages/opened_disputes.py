"""Disputes that a representative opens for persons: the list with due dates, opening, one dispute, taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError, digests_of_form, read_all
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import dispute_of
from client_sdk.desk.pages.disputes import MOST_DOCUMENTS, dispute_row, show_disputes
from client_sdk.desk.person_form import PersonForm, record_of_person, report_of_form
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from client_sdk.models import DisputeView

__all__ = ["CODES", "PAGES"]

# Usual reasons of a dispute; none is refused for being another.
CODES = {
    "": N_("no code"),
    "not-mine": N_("the debt is not the person's"),
    "paid": N_("it is paid"),
    "paid-in-time": N_("it was paid in time"),
    "wrong-amount": N_("an amount is wrong"),
    "wrong-dates": N_("a day is wrong"),
    "no-notice": N_("there was no notice before it was reported"),
    "no-consent": N_("there was no consent"),
    "identity-theft": N_("another person used the identity"),
}


def _listed(visit: Visit) -> Response:
    return show_disputes(visit, opened=True)


def _open(visit: Visit) -> Response:
    """Dispute the record: every answer shows it from now on."""
    return _FORM.do(visit, lambda: _opened(visit))


def _opened(visit: Visit) -> Response:
    record, code, evidence = read_all(lambda: record_of_person(visit), lambda: _code(visit), lambda: _evidence(visit))
    about = [f"{record.issuer}/{UUID(bytes=record.record_id)}"]
    with visit.desk.journal.act(visit.user.name, DeskAct.OPEN_DISPUTE, about=about):
        receipt = visit.desk.client.open_dispute(record.issuer, record.record_id, code=code, evidence=evidence)
    own = visit.desk.client.disputes(opened=True)
    if not any((one.issuer, one.record_id) == (receipt.issuer, receipt.record_id) for one in own):
        text = N_(
            "Another member has disputed this record before: your documents stand with that dispute, at leaf {index}. "
            "Its answer is told to that member; make the person's report anew to see it."
        )
        return visit.go("/disputes", visit.say(text, index=receipt.index))
    told = visit.say("The record is disputed, at leaf {index}: every answer shows it from now on.", index=receipt.index)
    return visit.go(f"/disputes/of/{receipt.issuer}/{receipt.uuid}", told)


def _evidence(visit: Visit) -> tuple[bytes, ...]:
    """Return the SHA-256 of the documents that the dispute rests on, the signed request of a report where it is ticked.

    Raises:
        FieldError: there are none, or too many; or the report is gone whose request is meant.
    """
    report, chosen = report_of_form(visit), digests_of_form(visit.form, "evidence")
    is_ticked = bool(visit.form.text("request"))
    if is_ticked and report is None:
        raise FieldError("evidence", N_("The report is not here any more: choose the signed request itself."))
    asked = (report.mandate.digest,) if is_ticked and report is not None else ()
    if not 0 < len(asked + chosen) <= MOST_DOCUMENTS:
        text = N_("Choose the person's request and what shows that the record is wrong, at most 16.")
        raise FieldError("evidence", text)
    return asked + chosen


def _code(visit: Visit) -> str:
    """Return the code that was chosen, or typed.

    Raises:
        FieldError: both were, or one that is not in the list was chosen.
    """
    chosen, own = visit.form.text("code"), visit.form.text("own_code")
    if chosen not in CODES:
        raise FieldError("code", N_("Choose one of the list."))
    if chosen and own:
        raise FieldError("own_code", N_("Choose a reason of the list, or give a code of your own: one of the two."))
    return chosen or own


def _one(visit: Visit) -> Response:
    issuer, uuid = _record(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_DISPUTE, about=[f"{issuer}/{uuid}"]):
        dispute = dispute_of(visit.desk.client, uuid, issuer=issuer)
    return _shown(visit, dispute)


def _withdraw(visit: Visit) -> Response:
    """Take the dispute back, once the box that says so is ticked."""
    issuer, uuid = _record(visit)
    if not visit.form.text("sure"):
        wrong = {"sure": visit.say("Tick the box: the person's objection leaves all answers.")}
        return _shown(visit, dispute_of(visit.desk.client, uuid, issuer=issuer), wrong)
    try:
        with visit.desk.journal.act(visit.user.name, DeskAct.WITHDRAW_DISPUTE, about=[f"{issuer}/{uuid}"]):
            receipt = visit.desk.client.withdraw_dispute(issuer, uuid.bytes)
    except FORM_ERRORS as error:
        wrong, broken = mistakes_of(error, {"record": "sure"}, visit.say)
        return _shown(visit, dispute_of(visit.desk.client, uuid, issuer=issuer), wrong, broken)
    return visit.go("/disputes", visit.say("The dispute is taken back, at leaf {index}.", index=receipt.index))


def _shown(
    visit: Visit, dispute: DisputeView, wrong: dict[str, str] | None = None, broken: Sequence[str] = ()
) -> Response:
    return visit.show(
        "dispute.html.j2",
        status=422 if wrong or broken else 200,
        row=dispute_row(visit, dispute, opened=True),
        opened=True,
        may_withdraw=visit.may(Right.ACT) and dispute.stands,
        wrong=wrong,
        broken=broken,
    )


def _record(visit: Visit) -> tuple[str, UUID]:
    return str(visit.path["issuer"]), UUID(str(visit.path["record"]))


_FORM = PersonForm(
    "dispute_opened.html.j2",
    ("record", "report", "code", "own_code", "request"),
    lambda visit, _given: {"codes": [(code, visit.say(text)) for code, text in CODES.items()]},
)
_OF = "/disputes/of/{issuer}/{record:uuid}"
PAGES = (
    DeskPage("GET", "/disputes", Right.READ, _listed),
    DeskPage("GET", "/disputes/open", Right.ACT, _FORM.empty),
    DeskPage("GET", "/person/{key}/dispute/{place:number}", Right.ACT, _FORM.of_record),
    DeskPage("POST", "/disputes/open", Right.ACT, _open, DOCUMENTS_BYTES),
    DeskPage("GET", _OF, Right.READ, _one),
    DeskPage("POST", f"{_OF}/withdraw", Right.ACT, _withdraw),
)
