"""Output of a proof that a log's key has signed two histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        f"PROVED by {file}: {proof}.",
        f"  {first.size} leaves: {first.root.hex()}",
        f"  {second.size} leaves: {second.root.hex()}",
        "Anyone with the trust root can verify this file alone. Stop relying on this registry; hand the file to the",
        "auditors, the administrators and the other members.",
    )
