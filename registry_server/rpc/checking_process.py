"""A process that checks submissions for the server: ``python -m registry_server.rpc.checking_process``.

It answers one request after the other and ends when the server does, however that ended. It opens no file and no
connection, and writes nothing: what it cannot check is answered with nothing, and the server checks it itself.

    request  = pickled ChunkRequest          answer = pickled tuple of StatementItem and Complaint, or nothing
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._helper_process import serve
from client_sdk.kernel.formats.batch_signature import VerifiedBatches
from client_sdk.kernel.ledger.submission import Submission
from registry_server.usecases.submission import Arrival
from registry_server.usecases.submit import check_submission

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.usecases.submit import Checked

__all__ = ["ChunkRequest"]


class ChunkRequest(NamedTuple):
    """A chunk to be checked.

    Attributes:
        peer: institution id of the caller.
        now: when it came in, ms.
        directory: pickled, where it is another than that of the request before; empty where it is the same.
        chunk: serialised BatchChunk.
    """

    peer: str
    now: int
    directory: bytes
    chunk: bytes

    def __repr__(self) -> str:
        return "ChunkRequest(...)"


class _Checker:
    """Answers requests; keeps the directory of the last one, and which signatures over batches have verified."""

    def __init__(self) -> None:
        self._directory: Directory | None = None
        self._verified = VerifiedBatches()

    def answer(self, data: bytes) -> bytes:
        """Return the answer to a request; empty bytes where it cannot be given."""
        try:
            # Pickle between two processes of one program, over a socket that no third one has.
            request: ChunkRequest = pickle.loads(data)  # noqa: S301 - see above
            if request.directory:
                self._directory = pickle.loads(request.directory)  # noqa: S301 - see above
            if self._directory is None:
                return b""
            return pickle.dumps(_checked(request, self._directory, self._verified), -1)
        except Exception:  # noqa: BLE001 - the server checks again and tells its own log what is wrong
            return b""


def _checked(request: ChunkRequest, directory: Directory, verified: VerifiedBatches) -> tuple[Checked, ...]:
    arrival = Arrival.of(request.now, directory)
    sent = map(Submission.of, pb.BatchChunk.FromString(request.chunk).submissions)
    return tuple(check_submission(item, request.peer, arrival, verified) for item in sent)


def main() -> None:
    """Serve until the server ends."""
    serve(_Checker().answer)


if __name__ == "__main__":
    main()
