"""A portfolio: dropped as a file, held against the rules by row, corrected and dropped again, then sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.desk.checked_file import CheckedFile, RowChoice, RowFate, check_file, holds_one
from client_sdk.desk.dropped import DROPPED_BYTES, DroppedFile, bounded
from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.jobs import JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.jobs import job_lines, job_of, job_page, stopped_page
from client_sdk.desk.pages.unread import TABLE_MEDIA, encoding_choices, mapping_to_save, read_again, unread_page
from client_sdk.desk.paging import page_of
from client_sdk.desk.record_columns import name_of_field
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import advice_of_rule, violation_words, warning_words
from client_sdk.desk.texts import N_
from client_sdk.desk.unread_file import UnreadFile
from client_sdk.desk.users import is_same_name
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.errors import PreflightError
from client_sdk.home_standing import pending_reports
from client_sdk.lending.refusal import refused
from client_sdk.lending.rejections import rejected_table
from client_sdk.models import BatchReport, Phase
from client_sdk.subject_report.facts import money_text
from client_sdk.subject_report.terms import FACTS, term_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from starlette.responses import Response

    from client_sdk.desk.checked_file import CheckedRow
    from client_sdk.desk.jobs import DeskJob
    from client_sdk.models import Progress, RejectedRow, Report, Violation

__all__ = ["PAGES", "files_to_approve", "table_to_save"]

_KINDS = (JobKind.CHECK_FILE, JobKind.REPORT_FILE)
_FATES = {
    RowFate.SENT: N_("would be sent"),
    RowFate.REPEATED: N_("says the same as an earlier row"),
    RowFate.REJECTED: N_("rejected"),
}
_ROWS = {
    RowChoice.ALL: N_("All rows"),
    RowChoice.REJECTED: N_("Rejected rows"),
    RowChoice.WARNED: N_("Rows with warnings"),
}
_WORST_RULES = 10


@dataclass(frozen=True, slots=True, repr=False)
class SentFile:
    """A portfolio that was sent.

    Attributes:
        file: as it was dropped.
        done: what became of its rows.
    """

    file: DroppedFile
    done: BatchReport

    @property
    def left(self) -> list[Violation]:
        """What was not accepted, and why, in order of rows."""
        return sorted((*self.done.rejected, *self.done.notes), key=lambda item: item.row)


def _form(visit: Visit) -> Response:
    return _dropping(visit, {})


def _drop(visit: Visit) -> Response:
    """Take a file, and have it held against the rules."""
    try:
        file = DroppedFile.of_form(visit.form)
    except FieldError as error:
        return _dropping(visit, error.said(visit.say))
    return _check(visit, file)


def _again(visit: Visit) -> Response:
    """Take a file that could not be read as its form says that it should be."""
    again = read_again(visit, job_of(visit, (JobKind.CHECK_FILE,)), "/portfolio", lambda file: _check(visit, file))
    return visit.go(f"/portfolio/{visit.path['key']}") if again is None else again


def _check(visit: Visit, file: DroppedFile) -> Response:
    desk, who = visit.desk, visit.user.name

    def check(job: DeskJob) -> CheckedFile:
        try:
            with desk.journal.act(who, DeskAct.CHECK_FILE) as entry:
                approval = desk.settings.approval
                checked = check_file(desk.client, file, approval, lambda rows: job.tell(Phase.CHECKING.value, rows, 0))
                entry.about += [f"rows={checked.found.rows}", f"rejected={checked.found.rejected_rows}"]
        except PreflightError as error:
            job.keep(UnreadFile.of(file, error))
            raise
        return checked

    job = desk.jobs.start(who, JobKind.CHECK_FILE, check, held=len(file.content))
    return visit.go(f"/portfolio/{job.key}")


def _send(visit: Visit) -> Response:
    """Sign and send what breaks no rule; the file then lies with that job, and no longer with its check.

    A file that waits for an approver is sent by one, who is not the person that dropped it.
    """
    others = _of_another(visit)
    checking = others or job_of(visit, (JobKind.CHECK_FILE,))
    checked = None if checking is None else checking.result(CheckedFile)
    if checking is None or checked is None:
        return visit.go(f"/portfolio/{visit.path['key']}")
    if checked.waits and others is None:
        text = visit.say("Another person than the one who dropped this file sends it: an approver.")
        return visit.show("message.html.j2", status=403, title=visit.say("Nothing was done"), text=text)
    desk, who, file = visit.desk, visit.user.name, checked.file
    act, about = (DeskAct.REPORT_FILE, []) if others is None else (DeskAct.APPROVE, [f"author:{others.owner}"])
    one_signature = bool(visit.form.text("one_signature"))

    def send(job: DeskJob) -> SentFile:
        def tell(step: Progress) -> None:
            # Once all is sent it is too late to stop.
            if step.phase is not Phase.DONE:
                job.tell(step.phase.value, step.done, step.total)

        with desk.journal.act(who, act, about=about, reason=DeskAct.REPORT_FILE.value) as entry:
            if others is None and holds_one(desk.client, checked.records):
                # It was not there when the file was checked.
                want = "another person to send it: drop the file again"
                raise refused(0, "file", "file.approval", want, got="a version of a record that is held by now")
            steps = file.portfolio().steps()
            rows: Iterator[Report | RejectedRow] = bounded(steps, lambda n: job.tell(Phase.CHECKING.value, n, 0))
            done = desk.client.report_many(rows, tell, one_signature=one_signature)
            entry.about += [f"rows={done.rows}", f"accepted={done.accepted}", f"rejected={done.rejected_rows}"]
        return SentFile(file, done)

    job = desk.jobs.start(who, JobKind.REPORT_FILE, send, held=len(file.content))
    desk.jobs.forget(checking)
    return visit.go(f"/portfolio/{job.key}")


def files_to_approve(visit: Visit) -> list[DeskJob]:
    """Return the checked files of others that wait for an approver, where the visitor is one."""
    if not visit.may(Right.APPROVE):
        return []
    waiting = [(job, job.result(CheckedFile)) for job in visit.desk.jobs.ended(JobKind.CHECK_FILE)]
    return [job for job, found in waiting if found and found.waits and not is_same_name(job.owner, visit.user.name)]


def _of_another(visit: Visit) -> DeskJob | None:
    """Return the check of the path, where it is another person's and waits for this approver."""
    return next((job for job in files_to_approve(visit) if job.key == visit.path["key"]), None)


