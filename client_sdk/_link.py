"""``report_many``'s way to registry and key services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._transport.calling import calling
from client_sdk.lending.sending import stream_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from creditregistry.v1 import submission_pb2
    from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["ClientLink"]


class ClientLink:
    """A client as ``report_many`` sees it; see ``Link``.

    Args:
        names: asks the key services.
        held: lists own records.
        records: the registry's service.
    """

    def __init__(
        self,
        names: Callable[[Sequence[Identity]], list[dict[int, Pseudonym]]],
        held: Callable[[Sequence[bytes]], list[HeldRecord]],
        records: RecordServiceStub,
    ) -> None:
        self.names = names
        self.held = held
        self._records = records

    def submit(
        self, chunks: Sequence[Sequence[submission_pb2.Submission]], seconds: float
    ) -> Iterator[submission_pb2.SubmitBatchResponse]:
        """Send chunks over one stream, and yield the answer to each."""
        with calling():
            answers = self._records.SubmitBatch(stream_of(chunks), timeout=seconds)
            try:
                yield from answers
            finally:
                answers.cancel()
