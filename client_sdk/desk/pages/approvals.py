"""Approvals: what waits for another person, its approval, and its return with a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.approval_requests import ApprovalState, ApprovalStateError
from client_sdk.desk.form_values import FieldError, text_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.doing import done
from client_sdk.desk.pages.portfolio import files_to_approve
from client_sdk.desk.pages.report import report_form
from client_sdk.desk.prepared import PreparedReport
from client_sdk.desk.prepared_words import ACTS, shown_of
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import CreditRegistryError, RefusedError
from client_sdk.home_standing import waits_for_receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from client_sdk.desk.approval_requests import ApprovalRequest
    from client_sdk.desk.prepared import Prepared
    from client_sdk.models import Receipt

__all__ = ["PAGES"]

_MOST_WORD = 500
_SIGNED = N_("It is signed, and its answer did not come: it may be logged. Approve it again: nothing is done twice.")
_STATES = {
    ApprovalState.WAITING: N_("waits"),
    ApprovalState.SENDING: N_("is being sent"),
    ApprovalState.APPROVED: N_("approved"),
    ApprovalState.RETURNED: N_("returned"),
}


def _listed(visit: Visit) -> Response:
    """Show what waits for this person, and what became of the person's own."""
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_APPROVALS):
        every = visit.desk.approvals.all()
    name = visit.user.name
    waiting = visit.desk.approvals.waiting_for(name) if visit.may(Right.APPROVE) else []
    own = [one for one in reversed(every) if one.is_of(name)]
    return visit.show(
        "approvals.html.j2",
        waiting=[_row(visit, one) for one in waiting],
        own=[_row(visit, one) for one in own],
        files=[(f"/portfolio/{job.key}", job.owner) for job in files_to_approve(visit)],
    )


def _approve(visit: Visit, request: ApprovalRequest) -> Response:
    """Send what waits, in the name of who approves it."""
    desk, name = visit.desk, visit.user.name
    about = [request.id, *([request.record] if request.record else [])]
    try:
        with (
            desk.approvals.approving(request, name) as prepared,
            desk.journal.act(name, DeskAct.APPROVE, about=about, reason=prepared.act.value) as entry,
        ):
            receipt = _sent(visit, request, prepared)
            request.record = str(receipt.uuid)
            entry.about += [] if len(about) > 1 else [request.record]
    except ApprovalStateError:
        return _decided(visit)
    except FORM_ERRORS as error:
        return _shown(visit, request, broken=mistakes_of(error, {}, visit.say)[1])
    return done(visit, prepared, receipt)


def _sent(visit: Visit, request: ApprovalRequest, prepared: Prepared) -> Receipt:
    """Send what waits; where its answer does not come, note that it is signed: it may be logged, or goes out later."""
    desk = visit.desk
    try:
        return prepared.send(desk.client, visit.user.name)
    except CreditRegistryError as error:
        waits = waits_for_receipt(desk.config, prepared.follows(desk.client))
        request.is_signed = waits or (request.is_signed and not isinstance(error, RefusedError))
        raise


def _give_back(visit: Visit, request: ApprovalRequest) -> Response:
    """Return it to its author with a word."""
    try:
        word = text_of_form(visit.form, "word", _MOST_WORD, N_("Say why, in at most 500 characters."))
        with visit.desk.journal.act(visit.user.name, DeskAct.RETURN, about=[request.id]):
            visit.desk.approvals.give_back(request, visit.user.name, word)
    except FieldError as error:
        return _shown(visit, request, wrong=error.said(visit.say))
    except ApprovalStateError:
        return _decided(visit, request)
    return visit.go("/approvals", visit.say("It is returned to {author}.", author=request.author))


def _take_back(visit: Visit, request: ApprovalRequest) -> Response:
    """Forget an own request that waits, or was returned."""
    try:
        with visit.desk.journal.act(visit.user.name, DeskAct.TAKE_BACK, about=[request.id]):
            visit.desk.approvals.drop(request, visit.user.name)
    except ApprovalStateError:
        return _decided(visit, request)
    return visit.go("/approvals", visit.say("It is taken back: nothing is sent."))


def _again(visit: Visit, request: ApprovalRequest) -> Response:
    """Show the form of a report that was returned, as it was typed; the number is typed anew."""
    prepared = request.prepared
    if not isinstance(prepared, PreparedReport) or not request.is_of(visit.user.name):
        return _decided(visit)
    return report_form(visit, prepared.report.kind, prepared.typed)


def _of_request(show: Callable[[Visit, ApprovalRequest], Response]) -> Callable[[Visit], Response]:
    """Return what answers for a request that the visitor may see: an own one, or as an approver any."""

    def answer(visit: Visit) -> Response:
        request = visit.desk.approvals.find(str(visit.path["key"]))
        if request is None or not (request.is_of(visit.user.name) or visit.may(Right.APPROVE)):
            text = visit.say("It was decided on some time ago, taken back, or forgotten with its time.")
            return visit.show("message.html.j2", status=404, title=visit.say("Nothing is here"), text=text)
        return show(visit, request)

    return answer


def _read(visit: Visit, request: ApprovalRequest) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_APPROVAL, about=[request.id]):
        return _shown(visit, request)


def _decided(visit: Visit, request: ApprovalRequest | None = None) -> Response:
    text = visit.say("It waits no more, or it is your own: another person than its author decides.")
    if request is not None and request.waits and request.is_signed:
        text = visit.say(_SIGNED)
    return visit.show("message.html.j2", status=409, title=visit.say("Nothing was done"), text=text)


def _shown(
    visit: Visit, request: ApprovalRequest, *, wrong: dict[str, str] | None = None, broken: list[str] | None = None
) -> Response:
    prepared = request.prepared
    own = request.is_of(visit.user.name)
    return visit.show(
        "approval.html.j2",
        status=422 if wrong or broken else 200,
        row=_row(visit, request),
        shown=None if prepared is None else shown_of(prepared, visit.language, visit.say),
        word=request.word,
        decides=request.waits and not own and visit.may(Right.APPROVE),
        own=own and request.state in (ApprovalState.WAITING, ApprovalState.RETURNED) and not request.is_signed,
        signed=visit.say(_SIGNED) if request.waits and request.is_signed else "",
        again=own and isinstance(prepared, PreparedReport),
        wrong=wrong or {},
        broken=broken or [],
        given=visit.form.text("word"),
    )


def _row(visit: Visit, request: ApprovalRequest) -> dict[str, str]:
    return {
        "id": request.id,
        "what": visit.say(ACTS[request.act]),
        "author": request.author,
        "asked": clock_text(request.asked_at),
        "until": clock_text(request.until),
        "state": visit.say(_STATES[request.state]),
        "by": request.decided_by,
        "record": request.record,
        "is_over": "yes" if request.state is ApprovalState.APPROVED else "",
    }


_PATH = "/approvals/{key}"
PAGES = (
    DeskPage("GET", "/approvals", Right.ACT, _listed),
    DeskPage("GET", _PATH, Right.ACT, _of_request(_read)),
    DeskPage("POST", _PATH + "/approve", Right.APPROVE, _of_request(_approve)),
    DeskPage("POST", _PATH + "/return", Right.APPROVE, _of_request(_give_back)),
    DeskPage("POST", _PATH + "/take-back", Right.ACT, _of_request(_take_back)),
    DeskPage("GET", _PATH + "/again", Right.ACT, _of_request(_again)),
)
