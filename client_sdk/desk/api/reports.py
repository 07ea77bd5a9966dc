"""Reports: one record at once, and a file as a job."""

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from client_sdk.desk.api.call import ApiCall, ReportCall, json_response
from client_sdk.desk.api.documents import content_of, document_of
from client_sdk.desk.api.job_document import JobDocument
from client_sdk.desk.api.requests import REPORT_SCHEMA
from client_sdk.desk.dropped import bounded
from client_sdk.desk.jobs import DeskJob, JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.errors import PreflightError
from client_sdk.lending.columns import report_of
from client_sdk.lending.files import Encoding, Portfolio, read_portfolio
from client_sdk.lending.row_maker import RowMaker
from client_sdk.lending.text_rows import json_rows
from client_sdk.models import BatchReport, PreflightReport, Progress, Receipt, RejectedRow, Report, Violation

__all__ = ["MOST_FILE_BYTES", "router"]

router = APIRouter(tags=["reports"])
MOST_FILE_BYTES = 64 * 1024 * 1024
_ROW = {"requestBody": {"required": True, "content": {"application/json": {"schema": REPORT_SCHEMA}}}}
_FILE = {
    "requestBody": {
        "required": True,
        "description": "A portfolio: CSV, JSON Lines, an Excel workbook, Parquet or Arrow; told by its first bytes.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


@router.post(
    "/reports",
    name="report",
    status_code=201,
    openapi_extra=_ROW,
    responses={
        200: {"model": document_of(Receipt), "description": "The registry held this version already."},
        201: {"model": document_of(Receipt)},
    },
)
def report(body: Body, call: ReportCall) -> Response:
    """Report one version of one record, and return its verified receipt; a withdrawal is a version as well.

    The same version once more gives the receipt of the first time, whenever that was.
    """
    read = _read(body, call)
    with call.act(DeskAct.REPORT_RECORD, reason=f"{read.kind.name}.{read.standing.name}") as entry:
        receipt = call.client.report(read)
        entry.about.append(f"{receipt.issuer}/{receipt.uuid}")
    return json_response(content_of(receipt), 200 if receipt.repeated else 201)


@router.post(
    "/reports/preview",
    name="preview_report",
    openapi_extra=_ROW,
    responses={200: {"model": document_of(PreflightReport)}},
)
def preview_report(body: Body, call: ReportCall) -> Response:
    """Hold one report against the rules and what the registry holds of its record; nothing is signed."""
    read = _read(body, call)
    with call.act(DeskAct.PREVIEW_REPORT):
        return json_response(content_of(call.client.preview(read)))


@router.post(
    "/jobs/reports",
    name="start_report_file",
    status_code=202,
    openapi_extra=_FILE,
    responses={202: {"model": JobDocument}},
)
def start_report_file(
    body: Body,
    call: ReportCall,
    dry_run: Annotated[bool, Query(description="Hold it against the rules alone; nothing is sent.")] = False,  # noqa: FBT002 - parts of the address
    one_signature: Annotated[bool, Query(description="One signature for all versions of the file.")] = False,  # noqa: FBT002 - as above
    encoding: Annotated[Encoding | None, Query(description="Of a text; found out where left out.")] = None,
    sheet: Annotated[str | None, Query(max_length=64, description="Of a workbook, by name or place from 1.")] = None,
) -> Response:
    """Begin to report a file; `/jobs/{job}` tells how far it is, and `/jobs/{job}/rejected` what was rejected.

    The same file again changes nothing: what the registry holds is counted as repeated.
    """
    portfolio = read_portfolio(io.BytesIO(body), encoding=encoding, sheet=sheet)
    work = partial(_preflight if dry_run else _send, call, portfolio, one_signature)
    return call.start(JobKind.REPORT_FILE, work, 2 * len(body))


def _send(call: ApiCall, portfolio: Portfolio, one_signature: bool, job: DeskJob) -> BatchReport:  # noqa: FBT001 - of a partial
    with call.act(DeskAct.REPORT_FILE, about=[job.key]):
        return call.client.report_many(_rows(portfolio, job), partial(_tell, job), one_signature=one_signature)


def _preflight(call: ApiCall, portfolio: Portfolio, _: bool, job: DeskJob) -> PreflightReport:  # noqa: FBT001 - as above
    with call.act(DeskAct.PREVIEW_REPORT, about=[job.key]):
        return call.client.preflight(_rows(portfolio, job))


def _rows(portfolio: Portfolio, job: DeskJob) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a file, as many as the desk holds in memory, unless the job is stopped."""
    return bounded(portfolio.steps(), lambda count: job.tell("CHECKING", count, 0))


def _tell(job: DeskJob, progress: Progress) -> None:
    job.tell(progress.phase.value, progress.done, progress.total)


def _read(body: bytes, call: ApiCall) -> Report:
    """Return the report of a body: one row, read as those of a file of JSON Lines are.

    Raises:
        PreflightError: it is none; with each cell that cannot be read, and each rule that the others break.
    """
    try:
        cells = next(json_rows([body.decode()], RowMaker(lambda cells, _: dict(cells))), None)
    except UnicodeDecodeError:
        cells = None
    if cells is None:
        raise PreflightError((_no_object(),))
    if isinstance(cells, RejectedRow):
        raise PreflightError(cells.violations)
    report = report_of(cells, 1)
    if isinstance(report, RejectedRow):
        raise PreflightError(tuple(replace(item, row=1) for item in call.client.preflight_row(cells)))
    return report


def _no_object() -> Violation:
    return Violation(reason="MALFORMED", field="body", rule="json.object", want="one JSON object, in UTF-8")
