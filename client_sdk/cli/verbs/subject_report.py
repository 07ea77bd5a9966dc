"""``subject report``: the person's own report, as paper for the person and evidence for everybody else."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.consent_input import consent_as_options
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.mandate_input import MandateDateOption, MandateDigestOption, MandateFileOption, read_mandate
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, OfficerOption
from client_sdk.cli.ui.output import counted, pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.models import IdType
from client_sdk.new_file import output_folder
from client_sdk.subject_report import Format, Language, check_folder, write_report
from client_sdk.texts import say

__all__ = ["add_report"]

OutOption = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the files; nothing is written over.")
]
LanguageOption = Annotated[
    list[Language] | None, typer.Option(help="Language; may be repeated. Both if left out.", show_default=False)
]
FormatOption = Annotated[
    list[Format] | None,
    typer.Option("--format", help="Form; may be repeated. Both if left out.", show_default=False),
]


def add_report(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        group,
        "report",
        examples=[
            "subject report --mandate-date 2026-04-01 --mandate-file request.pdf --officer desk-1 -o report",
            "subject report … --identity-file number.txt --language zh --format pdf -o report",
        ],
    )
    def report(
        session: Run,
        /,
        *,
        officer: OfficerOption,
        mandate_date: MandateDateOption,
        out: OutOption,
        mandate_file: MandateFileOption = None,
        mandate_digest: MandateDigestOption = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        language: LanguageOption = None,
        format_: FormatOption = None,
    ) -> None:
        """Make the person's own report: every record with its history, and who asked about the person.

        For a REPRESENTATIVE, under a request that the person signed. It is written in Chinese and English, as HTML and
        PDF, with the evidence that proves it; all files have mode 0600. The rulebook says how many reports a year are
        free; all that are asked for on one day count as one. A further one is chargeable, and never refused.
        """
        mandate = read_mandate(mandate_date, mandate_digest, mandate_file)
        languages = tuple(dict.fromkeys(language or Language))
        formats = tuple(dict.fromkeys(format_ or Format))
        with output_folder(out):
            # Before the inquiry, which is counted as a report of the person.
            check_folder(out, languages, formats)
            identity = read_identity(session, identity_file, id_type, issuing_state)
            with session.client() as client, consent_as_options("mandate"):
                made = client.subject_report(identity, mandate=mandate, officer=officer)
            files = write_report(made, out, languages, formats)
        fee = say("a fee may be charged") if made.chargeable else say("free of charge")
        session.output.result(
            made.to_dict() | {"files": [str(path) for path in files]},
            say(
                "{count}; asked about {count_2}.",
                count=counted(len(made.records), "live record"),
                count_2=counted(len(made.asked), "time"),
            ),
            pairs(
                [
                    ("  verdict", made.answer.verdict.value),
                    (
                        "  reports before",
                        say("on {had} of the last 12 months, today apart", had=counted(made.had, "day")),
                    ),
                    (
                        "  fee",
                        say("{fee}: the reports of {free} a year are free", fee=fee, free=counted(made.free, "day")),
                    ),
                    ("  not counted", say("screenings of lists of customers: they name nobody")),
                    *(("  written", path) for path in files),
                ]
            ),
        )
