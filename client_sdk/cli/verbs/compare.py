"""``compare``: compare checkpoints of several members, to detect a log that shows them different histories."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.checkpoints import Contradiction, read_cosigned
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.told_contradiction import checkpoint_content, tell_contradiction
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.checkpoint import signed_checkpoint
from client_sdk.errors import ConfigError, FormatError, RefusedError, RollbackError, TransportError
from client_sdk.texts import N_, say
from client_sdk.verification import is_contradiction, read_evidence, read_trust_root, verify_contradiction
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk import TrustRoot
    from client_sdk.checkpoints import SignedCheckpoint, VerifierKey
    from client_sdk.cli.ui.output import Json

__all__ = ["register"]

_HINT = N_("give notes that `checkpoint save` wrote in homes of members, or `witness show --save`.")
_OPEN = N_(
    "NOT COMPARED: of different sizes, only the registry can show whether one log begins with the other. Run "
    "this with --home where the registry answers, or save both checkpoints again at the same size."
)


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "compare",
        examples=[
            "--home lender-1 compare lender-2.note",
            "--home lender-1 compare witness.note",
            "compare --trust-root trust-root.bin --offline lender-1.note lender-2.note",
        ],
    )
    def compare(
        session: Run,
        /,
        *,
        notes: Annotated[
            list[Path],
            typer.Argument(metavar="FILE...", help="Checkpoints of members and witnesses; one: with your own."),
        ],
        trust_root: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Trust root; without it that of the home.", show_default=False),
        ] = None,
        out: Annotated[Path, typer.Option(metavar="DIR", help="Where a proof of misbehaviour is written.")] = Path(),
        offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; compare equal sizes only.")] = False,
    ) -> ExitCode:
        """Hold the newest checkpoints of members against each other: one log, or two?

        Equal sizes are compared offline. Of different ones the registry is asked for a consistency proof, with the
        certificate of the home. Ends with 0 where all belong to one log, with 4 where that cannot be told, and with 6
        where they contradict each other: a proof is then written that `verify` judges offline. A home whose log it is
        keeps it, and takes no further answer until a person has moved it away.
        """
        root = read_trust_root(trust_root) if trust_root is not None else session.config().trust_root()
        held = [_read(path, root) for path in notes]
        if len(held) == 1:
            held.append(signed_checkpoint(session.config()))
        held.sort(key=lambda signed: signed.checkpoint.size)
        undecided = []
        for before, after in pairwise(held):
            if before.checkpoint == after.checkpoint:
                continue
            proof = _contradiction(before, after)
            if proof is not None:
                # A home that knows it relies on nothing more, as where an answer has shown it.
                kept = session.config().state_folder if trust_root is None else None
                return _tell_proof(session, out, proof, kept)
            if offline:
                undecided.append(say("nobody was asked"))
                continue
            try:
                with session.client() as client:
                    client.connect(before.raw, after.raw)
            except RollbackError as error:
                return _tell_shown(session, root, error)
            except (ConfigError, TransportError, RefusedError) as error:
                undecided.append(str(error))
        return _tell(session, held, undecided)


def _read(path: Path, root: "TrustRoot") -> "SignedCheckpoint":
    check_file(path, _HINT)
    return _parse(read_evidence(path), root.log_key)


def _parse(data: bytes, key: "VerifierKey") -> "SignedCheckpoint":
    """Return the log's own checkpoint of a note, with or without lines of witnesses, which prove nothing here."""
    try:
        return read_cosigned(data, key).signed
    except FormatError as error:
        raise UsageError(say("that is no checkpoint of this log: {error}", error=error), _HINT) from error


def _contradiction(before: "SignedCheckpoint", after: "SignedCheckpoint") -> Contradiction | None:
    return Contradiction.of(before, after) if before.checkpoint.size == after.checkpoint.size else None


def _tell_proof(session: Run, out: Path, proof: Contradiction, state: Path | None) -> ExitCode:
    from client_sdk.following import keep_contradiction  # noqa: PLC0415 - loads gRPC, which most verbs never need

    if state is not None:
        keep_contradiction(state, proof.encode())
    tell_contradiction(session, keep_contradiction(out, proof.encode()), proof)
    return ExitCode.MISBEHAVIOUR


def _tell_shown(session: Run, root: "TrustRoot", error: RollbackError) -> ExitCode:
    """Tell what the registry has shown: with a proof, or with notes that prove nothing by themselves."""
    kept: Path | None = getattr(error, "kept", None)
    data = b"" if kept is None else read_whole(kept)
    if kept is not None and is_contradiction(data):
        tell_contradiction(session, kept, verify_contradiction(data, root))
        return ExitCode.MISBEHAVIOUR
    session.output.result(
        {"one_log": False, "rule": error.rule, "message": error.message, "kept": None if kept is None else str(kept)},
        say("NOT ONE LOG, and not proved: {message}.", message=error.message),
        say(
            "The notes are evidence of what was shown. By themselves they contradict nothing: show them to "
            "the auditors."
        ),
    )
    return ExitCode.UNVERIFIABLE


def _tell(session: Run, held: "list[SignedCheckpoint]", undecided: list[str]) -> ExitCode:
    shown: list[Json] = [checkpoint_content(signed.checkpoint) for signed in held]
    sizes = ", ".join(str(signed.checkpoint.size) for signed in held)
    if undecided:
        session.output.result(
            {"one_log": None, "checkpoints": shown, "reason": undecided[0]},
            say("Checkpoints of {sizes} leaves.", sizes=sizes),
            f"  {undecided[0]}",
            say(_OPEN),
        )
        return ExitCode.UNVERIFIABLE
    session.output.result(
        {"one_log": True, "checkpoints": shown},
        say("ONE LOG: the checkpoints of {sizes} leaves belong to one history.", sizes=sizes),
    )
    return ExitCode.OK
