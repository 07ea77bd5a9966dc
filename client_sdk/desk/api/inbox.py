"""The inbox, and what is counted of all lenders."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from client_sdk.desk.api.call import InboxCall, StatisticsCall, json_response
from client_sdk.desk.api.documents import content_of, document_of, page_of
from client_sdk.desk.api.requests import MOST_NUMBER, Month
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.lookups import notice_of
from client_sdk.models import AcknowledgementReceipt, Notice, Statistics

__all__ = ["router"]

router = APIRouter()
_MOST = 500


NoticePage = page_of("NoticePage", "Notices in order.", notices=Notice)


@router.get("/inbox", name="list_notices", tags=["inbox"], responses={200: {"model": NoticePage}})
def list_notices(
    call: InboxCall,
    after: Annotated[int, Query(ge=0, le=MOST_NUMBER, description="Number of the last notice of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    everything: Annotated[bool, Query(description="Also those that were acknowledged.")] = False,  # noqa: FBT002 - a part of the address
) -> Response:
    """List notices: changes of records that this member was shown, disputes of its own, answers to those it opened."""
    with call.act(DeskAct.READ_INBOX):
        found = list(islice(call.client.inbox(everything=everything, after=after), limit + 1))
    page = found[:limit]
    following = page[-1].number if len(found) > limit else None
    return json_response({"notices": [content_of(notice) for notice in page], "next": following})


@router.post(
    "/inbox/{number}/acknowledgement",
    name="acknowledge",
    tags=["inbox"],
    status_code=201,
    responses={201: {"model": document_of(AcknowledgementReceipt)}},
)
def acknowledge(number: Annotated[int, Path(ge=0, le=MOST_NUMBER)], call: InboxCall) -> Response:
    """Sign that a notice was taken note of; once more gives the receipt of the first time."""
    with call.act(DeskAct.ACKNOWLEDGE, about=[str(number)]):
        receipt = call.client.acknowledge(notice_of(call.client, number))
    return json_response(content_of(receipt), 201)


@router.get(
    "/statistics", name="read_statistics", tags=["statistics"], responses={200: {"model": document_of(Statistics)}}
)
def read_statistics(
    call: StatisticsCall,
    first_month: Annotated[Month, Query()] = "",
    last_month: Annotated[Month, Query()] = "",
) -> Response:
    """Return counts of what all lenders reported, by month; they are about nobody."""
    with call.act(DeskAct.READ_STATISTICS):
        return json_response(content_of(call.client.statistics(first_month=first_month, last_month=last_month)))
