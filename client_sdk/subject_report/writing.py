"""Writing a person's own report into a folder: new private files beside the evidence."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk._files import path_of
from client_sdk.errors import ConfigError
from client_sdk.new_file import NewFile, check_new, output_folder
from client_sdk.subject_report.content import document_of
from client_sdk.subject_report.page import as_page
from client_sdk.texts import Language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from client_sdk.models import SubjectReport
    from client_sdk.subject_report.content import Document

__all__ = ["EVIDENCE_NAME", "Format", "as_file", "check_folder", "write_report"]

EVIDENCE_NAME = "report.evidence"


class Format(StrEnum):
    """Form of a written report."""

    HTML = "html"
    PDF = "pdf"


def write_report(
    report: SubjectReport,
    folder: str | Path,
    languages: Sequence[Language] = tuple(Language),
    formats: Sequence[Format] = tuple(Format),
) -> list[Path]:
    """Write a report and its evidence into a folder, which is made if need be.

    Nothing that exists is written over, and every file has mode 0600. No name in the folder tells who it is about.

    Args:
        report: of ``Client.subject_report``.
        folder: ``report.evidence`` and ``report.LANGUAGE.FORMAT`` are written into it.
        languages: of the report.
        formats: of the report.

    Returns:
        The paths, that of the evidence first.

    Raises:
        ConfigError: a file exists already, or cannot be written; nothing that was made here is left then.
    """
    contents: dict[str, bytes] = {EVIDENCE_NAME: report.answer.evidence}
    for language in languages:
        document = document_of(report, language, EVIDENCE_NAME)
        for form in formats:
            contents[f"report.{language}.{form}"] = as_file(document, form)
    with output_folder(path_of(folder, "folder")) as target, contextlib.ExitStack() as unfinished:
        check_folder(target, languages, formats)
        for name, content in contents.items():
            with NewFile(target / name) as file:
                file.write(content)
            unfinished.callback((target / name).unlink, missing_ok=True)
        unfinished.pop_all()
    return [target / name for name in contents]


def check_folder(
    folder: str | Path,
    languages: Sequence[Language] = tuple(Language),
    formats: Sequence[Format] = tuple(Format),
) -> Path:
    """Make the folder if need be, and check that the files of a report can be written there; return its path.

    Raises:
        ConfigError: one exists already, or the folder cannot be made; one that was made here is gone again then.
    """
    with output_folder(path_of(folder, "folder")) as target:
        for name in (EVIDENCE_NAME, *(f"report.{language}.{form}" for language in languages for form in formats)):
            check_new(target / name)
        NewFile(target / "report.try").discard()
    return target


def as_file(document: Document, form: Format) -> bytes:
    """Return what a report says as the bytes of a file."""
    match form:
        case Format.HTML:
            return as_page(document)
        case Format.PDF:
            # What it needs takes long to load, and nothing else needs it.
            from client_sdk.subject_report.printed import as_pdf  # noqa: PLC0415 - loaded when needed

            return as_pdf(document)
        case _:
            raise ConfigError(f"formats: want members of Format, got {type(form).__name__}")
