"""``desk journal``: who did what at the desk, verified."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import DAY, day
from client_sdk.cli.ui.output import counted, pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.desk.journal import JOURNAL_FILE, read_journal, verify_journal
from client_sdk.texts import say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="The journal of the desk: verify, show.", no_args_is_help=True)
    app.add_typer(group, name="journal")

    @verb(group, "verify", examples=["desk journal verify", "desk journal verify --contains 6b86b273…"])
    def verify(
        session: Run,
        /,
        *,
        contains: Annotated[
            str, typer.Option(metavar="HEX", help="SHA-256 of a line, kept elsewhere, that must be in it.")
        ] = "",
    ) -> ExitCode:
        """Verify that no line was changed, left out or put in; print the SHA-256 of the last, to be kept elsewhere.

        That no line was cut off at the end is shown by --contains alone.
        """
        file = _file(session)
        wanted = contains.lower()
        found = not wanted or any(state.last == wanted for _, state in read_journal(file))
        state = verify_journal(file)
        torn = (
            say(", and {count} bytes of a torn line, which the next start cuts off", count=len(state.torn))
            if state.torn
            else ""
        )
        session.output.result(
            {"lines": state.lines, "last": state.last, "torn_bytes": len(state.torn), "contains": found},
            say("{lines} in order{torn}", lines=counted(state.lines, "line"), torn=torn),
            pairs([("last line", state.last)]),
            *(
                []
                if found
                else [say("NOT FOUND: no line has the SHA-256 of --contains: lines were cut off or replaced.")]
            ),
        )
        return ExitCode.OK if found else ExitCode.UNVERIFIABLE

    @verb(group, "show", examples=["desk journal show", "desk journal show --who anna --json"])
    def show(
        session: Run,
        /,
        *,
        who: Annotated[str, typer.Option(metavar="NAME", help="Only lines of this person.")] = "",
        since: Annotated[
            date | None,
            typer.Option(parser=day, metavar=DAY, help="Only lines since this day, UTC.", show_default=False),
        ] = None,
    ) -> None:
        """Show the lines, each verified against the one before; with --json one document a line."""
        for line, _ in read_journal(_file(session)):
            if (who and line.who != who) or (since and line.at < since.isoformat()):
                continue
            ended = f" {line.reason}" if line.reason else ""
            to = say(" of {to}", to=line.to) if line.to else ""
            text = f"{line.number}  {line.at}  {line.who}  {line.act} {line.result}{to}{ended}  {' '.join(line.about)}"
            session.output.line(json.loads(line.encode()), text.rstrip())


def _file(session: Run) -> Path:
    return session.home / JOURNAL_FILE
