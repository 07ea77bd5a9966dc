"""Output of a proof that a log's key has signed two histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.texts import say

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.checkpoints import Checkpoint, Contradiction
    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.session import Run

__all__ = ["checkpoint_content", "tell_contradiction"]


def checkpoint_content(checkpoint: Checkpoint) -> dict[str, Json]:
    """Return a checkpoint as JSON."""
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def tell_contradiction(session: Run, file: Path, proof: Contradiction) -> None:
    """Say what a file proves, and what to do with it."""
    first, second = proof.first.checkpoint, proof.second.checkpoint
    session.output.result(
        {
            "misbehaviour": True,
            "file": str(file),
            "proves": str(proof),
            "checkpoints": [checkpoint_content(first), checkpoint_content(second)],
        },
        say("PROVED by {file}: {proof}.", file=file, proof=proof),
        say("  {size} leaves: {root}", size=first.size, root=first.root.hex()),
        say("  {size} leaves: {root}", size=second.size, root=second.root.hex()),
        say(
            "Anyone with the trust root can verify this file alone. Stop relying on this registry; hand the file to the"
        ),
        say("auditors, the administrators and the other members."),
    )
