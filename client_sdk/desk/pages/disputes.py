"""Disputes about own records: the list with due dates, one dispute, and its answer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError, digests_of_form, kept_digests_of_form, read_all, word_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import dispute_of
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import RefusedError
from client_sdk.models import DisputeOutcome
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import DisputeView

__all__ = ["MOST_DOCUMENTS", "PAGES", "dispute_row", "show_disputes"]

# Disputes that are shown; those whose answer is due come first.
_MOST = 200
MOST_DOCUMENTS = 16
# Of an answer that a version corrects the record, where none does.
_NOT_CORRECTED = "annotation.corrected"
_ANSWERS = {
    DisputeOutcome.CORRECTED: N_("Corrected: a further version of the record says what is right"),
    DisputeOutcome.CONFIRMED: N_("Confirmed: the record is right"),
    DisputeOutcome.UNCONFIRMED: N_("Unconfirmed: neither can be shown, and the dispute stays with the record"),
}


def _listed(visit: Visit) -> Response:
    return show_disputes(visit, opened=False)


def show_disputes(visit: Visit, *, opened: bool) -> Response:
    """Show the disputes that stand, those that are due first, and those that have ended.

    Args:
        visit: of the page.
        opened: those that this member has opened for persons; else those of own records.
    """
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_DISPUTES):
        client = visit.desk.client
        standing = sorted(client.disputes(opened=opened), key=lambda one: one.due_on or date.max)
        ended = sorted(client.disputes(opened=opened, ended=True), key=lambda one: one.annotated_at, reverse=True)
    return visit.show(
        "disputes.html.j2",
        opened=opened,
        standing=[dispute_row(visit, one, opened=opened) for one in standing[:_MOST]],
        ended=[dispute_row(visit, one, opened=opened) for one in ended[:_MOST]],
        more=len(standing) > _MOST,
        more_ended=len(ended) > _MOST,
        most=_MOST,
    )


def _one(visit: Visit) -> Response:
    """Show the newest dispute of a record."""
    uuid = _uuid(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_DISPUTE, about=[str(uuid)]):
        dispute = dispute_of(visit.desk.client, uuid)
    return _shown(visit, dispute)


def _answer(visit: Visit) -> Response:
    """Answer the dispute with an outcome and what it rests on."""
    uuid = _uuid(visit)
    try:
        outcome, evidence = read_all(
            lambda: word_of_form(visit.form, "outcome", DisputeOutcome, tuple(_ANSWERS)), lambda: _evidence(visit)
        )
        with visit.desk.journal.act(visit.user.name, DeskAct.ANSWER_DISPUTE, about=[str(uuid)], reason=outcome.name):
            receipt = visit.desk.client.answer_dispute(uuid.bytes, outcome, evidence=evidence)
    except FieldError as error:
        return _shown(visit, dispute_of(visit.desk.client, uuid), wrong=error.said(visit.say))
    except FORM_ERRORS as error:
        dispute = dispute_of(visit.desk.client, uuid)
        if isinstance(error, RefusedError) and error.rule == _NOT_CORRECTED:
            text = visit.say(
                "Correct the record first, by the link below, then sign this answer: what you have chosen stays here."
            )
            return _shown(visit, dispute, wrong={"outcome": text}, correct_first=True)
        wrong, broken = mistakes_of(error, {"evidence": "evidence", "outcome": "outcome"}, visit.say)
        return _shown(visit, dispute, wrong=wrong, broken=broken)
    told = visit.say("The dispute is answered, at leaf {index}.", index=receipt.index)
    return visit.go(f"/disputes/{uuid}", told)


def _evidence(visit: Visit) -> tuple[bytes, ...]:
    evidence = _documents(visit)
    if not 0 < len(evidence) <= MOST_DOCUMENTS:
        raise FieldError("evidence", N_("Choose the documents that the answer rests on, at most 16."))
    return evidence


def _documents(visit: Visit) -> tuple[bytes, ...]:
    """Return the SHA-256 of each document: those that were chosen before, where they are ticked, and further ones.

    Raises:
        FieldError: one is empty, or those before are not in their form.
    """
    before = kept_digests_of_form(visit.form, "kept", "evidence") if visit.form.text("again") else ()
    return tuple(dict.fromkeys((*before, *digests_of_form(visit.form, "evidence"))))


def _named_before(visit: Visit) -> list[str]:
    """Return the same for the form that is shown again: a browser forgets which files were chosen."""
    try:
        return [digest.hex() for digest in _documents(visit)]
    except FieldError:
        return []


def _shown(
    visit: Visit,
    dispute: DisputeView,
    *,
    wrong: dict[str, str] | None = None,
    broken: list[str] | None = None,
    correct_first: bool = False,
) -> Response:
    return visit.show(
        "dispute.html.j2",
        status=422 if wrong or broken else 200,
        row=dispute_row(visit, dispute),
        opened=False,
        may_answer=visit.may(Right.ACT) and dispute.stands,
        # Nothing is chosen beforehand: an answer is for good.
        outcomes=[("", "–"), *((word.value, visit.say(text)) for word, text in _ANSWERS.items())],
        given=visit.form.text("outcome"),
        kept=_named_before(visit),
        correct_first=correct_first,
        wrong=wrong or {},
        broken=broken or [],
    )


def dispute_row(visit: Visit, dispute: DisputeView, *, opened: bool = False) -> dict[str, object]:
    """Return a dispute as pages show it.

    Args:
        visit: of the page.
        dispute: to show.
        opened: whether this member has opened it; else it is about an own record.
    """
    name = f"{dispute.issuer}/{dispute.uuid}" if opened else str(dispute.uuid)
    return {
        "record": name,
        "path": f"/disputes/of/{name}" if opened else f"/disputes/{name}",
        "due": "" if dispute.due_on is None else dispute.due_on.isoformat(),
        "code": dispute.code,
        "opened_by": dispute.opened_by,
        "opened": clock_text(dispute.opened_at),
        "outcome": "" if dispute.outcome is None else term_of(dispute.outcome).of(visit.language),
        "answered_by": dispute.answered_by,
        "answered": clock_text(dispute.answered_at),
        "marks": [term_of(flag).of(visit.language) for flag in sorted(dispute.flags)],
        "restricted": dispute.restricted,
        "evidence": [digest.hex() for digest in dispute.evidence],
        "answer_evidence": [digest.hex() for digest in dispute.answer_evidence],
    }


def _uuid(visit: Visit) -> UUID:
    return UUID(str(visit.path["record"]))


PAGES = (
    DeskPage("GET", "/disputes", Right.READ, _listed),
    DeskPage("GET", "/disputes/{record:uuid}", Right.READ, _one),
    DeskPage("POST", "/disputes/{record:uuid}/answer", Right.ACT, _answer, DOCUMENTS_BYTES),
)
