"""Persons: the own report, statements and alerts, at the desk of a member that speaks for them."""

import base64
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from client_sdk.desk.api.call import PersonCall, json_response
from client_sdk.desk.api.documents import content_of, document_of
from client_sdk.desk.api.requests import (
    AlertsBegun,
    AlertsEnded,
    ReportPaper,
    StatementGiven,
    StatementRemoved,
    SubjectReportRequest,
)
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.person_acts import begin_alerts, end_alerts, make_report, recipients_of, statement_of
from client_sdk.desk.texts import Language
from client_sdk.models import AlertsAsked, AnnotationReceipt, Purpose, SubjectReport
from client_sdk.subject_report.content import document_of as paper_of
from client_sdk.subject_report.writing import Format, as_file

if TYPE_CHECKING:
    from client_sdk.forms import Json

__all__ = ["router"]

router = APIRouter(tags=["persons"])
_RECEIPT = document_of(AnnotationReceipt)
_REPORT = document_of(SubjectReport)


class MadeReport(BaseModel):
    """A person's own report, and what the person takes home."""

    model_config = ConfigDict(extra="forbid")

    report: _REPORT  # type: ignore[valid-type]  # a model that is made of a dataclass
    evidence: Annotated[str, Field(description="What proves the report, base64, as `verify` reads it.")]
    papers: Annotated[dict[ReportPaper, str], Field(description="The papers that were asked for, base64.")]


class AlertsOver(BaseModel):
    """Alerts that have ended."""

    model_config = ConfigDict(extra="forbid")

    ended: Annotated[bool, Field(description="Whether there were any; false where they had ended before.")]


@router.post("/persons/reports", name="make_report", responses={200: {"model": MadeReport}})
def report(asked: SubjectReportRequest, call: PersonCall) -> Response:
    """Make the own report of a person, under the person's signed request: all that is held, and who asked."""
    identity, request = asked.person.identity(call.desk.today), asked.request.consent()
    with call.act(DeskAct.ASK, about=call.on_behalf_of(asked.officer), reason=Purpose.SUBJECT_ACCESS.name) as entry:
        made = make_report(call.desk, entry, identity, request, asked.officer or call.token.name)
    evidence = f"report-{made.answer.inquiry_id.hex()[:8]}.evidence"
    papers: dict[str, Json] = {}
    for paper in asked.papers:
        language, _, form = paper.partition(".")
        content = as_file(paper_of(made, Language(language), evidence), Format(form))
        papers[paper] = base64.b64encode(content).decode()
    told: dict[str, Json] = {
        "report": content_of(made),
        "evidence": base64.b64encode(made.answer.evidence).decode(),
        "papers": papers,
    }
    return json_response(told)


@router.post("/persons/statements", name="add_statement", status_code=201, responses={201: {"model": _RECEIPT}})
def add_statement(given: StatementGiven, call: PersonCall) -> Response:
    """Set the person's own statement beside a record; a new one replaces it."""
    identity = given.person.identity(call.desk.today)
    text = statement_of(given.text)
    with call.act(DeskAct.ADD_STATEMENT, about=[f"{given.issuer}/{given.record}"]):
        receipt = call.client.add_statement(given.issuer, UUID(given.record).bytes, identity, text)
    return json_response(content_of(receipt), 201)


@router.post(
    "/persons/statements/removals", name="remove_statement", status_code=201, responses={201: {"model": _RECEIPT}}
)
def remove_statement(removed: StatementRemoved, call: PersonCall) -> Response:
    """Remove the person's own statement from a record."""
    with call.act(DeskAct.REMOVE_STATEMENT, about=[f"{removed.issuer}/{removed.record}"]):
        receipt = call.client.remove_statement(removed.issuer, UUID(removed.record).bytes)
    return json_response(content_of(receipt), 201)


@router.post(
    "/persons/alerts", name="begin_alerts", status_code=201, responses={201: {"model": document_of(AlertsAsked)}}
)
def alert(begun: AlertsBegun, call: PersonCall) -> Response:
    """Alert a person of inquiries by others and of new records; the addresses stay at this member."""
    identity, request = begun.person.identity(call.desk.today), begun.request.consent()
    recipients = recipients_of(call.desk.config.home, begun.mail, begun.webhook, begun.until, begun.label)
    about = call.on_behalf_of(begun.officer)
    with call.act(DeskAct.ALERTS_ON, about=about, reason=Purpose.SUBJECT_ACCESS.name) as entry:
        asked = begin_alerts(call.desk, entry, identity, request, begun.officer or call.token.name, recipients)
    return json_response(content_of(asked), 201)


@router.post("/persons/alerts/ends", name="end_alerts", responses={200: {"model": AlertsOver}})
def end(ended: AlertsEnded, call: PersonCall) -> Response:
    """End alerts, and delete the addresses and every message about the person."""
    with call.act(DeskAct.ALERTS_OFF, about=[ended.alerts]):
        return json_response({"ended": end_alerts(call.desk, bytes.fromhex(ended.alerts))})
