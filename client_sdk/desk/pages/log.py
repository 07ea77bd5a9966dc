"""The log as the newest audit read it: its growth, its checkpoints with those who confirm them, and who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.audit_pictures import Lane, draw_bars, draw_growth, draw_times
from client_sdk.desk.audit_words import AuditWords
from client_sdk.desk.cosigned_times import cosigned_at
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.audit import no_report
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["PAGES"]


def _log(visit: Visit) -> Response:
    report, say = visit.desk.audits.report, visit.say
    if report is None or not report.heads:
        return no_report(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_AUDIT):
        # Follows the log, so that what witnesses have cosigned meanwhile is known.
        status = visit.desk.client.status()
        size, witnesses = cosigned_at(visit.desk.config)
    replayed = status.replayed
    rebuilt = () if replayed is None or replayed.at is None else (replayed.at,)
    lanes = (
        Lane(say("Checkpoints"), tuple(head.logged_at for head in report.heads)),
        *(Lane(name, (at,)) for name, at in witnesses.items()),
        *([Lane(say("Rebuilt by auditors"), rebuilt)] if rebuilt else []),
        Lane(say("This audit"), (report.audited_at,)),
    )
    return visit.show(
        "log.html.j2",
        report=report,
        growth=draw_growth(report.heads),
        times=draw_times(lanes),
        witnesses=witnesses,
        cosigned_size=size,
        demanded=status.witnessed is not None,
        replayed=replayed,
        words=AuditWords(report, visit.language, say),
    )


def _inquiries(visit: Visit) -> Response:
    report = visit.desk.audits.report
    if report is None:
        return no_report(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_AUDIT):
        words = AuditWords(report, visit.language, visit.say)
    return visit.show("inquiries.html.j2", words=words, bars=draw_bars(words.purposes()))


PAGES = (
    DeskPage("GET", "/log", Right.READ, _log),
    DeskPage("GET", "/inquiries", Right.READ, _inquiries),
)
