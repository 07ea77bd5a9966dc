"""Comparison of what auditors have cosigned with the log: its key, its tree, and the auditors whom rulebooks named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.cosignature import cosigned_at
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.cosigned import read_cosigned
from registry_server.storage import replays
from registry_server.usecases.fsck.report import RowKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.storage.replays import StoredReplay
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport

__all__ = ["ReplayRows", "check_replays"]

# The log's line and the auditor's.
_LINES = 2


def check_replays(
    work: UnitOfWork, report: FsckReport, directory: Directory, size: int, roots: Mapping[int, bytes]
) -> None:
    """Check that each row is a checkpoint of this log that an auditor of a rulebook has cosigned.

    Rows of an auditor that the rulebook names no more go with the next cosignature of another, and are in order.

    Args:
        work: the snapshot.
        report: takes the findings.
        directory: after the last act.
        size: of the log.
        roots: of the log at the sizes of these rows.
    """
    rows = ReplayRows(directory, size, roots)
    for row in replays.rows(work):
        if rule := rows.broken(row):
            place = f"replay of {row.verifier_key.partition('+')[0]}"
            report.note(RowKind.REPLAY_ROW, place, rule, want="a checkpoint of this log that an auditor has cosigned")


class ReplayRows:
    """The rules for rows of the table ``replays``.

    Args:
        directory: after the last act.
        size: of the log.
        roots: of the log at the sizes of these rows.
    """

    def __init__(self, directory: Directory, size: int, roots: Mapping[int, bytes]) -> None:
        newest = directory.state.log_keys[-1]
        self._log_key = VerifierKey.ed25519(newest.origin, newest.public_key)
        rulebooks = (directory.rulebook, *(rulebook for _, rulebook in directory.replaced))
        quorums = [rulebook.replaying for rulebook in rulebooks]
        self._keys = {each.key.text(): each.key for quorum in quorums if quorum for each in quorum.witnesses}
        self._size = size
        self._roots = roots

    def broken(self, row: StoredReplay) -> str:
        """Return the rule that a row breaks; empty for none."""
        key = self._keys.get(row.verifier_key)
        if key is None:
            return "replay.key"
        try:
            cosigned = read_cosigned(row.note, self._log_key)
            signatures = cosigned.note.signatures
            if len(signatures) != _LINES or (key.name, key.key_id) != signatures[1][:2]:
                return "replay.lines"
            seconds = cosigned_at(cosigned.note.text, key, signatures[1])
        except FormatError as error:
            return error.rule
        if (row.size, row.cosigned_at) != (cosigned.size, seconds) or row.size > self._size:
            return "replay.size"
        return "" if self._roots.get(row.size) == cosigned.signed.checkpoint.root else "replay.history"
