"""Data source of an audit: an interface, and its implementation over the registry's TransparencyService.

Nothing here is believed. A source only sees to it that streams are whole and in order.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import grpc
from creditregistry.v1 import transparency_pb2 as pb
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

from client_sdk.errors import VerificationError
from client_sdk.kernel.ledger.examination import LiveBinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

__all__ = ["LiveBindings", "RegistrySource", "Source"]

P = TypeVar("P")
# Seconds before a stream that broke is gone on with.
_PAUSES = (0.1, 0.3, 0.9)


class LiveBindings(NamedTuple):
    """Bindings of all live records, and of records that changed while they were read.

    Attributes:
        size: of the log for whose HEAD they are complete; the audit goes to exactly that size.
        begun_at: size of the log when the first was read; what was live from there on may stand among them.
        bindings: in the order in which they came, ascending by leaf.
        checkpoint: the log's signed note of that size.
    """

    size: int
    begun_at: int
    bindings: Mapping[int, LiveBinding]
    checkpoint: bytes


class Source(Protocol):
    """A registry as an auditor sees it."""

    def checkpoint(self, known_size: int) -> pb.GetCheckpointResponse:
        """Return the newest checkpoint, with consistency from a size that the caller knows; 0 for none."""
        ...

    def statistics(self) -> pb.GetStatisticsResponse:
        """Return what the registry publishes of the statements up to a size that it names."""
        ...

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaves of a range, all of them and in order.

        Raises:
            VerificationError: the range was cut short or out of order.
        """
        ...

    def live_bindings(self, bindings: MutableMapping[int, LiveBinding]) -> LiveBindings:
        """Return subject and opening of every live record.

        Args:
            bindings: empty; takes them.

        Raises:
            VerificationError: the stream was cut short, or out of order.
        """
        ...

    def inquiries(self, start: int, end: int) -> Iterator[pb.LoggedInquiry]:
        """Yield a range of the inquiry tree, each leaf with its inquiry; fewer where the registry has fewer."""
        ...

    def directory(self, institutions: Sequence[str]) -> pb.GetDirectoryProofResponse:
        """Return RegistryState, at most 100 institutions and what they have given, with their map proofs."""
        ...


class RegistrySource:
    """A registry over gRPC.

    Args:
        channel: to the registry, with the auditor's certificate and a deadline for every call.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = TransparencyServiceStub(channel)

    def checkpoint(self, known_size: int) -> pb.GetCheckpointResponse:
        """Return the newest checkpoint, with consistency from a size that the caller knows."""
        return self._stub.GetCheckpoint(pb.GetCheckpointRequest(known_size=known_size))

    def statistics(self) -> pb.GetStatisticsResponse:
        """Return what the registry publishes of the statements up to a size that it names."""
        return self._stub.GetStatistics(pb.GetStatisticsRequest(quality=True))

    def leaves(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaves of a range, all of them and in order.

        Raises:
            VerificationError: the range was cut short or out of order.
        """
        at = start
        if start < end:

            def rest() -> Iterator[pb.ListLeavesResponse]:
                return self._stub.ListLeaves(pb.ListLeavesRequest(start=at, end=end)) if at < end else iter(())

            for page in _resumed(rest):
                if page.start != at or at + len(page.leaves) > end:
                    raise VerificationError("leaves", "leaves.order", got=str(page.start), want=str(at))
                if not page.leaves:
                    break
                at += len(page.leaves)
                yield from page.leaves
        if at != end:
            raise VerificationError("leaves", "leaves.complete", got=f"leaves up to {at}", want=f"up to {end}")

    def live_bindings(self, bindings: MutableMapping[int, LiveBinding]) -> LiveBindings:
        """Return subject and opening of every live record.

        Raises:
            VerificationError: the stream was cut short, or out of order.
        """
        begun_at, size, last, checkpoint, count = 0, 0, -1, b"", 0
        for page in self._stub.ListLiveBindings(pb.ListLiveBindingsRequest()):
            if size:
                raise VerificationError("live bindings", "bindings.size", want="a size in the last message only")
            if bool(page.begun_at) is bool(begun_at):
                raise VerificationError("live bindings", "bindings.begun-at", want="begun_at in the first message only")
            if begun_at and not (page.size or page.bindings):
                raise VerificationError("live bindings", "bindings.count", want="no message without anything")
            begun_at, size, checkpoint = begun_at or page.begun_at, page.size, page.checkpoint
            if bool(checkpoint) is not bool(size):
                want = "a checkpoint in the last message only"
                raise VerificationError("live bindings", "bindings.checkpoint", want=want)
            for item in page.bindings:
                if item.index < last:
                    raise VerificationError(
                        "live bindings", "bindings.order", got=str(item.index), want=f"{last} or more"
                    )
                last = item.index
                bindings[count] = LiveBinding(last, item.subject, item.opening)
                count += 1
            if count > last + 1:
                raise VerificationError("live bindings", "bindings.count", want="at most one a leaf")
        if not max(begun_at, last + 1) <= size:
            raise VerificationError("live bindings", "bindings.size", want="the size of the log that they belong to")
        return LiveBindings(size, begun_at, bindings, checkpoint)

    def inquiries(self, start: int, end: int) -> Iterator[pb.LoggedInquiry]:
        """Yield a range of the inquiry tree, each leaf with its inquiry; fewer where the registry has fewer.

        Raises:
            VerificationError: they are out of order, or more than asked for.
        """
        at = start
        if start < end:

            def rest() -> Iterator[pb.ListInquiryLeavesResponse]:
                request = pb.ListInquiryLeavesRequest(start=at, end=end)
                return self._stub.ListInquiryLeaves(request) if at < end else iter(())

            for page in _resumed(rest):
                if page.start != at or at + len(page.inquiries) > end:
                    raise VerificationError("inquiry leaves", "inquiries.order", got=str(page.start), want=str(at))
                if not page.inquiries:
                    break
                at += len(page.inquiries)
                yield from page.inquiries

    def directory(self, institutions: Sequence[str]) -> pb.GetDirectoryProofResponse:
        """Return RegistryState, at most 100 institutions and what they have given, with their map proofs."""
        request = pb.GetDirectoryProofRequest(institutions=institutions, contributions=True)
        return self._stub.GetDirectoryProof(request)

    def publish(self, checkpoint: bytes) -> None:
        """Hand over a checkpoint that this auditor has cosigned."""
        self._stub.PublishReplay(pb.PublishReplayRequest(checkpoint=checkpoint))


def _resumed(rest: Callable[[], Iterator[P]]) -> Iterator[P]:
    """Yield the pages of a stream; where it breaks, go on with another one.

    Its caller takes no page without anything: each brings the end nearer.

    Args:
        rest: begins a stream of what has not been yielded yet.

    Raises:
        grpc.RpcError: it broke several times without a page between, or was refused.
    """
    broken = 0
    while True:
        try:
            for page in rest():
                yield page
                broken = 0
        except grpc.RpcError as error:
            away = isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAVAILABLE
            if not away or broken == len(_PAUSES):
                raise
            time.sleep(_PAUSES[broken])
            broken += 1
        else:
            return
