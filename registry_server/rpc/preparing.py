"""A chunk of a stream, checked without the log: in a process of its own where that is faster, else in this one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.ledger.submission import Submission
from registry_server.rpc.pace import Pace
from registry_server.usecases.submit import KEY_UNKNOWN, PreparedSubmissions

if TYPE_CHECKING:
    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.rpc.checking import CheckingProcesses
    from registry_server.usecases.submit import Submitting

__all__ = ["Preparation"]

# Fewer submissions are checked sooner than sent to and fro.
_WORTH_SENDING = 16


# One thread may check while the other's chunk is on its way.
_LEAST_THREADS = 2


class Preparation:
    """Checks chunks; thread-safe.

    Args:
        submitting: use case.
        processes: that check beside this one; they are closed with it.

    Attributes:
        threads: in which chunks of streams are checked or sent, so that those of many streams keep no other call from
            the threads of the server; one a process.
    """

    def __init__(self, submitting: Submitting, processes: CheckingProcesses) -> None:
        self._submitting = submitting
        self._processes = processes
        self._pace = Pace()
        self.threads = ThreadPoolExecutor(max(_LEAST_THREADS, processes.count), thread_name_prefix="checking")

    def close(self) -> None:
        """Finish the chunks under way, and end threads and processes."""
        self.threads.shutdown(cancel_futures=True)
        self._processes.close()

    def prepare(self, peer: str, chunk: pb.BatchChunk) -> PreparedSubmissions:
        """Check a chunk of 1 to 256 submissions; blocks.

        Args:
            peer: institution id of the caller.
            chunk: as it came.
        """
        if len(chunk.submissions) < _WORTH_SENDING:
            return self._here(peer, chunk)
        self._processes.start()
        if not self._processes.ready:
            return self._here(peer, chunk)
        elsewhere = self._pace.begin()
        try:
            prepared = self._elsewhere(peer, chunk) if elsewhere else None
            return self._here(peer, chunk) if prepared is None else prepared
        finally:
            self._pace.end(elsewhere, len(chunk.submissions))

    def _here(self, peer: str, chunk: pb.BatchChunk) -> PreparedSubmissions:
        return self._submitting.prepare(peer, [Submission.of(message) for message in chunk.submissions])

    def _elsewhere(self, peer: str, chunk: pb.BatchChunk) -> PreparedSubmissions | None:
        arrival = self._submitting.arrival()
        checked = self._processes.check(peer, arrival.now, arrival.directory, chunk.SerializeToString())
        if checked is None or len(checked) != len(chunk.submissions):
            return None
        # A key that the directory does not have yet is looked for where there may be news of it: here.
        unknown = [at for at, item in enumerate(checked) if isinstance(item, Complaint) and item.reason == KEY_UNKNOWN]
        if not unknown:
            return PreparedSubmissions(peer, checked)
        again = self._submitting.prepare(peer, [Submission.of(chunk.submissions[at]) for at in unknown]).checked
        replaced = dict(zip(unknown, again, strict=True))
        return PreparedSubmissions(peer, tuple(replaced.get(at, item) for at, item in enumerate(checked)))