def _job(visit: Visit) -> Response:
    """Show how far the job is, and then what it has found."""
    job, others = job_of(visit, _KINDS), _of_another(visit)
    if job is None and others is not None and (found := others.result(CheckedFile)) is not None:
        with visit.desk.journal.act(visit.user.name, DeskAct.READ_APPROVAL, about=[f"author:{others.owner}"]):
            return _checked(visit, found, author=others.owner)
    if job is not None and job.is_live:
        return job_page(visit, job)
    checked = None if job is None else job.result(CheckedFile)
    sent = None if job is None else job.result(SentFile)
    if checked is not None:
        return _checked(visit, checked)
    if sent is not None:
        return _sent(visit, sent)
    if job is not None and (unread := job.result(UnreadFile)) is not None:
        return unread_page(visit, unread, "/portfolio")
    return stopped_page(visit, job, left=_left_behind(visit, job), again="/portfolio")


def _left_behind(visit: Visit, job: DeskJob | None) -> str:
    """Tell what a job that has ended before its time has left."""
    if job is None or job.kind is JobKind.CHECK_FILE:
        return visit.say("Nothing was signed or sent.")
    waiting = pending_reports(visit.desk.config)
    return visit.say(
        "What the registry has accepted stays. Signed reports that wait for its receipt, and go first with the next "
        "report: {waiting}. Drop the same file again: nothing is lost, and nothing is doubled.",
        waiting=waiting,
    )


def _save(visit: Visit) -> Response:
    """Give a file of what was not accepted: the rows in their own columns, or the reasons."""
    job = job_of(visit, _KINDS)
    checked = None if job is None else job.result(CheckedFile)
    sent = None if job is None else job.result(SentFile)
    what, _, ending = str(visit.path["name"]).partition(".")
    if what == "mapping" and (mapping := mapping_to_save(visit, job)) is not None:
        return mapping
    if (checked is None and sent is None) or what not in {"rows", "reasons"} or ending not in TABLE_MEDIA:
        return stopped_page(visit, None, left="", again="/portfolio")
    left: Sequence[Violation] = sent.left if sent is not None else checked.found.violations if checked else ()
    name = f"rejected-{what}.{ending}"
    with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_REJECTED):
        if what == "reasons":
            said = partial(violation_words, say=visit.say)
            return table_to_save(rejected_table(Path(name), left, said), name)
        file = sent.file if sent is not None else checked.file if checked else None
        assert file is not None  # noqa: S101 - one of the two is there
        return table_to_save(file.rows({item.row for item in left}).table(Path(name)), name)


