"""Checkpoints of a log: signed notes of its size and root, what two of them prove, who cosigns them, and their age."""

from client_sdk.kernel.formats.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.replay_quorum import read_auditors, read_witnesses
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM, WitnessQuorum
from client_sdk.kernel.ledger.cosigned import Cosigned, read_cosigned
from client_sdk.kernel.ledger.head_time import AHEAD, CLOCKS_DIFFER_MS, OLD

__all__ = [
    "AHEAD",
    "CLOCKS_DIFFER_MS",
    "NO_QUORUM",
    "OLD",
    "Checkpoint",
    "Contradiction",
    "Cosigned",
    "SignedCheckpoint",
    "VerifierKey",
    "WitnessQuorum",
    "parse_checkpoint",
    "read_auditors",
    "read_cosigned",
    "read_witnesses",
]
