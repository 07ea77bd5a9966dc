"""The progress of a job, which its page asks for every second, and its end before its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.failures import error_words
from client_sdk.desk.jobs import JobKind, JobState
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.responses import Response

    from client_sdk.desk.jobs import DeskJob

__all__ = ["PAGES", "job_lines", "job_of", "job_page", "stopped_page"]


class _JobNames(NamedTuple):
    """How jobs of a kind are shown: at which path, and by which names."""

    path: str
    title: str
    unit: str


_SHOWN = {
    JobKind.CHECK_FILE: _JobNames("/portfolio", N_("A portfolio is checked"), N_("rows: {done} of {total}")),
    JobKind.REPORT_FILE: _JobNames("/portfolio", N_("A portfolio is sent"), N_("rows: {done} of {total}")),
    JobKind.SCREEN: _JobNames("/screening", N_("Customers are screened"), N_("{done} of {total}")),
}
_PHASES = {
    "": N_("Waits for its turn"),
    "CHECKING": N_("Reading and holding against the rules"),
    "RESUMING": N_("Sending what was signed before"),
    "SENDING": N_("Signing and sending"),
    "NAMING": N_("Asking the key services"),
    "READING": N_("Reading pages of the map"),
}
_STATES = {
    JobState.WAITING: N_("waits"),
    JobState.RUNNING: N_("under way"),
    JobState.DONE: N_("done"),
    JobState.FAILED: N_("failed"),
    JobState.STOPPED: N_("stopped"),
}


def job_of(visit: Visit, kinds: Collection[JobKind]) -> DeskJob | None:
    """Return the job of the path, where it is the visitor's and of one of these kinds."""
    job = visit.desk.jobs.find(visit.user.name, str(visit.path["key"]))
    return job if job is not None and job.kind in kinds else None


def job_page(visit: Visit, job: DeskJob) -> Response:
    """Show how far a job is; the page loads itself again once it has ended."""
    return visit.show("job.html.j2", job=job, title=visit.say(_SHOWN[job.kind].title), shown=_progress(visit, job))


def stopped_page(visit: Visit, job: DeskJob | None, *, left: str, again: str) -> Response:
    """Show that a job has ended without a result, or is not there any more.

    Args:
        visit: of its owner.
        job: that has ended; None where there is none.
        left: what it has left behind.
        again: path of the form that begins it anew.
    """
    if job is None:
        text = visit.say("Work is kept for half an hour after its end, for who began it, while the desk runs.")
        return visit.show("message.html.j2", status=404, title=visit.say("This work is not here any more"), text=text)
    return visit.show(
        "job_ended.html.j2",
        title=visit.say(_SHOWN[job.kind].title),
        state=visit.say(_STATES[job.state]),
        error=None if job.error is None else error_words(job.error, visit.say),
        done=_done(visit, job),
        left=left,
        again=again,
    )


def job_lines(visit: Visit, kinds: Collection[JobKind]) -> list[tuple[str, str, str]]:
    """Return path, title and state of the visitor's jobs, the newest first."""
    return [
        (f"{_SHOWN[job.kind].path}/{job.key}", visit.say(_SHOWN[job.kind].title), visit.say(_STATES[job.state]))
        for job in visit.desk.jobs.of(visit.user.name)
        if job.kind in kinds
    ]


def _show_progress(visit: Visit) -> Response:
    """Give the part of the page that tells how far the job is; once it has ended, have the page loaded again."""
    job = job_of(visit, _SHOWN)
    if job is None or not job.is_live:
        answer = visit.show("progress.html.j2", job=None, shown={"ended": True})
        answer.headers["HX-Refresh"] = "true"
        return answer
    return visit.show("progress.html.j2", job=job, shown=_progress(visit, job))


def _stop(visit: Visit) -> Response:
    job = job_of(visit, _SHOWN)
    if job is None:
        return visit.go("/today")
    job.stop()
    return visit.go(f"{_SHOWN[job.kind].path}/{job.key}")


def _progress(visit: Visit, job: DeskJob) -> dict[str, object]:
    phase = visit.say("Stops with its next step") if job.is_stopping else visit.say(_PHASES[job.phase])
    return {"ended": False, "phase": phase, "done": _done(visit, job)}


def _done(visit: Visit, job: DeskJob) -> str:
    done, total = f"{job.done:,}", f"{job.total:,}"
    if not job.total:
        return visit.say("rows read: {done}", done=done) if job.done else ""
    return visit.say(_SHOWN[job.kind].unit, done=done, total=total)


PAGES = (
    DeskPage("GET", "/jobs/{key}/progress", Right.ACT, _show_progress, is_part=True),
    DeskPage("POST", "/jobs/{key}/stop", Right.ACT, _stop),
)
