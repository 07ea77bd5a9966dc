"""``act show``: acts in words, for review before they are signed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from client_sdk.acts import ActFile, Rulebook
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.lookup import act_file_at, find_proposal
from client_sdk.cli.verbs.act.rendering import act_content, act_lines, proposal_content, proposal_lines
from client_sdk.models.proposal import ProposalView
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.cli.ui.output import Json

__all__ = ["register", "show_file"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "show", examples=["act show", "act show 3f1c09ab", "act show genesis.act"])
    def show(
        session: Run,
        /,
        *,
        what: Annotated[
            str | None,
            typer.Argument(metavar="[ID|FILE]", help="Proposal by its id, or an act file; none for all proposals."),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Write the proposal to a new act file, for a signer without access.",
                show_default=False,
            ),
        ] = None,
    ) -> ExitCode:
        """Show an act in words: a file, a proposal, or all proposals that wait."""
        file = None if what is None else act_file_at(what)
        if out is not None and (what is None or file is not None):
            raise UsageError(say("--out writes one proposal"), say("name the proposal by its id."))
        if file is not None:
            show_file(session, file)
            return ExitCode.OK
        with OutputFile(out) as target:
            with session.client() as client:
                found = client.proposals() if what is None else (find_proposal(client, what),)
                in_force = client.directory().rulebook
            if target:
                target.write(session.output, ActFile(found[0].payload, found[0].approvals).encode())
        if target.written:
            session.output.note(say("Wrote {written}", written=target.written))
        content: list[Json] = [proposal_content(proposal) for proposal in found]
        session.output.result({"proposals": content}, *_lines(found, in_force))
        return target.code


def show_file(session: Run, file: ActFile) -> None:
    """Print an act file."""
    approvals: list[Json] = [given.key_id.hex() for given in file.approvals]
    session.output.result(
        act_content(file.act) | {"approvals": approvals},
        *act_lines(file.act),
        say("  signatures: {count}", count=len(file.approvals)),
        *(say("    by key {key_id}", key_id=given.key_id.hex()) for given in file.approvals),
    )


def _lines(found: tuple[ProposalView, ...], in_force: Rulebook) -> list[RenderableType]:
    if not found:
        return [say("No proposal waits.")]
    # An empty line between two proposals.
    return [line for proposal in found for line in ("", *proposal_lines(proposal, in_force))][1:]
