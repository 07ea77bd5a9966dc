"""``checkpoint``: the newest checkpoint that this home has verified: shown, handed to others, forgotten."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.checkpoints import parse_checkpoint
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.told_contradiction import checkpoint_content
from client_sdk.cli.ui.verb import verb
from client_sdk.home import replace_file
from client_sdk.lending.outbox import Outbox
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.checkpoints import SignedCheckpoint
    from client_sdk.config import ClientConfig
    from client_sdk.following import NewestCheckpoint

__all__ = ["register", "signed_checkpoint"]

_NONE = N_("run `credit-registry status` first: it follows the log.")
FORGETTING = (
    N_("What was kept proves what this registry has signed; a copy is left in {kept}."),
    N_(
        "Forget it only where the registry's operator has told you over another channel that its database was restored,"
    ),
    N_("and which reports are lost. Until the log is verified anew, a shorter or another log is not noticed."),
)


def newest_of(config: "ClientConfig") -> "NewestCheckpoint":
    """Return the file of a home."""
    from client_sdk.following import NewestCheckpoint  # noqa: PLC0415 - loads gRPC, which most verbs never need

    return NewestCheckpoint(config.state_folder / "checkpoint", config.trust_root().log_key)


def kept_checkpoint(config: "ClientConfig") -> "SignedCheckpoint":
    """Return what a home has verified last.

    Raises:
        UsageError: it has verified nothing yet.
    """
    known = newest_of(config).read()
    if known is None:
        raise UsageError(say("this home has verified no checkpoint yet"), _NONE)
    return known


def signed_checkpoint(config: "ClientConfig") -> "SignedCheckpoint":
    """Return the largest checkpoint that the log has signed for a home, in a receipt that is not proved yet included.

    Raises:
        UsageError: it has verified nothing yet.
    """
    known, key = kept_checkpoint(config), config.trust_root().log_key
    with _outbox(config) as outbox:
        receipts = [] if outbox is None else [parse_checkpoint(note, key) for note in outbox.unproved()]
    return max((known, *receipts), key=lambda signed: signed.checkpoint.size)


@contextmanager
def _outbox(config: "ClientConfig") -> "Iterator[Outbox | None]":
    """Open the outbox of a member that has one."""
    if not config.outbox_file.exists():
        yield None
        return
    with Outbox(config.outbox_file, config.name, config.institution) as outbox:
        yield outbox


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="The newest verified checkpoint: show, save, forget.", no_args_is_help=True)
    app.add_typer(group, name="checkpoint")

    @verb(group, "show", examples=["checkpoint show"])
    def show(session: Run) -> None:
        """Show the newest checkpoint that this home has verified; makes no network call."""
        from client_sdk.following import confirmation  # noqa: PLC0415 - loads gRPC

        known = kept_checkpoint(session.config()).checkpoint
        session.output.result(
            checkpoint_content(known) | {"confirmation": confirmation(known)},
            say("The newest checkpoint of {origin} that this home has verified", origin=known.origin),
            pairs([("  leaves", known.size), ("  root", known.root.hex()), ("  in short", confirmation(known))]),
        )

    @verb(group, "save", examples=["checkpoint save lender-1.note"])
    def save(
        session: Run,
        /,
        *,
        out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; a C2SP signed note.")],
    ) -> None:
        """Write the newest checkpoint that was signed for this home, for another member's `compare`, offline."""
        known = signed_checkpoint(session.config())
        replace_file(out.resolve(), known.raw)
        session.output.result(
            checkpoint_content(known.checkpoint) | {"file": str(out)},
            say(
                "{out}: {size} leaves, as the log has signed them. It names no person and no record.",
                out=out,
                size=known.checkpoint.size,
            ),
        )

    @verb(group, "forget", examples=["checkpoint forget --confirm 12:tL7nI8vNPQ1x2oJtr0bDzl4+0nQ0Qy3V5a9m3y8d1nM="])
    def forget(
        session: Run,
        /,
        *,
        confirm: Annotated[
            str, typer.Option(metavar="SIZE:ROOT", help="What `checkpoint show` names in short.", show_default=False)
        ],
    ) -> ExitCode:
        """Take the log up anew after its operator has restored an older database; without that, never.

        Receipts stay in the outbox and are not held against the log any more.
        """
        config = session.config()
        kept = newest_of(config).forget(confirm)
        (config.state_folder / "directory").unlink(missing_ok=True)
        with _outbox(config) as outbox:
            if outbox is not None:
                outbox.proved(outbox.unproved())
        session.output.result({"forgotten": confirm, "kept": str(kept)}, *(say(line, kept=kept) for line in FORGETTING))
        return ExitCode.OK
