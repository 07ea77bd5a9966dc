"""``report_many``'s way to registry and key services: the client's own, behind the protocol of ``lending.link``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._calling import calling
from client_sdk.formats.words import KeyUse, Purpose
from client_sdk.lending.sending import stream_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from creditregistry.v1 import submission_pb2

    from client_sdk._calls.own_record import HeldRecord
    from client_sdk.client import Client
    from client_sdk.subjects.identifiers import Identity
    from client_sdk.subjects.pseudonym import Pseudonym

__all__ = ["ClientLink"]


class ClientLink:
    """``report_many``'s way to registry and key services."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def names(self, identities: Sequence[Identity]) -> list[dict[int, Pseudonym]]:
        return self._client._names(identities, KeyUse.REPORT, Purpose.REPORTING)  # noqa: SLF001 - one class in two

    def held(self, record_ids: Sequence[bytes]) -> list[HeldRecord]:
        return self._client._held(record_ids)  # noqa: SLF001 - one class in two

    def submit(
        self, chunks: Sequence[Sequence[submission_pb2.Submission]]
    ) -> Iterator[submission_pb2.SubmitBatchResponse]:
        with calling():
            yield from self._client._records.SubmitBatch(stream_of(chunks))  # noqa: SLF001 - one class in two
