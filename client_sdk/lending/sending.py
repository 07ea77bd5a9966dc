"""Sending signed submissions and storing their receipts: the last step of ``report_many``."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._calls.receipt import read_result
from client_sdk._calls.refusal import violation_of
from client_sdk.errors import DeadlineExceededError, OutboxError, UnavailableError, VerificationError
from client_sdk.formats.statement import RecordKey
from client_sdk.lending.link import MAX_CHUNK
from client_sdk.lending.outbox import Outbox, Pending, Stored
from client_sdk.lending.places import column_of
from client_sdk.lending.signing_room import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk.formats.note import VerifierKey
    from client_sdk.lending.link import Link
    from client_sdk.models.violation import Violation

__all__ = ["Sender", "Sent", "pack", "stream_of"]

# A stream that breaks is begun again with what has no answer yet; sending the same bytes twice changes nothing.
MAX_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25


class Sent(NamedTuple):
    """What became of one submission.

    Attributes:
        item: what was sent.
        accepted: whether it was logged now; False where the same bytes had been.
        violation: why it was refused; None where it is in the log.
    """

    item: Prepared
    accepted: bool
    violation: Violation | None


def pack(units: Iterable[Sequence[Prepared]]) -> list[list[Prepared]]:
    """Return chunks of at most 256 that keep what belongs together in one chunk, where it fits.

    Within a chunk the units are mixed at random, each in its own order: leaves that follow each other would tell for
    ever that two records are about one person, also after one of them was erased (P4).
    """
    chunks: list[list[Sequence[Prepared]]] = [[]]
    room = MAX_CHUNK
    for unit in units:
        for start in range(0, len(unit), MAX_CHUNK):
            part = unit[start : start + MAX_CHUNK]
            if len(part) > room:
                chunks.append([])
                room = MAX_CHUNK
            chunks[-1].append(part)
            room -= len(part)
    return [_mixed(chunk) for chunk in chunks if chunk]


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
    """

    def __init__(self, link: Link, outbox: Outbox, key: VerifierKey) -> None:
        self._link = link
        self._outbox = outbox
        self._key = key

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

    def send(self, chunks: Sequence[Sequence[Prepared]]) -> list[Sent]:
        """Send what is kept in the outbox, verify and store the receipts, and return what became of each.

        Raises:
            UnavailableError: the registry is away; what has no answer stays in the outbox.
            DeadlineExceededError: likewise.
            RefusedError: the stream as a whole was refused.
            VerificationError: a receipt does not verify; what it is for stays in the outbox.
        """
        sent: list[Sent] = []
        waiting = list(chunks)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                for answer in self._link.submit([[item.submission for item in chunk] for chunk in waiting]):
                    sent += self._settle(waiting[0], answer)
                    del waiting[0]
            except (UnavailableError, DeadlineExceededError):
                if attempt == MAX_ATTEMPTS:
                    raise
                time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
            else:
                break
        if waiting:
            raise VerificationError("batch", "batch.answers", f"{len(waiting)} chunks were left without an answer")
        return sent

    def resume(self) -> list[Sent]:
        """Send again what an interrupted call has signed, byte for byte.

        Raises:
            OutboxError: the outbox is damaged.
            CreditRegistryError: as ``send``.
        """
        items = [_prepared(pending) for pending in self._outbox.pending()]
        chunks = [items[start : start + MAX_CHUNK] for start in range(0, len(items), MAX_CHUNK)]
        return self.send(chunks) if chunks else []

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

    def _read(self, item: Prepared, result: pb.SubmissionResult, note: bytes) -> tuple[Sent, _Kept | None]:
        if result.outcome == pb.OUTCOME_REFUSED:
            row = 0 if item.row is None else item.row.number
            return Sent(item, accepted=False, violation=_in_columns(violation_of(result.violation, row))), None
        if result.outcome not in (pb.OUTCOME_ACCEPTED, pb.OUTCOME_REPEATED):
            raise VerificationError("batch", "batch.outcome", f"got outcome {result.outcome}, want a known one")
        signed = item.submission.statement
        receipt = read_result(signed, item.key, item.version, result, note, self._key)
        accepted = result.outcome == pb.OUTCOME_ACCEPTED
        return Sent(item, accepted=accepted, violation=None), _Kept(receipt.size, Stored.of(receipt, signed))


def _in_columns(violation: Violation) -> Violation:
    """Return a refusal of the registry with the column that it is about."""
    return replace(violation, field=column_of(violation.field))


class _Kept(NamedTuple):
    size: int
    stored: Stored


def _prepared(pending: Pending) -> Prepared:
    submission = pb.Submission()
    if submission.ParseFromString(pending.submission) != len(pending.submission):
        raise OutboxError("a pending submission is damaged")
    return Prepared(None, RecordKey(pending.issuer, pending.record_id), pending.version, submission)
