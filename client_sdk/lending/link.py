"""Interface between the logic of ``report_many`` and the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from client_sdk.kernel.formats.limits import MAX_RECORD_IDS
from client_sdk.kernel.subjects.oprf import MAX_BATCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from creditregistry.v1 import submission_pb2

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._steps import Call, Flow
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["MAX_LISTED", "MAX_NAMES", "HeldRecords", "RegistryLink"]

# Limits of the contract: record ids in one listing, identities in one evaluation.
MAX_LISTED = MAX_RECORD_IDS
MAX_NAMES = MAX_BATCH


class HeldRecords(Protocol):
    """Where records are listed; the method is a flow."""

    def held(self, record_ids: Sequence[bytes], issuer: str = "") -> Flow[list[HeldRecord]]:
        """Return what the registry holds of at most 1,000 records, verified; unknown ones are left out.

        Args:
            record_ids: of one issuer.
            issuer: institution id; empty for this lender.
        """
        ...


class RegistryLink(HeldRecords, Protocol):
    """A registry and its key services as a lender reaches them; every method is a flow."""

    def names(self, identities: Sequence[Identity]) -> Flow[Sequence[Mapping[int, Pseudonym]]]:
        """Return the pseudonyms of at most 1,000 persons, in order, under each live version of the subject keys."""
        ...

    def follow(self) -> Flow[object]:
        """Follow the directory now, so that names are under the versions of the subject keys that are live."""
        ...

    def submit(
        self, chunks: Sequence[Sequence[submission_pb2.Submission]], seconds: float
    ) -> Flow[Call[submission_pb2.SubmitBatchResponse]]:
        """Send chunks over one stream, several in flight, and return the stream of the answers, one each, in order.

        Args:
            chunks: of signed submissions.
            seconds: that the stream may take.
        """
        ...
