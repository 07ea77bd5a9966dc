"""Jobs of a token: how they stand, what they have found, and their end."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from client_sdk.desk.api.call import ApiCall, CheckCall, JobCall, ReportCall, json_response
from client_sdk.desk.api.checks import FoundPersons, checked_content
from client_sdk.desk.api.documents import CheckedPerson, content_of, page_of
from client_sdk.desk.api.job_document import JobDocument, job_content
from client_sdk.desk.api.problems import ApiProblemError, say_for
from client_sdk.desk.api.requests import MOST_NUMBER
from client_sdk.desk.jobs import DeskJob
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.texts import N_
from client_sdk.models import BatchReport, PreflightReport, RowWarning, Violation

if TYPE_CHECKING:
    from client_sdk.forms import Json

__all__ = ["router"]

router = APIRouter(tags=["jobs"])
T = TypeVar("T")
_MOST = 200
_MOST_ROWS = 5_000

JobKey = Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9_-]+$")]
After = Annotated[int, Query(ge=0, le=MOST_NUMBER, description="How many to leave out: `next` of the page before.")]


class JobList(BaseModel):
    """The jobs of this token, the newest first."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[JobDocument]


class PersonOfMany(CheckedPerson):  # type: ignore[valid-type,misc]  # a model that is made of the SDK's
    """The answer about one of many persons."""

    place: Annotated[int, Field(description="Among the persons of the request, from 1.")]
    reference: str


class AnswerPage(BaseModel):
    """Answers of a job in the order in which they came; further ones may follow while it runs."""

    model_config = ConfigDict(extra="forbid")

    answers: list[PersonOfMany]
    next: Annotated[int | None, Field(description="`after` of the next page; null where there is none now.")]


RejectedPage = page_of(
    "RejectedPage",
    "Rows of a file that broke a rule or look wrong: first what was rejected, then what is a warning.",
    rejected=Violation,
    warnings=RowWarning,
)


@router.get("/jobs", name="list_jobs", responses={200: {"model": JobList}})
def list_jobs(request: Request, call: JobCall) -> Response:
    """List the jobs of this token."""
    say = say_for(request.headers)
    return json_response({"jobs": [job_content(job, say) for job in call.desk.jobs.of(call.token.owner)]})


@router.get("/jobs/{job}", name="read_job", responses={200: {"model": JobDocument}})
def read_job(job: JobKey, request: Request, call: JobCall) -> Response:
    """Tell how a job stands."""
    return json_response(job_content(_found(call, job), say_for(request.headers)))


@router.delete("/jobs/{job}", name="stop_job", responses={200: {"model": JobDocument}})
def stop_job(job: JobKey, request: Request, call: JobCall) -> Response:
    """Stop a job before its next step; one that has ended is forgotten, with what it has found."""
    found = _found(call, job)
    with call.act(DeskAct.STOP_JOB, about=[job]):
        if found.is_live:
            found.stop()
        else:
            call.desk.jobs.forget(found)
    return json_response(job_content(found, say_for(request.headers)))


@router.get("/jobs/{job}/answers", name="read_answers", responses={200: {"model": AnswerPage}})
def read_answers(
    job: JobKey,
    call: CheckCall,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    evidence: Annotated[bool, Query(description="Whether each answer brings its evidence.")] = False,  # noqa: FBT002 - a part of the address
) -> Response:
    """Return answers of a job, also while it runs."""
    found = _result(_found(call, job), FoundPersons)
    persons = found.persons[after : after + limit]
    about = [job, *dict.fromkeys(one.answer.inquiry_id.hex() for one in persons if one.answer.inquiry_id)]
    with call.act(DeskAct.READ_ANSWER, about=about):
        answers: list[Json] = [
            {
                "place": one.place,
                "reference": one.reference,
                **checked_content(one.answer, one.assessment, with_evidence=evidence),
            }
            for one in persons
        ]
    return json_response({"answers": answers, "next": _next(after, len(persons), len(found.persons))})


@router.get("/jobs/{job}/rejected", name="read_rejected", responses={200: {"model": RejectedPage}})
def read_rejected(
    job: JobKey, call: ReportCall, after: After = 0, limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 1_000
) -> Response:
    """Return what the rules say of the rows of a file, once its job is done: first what was rejected, then warnings."""
    found = _found(call, job)
    report = found.result(BatchReport) or _result(found, PreflightReport)
    rejected = report.rejected if isinstance(report, BatchReport) else report.violations
    every = (*rejected, *report.warnings)
    page = list(islice(every, after, after + limit))
    return json_response(
        {
            "rejected": [content_of(item) for item in page if isinstance(item, Violation)],
            "warnings": [content_of(item) for item in page if isinstance(item, RowWarning)],
            "next": _next(after, len(page), len(every)),
        }
    )


def _found(call: ApiCall, key: str) -> DeskJob:
    job = call.desk.jobs.find(call.token.owner, key)
    if job is None:
        raise ApiProblemError(
            404,
            "JOB_UNKNOWN",
            N_("There is no such job of this token"),
            N_("A job is forgotten half an hour after its end, and when the desk ends: begin another one."),
            field="job",
            rule="job.known",
            want="a job of this token",
        )
    return job


def _result(job: DeskJob, kind: type[T]) -> T:
    result = job.result(kind)
    if result is None:
        raise ApiProblemError(
            409,
            "JOB_NOT_DONE",
            N_("This job has no such result"),
            N_("Look at its kind and its state: wait while it is WAITING or RUNNING."),
            field="job",
            rule="job.result",
            got=f"{job.kind} {job.state}",
            retryable=job.is_live,
        )
    return result


def _next(after: int, count: int, total: int) -> int | None:
    return after + count if after + count < total else None
