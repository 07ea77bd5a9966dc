"""Taking up the cosignatures of auditors that have rebuilt the log.

The rulebook names their keys. What an auditor cosigns is kept in the database, one row a key, so that every process
shows it: an auditor comes by once in a while, and members count its age in hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.cosignature import cosigned_at
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.cosigned import read_cosigned, replayed_up_to
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS
from client_sdk.kernel.ledger.replay_keys import idle_auditors
from registry_server.errors import RefusalReason, RegistryError
from registry_server.storage import head
from registry_server.storage import replays as table
from registry_server.storage.replays import StoredReplay

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.cosigned import Cosigned, ReplayedUpTo
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Replays", "replayed"]

_FIELD = "checkpoint"
# The log's line and one of an auditor.
_LINES = 2
# Acts come one by one, hours apart; more than two in a row are of a member that logs nothing else.
_TRIES = 3


class Replays:
    """The use case.

    Args:
        ledger: that auditors rebuild.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def publish(self, note: bytes) -> None:
        """Keep a checkpoint of this log that an auditor has cosigned, unless a newer one of its key is kept.

        Args:
            note: with the log's line, then the auditor's.

        Raises:
            FormatError: it is no such note; SignatureError where a line does not verify.
            RegistryError: COSIGNER_UNKNOWN, RANGE_INVALID or TIME_INVALID; ANSWER_OVERTAKEN where acts were logged
                each time between the check and the write.
        """
        for _ in range(_TRIES):
            if self._take_up(note):
                return
            # An act came in between: it may have named other auditors.
        raise RegistryError(RefusalReason.ANSWER_OVERTAKEN, _FIELD, "replay.overtaken", want="no act meanwhile")

    def _take_up(self, note: bytes) -> bool:
        """Keep a checkpoint as ``publish``; return False, and keep nothing, where an act was logged meanwhile."""
        with self._ledger.view() as view:
            replay = self._read(note, view)
            named, newest_act = _keys_of(view), _newest_act(head.read(view.work))
            if _is_kept(view.work, replay):
                return True
        database = self._ledger.database
        with database.append() as work:
            # Two processes that take up two cosignatures of one key keep the newer one.
            if _newest_act(head.lock(work)) != newest_act:
                return False
            if not _is_kept(work, replay):
                table.put(work, replay)
                table.keep_only(work, list(named))
                work.commit()
        return True

    def _read(self, note: bytes, view: View) -> StoredReplay:
        """Return what a note says of the log of a view."""
        newest = view.directory.state.log_keys[-1]
        cosigned = read_cosigned(note, VerifierKey.ed25519(newest.origin, newest.public_key))
        if len(cosigned.note.signatures) != _LINES:
            got = f"{len(cosigned.note.signatures)} lines"
            raise FormatError(_FIELD, "replay.lines", got=got, want="the log's line and one of an auditor")
        _check_history(cosigned, view)
        line = cosigned.note.signatures[1]
        for text, key in _keys_of(view).items():
            if (key.name, key.key_id) == line[:2]:
                seconds = cosigned_at(cosigned.note.text, key, line)
                if seconds * 1_000 > self._ledger.clock() + CLOCKS_DIFFER_MS:
                    want = "a time that is not in the future"
                    raise RegistryError(RefusalReason.TIME_INVALID, _FIELD, "replay.ahead", want=want)
                return StoredReplay(text, cosigned.size, seconds, cosigned.note.encode())
        want = "the key of an active auditor that the rulebook names (replay_quorum)"
        raise RegistryError(RefusalReason.COSIGNER_UNKNOWN, _FIELD, "replay.key", got=line.name, want=want)


def replayed(work: UnitOfWork, directory: Directory) -> ReplayedUpTo | None:
    """Return how far enough of the active auditors of the rulebook have rebuilt the log; None where too few have.

    Raises:
        FormatError: a row is none that this use case has written.
        StorageError: the database failed.
    """
    quorum, newest = directory.rulebook.replaying, directory.state.log_keys[-1]
    if quorum is None:
        return None
    log_key = VerifierKey.ed25519(newest.origin, newest.public_key)
    shown = [read_cosigned(row.note, log_key) for row in table.rows(work)]
    return replayed_up_to(shown, quorum, idle_auditors(directory))


def _check_history(cosigned: Cosigned, view: View) -> None:
    """Check that a checkpoint is one of this log, not of another history under the same key."""
    checkpoint = cosigned.signed.checkpoint
    if not 0 < checkpoint.size <= view.size:
        got, want = str(checkpoint.size), f"1 to {view.size}"
        raise RegistryError(RefusalReason.RANGE_INVALID, _FIELD, "replay.size", got=got, want=want)
    if view.root_of(checkpoint.size) != checkpoint.root:
        want = "the root of this log"
        raise RegistryError(RefusalReason.RANGE_INVALID, _FIELD, "replay.history", got="another root", want=want)


def _newest_act(row: HeadRow | None) -> int:
    return -1 if row is None else row.newest_act


def _keys_of(view: View) -> dict[str, VerifierKey]:
    """Return the keys of the active auditors that the rulebook names, by their text."""
    quorum, idle = view.rulebook.replaying, idle_auditors(view.directory)
    keys = () if quorum is None else tuple(witness.key for witness in quorum.witnesses)
    return {key.text(): key for key in keys if key not in idle}


def _is_kept(work: UnitOfWork, replay: StoredReplay) -> bool:
    """Whether this or something newer of its key is kept."""
    held = {row.verifier_key: row for row in table.rows(work)}.get(replay.verifier_key)
    return held is not None and (held.cosigned_at, held.size) >= (replay.cosigned_at, replay.size)
