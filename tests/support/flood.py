"""Floods by one member, or by a client without certificate, to take a server down; a process of its own, run by tests.

    python -m tests.support.flood KIND HOST:PORT TLS_FOLDER

Prints a line once everything is under way, keeps it so until its standard input ends, and prints how the calls ended
as JSON, counted by status. Counts are bounded.

    watch      300 streams of the health service
    held       400 calls, each begun and never sent a request
    unread     160 streams of batches whose answers nobody reads
    large      192 requests of 15 MiB
    silent     1,100 TCP connections that say nothing
    idle       10,000 of them
    cancelled  20,000 calls that are given up as soon as they are made, one after the other
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from creditregistry.v1 import submission_pb2
from grpc_health.v1 import health_pb2

from client_sdk._transport.channels import TlsMaterial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Bytes = Iterator[bytes]
    Single = grpc.UnaryUnaryMultiCallable[bytes, bytes]
    Streaming = grpc.StreamStreamMultiCallable[bytes, bytes]

__all__ = ["COUNTS"]

COUNTS = {"watch": 300, "held": 400, "unread": 160, "large": 192, "silent": 1_100, "idle": 10_000, "cancelled": 20_000}
CHANNELS = 16
# For each silent connection, about: a server whose files are used up takes none for a while.
ATTEMPTS = 2
# Longer than any test lasts.
DEADLINE_SECONDS = 600
LARGE_BYTES = 15 * 1024 * 1024
# Garbage to the registry, which answers each submission with a refusal.
CHUNKS = 64
SUBMISSIONS = 256
GARBAGE_BYTES = 3_500
SUBMIT = "/creditregistry.v1.RecordService/Submit"
SUBMIT_BATCH = "/creditregistry.v1.RecordService/SubmitBatch"
CHECKPOINT = "/creditregistry.v1.TransparencyService/GetCheckpoint"
STATUS = "/creditregistry.v1.SubjectKeyService/GetStatus"
WATCH = "/grpc.health.v1.Health/Watch"


class Flood:
    """One attack.

    Args:
        channels: to the server, each a connection of its own.
    """

    def __init__(self, channels: Sequence[grpc.Channel]) -> None:
        self._channels = channels
        self._over = threading.Event()
        self._calls: list[grpc.Call] = []
        self._lock = threading.Lock()
        self.endings: Counter[str] = Counter()

    def _channel(self, number: int) -> grpc.Channel:
        return self._channels[number % len(self._channels)]

    def watch(self, number: int) -> None:
        """Open a stream of the health service."""
        begin: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel(number).unary_stream(WATCH)
        self._note(begin(health_pb2.HealthCheckRequest().SerializeToString(), timeout=DEADLINE_SECONDS))

    def held(self, number: int) -> None:
        """Begin a call of either server and send nothing."""
        for method in (CHECKPOINT, STATUS):
            begin: Streaming = self._channel(number).stream_stream(method)
            self._note(begin(self._nothing(), timeout=DEADLINE_SECONDS))

    def unread(self, number: int) -> None:
        """Send a batch, and read no answer."""
        submit: Streaming = self._channel(number).stream_stream(SUBMIT_BATCH)
        self._note(submit(self._batch(), timeout=DEADLINE_SECONDS))

    def large(self, number: int) -> None:
        """Send a long request."""
        call: Single = self._channel(number).unary_unary(SUBMIT)
        self._note(call.future(bytes(LARGE_BYTES), timeout=DEADLINE_SECONDS))

    def cancelled(self, number: int) -> None:
        """Make a call and give it up."""
        call: Single = self._channel(number).unary_unary(CHECKPOINT)
        call.future(b"", timeout=DEADLINE_SECONDS).cancel()

    def end(self) -> None:
        """End everything."""
        self._over.set()
        for call in self._calls:
            call.cancel()

    def _note(self, call: grpc.Call) -> None:
        """Count how a call ends, if it does before the attack is over."""

        def ended() -> None:
            if not self._over.is_set():
                with self._lock:
                    self.endings[call.code().name] += 1

        self._calls.append(call)
        if not call.add_callback(ended):
            ended()

    def _nothing(self) -> Bytes:
        self._over.wait()
        yield from ()

    def _batch(self) -> Bytes:
        header, message = _garbage()
        yield header
        for _ in range(CHUNKS):
            if self._over.is_set():
                return
            yield message


@cache
def _garbage() -> tuple[bytes, bytes]:
    """A batch's header, and a chunk of submissions that are none."""
    submission = submission_pb2.Submission(disclosure=bytes(GARBAGE_BYTES))
    chunk = submission_pb2.BatchChunk(submissions=[submission] * SUBMISSIONS)
    header = submission_pb2.BatchHeader(count=CHUNKS * SUBMISSIONS)
    return (
        submission_pb2.SubmitBatchRequest(header=header).SerializeToString(),
        submission_pb2.SubmitBatchRequest(chunk=chunk).SerializeToString(),
    )


def silent(kind: str, address: str) -> Iterator[None]:
    """Open TCP connections and say nothing."""
    host, _, port = address.rpartition(":")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    made = 0
    with ExitStack() as stack:
        for _ in range(ATTEMPTS * COUNTS[kind]):
            with suppress(OSError):
                stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
                made += 1
            if made == COUNTS[kind]:
                break
        yield
    sys.stdout.write(json.dumps({"CONNECTED": made}) + "\n")


def calls(kind: str, address: str, tls: Path) -> Iterator[None]:
    """Make calls with a member's certificate."""
    credentials = TlsMaterial.from_folder(tls).channel_credentials()
    # Each channel has its own pool, so that it is a connection of its own.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    with ExitStack() as stack:
        channels = [stack.enter_context(grpc.secure_channel(address, credentials, options)) for _ in range(CHANNELS)]
        for channel in channels:
            grpc.channel_ready_future(channel).result(60)
        flood = Flood(channels)
        begin: Callable[[int], None] = getattr(flood, kind)
        for number in range(COUNTS[kind]):
            begin(number)
        yield
        sys.stdout.write(json.dumps(flood.endings) + "\n")
        flood.end()


def main(kind: str, address: str, tls: str) -> None:
    """Attack until standard input ends."""
    for _ in silent(kind, address) if kind in {"silent", "idle"} else calls(kind, address, Path(tls)):
        sys.stdout.write("under way\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
