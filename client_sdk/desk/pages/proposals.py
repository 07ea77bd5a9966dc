"""Proposals, for administrators: acts that wait, with their effect in words, and the signature of the key here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import BreachBody, RulebookBody, breach_due, moment, preview_rulebook
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.acts import Directory, RulebookPreview
    from client_sdk.models.proposal import ProposalView
    from client_sdk.models.statistics import RecordCount

__all__ = ["PAGES"]


def _proposals(visit: Visit) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSALS):
        found = visit.desk.client.proposals()
    rows = [(proposal, ActWords(proposal.act.body, visit.say)) for proposal in found]
    return visit.show("proposals.html.j2", rows=rows, own=visit.desk.config.institution)


def _proposal(visit: Visit) -> Response:
    return _shown(visit, {})


def _shown(visit: Visit, wrong: dict[str, str]) -> Response:
    """Show everything that is signed, and for a rulebook what it would change."""
    client, key = visit.desk.client, str(visit.path["key"])
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSALS, about=[key]):
        proposal = _find(visit)
        if proposal is None:
            return _gone(visit)
        directory = client.directory()
        preview, records = _preview(visit, proposal, directory)
    own = visit.desk.config.institution
    return visit.show(
        "proposal.html.j2",
        status=422 if wrong else 200,
        proposal=proposal,
        words=ActWords(proposal.act.body, visit.say),
        preview=preview,
        records=records,
        due=_due(proposal, directory),
        missing=max(0, proposal.threshold - len(proposal.approved_by)),
        signs=own in directory.state.administrators and own not in proposal.approved_by,
        signed=own in proposal.approved_by,
        own=own,
        wrong=wrong,
    )


def _approve(visit: Visit) -> Response:
    """Sign with the key of this home; the signature that reaches the threshold logs the act."""
    if visit.form.text("read") != "yes":
        return _shown(visit, {"read": visit.say("Tick that you have read it: a signature is for good.")})
    key = str(visit.path["key"])
    with visit.desk.journal.act(visit.user.name, DeskAct.APPROVE_ACT, about=[key]):
        proposal = _find(visit)
        if proposal is None:
            return _gone(visit)
        approved = visit.desk.client.approve(proposal)
    if approved.logged:
        text = visit.say("Act {number} is logged at leaf {index}.", number=proposal.act.number, index=approved.index)
        return visit.go("/acts", text)
    left = approved.proposal.threshold - len(approved.proposal.approved_by)
    return visit.go(f"/proposals/{key:digest}", visit.say("Signed. More must sign: {count}.", count=left))


def _preview(
    visit: Visit, proposal: ProposalView, directory: Directory
) -> tuple[RulebookPreview | None, tuple[RecordCount, ...]]:
    body = proposal.act.body
    if not isinstance(body, RulebookBody):
        return None, ()
    return preview_rulebook(directory, body.rulebook), visit.desk.client.statistics().records()


def _due(proposal: ProposalView, directory: Directory) -> str:
    """Return until when the act has to be logged to be in time; empty for most."""
    body = proposal.act.body
    return clock_text(moment(breach_due(body, directory.rulebook))) if isinstance(body, BreachBody) else ""


def _find(visit: Visit) -> ProposalView | None:
    key = str(visit.path["key"])
    return next((one for one in visit.desk.client.proposals() if one.proposal_id.hex() == key), None)


def _gone(visit: Visit) -> Response:
    text = visit.say("It was logged, it has lapsed after 7 days, or another act was logged first: see the acts.")
    return visit.show("message.html.j2", status=404, title=visit.say("This proposal does not wait any more"), text=text)


PAGES = (
    DeskPage("GET", "/proposals", Right.READ, _proposals),
    DeskPage("GET", "/proposals/{key:digest}", Right.READ, _proposal),
    DeskPage("POST", "/proposals/{key:digest}/approve", Right.APPROVE, _approve),
)
