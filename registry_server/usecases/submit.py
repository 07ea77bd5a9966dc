"""Reporting: submissions into the log, each with its own result.

    prepared = submitting.prepare(peer, submissions)         forms, signatures, commitments, rules; in any thread
    submitting.enqueue(prepared)  -> Future[Appended]        one transaction, with whatever else waits

A stream prepares its next chunk while the one before commits; it enqueues its chunks in their order.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from client_sdk.kernel.formats.batch_signature import VerifiedBatches
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.limits import CHUNK_SUBMISSIONS
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import Appended, Result
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.submission import Arrival, read_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.ledger.submission import Submission
    from registry_server.sequencing.items import StatementItem
    from registry_server.sequencing.ledger import Ledger

__all__ = [
    "KEY_UNKNOWN",
    "Appended",
    "Checked",
    "PreparedSubmissions",
    "Result",
    "Submitting",
    "check_submission",
]

# What comes of a check without the log: what may be appended, or why it may not.
Checked: TypeAlias = "StatementItem | Complaint"

# The one refusal that a newer directory may take back.
KEY_UNKNOWN = "KEY_UNKNOWN"


@dataclass(frozen=True, slots=True)
class PreparedSubmissions:
    """What a member sent, checked without the log: for each submission, what may be appended, or why it may not."""

    peer: str
    checked: tuple[Checked, ...]


class Submitting:
    """The use case; thread-safe.

    Args:
        ledger: where the records go.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._verified = VerifiedBatches()

    def prepare(self, peer: str, submissions: Sequence[Submission]) -> PreparedSubmissions:
        """Check submissions without the log. Takes about 100 us each, half of it without the interpreter's lock.

        Raises:
            RegistryError: SIZE_LIMIT; too many, or none.
            StorageError: a key is unknown here, and the database, which may have news of it, failed.
        """
        if not 0 < len(submissions) <= CHUNK_SUBMISSIONS:
            raise RegistryError(
                RefusalReason.SIZE_LIMIT,
                "submissions",
                "submissions.count",
                got=str(len(submissions)),
                want=f"1 to {CHUNK_SUBMISSIONS}",
            )
        return PreparedSubmissions(peer, self._check([(peer, sent) for sent in submissions]))

    def prepare_each(self, calls: Sequence[tuple[str, Submission]]) -> list[PreparedSubmissions]:
        """Check what several calls bring, one submission each, with the peer of each.

        Raises:
            StorageError: as ``prepare``.
        """
        checked = self._check(calls)
        return [PreparedSubmissions(peer, (one,)) for (peer, _), one in zip(calls, checked, strict=True)]

    def arrival(self) -> Arrival:
        """Return now, with the directory as this process knows it."""
        return Arrival.of(self._ledger.clock(), self._ledger.directory)

    def enqueue(self, prepared: PreparedSubmissions) -> Future[Appended]:
        """Log what was prepared, durably and in a signed checkpoint.

        Returns:
            The results; or StorageError, where nothing is known of the submissions, which may be sent again, or
            ClockError, where what time it is is not known and nothing is logged.

        Raises:
            LedgerClosedError: the registry is stopping.
        """
        items = [item for item in prepared.checked if not isinstance(item, Complaint)]
        submitted: Future[Appended] = Future()
        # Not cancellable: what is enqueued is always carried out.
        submitted.set_running_or_notify_cancel()
        appended = self._ledger.append(items)
        appended.add_done_callback(lambda done: self._finish(prepared, done, submitted))
        return submitted

    def _finish(self, prepared: PreparedSubmissions, appended: Future[Appended], submitted: Future[Appended]) -> None:
        """Merge earlier refusals with the results of the other submissions, and count all that was refused."""
        error = appended.exception()
        if error is not None:
            submitted.set_exception(error)
            return
        done = appended.result()
        rest = iter(done.results)
        results = [Result.refused(item) if isinstance(item, Complaint) else next(rest) for item in prepared.checked]
        refused = [result.complaint for result in results if result.complaint is not None]
        if refused:
            self._ledger.count_refusals(prepared.peer, refused)
        submitted.set_result(Appended(done.checkpoint, tuple(results)))

    def _check(self, sent: Sequence[tuple[str, Submission]]) -> tuple[Checked, ...]:
        arrival = self.arrival()
        checked = [check_submission(submission, peer, arrival, self._verified) for peer, submission in sent]
        unknown = [at for at, item in enumerate(checked) if isinstance(item, Complaint) and item.reason == KEY_UNKNOWN]
        if unknown:
            # Another process may have logged the acts that gave the keys: one view brings the news for all.
            with self._ledger.view() as view:
                newest = Arrival.of(arrival.now, view.directory)
            for at in unknown:
                peer, submission = sent[at]
                checked[at] = check_submission(submission, peer, newest, self._verified)
        return tuple(checked)


def check_submission(sent: Submission, peer: str, arrival: Arrival, verified: VerifiedBatches) -> Checked:
    """Return what may be appended, or why it may not, as far as that is decided without the log."""
    try:
        return read_submission(sent, peer, arrival, verified)
    except (FormatError, RegistryError, RuleError) as error:
        return complaint_of(error)
