"""``act approve``: sign an act, in a file before the registry serves, and at the registry afterwards."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.act_signing import check_signable, sign_act_file
from client_sdk.acts import ActFile, GenesisBody
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import YesOption
from client_sdk.cli.ui.output import counted
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.lookup import act_file_at, find_proposal
from client_sdk.cli.verbs.act.rendering import act_content, act_lines, proposal_content, proposal_lines
from client_sdk.home import replace_file
from client_sdk.models.proposal import Approved
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

__all__ = ["register", "tell_approved"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "approve",
        examples=["--home admin-2 act approve genesis.act", "--home admin-2 act approve 3f1c09ab"],
    )
    def approve(
        session: Run,
        /,
        *,
        what: Annotated[str, typer.Argument(metavar="ID|FILE", help="Proposal by its id, or an act file.")],
        yes: YesOption = False,
    ) -> None:
        """Read an act and sign it with your ADMINISTER key.

        The signature that reaches the threshold logs the act. A file gets the signature added and goes on to the next
        administrator; for the genesis the last one hands it back to `registry-server init --finish`.
        """
        file = act_file_at(what)
        if file is not None:
            _approve_file(session, Path(what), file, yes=yes)
            return
        with session.client() as client:
            proposal = find_proposal(client, what)
            if not (session.output.as_json and yes):
                session.output.tell(*proposal_lines(proposal, client.directory().rulebook))
            session.confirm(say("Sign this act?"), yes=yes)
            approved = client.approve(proposal)
        tell_approved(session, approved)

    @verb(app, "bring", examples=["--home admin-1 act bring new-administrators.act"])
    def bring(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Act file with signatures of new administrators.")],
    ) -> None:
        """Bring the registry signatures that people without a certificate gave in a file.

        Administrators that are enrolled by the act itself have no certificate yet: `act show ID --out FILE`, they run
        `act approve FILE`, and an acting administrator brings it back.
        """
        given = ActFile.parse(read_whole(file))
        with session.client() as client:
            proposal = next((one for one in client.proposals() if one.payload == given.payload), None)
            if proposal is None:
                raise UsageError(
                    say("no proposal with this act waits at the registry"), say("`act show` lists those that do.")
                )
            known = {approval.key_id for approval in proposal.approvals}
            missing = [approval for approval in given.approvals if approval.key_id not in known]
            if not missing:
                raise UsageError(say("the registry has every signature of this file already"))
            *first, last = missing
            for approval in first:
                client.bring_approval(proposal, approval)
            approved = client.bring_approval(proposal, last)
        tell_approved(session, approved)


def _approve_file(session: Run, path: Path, file: ActFile, *, yes: bool) -> None:
    config = session.config()
    act = file.act
    check_signable(config, file)
    if not yes:
        session.output.tell(*act_lines(act))
    session.confirm(say("Sign this act as {institution}?", institution=config.institution), yes=yes)
    signed = sign_act_file(config, file)
    before = len(signed.approvals) == len(file.approvals)
    replace_file(path.resolve(), signed.encode())
    threshold = act.body.threshold if isinstance(act.body, GenesisBody) else 0
    content = act_content(act) | {"file": str(path), "signatures": len(signed.approvals)}
    held = counted(len(signed.approvals), "signature")
    missing = threshold - len(signed.approvals)
    left = (
        say("{missing} more must sign.", missing=missing)
        if missing > 0
        else say("Enough have signed: give it to the operator, for `registry-server init --finish`.")
    )
    done = say("had signed before") if before else say("has signed")
    session.output.result(
        content,
        say(
            "{institution} {done} act {number}; {path} holds {held}.",
            institution=config.institution,
            done=done,
            number=act.number,
            path=path,
            held=held,
        ),
        *([left] if threshold else []),
    )


def tell_approved(session: Run, approved: Approved) -> None:
    """Print the result of a proposal or an approval."""
    proposal = approved.proposal
    content = proposal_content(proposal) | {"logged": approved.logged, "index": approved.index}
    missing = max(proposal.threshold - len(proposal.approved_by), 0)
    if approved.logged:
        lines = [say("Act {number} is logged at leaf {index}.", number=proposal.act.number, index=approved.index)]
    else:
        lines = [
            say("Proposal {proposal_id}", proposal_id=proposal.proposal_id.hex()),
            say(
                "  signed by {approved_by}; {missing} more must sign:",
                approved_by=", ".join(proposal.approved_by),
                missing=missing,
            ),
            f"  {session.their_command} act approve {proposal.proposal_id.hex()[:12]}",
        ]
    session.output.result(content, *lines)
