"""``inquiry``: a member's own inquiries, and the proof that one is in the log."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import day, inquiry_id
from client_sdk.cli.ui.output import Json, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.models.own_inquiry import OwnInquiry

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Your own inquiries: list, receipt.", no_args_is_help=True)
    app.add_typer(group, name="inquiry")

    @group.callback()
    def _group() -> None:
        """Your own inquiries: list, receipt."""

    @verb(group, "list", examples=["inquiry list", "inquiry list --since 2026-03-01 --limit 1000 --json"])
    def list_(
        session: Run,
        /,
        *,
        since: Annotated[
            date | None,
            typer.Option(
                parser=day, metavar="YYYY-MM-DD", help="Only those received then or later.", show_default=False
            ),
        ] = None,
        limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest ones, at most so many.")] = 100,
    ) -> None:
        """List your own inquiries, the newest first: who asked, when, for what, and how it ended.

        About whom each was is in none of them: `check --save` keeps that on this machine. The officer of a refused one,
        and of one whose openings the registry has forgotten, is not shown.
        """
        with session.client() as client:
            found = client.inquiries(since, limit)
        content: list[Json] = [inquiry.to_dict() for inquiry in found]
        columns = ("inquiry", "received", "purpose", "persons", say("consent of"), "officer", "outcome")
        session.output.result(
            {"inquiries": content},
            table(columns, map(_row, found)) if found else say("No inquiries."),
            *([say("There may be older ones: --limit shows more.")] if len(found) == limit else []),
        )

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
                help="Inquiry id, hexadecimal, as `check` shows it.",
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
            say("The inquiry is in the log: {outcome}.", outcome=found.outcome),
            pairs(
                [
                    ("  received", moment_text(found.received_at)),
                    (
                        "  place",
                        say(
                            "leaf {index} of the inquiry tree, in a log of {size} leaves",
                            index=found.index,
                            size=found.size,
                        ),
                    ),
                    *([] if target.written is None else [("  written to", target.written)]),
                ]
            ),
        )
        return target.code


def _row(inquiry: "OwnInquiry") -> tuple[object, ...]:
    return (
        inquiry.inquiry_id.hex(),
        moment_text(inquiry.received_at),
        inquiry.purpose.name,
        say("{persons} (screening)", persons=inquiry.persons) if inquiry.screening else inquiry.persons,
        inquiry.consent_given_on,
        inquiry.officer,
        inquiry.outcome,
    )
