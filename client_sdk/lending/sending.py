"""Sending signed submissions and storing their receipts: the last step of ``report_many``."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.receipt import read_result
from client_sdk._steps import beside, message, pause
from client_sdk._transport.refusal import violation_of
from client_sdk.errors import DeadlineExceededError, OutboxError, UnavailableError, VerificationError
from client_sdk.kernel.formats.limits import CHUNK_BYTES, CHUNK_SUBMISSIONS
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.lending.outbox import Outbox, Pending, Stored
from client_sdk.lending.places import column_of
from client_sdk.lending.signing_room import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.lending.link import RegistryLink
    from client_sdk.models.violation import Violation

__all__ = ["Sender", "Sent", "pack", "stream_of"]

# A stream that breaks is begun again with what has no answer yet; sending the same bytes twice changes nothing. So many
# times, and for so long as one stream may take, without an answer.
MAX_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
# Kept submissions that are read, and sent over one stream, at a time.
KEPT_AT_A_TIME = 4_096
# Around the submissions of a chunk stand the tags and lengths of two messages, and before each one its own.
_AROUND_BYTES = 32
_BEFORE_EACH_BYTES = 8


class Sent(NamedTuple):
    """Result of one submission.

    Attributes:
        item: what was sent.
        accepted: whether it was logged now; False where the same bytes had been.
        violation: why it was refused; None where it is in the log.
    """

    item: Prepared
    accepted: bool
    violation: Violation | None


def pack(units: Iterable[Sequence[Prepared]]) -> list[list[Prepared]]:
    """Return chunks within the limits of the contract that keep what belongs together in one, where it fits.

    Within a chunk the units are mixed at random, each in its own order: leaves that follow each other would tell for
    ever that two records are about one person, also after one of them was erased (P4).
    """
    chunks: list[list[Sequence[Prepared]]] = [[]]
    room = _Room()
    for unit in units:
        for part in _parts(unit):
            if not room.take(part):
                chunks.append([])
                room = _Room()
                room.take(part)
            chunks[-1].append(part)
    return [_mixed(chunk) for chunk in chunks if chunk]


class _Room:
    """Remaining room in a chunk.

    One submission that is longer than a chunk may be goes alone: the registry refuses it by name.
    """

    def __init__(self) -> None:
        self._count = CHUNK_SUBMISSIONS
        self._bytes = CHUNK_BYTES - _AROUND_BYTES

    def take(self, items: Sequence[Prepared]) -> bool:
        """Take the room that submissions need; return False where there is less."""
        size = sum(item.submission.ByteSize() + _BEFORE_EACH_BYTES for item in items)
        fits = len(items) <= self._count and size <= self._bytes
        if not fits and self._count < CHUNK_SUBMISSIONS:
            return False
        self._count -= len(items)
        self._bytes -= size
        return True


def _parts(items: Sequence[Prepared]) -> Iterator[Sequence[Prepared]]:
    """Cut submissions into as few runs as there must be for each to have room in a chunk, in their order."""
    start, room = 0, _Room()
    for place, item in enumerate(items):
        if not room.take((item,)):
            yield items[start:place]
            start, room = place, _Room()
            room.take((item,))
    if items:
        yield items[start:]


def _mixed(units: Sequence[Sequence[Prepared]]) -> list[Prepared]:
    """Return the items of all units in random order, those of one unit in theirs."""
    turns = [turn for turn, unit in enumerate(units) for _ in unit]
    random.SystemRandom().shuffle(turns)
    waiting = [iter(unit) for unit in units]
    return [next(waiting[turn]) for turn in turns]


def stream_of(chunks: Sequence[Sequence[pb.Submission]]) -> Iterator[pb.SubmitBatchRequest]:
    """Yield the messages of a stream: a header with the count, then the chunks."""
    yield pb.SubmitBatchRequest(header=pb.BatchHeader(count=sum(len(chunk) for chunk in chunks)))
    for chunk in chunks:
        yield pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=chunk))


class Sender:
    """Sends chunks and settles the outbox.

    Args:
        link: to the registry.
        outbox: where signed bytes wait and receipts are kept.
        key: of the log, from the trust root.
        seconds: for how long streams may bring no answer, all attempts together.
    """

    def __init__(self, link: RegistryLink, outbox: Outbox, key: VerifierKey, seconds: float) -> None:
        self._link = link
        self._outbox = outbox
        self._key = key
        self._seconds = seconds

    def keep(self, chunks: Iterable[Sequence[Prepared]]) -> None:
        """Store signed submissions durably, before they are sent.

        Raises:
            OutboxError: they cannot be stored; nothing may be sent.
        """
        self._outbox.add(
            Pending(item.key.issuer, item.key.record_id, item.version, item.submission.SerializeToString())
            for chunk in chunks
            for item in chunk
        )

    def send(self, chunks: Sequence[Sequence[Prepared]]) -> Flow[list[Sent]]:
        """Send what is kept in the outbox, verify and store the receipts, and return the result of each.

        Raises:
            UnavailableError: the registry is away; what has no answer stays in the outbox.
            DeadlineExceededError: likewise.
            RefusedError: the stream as a whole was refused.
            VerificationError: a receipt does not verify; what it is for stays in the outbox.
        """
        sent: list[Sent] = []
        waiting = list(chunks)
        attempts, until = 0, time.monotonic() + self._seconds
        while waiting:
            outgoing = [[item.submission for item in chunk] for chunk in waiting]
            stream = yield from self._link.submit(outgoing, until - time.monotonic())
            try:
                while (answer := (yield from message(stream))) is not None:
                    if not waiting:
                        raise VerificationError("batch", "batch.answers", "got more answers than chunks")
                    sent += yield from beside(partial(self._settle, waiting[0], answer))
                    del waiting[0]
                    attempts, until = 0, time.monotonic() + self._seconds
                break
            except (UnavailableError, DeadlineExceededError):
                attempts += 1
                seconds = FIRST_PAUSE_SECONDS * 2**attempts
                if attempts == MAX_ATTEMPTS or time.monotonic() + seconds >= until:
                    raise
            finally:
                stream.cancel()
            yield from pause(seconds)
        if waiting:
            raise VerificationError("batch", "batch.answers", f"{len(waiting)} chunks were left without an answer")
        return sent

    def resume(self) -> Flow[list[Sent]]:
        """Send the pending submissions of an interrupted call again, byte for byte.

        Raises:
            OutboxError: the outbox is damaged.
            CreditRegistryError: as ``send``.
        """
        chunks = yield from beside(self._pending)
        return (yield from self.send(chunks))

    def give_back(self) -> Flow[list[Sent]]:
        """Send once more what the registry may have lost; what it has already is repeated, which changes nothing.

        Raises:
            OutboxError: the outbox is damaged.
            CreditRegistryError: as ``send``.
        """
        sent: list[Sent] = []
        after = 0
        while True:
            kept, after = yield from beside(partial(self._outbox.kept, after, KEPT_AT_A_TIME))
            if not kept:
                return sent
            sent += yield from self.send(list(_parts([_prepared(one) for one in kept])))

    def _pending(self) -> list[Sequence[Prepared]]:
        return list(_parts([_prepared(pending) for pending in self._outbox.pending()]))

    def _settle(self, chunk: Sequence[Prepared], answer: pb.SubmitBatchResponse) -> list[Sent]:
        """Verify the answer to one chunk, then store its receipts and forget what is settled, in one transaction."""
        if len(answer.results) != len(chunk):
            message = f"got {len(answer.results)} results, want {len(chunk)}"
            raise VerificationError("batch", "batch.results", message)
        sent = [self._read(item, result, answer.checkpoint) for item, result in zip(chunk, answer.results, strict=True)]
        stored = [receipt for _, receipt in sent if receipt is not None]
        refused = [(item.key.issuer, item.key.record_id, item.version) for (item, _, bad), _ in sent if bad is not None]
        size = stored[0].size if stored else 0
        self._outbox.settle(answer.checkpoint, size, (receipt.stored for receipt in stored), refused)
        return [outcome for outcome, _ in sent]

    def _read(self, item: Prepared, result: pb.SubmissionResult, note: bytes) -> tuple[Sent, _VerifiedReceipt | None]:
        if result.outcome == pb.OUTCOME_REFUSED:
            row = 0 if item.row is None else item.row.number
            return Sent(item, accepted=False, violation=_in_columns(violation_of(result.violation, row))), None
        if result.outcome not in (pb.OUTCOME_ACCEPTED, pb.OUTCOME_REPEATED):
            raise VerificationError("batch", "batch.outcome", f"got outcome {result.outcome}, want a known one")
        signed = item.submission.statement
        receipt = read_result(signed, item.key, item.version, result, note, self._key)
        accepted = result.outcome == pb.OUTCOME_ACCEPTED
        return Sent(item, accepted=accepted, violation=None), _VerifiedReceipt(receipt.size, Stored.of(receipt, signed))


def _in_columns(violation: Violation) -> Violation:
    """Return a refusal of the registry with the column that it is about."""
    return replace(violation, field=column_of(violation.field))


class _VerifiedReceipt(NamedTuple):
    size: int
    stored: Stored


def _prepared(pending: Pending) -> Prepared:
    submission = pb.Submission()
    if submission.ParseFromString(pending.submission) != len(pending.submission):
        raise OutboxError("a pending submission is damaged")
    return Prepared(None, RecordKey(pending.issuer, pending.record_id), pending.version, submission)
