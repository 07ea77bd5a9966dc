"""Following a registry's directory from its trust root: for the SDK, for auditors and for key services."""

from client_sdk.following.core import DirectoryFollower, DirectoryView
from client_sdk.following.evidence_demands import EvidenceDemands, replay_trust
from client_sdk.following.feed import AioDirectoryFeed, DirectoryFeed, DirectoryKeeper, Rounds
from client_sdk.following.kept import KeptDirectory
from client_sdk.following.log_memory import ContradictionError, LogMemory
from client_sdk.following.newest import (
    COSIGNED_FILE,
    NewestCheckpoint,
    Proving,
    confirmation,
    keep_contradiction,
    kept_contradictions,
)
from client_sdk.following.witness_trust import WitnessTrust

__all__ = [
    "COSIGNED_FILE",
    "AioDirectoryFeed",
    "ContradictionError",
    "DirectoryFeed",
    "DirectoryFollower",
    "DirectoryKeeper",
    "DirectoryView",
    "EvidenceDemands",
    "KeptDirectory",
    "LogMemory",
    "NewestCheckpoint",
    "Proving",
    "Rounds",
    "WitnessTrust",
    "confirmation",
    "keep_contradiction",
    "kept_contradictions",
    "replay_trust",
]
