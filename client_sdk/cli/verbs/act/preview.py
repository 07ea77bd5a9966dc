"""``act preview``: what a rulebook that is proposed would change, before it is signed."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.acts import Act, ActFile, RulebookBody, preview_rulebook
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.output import table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.lookup import act_file_at, find_proposal
from client_sdk.forms import plain
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from client_sdk.acts import Directory, Rulebook, RulebookPreview
    from client_sdk.cli.ui.output import Json
    from client_sdk.client import Client
    from client_sdk.models.statistics import RecordCount

__all__ = ["register", "show_preview"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "preview", examples=["act preview 3f1c09ab", "act preview rulebook.act"])
    def preview(
        session: Run,
        /,
        *,
        what: Annotated[str, typer.Argument(metavar="ID|FILE", help="Proposal by its id, or an act file.")],
    ) -> None:
        """Show what a proposed rulebook would change for records and members, before you sign it."""
        file: ActFile | None = act_file_at(what)
        with session.client() as client:
            act: Act = file.act if file is not None else find_proposal(client, what).act
            if not isinstance(act.body, RulebookBody):
                raise UsageError(say("this act is no rulebook"), say("`act show` shows what other acts decide."))
            show_preview(session, client, client.directory(), act.body.rulebook)


def show_preview(session: Run, client: "Client", directory: "Directory", rulebook: "Rulebook") -> None:
    """Print what a rulebook would change."""
    found = preview_rulebook(directory, rulebook)
    records = client.statistics().records()
    content: dict[str, Json] = {**found.to_dict(), "records": [plain(item._asdict()) for item in records]}
    session.output.result(content, *_lines(found, records))


def _lines(found: "RulebookPreview", records: "Sequence[RecordCount]") -> "Iterator[RenderableType]":
    if not found.changes:
        yield say("Nothing changes: it is the rulebook in force.")
        return
    yield table(
        ("limit", "now", "then", "concerns"),
        ((change.name, change.before, change.after, say(change.effect)) for change in found.changes),
    )
    yield ""
    yield say(
        "It binds {lenders} active lenders of {members} active members.", lenders=found.lenders, members=found.members
    )
    yield say(
        "No record is kept for longer or shorter than its signed statement says, and no running dispute ends earlier."
    )
    for item in records:
        small = say("; small counts are withheld") if item.withheld else ""
        yield say(
            "  {item}: {item_2} opened in months that are over, {item_3} ended again{small}",
            item=item.kind,
            item_2=item.opened,
            item_3=item.ended,
            small=small,
        )
    if found.uncounted:
        yield say("Not counted here:")
        yield from (f"  {say(item)}" for item in found.uncounted)
