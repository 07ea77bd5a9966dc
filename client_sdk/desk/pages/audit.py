"""Audits, for auditors: run one or follow the log, findings by severity, and the report as a page and on paper."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from client_sdk.auditing.auditor import Auditor
from client_sdk.auditing.home import AuditHome
from client_sdk.desk.audit_words import AuditWords, finding_groups, finding_pairs
from client_sdk.desk.form_values import FieldError, text_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.errors import AuditRunningError, ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client_sdk.auditing.home import AuditFinding, Position

__all__ = ["PAGES"]

# A stream of progress ends before a connection must, and the browser begins another one.
_STREAM_SECONDS = 150.0
_TICK_SECONDS = 0.5
# Pages that look at one audit at a time.
_MOST_STREAMS = 20
_MOST_REASON = 500


def _audit(visit: Visit) -> Response:
    return _shown(visit, {})


def _shown(visit: Visit, wrong: dict[str, str]) -> Response:
    """Show how far the audit is, what was found, and what the newest report says."""
    runs, say = visit.desk.audits, visit.say
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_AUDIT):
        position, found = _state(visit)
    report = runs.report
    return visit.show(
        "audit.html.j2",
        status=422 if wrong else 200,
        state=runs.state,
        position=position,
        groups=finding_groups(found, say),
        pairs=lambda item: finding_pairs(item, say),
        words=None if report is None else AuditWords(report, visit.language, say),
        # The command may have audited meanwhile.
        older=report is not None and position.audits > 0 and position.size > report.size,
        wrong=wrong,
        given={"reference": visit.form.text("reference"), "reason": visit.form.text("reason")},
        most=_MOST_REASON,
    )


def _state(visit: Visit) -> tuple[Position, tuple[AuditFinding, ...]]:
    """Return how far audits of this home came, by desk or command, and what they found."""
    return AuditHome(Auditor(visit.desk.config).state).load()


def _start(visit: Visit) -> Response:
    """Start an audit; where one runs in this desk, go and look at it."""
    started = visit.desk.audits.start(visit.user.name, follow=visit.form.text("follow") == "yes")
    return visit.go("/audit", "" if started else visit.say("An audit of this desk is under way already."))


def _stop(visit: Visit) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.STOP_AUDIT):
        visit.desk.audits.stop()
    return visit.go("/audit")


def _progress(visit: Visit) -> Response:
    """Send how far the audit is, as server-sent events, until it has ended."""
    runs = visit.desk.audits
    if runs.streams >= _MOST_STREAMS:
        return Response(status_code=503)
    return StreamingResponse(_events(visit), media_type="text/event-stream")


async def _events(visit: Visit) -> AsyncIterator[bytes]:
    desk, runs = visit.desk, visit.desk.audits
    loop = asyncio.get_running_loop()
    ends, said = loop.time() + _STREAM_SECONDS, ""
    runs.streams += 1
    try:
        while not runs.closing.is_set() and loop.time() < ends and desk.sessions.lives(visit.key):
            state = runs.state
            said, before = visit.part("audit_progress.html.j2", state=state), said
            if said != before:
                yield _event(said)
            if not state.runs and not state.follows:
                yield b"event: done\ndata: \n\n"
                return
            await asyncio.sleep(_TICK_SECONDS)
    finally:
        runs.streams -= 1


def _event(text: str) -> bytes:
    return "".join(f"data: {line}\n" for line in text.splitlines()).encode() + b"\n"


def _accept(visit: Visit) -> Response:
    """Record that the visitor has looked into a finding, and why it does not tell against the log any more."""
    try:
        why = N_("Say in at most 500 characters why: every report shows it from then on.")
        reason, reference = text_of_form(visit.form, "reason", _MOST_REASON, why), _reference(visit)
        with visit.desk.journal.act(visit.user.name, DeskAct.ACCEPT_FINDING, about=[reference]):
            Auditor(visit.desk.config).accept([reference], reason)
    except FieldError as error:
        return _shown(visit, error.said(visit.say))
    except AuditRunningError:
        raise
    except ConfigError:
        return _shown(visit, {"reference": visit.say("This finding is never accepted: see what it means.")})
    return visit.go("/audit", visit.say("Finding {reference} is accepted.", reference=reference))


def _reference(visit: Visit) -> str:
    reference = visit.form.text("reference")
    if all(item.reference != reference for item in _state(visit)[1]):
        raise FieldError("reference", N_("There is no finding of this reference: copy it from the list."))
    return reference


def _report_page(visit: Visit) -> Response:
    from client_sdk.subject_report.page import as_page  # noqa: PLC0415 - loaded when needed

    words = _words(visit)
    if words is None:
        return no_report(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_AUDIT, reason="HTML"):
        return file_to_save(as_page(words.document()), "text/html; charset=utf-8", f"{_name(visit)}.html")


def _report_printed(visit: Visit) -> Response:
    from client_sdk.subject_report.printed import as_pdf  # noqa: PLC0415 - takes long to load

    words = _words(visit)
    if words is None:
        return no_report(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_AUDIT, reason="PDF"):
        return file_to_save(as_pdf(words.document()), "application/pdf", f"{_name(visit)}.pdf")


def _words(visit: Visit) -> AuditWords | None:
    report = visit.desk.audits.report
    return None if report is None else AuditWords(report, visit.language, visit.say)


def no_report(visit: Visit) -> Response:
    """Say that this desk has no report yet."""
    text = visit.say("This desk has made no audit since it was started: run one, then look here again.")
    return visit.show("message.html.j2", status=404, title=visit.say("There is no report yet"), text=text)


def _name(visit: Visit) -> str:
    report = visit.desk.audits.report
    return f"audit-{0 if report is None else report.size}.{visit.language}"


PAGES = (
    DeskPage("GET", "/audit", Right.READ, _audit),
    DeskPage("GET", "/audit/progress", Right.READ, _progress, is_part=True),
    DeskPage("GET", "/audit/report.html", Right.READ, _report_page, is_part=True),
    DeskPage("GET", "/audit/report.pdf", Right.READ, _report_printed, is_part=True),
    DeskPage("POST", "/audit/start", Right.ACT, _start),
    DeskPage("POST", "/audit/stop", Right.ACT, _stop),
    DeskPage("POST", "/audit/accept", Right.APPROVE, _accept),
)
