"""The load generator for streams: one process that sends prepared bytes and keeps the answers as bytes.

    python -m benchmarks.generator ADDRESS FOLDER      one stream a lender, all at once

ADDRESS may be several with commas between; the lenders are dealt out to them in turn.

FOLDER holds ``plan.json`` and the files of length-prefixed messages that it names. It neither verifies nor signs; it
prints JSON: ``seconds`` from the first byte to the last answer, and ``calls``. Answers go to ``answers`` in FOLDER and
are looked at after the clock has stopped.
"""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk._transport.channels import TlsMaterial, aio_channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    import grpc

__all__ = ["Plan", "answers", "drive", "output_of", "write_messages"]

CALL_SECONDS = 600


class Plan:
    """What a run sends: method, and for each lender its TLS folder and messages."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.lenders: list[tuple[Path, Sequence[bytes]]] = []

    def add(self, tls: Path, messages: Sequence[bytes]) -> None:
        """Add a lender's messages."""
        self.lenders.append((tls, messages))

    def write(self, folder: Path) -> None:
        """Write the plan and its messages."""
        folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for number, (tls, messages) in enumerate(self.lenders):
            write_messages(folder / f"messages-{number}", messages)
            entries.append({"tls": str(tls), "messages": f"messages-{number}"})
        (folder / "plan.json").write_text(json.dumps({"method": self.method, "lenders": entries}))


def write_messages(path: Path, messages: Iterable[bytes]) -> None:
    """Write length-prefixed messages."""
    with path.open("wb") as file:
        for message in messages:
            file.write(struct.pack(">I", len(message)) + message)


def answers(path: Path) -> Iterator[bytes]:
    """Yield length-prefixed messages."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def drive(module: str, address: str, folder: Path, *words: str) -> tuple[float, int]:
    """Run a generator as a child process; return seconds and calls."""
    result = json.loads(output_of(module, address, str(folder), *words))
    return float(result["seconds"]), int(result["calls"])


def output_of(module: str, *words: str) -> str:
    """Run a module as a child process; return its standard output.

    Raises:
        RuntimeError: it failed; the text is the last that it said, which is the cause.
    """
    done = subprocess.run([sys.executable, "-m", module, *words], check=False, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise RuntimeError(f"{module}: {said[-1].strip()}")
    return done.stdout


async def _each(messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def _stream(channel: grpc.aio.Channel, method: str, messages: Sequence[bytes]) -> list[bytes]:
    # Bytes go out and come in as they are: the stubs' serialisers are left out.
    method_call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
    return [answer async for answer in method_call(_each(messages), timeout=CALL_SECONDS)]


async def _run(address: str, folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    addresses = address.split(",")
    channels = [
        aio_channel(addresses[at % len(addresses)], TlsMaterial.from_folder(Path(item["tls"])))
        for at, item in enumerate(plan["lenders"])
    ]
    sent = [list(answers(folder / item["messages"])) for item in plan["lenders"]]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    started = time.perf_counter()
    work = [_stream(channel, plan["method"], messages) for channel, messages in zip(channels, sent, strict=True)]
    received = await asyncio.gather(*work)
    seconds = time.perf_counter() - started
    await asyncio.gather(*(channel.close() for channel in channels))
    write_messages(folder / "answers", (answer for answers_ in received for answer in answers_))
    print(json.dumps({"seconds": seconds, "calls": sum(map(len, received))}))


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], Path(sys.argv[2])))
