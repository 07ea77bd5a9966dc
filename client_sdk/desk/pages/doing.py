"""Doing a prepared act: at once, or once another person has approved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.approval_requests import TooManyApprovalRequestsError
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.prepared import PreparedWithdrawal, money_of
from client_sdk.desk.prepared_words import shown_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.desk.prepared import Prepared
    from client_sdk.desk.visit import Visit
    from client_sdk.models import Receipt

__all__ = ["do_or_request_approval", "done", "show_plan"]


def show_plan(visit: Visit, prepared: Prepared, action: str, back: str, back_says: str) -> Response:
    """Show what will be said, before it is signed.

    Args:
        visit: of who prepared it.
        prepared: the act.
        action: where the form leads that signs it.
        back: where the page leads back to.
        back_says: the text of that link.
    """
    return visit.show(
        "plan.html.j2",
        shown=shown_of(prepared, visit.language, visit.say),
        waits=_waits(visit, prepared),
        action=action,
        back=back,
        back_says=back_says,
    )


def _waits(visit: Visit, prepared: Prepared) -> bool:
    """Whether an act waits for an approver: by what will be said, or by what the registry holds at this moment.

    What was opened minutes ago does not count: a version above the amount may have been approved since.

    Raises:
        CreditRegistryError: the registry or a key service does not say what is held.
    """
    approval = visit.desk.settings.approval
    if approval.asks(prepared.money):
        return True
    if not approval.above or prepared.identity is None:
        return False
    client = visit.desk.client
    ids = prepared.follows(client)
    held = client.records(ids, identity=prepared.identity) if ids else ()
    return any(approval.asks(money_of(record.facts)) for record in held)


def do_or_request_approval(visit: Visit, prepared: Prepared) -> Response:
    """Do an act, or let it wait for an approver; then send the browser on.

    Raises:
        CreditRegistryError: it was refused; nothing was done.
    """
    if _waits(visit, prepared):
        return _request_approval(visit, prepared)
    desk, about = visit.desk, [] if prepared.record is None else [str(prepared.record)]
    reason = prepared.reason.name if isinstance(prepared, PreparedWithdrawal) else ""
    with desk.journal.act(visit.user.name, prepared.act, about=about, reason=reason) as entry:
        receipt = prepared.send(desk.client)
        entry.about += [] if about else [str(receipt.uuid)]
    return done(visit, prepared, receipt)


def done(visit: Visit, prepared: Prepared, receipt: Receipt) -> Response:
    """Send the browser on to the record of an act that is done."""
    if isinstance(prepared, PreparedWithdrawal):
        told = visit.say("Withdrawn at leaf {index}: it is in no answer any more.", index=receipt.index)
    elif receipt.repeated:
        told = visit.say("The registry had version {version} already, at leaf {index}.", **_places(receipt))
    else:
        told = visit.say("Version {version} is logged at leaf {index}.", **_places(receipt))
    return visit.go(f"/records/{receipt.uuid}", told)


def _request_approval(visit: Visit, prepared: Prepared) -> Response:
    about = [] if prepared.record is None else [str(prepared.record)]
    try:
        with visit.desk.journal.act(
            visit.user.name, DeskAct.REQUEST_APPROVAL, about=about, reason=prepared.act.value
        ) as entry:
            request = visit.desk.approvals.add(visit.user.name, prepared)
            entry.about.insert(0, request.id)
    except TooManyApprovalRequestsError:
        text = visit.say("Too many acts wait for an approver: have some of them approved, or take back your own.")
        return visit.show("message.html.j2", status=409, title=visit.say("Nothing was done"), text=text)
    until = f"{request.until.astimezone():%Y-%m-%d %H:%M}"
    told = visit.say("It waits for another person's approval until {until}.", until=until)
    return visit.go(f"/approvals/{request.id}", told)


def _places(receipt: Receipt) -> dict[str, int]:
    return {"version": receipt.version, "index": receipt.index}
