"""Own records and receipts."""

from itertools import islice
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from client_sdk.desk.api.call import ApiCall, CheckCall, RecordCall, json_response
from client_sdk.desk.api.documents import content_of, document_of, page_of
from client_sdk.desk.api.requests import MOST_NUMBER, Institution, OpeningRequest, RecordSearch
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import record_of
from client_sdk.models import Identity, InquiryReceipt, Receipt, RecordView

__all__ = ["router"]

router = APIRouter(tags=["records"])
_MOST = 10_000
Issuer = Annotated[Institution, Query(description="Whom this member succeeds; left out for own records.")]


RecordPage = page_of("RecordPage", "Own records in order of their first leaf, their facts sealed.", records=RecordView)


@router.get("/records", name="list_records", responses={200: {"model": RecordPage}})
def list_records(
    call: RecordCall,
    after: Annotated[
        int, Query(ge=0, le=MOST_NUMBER, description="How many to leave out: `next` of the page before.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 1_000,
    issuer: Issuer = "",
) -> Response:
    """List own records as the registry holds them; each call reads them all, so take large pages."""
    with call.act(DeskAct.LIST_RECORDS):
        found = list(islice(call.client.records(issuer=issuer), after, after + limit + 1))
    content = [content_of(record) for record in found[:limit]]
    return json_response({"records": content, "next": after + limit if len(found) > limit else None})


@router.post("/records/search", name="search_record", responses={200: {"model": document_of(RecordView)}})
def search_record(wanted: RecordSearch, call: RecordCall) -> Response:
    """Find the record of the lender's own name of it, which is in no address."""
    record_id = UUID(bytes=call.client.record_id(wanted.name()))
    return _one(call, DeskAct.READ_RECORD, record_id)


@router.get("/records/{record}", name="read_record", responses={200: {"model": document_of(RecordView)}})
def read_record(record: UUID, call: RecordCall, issuer: Issuer = "") -> Response:
    """Return one record, its facts sealed."""
    return _one(call, DeskAct.READ_RECORD, record, issuer=issuer)


@router.post("/records/{record}/open", name="open_record", responses={200: {"model": document_of(RecordView)}})
def open_record(record: UUID, opening: OpeningRequest, call: RecordCall, issuer: Issuer = "") -> Response:
    """Return one record with its facts, which the person's number opens."""
    return _one(call, DeskAct.OPEN_RECORD, record, issuer=issuer, identity=opening.person.identity(call.desk.today))


@router.get(
    "/records/{record}/receipts/{version}", name="read_receipt", responses={200: {"model": document_of(Receipt)}}
)
def read_receipt(
    record: UUID, version: Annotated[int, Path(ge=1, le=2**31)], call: RecordCall, issuer: Issuer = ""
) -> Response:
    """Return the receipt of a version of an own record."""
    with call.act(DeskAct.READ_RECEIPT, about=[str(record)]):
        return json_response(content_of(call.client.receipt(record.bytes, version, issuer=issuer)))


@router.get(
    "/inquiries/{inquiry}/receipt",
    name="read_inquiry_receipt",
    tags=["checks"],
    responses={200: {"model": document_of(InquiryReceipt)}},
)
def read_inquiry_receipt(inquiry: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], call: CheckCall) -> Response:
    """Return the place of an own inquiry in the log; it is known with the next HEAD, within a minute."""
    with call.act(DeskAct.READ_RECEIPT, about=[inquiry]):
        return json_response(content_of(call.client.inquiry_receipt(bytes.fromhex(inquiry))))


def _one(call: ApiCall, act: DeskAct, record: UUID, *, issuer: str = "", identity: Identity | None = None) -> Response:
    with call.act(act, about=[str(record)]):
        found = record_of(call.client, record, issuer=issuer, identity=identity)
    return json_response(content_of(found))