def table_to_save(content: bytes, name: str) -> Response:
    """Return a table that the browser saves, under a name that ends as its form does."""
    return file_to_save(content, TABLE_MEDIA[name.rpartition(".")[2]], name)


def _dropping(visit: Visit, wrong: Mapping[str, str]) -> Response:
    return visit.show(
        "portfolio.html.j2",
        status=422 if wrong else 200,
        wrong=wrong,
        given={name: visit.form.text(name) for name in ("sheet", "encoding")},
        encodings=encoding_choices(visit),
        jobs=job_lines(visit, _KINDS),
    )


def _checked(visit: Visit, checked: CheckedFile, *, author: str = "") -> Response:
    found, language = checked.found, visit.language
    which = _which(visit, RowChoice.REJECTED if found.rejected_rows else RowChoice.ALL)
    paged = page_of(visit, checked.chosen(which))
    quality = found.quality()
    return visit.show(
        "portfolio_checked.html.j2",
        path=f"/portfolio/{visit.path['key']}",
        form=checked.form,
        found=found,
        author=author,
        waits=checked.waits and not author,
        score=f"{quality.score / 100:.2f} %",
        worst=[
            (rule, name_of_field(rule.field, visit.say), advice_of_rule(rule.rule, visit.say))
            for rule in quality.rules[:_WORST_RULES]
        ],
        amounts=[
            visit.say("{least} to {most}", least=money_text(least, currency), most=_money(most, currency))
            for currency, least, most in checked.amounts
        ],
        amount=FACTS["amounts"].of(language),
        kinds=[(term_of(kind).of(language), term_of(state).of(language), n) for (kind, state), n in checked.kinds],
        which=which.value,
        choices=[(value.value, visit.say(text)) for value, text in _ROWS.items()],
        paged=paged,
        rows=[_row(visit, checked, row) for row in paged.rows],
        wrong={},
        given={"sheet": "", "encoding": ""},
        encodings=encoding_choices(visit),
    )


def _row(visit: Visit, checked: CheckedFile, row: CheckedRow) -> dict[str, object]:
    language = visit.language
    return {
        "number": row.number,
        "reference": row.reference,
        "record": " · ".join(term_of(word).of(language) for word in (row.kind, row.standing) if word is not None),
        "amount": "" if row.amount is None else _money(row.amount[1], row.amount[0]),
        "fate": visit.say(_FATES[checked.fate(row)]),
        "is_rejected": checked.fate(row) is RowFate.REJECTED,
        "violations": [violation_words(item, visit.say) for item in checked.violations.get(row.number, ())],
        "warnings": [(item.rule, warning_words(item, visit.say)) for item in checked.warnings.get(row.number, ())],
    }


def _money(amount: int, currency: str) -> str:
    return f"{money_text(amount, currency)} {currency}"


def _sent(visit: Visit, sent: SentFile) -> Response:
    paged = page_of(visit, sent.left)
    return visit.show(
        "portfolio_sent.html.j2",
        path=f"/portfolio/{visit.path['key']}",
        done=sent.done,
        paged=paged,
        left=[(item.row, violation_words(item, visit.say)) for item in paged.rows],
        seconds=f"{sent.done.seconds:.1f}",
    )


def _which(visit: Visit, default: RowChoice) -> RowChoice:
    text = visit.request.query_params.get("show", "")
    return RowChoice(text) if text in tuple(RowChoice) else default


PAGES = (
    DeskPage("GET", "/portfolio", Right.ACT, _form),
    DeskPage("POST", "/portfolio", Right.ACT, _drop, DROPPED_BYTES),
    DeskPage("GET", "/portfolio/{key}", Right.ACT, _job),
    DeskPage("POST", "/portfolio/{key}/send", Right.ACT, _send),
    DeskPage("POST", "/portfolio/{key}/again", Right.ACT, _again, DOCUMENTS_BYTES),
    DeskPage("GET", "/portfolio/{key}/{name}", Right.ACT, _save, is_part=True),
)
