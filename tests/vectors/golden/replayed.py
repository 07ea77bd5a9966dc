"""Golden evidence whose log auditors have rebuilt, under a trust root that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical, note
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.note import Note, VerifierKey
from client_sdk.kernel.formats.replay_quorum import replay_name
from client_sdk.kernel.formats.state import Rulebook
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import REGISTRY, START_MS, HandmadeLog, signer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AUDITORS", "OLDER", "rebuilt", "replayed_evidence", "replayed_log"]

_NAMES = ("auditor-1", "auditor-2", "auditor-3")
_SIGNERS = {name: signer(f"replay of {name}") for name in (*_NAMES, "nobody")}
_KEYS = {
    name: VerifierKey.cosigner(replay_name(REGISTRY, name), each.public_key.raw) for name, each in _SIGNERS.items()
}
# Two of three.
AUDITORS = (
    *(f"witness a{place} {_KEYS[name].text()}" for place, name in enumerate(_NAMES, 1)),
    "group most 2 a1 a2 a3",
    "quorum most",
)
# Leaves that are rebuilt, of a log that has gone on since.
OLDER = 6
_MINUTE = 60


def replayed_log() -> HandmadeLog:
    """A log whose founding rulebook names three auditors that rebuild it."""
    log = HandmadeLog(rulebook=Rulebook(replay_quorum=AUDITORS))
    log.say("lender-1", "loan-1")
    log.head()
    return log


def rebuilt(log: HandmadeLog, name: str, size: int, minutes: int) -> pb.CosignedCheckpoint:
    """A checkpoint that an auditor has rebuilt, so many minutes before the HEAD of the answer."""
    signed = note.parse(log.checkpoint(size))
    line = cosign(signed.text, _KEYS[name].name, _SIGNERS[name], START_MS // 1_000 - minutes * _MINUTE)
    path = log.tree.consistency_proof(size, len(log.leaves)) if size < len(log.leaves) else []
    whole = Note(signed.text, (*signed.signatures, line)).encode()
    return pb.CosignedCheckpoint(checkpoint=whole, consistency=b"".join(path))


def replayed_evidence(log: HandmadeLog, shown: Sequence[pb.CosignedCheckpoint]) -> bytes:
    """Evidence that nobody is listed, with these checkpoints of auditors."""
    evidence = make_evidence(log, "lender-3", ["nobody"])
    evidence.replayed.extend(shown)
    return canonical.encode(evidence)
