"""Proposals, for administrators: acts that wait, with their effect in words, and the signature of the key here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import BreachBody, RulebookBody, breach_due, moment, next_act, preview_rulebook
from client_sdk.clock import clock_ms
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.propose import directory_of_now
from client_sdk.desk.proposed_acts import PreparedAct, kind_of, renewed
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import mistakes_of
from client_sdk.desk.rulebook_words import limit_name
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import FormatError, RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from client_sdk.acts import Directory, RulebookPreview
    from client_sdk.desk.seen_proposals import GoneProposal
    from client_sdk.models.proposal import ProposalView
    from client_sdk.models.statistics import RecordCount

__all__ = ["PAGES"]


def _proposals(visit: Visit, broken: Sequence[str] = ()) -> Response:
    """Show what waits, and what can no longer become an act."""
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSALS):
        found = _waiting(visit)
        gone = visit.desk.proposals.gone(visit.desk.client.acts(), found)
    return visit.show(
        "proposals.html.j2",
        status=422 if broken else 200,
        rows=[(proposal, ActWords(proposal.act.body, visit.say)) for proposal in found],
        gone=[(one, ActWords(one.seen.act.body, visit.say), _why_gone(visit, one)) for one in gone],
        own=visit.desk.config.institution,
        broken=broken,
    )


def _why_gone(visit: Visit, one: GoneProposal) -> str:
    if one.first is None:
        return visit.say("Too few had signed in time.")
    title = ActWords(one.first.act.body, visit.say).title
    return visit.say("Act {number} was logged first: {title}.", number=one.first.act.number, title=title)


def _again(visit: Visit) -> Response:
    """Take what was proposed to the directory of now, and send the browser on to read and sign it."""
    key = str(visit.path["key"])
    seen = visit.desk.proposals.find(key)
    if seen is None:
        return visit.go("/proposals")
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSALS, about=[key]):
        directory = directory_of_now(visit)
        acts = visit.desk.client.acts()
    before = next((one.index for one in acts if one.act.number == seen.act.number - 1), directory.newest_act)
    try:
        body = renewed(seen.act.body, directory.rulebook_at(before), directory)
        if isinstance(body, RulebookBody) and body.rulebook == directory.rulebook:
            return _proposals(visit, [visit.say("Nothing changes: it is the rulebook in force.")])
        next_act(directory, body, clock_ms())
    except (FormatError, RuleError) as error:
        return _proposals(visit, mistakes_of(error, {}, visit.say)[1])
    prepared = PreparedAct(kind_of(body), body, directory, renews=key)
    return visit.go(f"/propose/prepared/{visit.keep(prepared)}")


def _leave(visit: Visit) -> Response:
    """Forget a proposal that can no longer become an act."""
    key = str(visit.path["key"])
    with visit.desk.journal.act(visit.user.name, DeskAct.LEAVE_PROPOSAL, about=[key]):
        visit.desk.proposals.forget(key)
    return visit.go("/proposals")


def _waiting(visit: Visit) -> tuple[ProposalView, ...]:
    """Return what waits, and keep it: another act may be logged before it."""
    found = visit.desk.client.proposals()
    visit.desk.proposals.note(found)
    return found


def _proposal(visit: Visit) -> Response:
    return _shown(visit, {})


def _shown(visit: Visit, wrong: dict[str, str]) -> Response:
    """Show everything that is signed, and for a rulebook what it would change."""
    client, key = visit.desk.client, str(visit.path["key"])
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_PROPOSALS, about=[key]):
        waiting = _waiting(visit)
        proposal = _find(visit, waiting)
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
        limit_name=limit_name,
        records=records,
        due=_due(proposal, directory),
        missing=max(0, proposal.threshold - len(proposal.approved_by)),
        overtakes=len(waiting) - 1 if proposal.threshold - len(proposal.approved_by) == 1 else 0,
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
        proposal = _find(visit, _waiting(visit))
        if proposal is None:
            return _gone(visit)
        approved = visit.desk.client.approve(proposal)
    if approved.logged:
        text = visit.say("Act {number} is logged at leaf {index}.", number=proposal.act.number, index=approved.index)
        gone = visit.desk.proposals.gone(visit.desk.client.acts(), visit.desk.client.proposals())
        return visit.go("/proposals" if gone else "/acts", text)
    left = approved.proposal.threshold - len(approved.proposal.approved_by)
    return visit.go(f"/proposals/{key}", visit.say("Signed. More must sign: {count}.", count=left))


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


def _find(visit: Visit, waiting: Sequence[ProposalView]) -> ProposalView | None:
    key = str(visit.path["key"])
    return next((one for one in waiting if one.proposal_id.hex() == key), None)


def _gone(visit: Visit) -> Response:
    gone = visit.desk.proposals.gone(visit.desk.client.acts(), ())
    if any(one.seen.key == str(visit.path["key"]) for one in gone):
        return visit.go("/proposals", visit.say("This proposal is no longer valid: see below why."))
    text = visit.say("It was logged, it has lapsed after 7 days, or another act was logged first: see the acts.")
    return visit.show("message.html.j2", status=404, title=visit.say("This proposal does not wait any more"), text=text)


PAGES = (
    DeskPage("GET", "/proposals", Right.READ, _proposals),
    DeskPage("GET", "/proposals/{key:digest}", Right.READ, _proposal),
    DeskPage("POST", "/proposals/{key:digest}/approve", Right.APPROVE, _approve),
    DeskPage("POST", "/proposals/{key:digest}/again", Right.APPROVE, _again),
    DeskPage("POST", "/proposals/{key:digest}/leave", Right.APPROVE, _leave),
)
