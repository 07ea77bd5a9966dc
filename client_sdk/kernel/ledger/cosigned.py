"""Cosigned checkpoints beside an answer (proto/README.md 8): one history with its own checkpoint, and who cosigned.

Whether that is enough is for the reader to say, who brings the witnesses that it trusts: nothing here takes them from
the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import note as notes
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.formats.note import Note
from client_sdk.kernel.ledger.proving import split_hashes, within

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from creditregistry.v1 import evidence_pb2 as pb

    from client_sdk.kernel.formats.checkpoint import Checkpoint, SignedCheckpoint
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum

__all__ = ["COSIGNED", "Cosigned", "ReplayedUpTo", "check_one_history", "read_cosigned", "replayed_up_to"]

COSIGNED = "cosigned checkpoint"


class ReplayedUpTo(NamedTuple):
    """How far auditors have rebuilt a log.

    Attributes:
        size: leaves that enough of them have rebuilt.
        at: the newest time at which, or later, enough of them had begun to, seconds since 1970 UTC; of a HEAD that is
            older than that, its own.
    """

    size: int
    at: int


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint of the log with the lines of witnesses, which are not verified yet.

    Attributes:
        signed: with the log's line alone.
        note: with all lines.
    """

    signed: SignedCheckpoint
    note: Note

    @property
    def size(self) -> int:
        """Leaves of its tree."""
        return self.signed.checkpoint.size

    def met_at(self, quorums: Sequence[WitnessQuorum], latest: int | None = None) -> int | None:
        """Return the newest time at which every quorum had cosigned, seconds since 1970 UTC; None where one had not.

        Args:
            quorums: at least one, each from the reader's own trust.
            latest: seconds since 1970 UTC; a cosignature with a later time counts for nothing, as it would never look
                old. None where the reader has no clock that matters.

        Raises:
            FormatError: the line of a trusted witness is of another form.
            SignatureError: the line of a trusted witness does not verify, which spoils the whole note.
        """
        with within(COSIGNED):
            met = [_met_at(self.note, quorum, latest) for quorum in quorums]
        return None if None in met else min((at for at in met if at is not None), default=None)

    def times(self, quorum: WitnessQuorum) -> dict[str, int]:
        """Return when each trusted witness had cosigned, seconds since 1970 UTC, by its name; of those that have.

        Raises:
            FormatError: the line of a trusted witness is of another form.
            SignatureError: the line of a trusted witness does not verify, which spoils the whole note.
        """
        with within(COSIGNED):
            times = _times(self.note, tuple(witness.key for witness in quorum.witnesses))
        return {witness.name: times[witness.key] for witness in quorum.witnesses if witness.key in times}


def _met_at(note: Note, quorum: WitnessQuorum, latest: int | None) -> int | None:
    """Return when one quorum had cosigned a note."""
    times = _times(note, tuple(witness.key for witness in quorum.witnesses))
    return quorum.met_at({key: at for key, at in times.items() if latest is None or at <= latest})


@lru_cache(maxsize=64)
def read_cosigned(data: bytes, log_key: VerifierKey) -> Cosigned:
    """Return the checkpoint of a note with lines of witnesses; the log's own line comes first. Verified once.

    Raises:
        FormatError: it is no such note, or of another log.
        SignatureError: the log's line does not verify.
    """
    with within(COSIGNED):
        note = notes.parse(data)
        own = Note(note.text, note.signatures[:1])
        return Cosigned(parse_checkpoint(own.encode(), log_key), note)


def check_one_history(message: pb.CosignedCheckpoint, checkpoint: Checkpoint, log_key: VerifierKey) -> Cosigned:
    """Return a cosigned checkpoint that belongs to one history with another checkpoint, whichever of them is larger.

    Raises:
        FormatError: as ``read_cosigned``.
        ProofError: the smaller tree is not proved to begin the larger one.
    """
    cosigned = read_cosigned(message.checkpoint, log_key)
    before, after = sorted((cosigned.signed.checkpoint, checkpoint), key=lambda one: one.size)
    with within(COSIGNED):
        path = split_hashes(message.consistency, COSIGNED)
        verify_consistency(before.size, after.size, path, before.root, after.root)
    return cosigned


def replayed_up_to(
    shown: Sequence[Cosigned], quorum: WitnessQuorum, idle: Collection[VerifierKey] = ()
) -> ReplayedUpTo | None:
    """Return how far auditors have rebuilt a log, each up to a checkpoint of its own; None where too few have.

    Args:
        shown: of one history with the log.
        quorum: the auditors that the reader trusts.
        idle: keys of them that do not count (``replay_keys.idle_auditors``).

    Raises:
        FormatError: the line of a trusted auditor is of another form.
        SignatureError: the line of a trusted auditor does not verify, which spoils the whole note.
    """
    newest: dict[VerifierKey, ReplayedUpTo] = {}
    keys = tuple(witness.key for witness in quorum.witnesses if witness.key not in idle)
    for cosigned in shown:
        with within(COSIGNED):
            times = _times(cosigned.note, keys)
        for key, at in times.items():
            found = ReplayedUpTo(cosigned.size, at)
            newest[key] = max(newest.get(key, found), found, key=lambda one: (one.at, one.size))
    met = quorum.met_at({key: found.at for key, found in newest.items()})
    if met is None:
        return None
    counting = {key: found.size for key, found in newest.items() if found.at >= met}
    for size in sorted(set(counting.values()), reverse=True):
        if quorum.is_met([key for key, rebuilt in counting.items() if rebuilt >= size]):
            return ReplayedUpTo(size, met)
    return None


@lru_cache(maxsize=64)
def _times(note: Note, keys: tuple[VerifierKey, ...]) -> dict[VerifierKey, int]:
    """Return the time of each of these keys' cosignatures; verified once, as one note stands in many answers."""
    return cosignatures_of(note, keys)
