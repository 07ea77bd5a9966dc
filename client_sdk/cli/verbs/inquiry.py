"""``inquiry receipt``: proof that a member's own inquiry is in the log."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import inquiry_id
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(cls=Verbs, help="Your own inquiries.", no_args_is_help=True)
    app.add_typer(group, name="inquiry")

    @group.callback()
    def _group() -> None:
        """Your own inquiries."""

    @verb(
        group,
        "receipt",
        examples=["inquiry receipt 0f3a9c…", "inquiry receipt 0f3a9c… --out loan-4711.inquiry-receipt"],
    )
    def receipt(
        session: Run,
        /,
        *,
        inquiry_id: Annotated[
            bytes,
            typer.Argument(
                parser=inquiry_id,
                metavar="ID",
                help="Inquiry id, inquiry_id, as `check` shows it.",
            ),
        ],
        out: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Write it to a new file, with the inquiry; `verify` takes it.", show_default=False
            ),
        ] = None,
    ) -> ExitCode:
        """Get the verified place of an inquiry in the inquiry tree; there is one after the next HEAD, in a minute."""
        with OutputFile(out) as target:
            with session.client() as client:
                found = client.inquiry_receipt(inquiry_id)
            target.write(session.output, found.encode())
        session.output.result(
            found.to_dict() | {"checkpoint": found.checkpoint.decode(), "file": target.written},
            f"The inquiry is in the log: {found.outcome}.",
            pairs(
                [
                    ("  received", moment_text(found.received_at)),
                    ("  place", f"leaf {found.index} of the inquiry tree, in a log of {found.size} leaves"),
                    *([] if target.written is None else [("  written to", target.written)]),
                ]
            ),
        )
        return target.code
