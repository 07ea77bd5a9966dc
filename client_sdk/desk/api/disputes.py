"""Disputes: what stands, and opening, answering and taking back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from client_sdk.desk.api.call import DisputeCall, json_response
from client_sdk.desk.api.documents import content_of, document_of, page_of
from client_sdk.desk.api.requests import DisputeAnswer, DisputeOpening, DisputeWithdrawal, Institution
from client_sdk.desk.journal import DeskAct
from client_sdk.models import AnnotationReceipt, DisputeView

__all__ = ["router"]

router = APIRouter(tags=["disputes"])
_RECEIPT = document_of(AnnotationReceipt)


DisputePage = page_of("DisputePage", "All disputes that were asked for; no page follows.", disputes=DisputeView)


@router.get("/disputes", name="list_disputes", responses={200: {"model": DisputePage}})
def list_disputes(
    call: DisputeCall,
    opened: Annotated[bool, Query(description="Those that this member opened; else those of own records.")] = False,  # noqa: FBT002 - parts of the address
    ended: Annotated[bool, Query(description="Also those that have ended.")] = False,  # noqa: FBT002 - as above
    issuer: Annotated[Institution, Query(description="Whom this member succeeds.")] = "",
) -> Response:
    """List disputes, with the days until which answers are due."""
    with call.act(DeskAct.LIST_DISPUTES):
        found = call.client.disputes(issuer=issuer, opened=opened, ended=ended)
    return json_response({"disputes": [content_of(dispute) for dispute in found], "next": None})


@router.post("/disputes", name="open_dispute", status_code=201, responses={201: {"model": _RECEIPT}})
def open_dispute(opening: DisputeOpening, call: DisputeCall) -> Response:
    """Dispute a record for its subject, whose request is among the documents; all answers from now on show it."""
    evidence = [bytes.fromhex(digest) for digest in opening.evidence]
    with call.act(DeskAct.OPEN_DISPUTE, about=[f"{opening.issuer}/{opening.record}"]):
        receipt = call.client.open_dispute(
            opening.issuer, UUID(opening.record).bytes, code=opening.code, evidence=evidence
        )
    return json_response(content_of(receipt), 201)


@router.post("/disputes/answers", name="answer_dispute", status_code=201, responses={201: {"model": _RECEIPT}})
def answer_dispute(answer: DisputeAnswer, call: DisputeCall) -> Response:
    """Answer a dispute of an own record; CORRECTED after a further version of it, which corrects it."""
    evidence = [bytes.fromhex(digest) for digest in answer.evidence]
    with call.act(DeskAct.ANSWER_DISPUTE, about=[answer.record], reason=answer.outcome):
        receipt = call.client.answer_dispute(
            UUID(answer.record).bytes, answer.outcome, evidence=evidence, issuer=answer.issuer
        )
    return json_response(content_of(receipt), 201)


@router.post("/disputes/withdrawals", name="withdraw_dispute", status_code=201, responses={201: {"model": _RECEIPT}})
def withdraw_dispute(withdrawal: DisputeWithdrawal, call: DisputeCall) -> Response:
    """Take back a dispute that this member opened."""
    with call.act(DeskAct.WITHDRAW_DISPUTE, about=[f"{withdrawal.issuer}/{withdrawal.record}"]):
        receipt = call.client.withdraw_dispute(withdrawal.issuer, UUID(withdrawal.record).bytes)
    return json_response(content_of(receipt), 201)
