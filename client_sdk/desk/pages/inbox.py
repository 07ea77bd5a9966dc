"""The inbox: notices about records that were shown to this member, disputes of its own with their due dates.

Each leads to what it says, and to the record or the dispute that it is about where that is an own one.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from client_sdk.desk.breach_words import breach_pairs
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import notice_of
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.desk.withdrawal_words import REASONS
from client_sdk.models import NoticeReason
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import DisputeView, Notice

__all__ = ["PAGES"]

_MOST = 200
MEANINGS = {
    NoticeReason.CORRECTED: N_("A record that you were shown was corrected: ask again before you rely on it."),
    NoticeReason.WITHDRAWN: N_("A record that you were shown was withdrawn: it was a mistake."),
    NoticeReason.SET_ASIDE: N_("A record that you were shown was set aside by a court."),
    NoticeReason.RESTRICTED: N_("A record that you were shown is restricted: do not count it."),
    NoticeReason.DISPUTED: N_("A record of yours is disputed: answer until the day that is named."),
    NoticeReason.ANSWERED: N_("A dispute that you have opened was answered: tell the person."),
    NoticeReason.BREACH: N_("Data was breached: tell the persons whom it concerns."),
}
_DISPUTED_BEFORE = N_("A record of yours was disputed; no answer is due any more.")


def _inbox(visit: Visit) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_INBOX):
        notices = list(islice(visit.desk.client.inbox(), _MOST + 1))
        disputes = {dispute.record_id: dispute for dispute in visit.desk.client.disputes()}
    rows = [_row(visit, notice, disputes) for notice in notices[:_MOST]]
    return visit.show("inbox.html.j2", rows=rows, more=len(notices) > _MOST, most=_MOST)


def _one(visit: Visit) -> Response:
    """Show what one notice says, and what to do about it."""
    number = int(str(visit.path["number"]))
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_NOTICE, about=[str(number)]):
        notice = notice_of(visit.desk.client, number)
        disputes = {dispute.record_id: dispute for dispute in visit.desk.client.disputes()}
    return visit.show(
        "notice.html.j2",
        row=_row(visit, notice, disputes),
        said=_said(visit, notice),
        breach=[] if notice.breach is None else list(breach_pairs(notice.breach, visit.say)),
        waits=notice.waits,
        inquiry=notice.inquiry_id.hex(),
    )


def _acknowledge(visit: Visit) -> Response:
    """Sign that this member has taken note of a notice."""
    number = int(str(visit.path["number"]))
    with visit.desk.journal.act(visit.user.name, DeskAct.ACKNOWLEDGE, about=[str(number)]):
        receipt = visit.desk.client.acknowledge(notice_of(visit.desk.client, number))
    return visit.go(
        "/inbox", visit.say("Notice {number} is acknowledged at leaf {index}.", number=number, index=receipt.index)
    )


def _said(visit: Visit, notice: Notice) -> list[tuple[str, str]]:
    """Return what the new version of the record says, as far as its signed half tells it."""
    version = notice.version
    if version is None:
        return []
    said = [
        (visit.say("Kind"), term_of(version.kind).of(visit.language)),
        (visit.say("Standing"), term_of(version.standing).of(visit.language)),
        (visit.say("Version"), str(version.number)),
    ]
    return said + ([(visit.say("Why"), visit.say(REASONS[version.reason]))] if version.reason in REASONS else [])


def _own_path(visit: Visit, notice: Notice) -> str:
    """Return the page of what a notice is about, where that is this member's own: a record, or a dispute.

    A lender may open a dispute too, by command or API; its desk has pages for those of its own records alone.
    """
    match notice.reason:
        case NoticeReason.ANSWERED:
            return f"/disputes/of/{notice.issuer}/{notice.uuid}" if visit.desk.represents else ""
        case NoticeReason.DISPUTED if notice.issuer == visit.desk.config.institution:
            return f"/disputes/{notice.uuid}"
        case _:
            return f"/records/{notice.uuid}" if notice.issuer == visit.desk.config.institution else ""


def _row(visit: Visit, notice: Notice, disputes: dict[bytes, DisputeView]) -> dict[str, object]:
    dispute = disputes.get(notice.record_id or b"") if notice.reason is NoticeReason.DISPUTED else None
    due = "" if dispute is None or dispute.due_on is None else dispute.due_on.isoformat()
    is_dispute = notice.reason is NoticeReason.DISPUTED
    return {
        "number": notice.number,
        "what": visit.say(MEANINGS[notice.reason] if due or not is_dispute else _DISPUTED_BEFORE),
        "record": "" if notice.uuid is None else f"{notice.issuer}/{notice.uuid}",
        "path": _own_path(visit, notice),
        "is_dispute": is_dispute or notice.reason is NoticeReason.ANSWERED,
        "outcome": "" if notice.outcome is None else term_of(notice.outcome).of(visit.language),
        "logged": clock_text(notice.logged_at),
        "asked": clock_text(notice.asked_at),
        "due": due,
    }


PAGES = (
    DeskPage("GET", "/inbox", Right.READ, _inbox),
    DeskPage("GET", "/inbox/{number:number}", Right.READ, _one),
    DeskPage("POST", "/inbox/{number:number}/acknowledge", Right.ACT, _acknowledge),
)
