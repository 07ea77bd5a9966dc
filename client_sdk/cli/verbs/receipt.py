"""``receipt``: proof that a version of a record is in the log."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.options import (
    AttemptOption,
    IssuerOption,
    MaybeFirstDayOption,
    MaybeKindOption,
    MaybeReferenceOption,
)
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import RecordArgument, named_record, record_id_of
from client_sdk.forms import moment_text
from client_sdk.texts import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "receipt",
        examples=[
            "receipt 01234567-89ab-8def-8123-456789abcdef --version 2",
            "receipt --kind DEFAULT --reference LOAN-4711 --first-day 2026-02-01 --out loan-4711.tlog-proof",
            "receipt 01234567-89ab-8def-8123-456789abcdef --issuer lender-9",
        ],
    )
    def receipt(
        session: Run,
        /,
        *,
        record: RecordArgument = None,
        version: Annotated[int, typer.Option(min=1, help="Which version.")] = 1,
        kind: MaybeKindOption = None,
        reference: MaybeReferenceOption = None,
        first_day: MaybeFirstDayOption = None,
        attempt: AttemptOption = 0,
        issuer: IssuerOption = "",
        out: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Write it to a new file, as a C2SP tlog-proof.", show_default=False),
        ] = None,
    ) -> ExitCode:
        """Get the verified receipt of a version of a record: by its id, or by your own name of it."""
        named = named_record(record, kind, reference, first_day, attempt, issuer)
        with OutputFile(out) as target:
            with session.client() as client:
                found = client.receipt(record_id_of(client, named), version, issuer=issuer)
            target.write(session.output, found.tlog_proof().encode())
        session.output.result(
            found.to_dict() | {"checkpoint": found.checkpoint.decode(), "file": target.written},
            say("Version {version} of {uuid} is in the log.", version=found.version, uuid=found.uuid),
            pairs(
                [
                    ("  leaf", found.index),
                    ("  logged", moment_text(found.logged_at)),
                    ("  checkpoint", say("of {size} leaves", size=found.size)),
                    *([] if target.written is None else [("  written to", target.written)]),
                ]
            ),
        )
        return target.code
