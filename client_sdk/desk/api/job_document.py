"""A job as the API tells of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from client_sdk.desk.api.problems import ProblemDocument, body_field, problem_of
from client_sdk.desk.jobs import DeskJob, JobKind, JobState
from client_sdk.desk.texts import Language, Say, say_in
from client_sdk.forms import Json
from client_sdk.lending.places import column_of
from client_sdk.models import BatchReport, PreflightReport

__all__ = ["JobDocument", "job_content"]


class FileSummary(BaseModel):
    """What came of a file of reports: every row is in exactly one count."""

    model_config = ConfigDict(extra="forbid")

    rows: int
    passed: Annotated[int, Field(description="Of a dry run: rows that would be sent.")]
    accepted: int
    repeated: int
    ended: int
    erased: int
    rejected_rows: int
    warnings: Annotated[int, Field(description="How many; `/jobs/{job}/rejected` has them.")]


class JobDocument(BaseModel):
    """A job: how it stands, and how far it is."""

    model_config = ConfigDict(extra="forbid")

    job: str
    kind: Annotated[str, Field(description="CHECKS or REPORT_FILE.")]
    state: JobState
    phase: Annotated[str, Field(description="What it is doing, a stable word; empty before it begins.")]
    done: int
    total: Annotated[int, Field(description="0 as long as it is not known.")]
    file: Annotated[FileSummary | None, Field(description="Of a file, once it is done.")]
    problem: Annotated[ProblemDocument | None, Field(description="Why it has failed.")]


def job_content(job: DeskJob, say: Say | None = None) -> dict[str, Json]:
    """Return a job as the API answers with it, its problem in English where no language is given."""
    named = body_field if job.kind is JobKind.CHECKS else column_of
    problem = None if job.error is None else problem_of(job.error, say or say_in(Language.ENGLISH), named).model_dump()
    return {
        "job": job.key,
        "kind": job.kind,
        "state": job.state.value,
        "phase": job.phase,
        "done": job.done,
        "total": job.total,
        "file": _summary(job.result(BatchReport) or job.result(PreflightReport)),
        "problem": problem,
    }


def _summary(report: BatchReport | PreflightReport | None) -> dict[str, Json] | None:
    if report is None:
        return None
    counts = {name: int(getattr(report, name, 0)) for name in FileSummary.model_fields if name != "warnings"}
    return {**counts, "warnings": len(report.warnings)}
