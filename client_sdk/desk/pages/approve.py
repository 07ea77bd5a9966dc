"""Approvals: what waits for another person, its approval, and its return with a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.doing import done
from client_sdk.desk.pages.portfolio import files_to_approve
from client_sdk.desk.pages.report import report_form
from client_sdk.desk.prepared import PreparedReport
from client_sdk.desk.prepared_words import ACTS, shown_of
from client_sdk.desk.proposals import ProposalState, ProposalStateError
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import PreflightError, RuleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from client_sdk.desk.proposals import DeskProposal

__all__ = ["PAGES"]

_MOST_WORD = 500
_STATES = {
    ProposalState.WAITING: N_("waits"),
    ProposalState.SENDING: N_("is being sent"),
    ProposalState.APPROVED: N_("approved"),
    ProposalState.RETURNED: N_("returned"),
}


def _listed(visit: Visit) -> Response:
    """Show what waits for this person, and what became of the person's own."""
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_PROPOSALS):
        every = visit.desk.proposals.all()
    name = visit.user.name
    waiting = [one for one in every if one.waits and not one.is_of(name)] if visit.may(Right.APPROVE) else []
    own = [one for one in reversed(every) if one.is_of(name)]
    return visit.show(
        "approvals.html.j2",
        waiting=[_row(visit, one) for one in waiting],
        own=[_row(visit, one) for one in own],
        files=[(f"/portfolio/{job.key}", job.owner) for job in files_to_approve(visit)],
    )


def _approve(visit: Visit, proposal: DeskProposal) -> Response:
    """Send what is proposed, in the name of who approves it."""
    desk, name = visit.desk, visit.user.name
    about = [proposal.id, *([proposal.record] if proposal.record else [])]
    try:
        with (
            desk.proposals.approving(proposal, name) as prepared,
            desk.journal.act(name, DeskAct.APPROVE, about=about, reason=prepared.act.value) as entry,
        ):
            receipt = prepared.send(desk.client, name)
            proposal.record = str(receipt.uuid)
            entry.about += [] if len(about) > 1 else [proposal.record]
    except ProposalStateError:
        return _decided(visit)
    except (PreflightError, RuleError) as error:
        return _shown(visit, proposal, broken=broken_rules(error, visit.say))
    return done(visit, prepared, receipt)


def _give_back(visit: Visit, proposal: DeskProposal) -> Response:
    """Return it to its author with a word."""
    word = visit.form.text("word")
    try:
        if not word or len(word) > _MOST_WORD:
            raise FieldError("word", N_("Say why, in at most 500 characters."))  # noqa: TRY301 - as the others
        with visit.desk.journal.act(visit.user.name, DeskAct.RETURN, about=[proposal.id]):
            visit.desk.proposals.give_back(proposal, visit.user.name, word)
    except FieldError as error:
        return _shown(visit, proposal, wrong={error.field: visit.say(error.text)})
    except ProposalStateError:
        return _decided(visit)
    return visit.go("/approvals", visit.say("It is returned to {author}.", author=proposal.author))


def _take_back(visit: Visit, proposal: DeskProposal) -> Response:
    """Forget an own proposal that waits, or was returned."""
    try:
        with visit.desk.journal.act(visit.user.name, DeskAct.TAKE_BACK, about=[proposal.id]):
            visit.desk.proposals.drop(proposal, visit.user.name)
    except ProposalStateError:
        return _decided(visit)
    return visit.go("/approvals", visit.say("It is taken back: nothing is sent."))


def _again(visit: Visit, proposal: DeskProposal) -> Response:
    """Show the form of a report that was returned, as it was typed; the number is typed anew."""
    prepared = proposal.prepared
    if not isinstance(prepared, PreparedReport) or not proposal.is_of(visit.user.name):
        return _decided(visit)
    return report_form(visit, prepared.report.kind, prepared.typed)


def _of_proposal(show: Callable[[Visit, DeskProposal], Response]) -> Callable[[Visit], Response]:
    """Return what answers for a proposal that the visitor may see: an own one, or as an approver any."""

    def answer(visit: Visit) -> Response:
        proposal = visit.desk.proposals.find(str(visit.path["key"]))
        if proposal is None or not (proposal.is_of(visit.user.name) or visit.may(Right.APPROVE)):
            text = visit.say("It was decided on some time ago, taken back, or forgotten with its time.")
            return visit.show("message.html.j2", status=404, title=visit.say("Nothing is here"), text=text)
        return show(visit, proposal)

    return answer


def _read(visit: Visit, proposal: DeskProposal) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSAL, about=[proposal.id]):
        return _shown(visit, proposal)


def _decided(visit: Visit) -> Response:
    text = visit.say("It waits no more, or it is your own: another person than its author decides.")
    return visit.show("message.html.j2", status=409, title=visit.say("Nothing was done"), text=text)


def _shown(
    visit: Visit, proposal: DeskProposal, *, wrong: dict[str, str] | None = None, broken: list[str] | None = None
) -> Response:
    prepared = proposal.prepared
    own = proposal.is_of(visit.user.name)
    return visit.show(
        "approval.html.j2",
        status=422 if wrong or broken else 200,
        row=_row(visit, proposal),
        shown=None if prepared is None else shown_of(prepared, visit.language, visit.say),
        word=proposal.word,
        decides=proposal.waits and not own and visit.may(Right.APPROVE),
        own=own and proposal.state in (ProposalState.WAITING, ProposalState.RETURNED),
        again=own and isinstance(prepared, PreparedReport),
        wrong=wrong or {},
        broken=broken or [],
        given=visit.form.text("word"),
    )


def _row(visit: Visit, proposal: DeskProposal) -> dict[str, str]:
    return {
        "id": proposal.id,
        "what": visit.say(ACTS[proposal.act]),
        "author": proposal.author,
        "proposed": clock_text(proposal.proposed_at),
        "until": clock_text(proposal.until),
        "state": visit.say(_STATES[proposal.state]),
        "by": proposal.decided_by,
        "record": proposal.record,
        "is_over": "yes" if proposal.state is ProposalState.APPROVED else "",
    }


_PATH = "/approvals/{key}"
PAGES = (
    DeskPage("GET", "/approvals", Right.ACT, _listed),
    DeskPage("GET", _PATH, Right.ACT, _of_proposal(_read)),
    DeskPage("POST", _PATH + "/approve", Right.APPROVE, _of_proposal(_approve)),
    DeskPage("POST", _PATH + "/return", Right.APPROVE, _of_proposal(_give_back)),
    DeskPage("POST", _PATH + "/take-back", Right.ACT, _of_proposal(_take_back)),
    DeskPage("GET", _PATH + "/again", Right.ACT, _of_proposal(_again)),
)
