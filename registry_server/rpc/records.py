"""RecordService: lenders report, and read what is held of their own records and of those that they took over."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import erasure_pb2
from creditregistry.v1 import submission_pb2 as pb
from creditregistry.v1.record_service_pb2_grpc import RecordServiceServicer

from client_sdk.kernel.formats.limits import CHUNK_SUBMISSIONS
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.submission import Submission
from registry_server.errors import RefusalReason, RegistryError
from registry_server.rpc.convert.proofs import proved_erasure, receipt
from registry_server.rpc.convert.submissions import own_record, results
from registry_server.rpc.gathering import Gathering
from registry_server.rpc.threads import in_thread, pages_from
from registry_server.serving.call import current_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from concurrent.futures import Future

    from registry_server.rpc.preparing import Preparation
    from registry_server.rpc.threads import Threads
    from registry_server.usecases.erasures import Erasures
    from registry_server.usecases.records import Records
    from registry_server.usecases.submit import Appended, PreparedSubmissions, Submitting

__all__ = ["RecordServicer"]

# Single submissions that share one transaction at most.
_GATHERED = 256
# Chunks of one stream that are read before the first of them is answered.
_READ_AHEAD = 3


class RecordServicer(RecordServiceServicer):
    """Serves RecordService.

    Args:
        submitting: use case.
        records: use case.
        erasures: use case.
        threads: that do what blocks.
        preparation: checks the chunks of streams.
    """

    def __init__(
        self,
        submitting: Submitting,
        records: Records,
        erasures: Erasures,
        threads: Threads,
        preparation: Preparation,
    ) -> None:
        self._submitting = submitting
        self._preparation = preparation
        self._records = records
        self._erasures = erasures
        self._executor = threads.calls
        self._reading = threads.reading
        self._pages = threads.pages
        # One for each member: else the streams of one would take the processor's time from all others.
        self._turns: dict[str, asyncio.Lock] = {}
        self._single: Gathering[tuple[str, pb.Submission], Appended] = Gathering(
            self._submit_each, threads.calls, limit=_GATHERED
        )

    async def Submit(self, request: pb.SubmitRequest, _context: object) -> pb.SubmitResponse:
        """Log one version."""
        submitted = await self._single.submit((current_call().institution, request.submission))
        (result,) = results(submitted.results)
        return pb.SubmitResponse(result=result, checkpoint=submitted.checkpoint)

    async def SubmitBatch(
        self,
        request_iterator: AsyncIterator[pb.SubmitBatchRequest],
        _context: object,
    ) -> AsyncIterator[pb.SubmitBatchResponse]:
        """Log many; the next chunks are checked while the one before commits."""
        peer = current_call().institution
        stream = _BatchStream(self._submitting, self._preparation, peer, self._turns.setdefault(peer, asyncio.Lock()))
        reading = asyncio.ensure_future(stream.read(request_iterator))
        enqueuing = asyncio.ensure_future(stream.enqueue())
        try:
            while (committing := await stream.next_chunk()) is not None:
                yield await _answered(committing)
            await enqueuing
            # The refusal of the stream itself follows the results of the chunks before it.
            await reading
        finally:
            reading.cancel()
            enqueuing.cancel()
            stream.cancel()

    async def ListRecords(
        self,
        request: pb.ListRecordsRequest,
        _context: object,
    ) -> AsyncIterator[pb.ListRecordsResponse]:
        """Stream what is held of the caller's own records, or of those of an institution that it succeeds."""
        peer = current_call().institution
        listing = partial(self._records.list_own, peer, request.issuer, list(request.record_ids))
        async for page in pages_from(self._pages, listing):
            yield pb.ListRecordsResponse(records=map(own_record, page))

    async def GetReceipt(
        self,
        request: pb.GetReceiptRequest,
        _context: object,
    ) -> pb.GetReceiptResponse:
        """Return the receipt of a version of an own record, or of one of an institution that the caller succeeds."""
        finding = partial(
            self._records.receipt, current_call().institution, request.issuer, request.record_id, request.version
        )
        found = await in_thread(self._reading, finding)
        return pb.GetReceiptResponse(receipt=receipt(found))

    async def GetErasure(
        self,
        request: erasure_pb2.GetErasureRequest,
        _context: object,
    ) -> erasure_pb2.GetErasureResponse:
        """Return the signed proof that a record was erased."""
        key = RecordKey(request.record.issuer, request.record.record_id)
        proving = partial(self._erasures.prove, current_call().institution, key, request.person)
        found = await in_thread(self._executor, proving)
        return erasure_pb2.GetErasureResponse(proved=proved_erasure(found))

    def _submit_each(self, batch: Sequence[tuple[str, pb.Submission]]) -> list[Appended | Exception]:
        """Submit for several callers in one thread, mostly in one transaction; each has the outcome of its own."""
        prepared = self._submitting.prepare_each([(peer, Submission.of(message)) for peer, message in batch])
        futures = [self._submitting.enqueue(item) for item in prepared]
        return [_outcome(future) for future in futures]


def _outcome(appended: Future[Appended]) -> Appended | Exception:
    """Wait for an append; return what it ended with."""
    try:
        return appended.result()
    except Exception as error:  # noqa: BLE001 - it becomes the error of the call
        return error


