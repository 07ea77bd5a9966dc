"""A file of which no row can be read: its sheet, columns or encoding are chosen, or an empty file is taken."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.desk.form_values import FieldError
from client_sdk.desk.record_columns import name_of
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import violation_words
from client_sdk.desk.unread_file import CONSTANTS, UnreadFile
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.lending.column_guide import GUIDE, WORDS
from client_sdk.lending.files import Encoding
from client_sdk.lending.templates import columns_of_kind, mapping_template, write_portfolio_template
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from client_sdk.desk.dropped import DroppedFile
    from client_sdk.desk.jobs import DeskJob

__all__ = ["PAGES", "TABLE_MEDIA", "encoding_choices", "mapping_to_save", "read_again", "unread_page"]

TABLE_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def unread_page(visit: Visit, unread: UnreadFile, base: str, wrong: Mapping[str, str] | None = None) -> Response:
    """Show why a file cannot be read, and a form of what would make it readable.

    Args:
        visit: of its owner.
        unread: the file.
        base: path of the pages of its kind, such as ``/portfolio``.
        wrong: what is wrong with fields of the form, said.
    """
    say, texts = visit.say, unread.chosen() | visit.form.texts
    columns = [("", say("is not read")), *((name, _label(visit, name)) for name in GUIDE)]
    return visit.show(
        "unread.html.j2",
        status=422 if wrong else 200,
        reasons=[violation_words(item, say) for item in unread.error.violations],
        path=f"{base}/{visit.path['key']}",
        base=base,
        sheets=[("", "–"), *((name, name) for name in unread.sheets)] if len(unread.sheets) > 1 else [],
        headings=[
            (f"column.{place}", heading, texts[f"column.{place}"]) for place, heading in enumerate(unread.headings)
        ],
        columns=columns,
        constants=[
            (
                f"constant.{name}",
                name_of(name, visit.language, say) if name != "kind" else say("Kind"),
                _words(visit, name),
            )
            for name in CONSTANTS
        ],
        amounts=[
            ("", "–"),
            ("minor", say("in minor units: 35000 is 350.00")),
            ("major", say("as people write them: 35000 is 35,000.00")),
        ],
        encodings=encoding_choices(visit),
        given={name: texts.get(name, "") for name in ("sheet", "encoding", "amounts", "dates")},
        constant={name: texts.get(f"constant.{name}", "") for name in CONSTANTS},
        hidden=unread.given,
        wrong=dict(wrong or {}),
    )


def read_again(
    visit: Visit, job: DeskJob | None, base: str, start: Callable[[DroppedFile], Response]
) -> Response | None:
    """Take a file as its form says that it should be read; None where the job has left no such file.

    Args:
        visit: of its owner.
        job: of the path.
        base: as of ``unread_page``.
        start: what is done with the file.
    """
    unread = None if job is None else job.result(UnreadFile)
    if job is None or unread is None:
        return None
    try:
        file = unread.again(visit.form)
    except FieldError as error:
        return unread_page(visit, unread, base, error.said(visit.say))
    # First: where too much work is under way, the file is not lost.
    answer = start(file)
    visit.desk.jobs.forget(job)
    return answer


def mapping_to_save(visit: Visit, job: DeskJob | None) -> Response | None:
    """Return a mapping for the headings of a file, to be filled in; None where the job has left no such file."""
    unread = None if job is None else job.result(UnreadFile)
    if unread is None:
        return None
    text = mapping_template(unread.headings, visit.say)
    return file_to_save(text.encode(), "application/toml; charset=utf-8", "mapping.toml")


def encoding_choices(visit: Visit) -> list[tuple[str, str]]:
    """Return the encodings of text, to choose from."""
    return [("", visit.say("found out")), *((word.value, word.value) for word in Encoding)]


def _template(visit: Visit) -> Response:
    """Give an empty portfolio, its columns explained where it is a workbook."""
    name = str(visit.path["name"])
    media = TABLE_MEDIA.get(name.removeprefix("portfolio."))
    if media is None:
        return visit.go("/portfolio")
    file = io.BytesIO()
    write_portfolio_template(file, Path(name), columns_of_kind(""), visit.say)
    return file_to_save(file.getvalue(), media, name)


def _label(visit: Visit, column: str) -> str:
    name = visit.say("Kind") if column == "kind" else name_of(column, visit.language, visit.say)
    return visit.say("{name} ({unit})", name=name, unit=column)


def _words(visit: Visit, column: str) -> list[tuple[str, str]]:
    words = [(word.name, term_of(word).of(visit.language)) for word in WORDS.get(column, ())]
    return [("", visit.say("each row says it")), *words] if words else []


PAGES = (DeskPage("GET", "/templates/{name}", Right.ACT, _template),)
