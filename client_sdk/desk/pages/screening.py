"""Screening: which customers of a file are listed, and what has changed of a watch list since the last look."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.desk.answer_words import unreplayed_words
from client_sdk.desk.dropped import DROPPED_BYTES, DroppedFile, bounded
from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError, word_of_form
from client_sdk.desk.jobs import JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.ask import PURPOSES
from client_sdk.desk.pages.jobs import job_lines, job_of, job_page, stopped_page
from client_sdk.desk.pages.portfolio import table_to_save
from client_sdk.desk.pages.unread import encoding_choices, mapping_to_save, read_again, unread_page
from client_sdk.desk.paging import page_of
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import violation_words
from client_sdk.desk.texts import N_
from client_sdk.desk.unread_file import UnreadFile
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.desk.watch_lists import WatchLists, is_list_name
from client_sdk.errors import PreflightError
from client_sdk.lending.rejections import SAID_COLUMN
from client_sdk.lending.screened import (
    CHANGE_COLUMNS,
    RESULT_COLUMNS,
    ScreenedPortfolio,
    change_rows,
    look_at,
    result_rows,
    screened_table,
)
from client_sdk.models import Purpose, ScreenPhase
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from starlette.responses import Response

    from client_sdk.desk.jobs import DeskJob
    from client_sdk.desk.texts import Say
    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models import RejectedRow, ScreenProgress, ScreenReport, Violation, WatchReport

__all__ = ["PAGES"]

_FINDINGS = {
    "LISTED": N_("listed by others"),
    "OWN": N_("own records alone"),
    "CLEAR": N_("no live record"),
    "REJECTED": N_("not screened"),
}
_CHANGES = {
    "LISTED": N_("listed by others now, and not before"),
    "CHANGED": N_("records of others have changed"),
    "GONE": N_("listed by others no more"),
}
_ALL = "ALL"
_FILES = ("found", "changes")
# An outcome has only a person who is asked about, as the command can; here each row has what is wrong with it in words.
_FOUND_COLUMNS = (*(name for name in RESULT_COLUMNS if name != "outcome"), SAID_COLUMN[0])
_ENDINGS = ("csv", "xlsx")
# Changes on the page; the file has all.
_SHOWN = 200


@dataclass(frozen=True, slots=True, repr=False)
class Screened:
    """What a screening has found.

    Attributes:
        purpose: of the inquiry.
        report: proved.
        rows: of RESULT_COLUMNS.
        rejected: why rows were not screened.
        watched: name of the watch list; empty without one.
        since: of the last look of it, in words; empty for the first.
        changes: rows of CHANGE_COLUMNS since then.
    """

    purpose: Purpose
    report: ScreenReport
    rows: Sequence[tuple[object, ...]]
    rejected: Sequence[Violation]
    watched: str = ""
    since: str = ""
    changes: Sequence[tuple[int, str, str]] = ()

    def reasons(self, rows: Iterable[Sequence[object]], say: Say) -> list[list[str]]:
        """Return of each of these rows all that is wrong with it and what to do; nothing of one that was screened."""
        broken = defaultdict(list)
        for item in self.rejected:
            broken[item.row].append(item)
        return [[violation_words(item, say) for item in broken.get(int(str(row[0])), ())] for row in rows]

    def lines(self, say: Say) -> list[tuple[object, ...]]:
        """Return the rows of the file of what was found."""
        return [
            (*first, rule, " ".join(texts))
            for (*first, _, rule), texts in zip(self.rows, self.reasons(self.rows, say), strict=True)
        ]


def _form(visit: Visit) -> Response:
    return _dropping(visit, {})


def _screen(visit: Visit) -> Response:
    """Take a file of customers, and screen them; under the name of a watch list, compare with its last look."""
    try:
        file = DroppedFile.of_form(visit.form)
    except FieldError as error:
        return _dropping(visit, error.said(visit.say))
    return _screen_file(visit, file)


def _again(visit: Visit) -> Response:
    """Take a file that could not be read as its form says that it should be."""
    again = read_again(visit, job_of(visit, (JobKind.SCREEN,)), "/screening", lambda file: _screen_file(visit, file))
    return visit.go(f"/screening/{visit.path['key']}") if again is None else again


def _screen_file(visit: Visit, file: DroppedFile) -> Response:
    form, desk, who = visit.form, visit.desk, visit.user.name
    name = form.text("watch")
    try:
        purpose = word_of_form(form, "purpose", Purpose, PURPOSES)
        if name and not is_list_name(name):
            raise FieldError(  # noqa: TRY301 - shown at its field, like those of the helpers
                "watch", N_("Name it with up to 40 letters, digits, - and _, at most 6 of them digits.")
            )
    except FieldError as error:
        return _dropping(visit, error.said(visit.say))
    state = WatchLists(desk.config.home).file(name, purpose) if name else None

    def read(job: DeskJob) -> ScreenedPortfolio:
        rows: Iterator[CustomerRow | RejectedRow]
        try:
            rows = bounded(file.customers(), lambda n: job.tell("CHECKING", n, 0))
            return ScreenedPortfolio.of(rows)
        except PreflightError as error:
            job.keep(UnreadFile.of(file, error, {"purpose": purpose.value, "watch": name}))
            raise

    def screen(job: DeskJob) -> Screened:
        def tell(step: ScreenProgress) -> None:
            # Once all is found it is too late to stop.
            if step.phase is not ScreenPhase.DONE:
                job.tell(step.phase.value, step.done, step.total)

        with desk.journal.act(who, DeskAct.SCREEN, reason=purpose.name) as entry:
            portfolio = read(job)
            ask = partial(desk.client.screen, purpose=purpose, officer=who, progress=tell)
            if state is None:
                portfolio, report = look_at(portfolio, lambda some: ask(some.customers))
                found = Screened(purpose, report, result_rows(portfolio, report, {}), portfolio.rejected)
            else:
                watch = partial(desk.client.watch, purpose=purpose, officer=who, progress=tell, state=state)
                portfolio, looked = look_at(portfolio, lambda some: watch(some.customers))
                found = _watched(portfolio, looked, purpose, name)
            entry.about.append(found.report.inquiry_id.hex())
        return found

    job = desk.jobs.start(who, JobKind.SCREEN, screen, held=len(file.content))
    return visit.go(f"/screening/{job.key}")


def _watched(portfolio: ScreenedPortfolio, looked: WatchReport, purpose: Purpose, name: str) -> Screened:
    return Screened(
        purpose,
        looked.screening,
        result_rows(portfolio, looked.screening, {}),
        portfolio.rejected,
        name,
        clock_text(looked.since),
        change_rows(portfolio.rows, looked),
    )


def _job(visit: Visit) -> Response:
    job = job_of(visit, (JobKind.SCREEN,))
    if job is not None and job.is_live:
        return job_page(visit, job)
    found = None if job is None else job.result(Screened)
    if job is not None and (unread := job.result(UnreadFile)) is not None:
        return unread_page(visit, unread, "/screening")
    if found is None:
        left = visit.say("A screening that has broken off finds nothing; once signed, its inquiry is in the log.")
        return stopped_page(visit, job, left=left, again="/screening")
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_SCREENING, about=[found.report.inquiry_id.hex()]):
        return _found(visit, found)


def _save(visit: Visit) -> Response:
    job = job_of(visit, (JobKind.SCREEN,))
    found = None if job is None else job.result(Screened)
    name, _, ending = str(visit.path["name"]).partition(".")
    if name == "mapping" and (mapping := mapping_to_save(visit, job)) is not None:
        return mapping
    if found is None or name not in _FILES or ending not in _ENDINGS:
        return stopped_page(visit, None, left="", again="/screening")
    columns, rows = (_FOUND_COLUMNS, found.lines(visit.say)) if name == "found" else (CHANGE_COLUMNS, found.changes)
    with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_SCREENING, about=[found.report.inquiry_id.hex()]):
        table = screened_table(Path(f"{name}.{ending}"), columns, rows)
        return table_to_save(table, f"{name}.{ending}")


def _forget(visit: Visit) -> Response:
    """Forget a watch list: its next look is a first one."""
    name, lists = visit.form.text("watch"), WatchLists(visit.desk.config.home)
    try:
        purpose = word_of_form(visit.form, "purpose", Purpose, PURPOSES)
        if not is_list_name(name):
            raise FieldError("watch", N_("Choose one of the list."))  # noqa: TRY301 - shown at its field, like those of the helpers
    except FieldError as error:
        return _dropping(visit, error.said(visit.say))
    with visit.desk.journal.act(visit.user.name, DeskAct.FORGET_WATCH_LIST):
        lists.forget(name, purpose)
    return visit.go("/screening", visit.say("The watch list is forgotten: its next look is a first one."))


def _dropping(visit: Visit, wrong: Mapping[str, str]) -> Response:
    language = visit.language
    return visit.show(
        "screening.html.j2",
        status=422 if wrong else 200,
        wrong=wrong,
        given={name: visit.form.text(name) for name in ("sheet", "encoding", "purpose", "watch")},
        encodings=encoding_choices(visit),
        purposes=[(word.value, term_of(word).of(language)) for word in PURPOSES],
        lists=[(one, term_of(one.purpose).of(language)) for one in WatchLists(visit.desk.config.home).all()],
        jobs=job_lines(visit, (JobKind.SCREEN,)),
    )


def _found(visit: Visit, found: Screened) -> Response:
    counts = Counter(str(row[2]) for row in found.rows)
    which = visit.request.query_params.get("show", "LISTED")
    which = which if which in {_ALL, *_FINDINGS} else "LISTED"
    paged = page_of(visit, [row for row in found.rows if which in {_ALL, row[2]}])
    replayed = found.report.replayed
    return visit.show(
        "screening_found.html.j2",
        path=f"/screening/{visit.path['key']}",
        found=found,
        purpose=term_of(found.purpose).of(visit.language),
        as_of=clock_text(found.report.as_of),
        inquiry=found.report.inquiry_id.hex(),
        opening=found.report.consents_opening.hex(),
        unreplayed=unreplayed_words(replayed, visit.say) if replayed.late and counts["CLEAR"] else "",
        counts=[(visit.say(text), counts[word]) for word, text in _FINDINGS.items()],
        which=which,
        choices=[(_ALL, visit.say("All rows")), *((word, visit.say(text)) for word, text in _FINDINGS.items())],
        paged=paged,
        rows=[
            (row[0], row[1], visit.say(_FINDINGS[str(row[2])]), texts)
            for row, texts in zip(paged.rows, found.reasons(paged.rows, visit.say), strict=True)
        ],
        changes=[(row, reference, visit.say(_CHANGES[change])) for row, reference, change in found.changes[:_SHOWN]],
        shown=_SHOWN,
    )


PAGES = (
    DeskPage("GET", "/screening", Right.ACT, _form),
    DeskPage("POST", "/screening", Right.ACT, _screen, DROPPED_BYTES),
    DeskPage("POST", "/screening/forget", Right.ACT, _forget),
    DeskPage("GET", "/screening/{key}", Right.ACT, _job),
    DeskPage("POST", "/screening/{key}/again", Right.ACT, _again, DOCUMENTS_BYTES),
    DeskPage("GET", "/screening/{key}/{name}", Right.ACT, _save, is_part=True),
)