class _Committing(NamedTuple):
    """A chunk on its way into the log.

    Attributes:
        first: place of its first submission in the stream.
        submitted: what becomes of it.
    """

    first: int
    submitted: asyncio.Future[Appended]


async def _answered(chunk: _Committing) -> pb.SubmitBatchResponse:
    # Shielded: a client that goes away takes back nothing that is under way.
    submitted = await asyncio.shield(chunk.submitted)
    return pb.SubmitBatchResponse(results=results(submitted.results, chunk.first), checkpoint=submitted.checkpoint)


class _Checking(NamedTuple):
    """A chunk that is being checked.

    Attributes:
        first: place of its first submission in the stream.
        prepared: its checked submissions.
    """

    first: int
    prepared: asyncio.Future[PreparedSubmissions]


class _BatchStream:
    """Reads ahead: the next chunks are checked, beside each other, while the ones before them commit, in their order.

    Args:
        submitting: use case.
        preparation: checks chunks.
        peer: institution id of the caller.
        turn: held while a chunk is checked.
    """

    def __init__(self, submitting: Submitting, preparation: Preparation, peer: str, turn: asyncio.Lock) -> None:
        self._submitting = submitting
        self._preparation = preparation
        self._peer = peer
        self._turn = turn
        self._checking: asyncio.Queue[_Checking | None] = asyncio.Queue()
        self._chunks: asyncio.Queue[_Committing | None] = asyncio.Queue()
        self._places = asyncio.Semaphore(_READ_AHEAD)

    async def read(self, messages: AsyncIterator[pb.SubmitBatchRequest]) -> None:
        """Take the whole stream.

        Raises:
            RegistryError: BATCH_ORDER or COUNT_MISMATCH.
        """
        try:
            batch = _DeclaredBatch(await anext(messages, None))
            while True:
                # A message is read once there is room for it, not before.
                await self._places.acquire()
                message = await anext(messages, None)
                if message is None:
                    break
                first, chunk = batch.take(message)
                prepared = asyncio.ensure_future(self._prepare(chunk))
                prepared.add_done_callback(_look_at)
                self._checking.put_nowait(_Checking(first, prepared))
            batch.finish()
        finally:
            self._checking.put_nowait(None)

    async def _prepare(self, chunk: pb.BatchChunk) -> PreparedSubmissions:
        """Check a chunk, one of this member at a time: else its streams would keep the processors from all others."""
        async with self._turn:
            return await in_thread(self._preparation.threads, partial(self._preparation.prepare, self._peer, chunk))

    async def enqueue(self) -> None:
        """Enqueue each chunk once it and all before it are checked.

        Raises:
            LedgerClosedError: the registry is stopping.
        """
        try:
            while (checking := await self._checking.get()) is not None:
                submitted = asyncio.wrap_future(self._submitting.enqueue(await checking.prepared))
                submitted.add_done_callback(_look_at)
                self._chunks.put_nowait(_Committing(checking.first, submitted))
        finally:
            self._chunks.put_nowait(None)

    def cancel(self) -> None:
        """Begin nothing more of what waits to be checked."""
        while not self._checking.empty():
            checking = self._checking.get_nowait()
            if checking is not None:
                checking.prepared.cancel()

    async def next_chunk(self) -> _Committing | None:
        """Return the next chunk in order; None after the last."""
        chunk = await self._chunks.get()
        self._places.release()
        return chunk


def _look_at(done: asyncio.Future[PreparedSubmissions] | asyncio.Future[Appended]) -> None:
    """Retrieve an exception without a waiter, after the client has disconnected."""
    if not done.cancelled():
        done.exception()


class _DeclaredBatch:
    """Holds a stream against its header.

    Args:
        header: first message; None where there is none.

    Raises:
        RegistryError: BATCH_ORDER.
    """

    def __init__(self, header: pb.SubmitBatchRequest | None) -> None:
        part = None if header is None else header.WhichOneof("part")
        if header is None or part != "header":
            raise RegistryError(
                RefusalReason.BATCH_ORDER, "header", "batch.header", got=part or "nothing", want="a header"
            )
        self._declared = header.header.count
        self._taken = 0

    def take(self, message: pb.SubmitBatchRequest) -> tuple[int, pb.BatchChunk]:
        """Return the place of the first submission of a chunk in the stream, and the chunk.

        Raises:
            RegistryError: BATCH_ORDER or COUNT_MISMATCH.
        """
        part = message.WhichOneof("part")
        chunk, count = message.chunk, len(message.chunk.submissions)
        if part != "chunk" or not 0 < count <= CHUNK_SUBMISSIONS:
            got = f"{count} submissions" if part == "chunk" else part or "nothing"
            raise RegistryError(
                RefusalReason.BATCH_ORDER, "chunk", "batch.chunk", got=got, want=f"1 to {CHUNK_SUBMISSIONS} submissions"
            )
        first, self._taken = self._taken, self._taken + count
        if self._taken > self._declared:
            raise self._mismatch()
        return first, chunk

    def finish(self) -> None:
        """End the stream.

        Raises:
            RegistryError: COUNT_MISMATCH.
        """
        if self._taken != self._declared:
            raise self._mismatch()

    def _mismatch(self) -> RegistryError:
        return RegistryError(
            RefusalReason.COUNT_MISMATCH, "header.count", "batch.count", got=str(self._taken), want=str(self._declared)
        )
