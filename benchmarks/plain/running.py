"""The plain alternative as a process, with what is sent to it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.plain.drive import drive
from benchmarks.plain.load import get, post
from client_sdk.kernel.formats.keys import Ed25519Signer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.testing import TestRegistry

__all__ = ["Plain", "plain"]

# About the length of a statement with facts, in one clear message.
PAYLOAD_BYTES = 480
START_SECONDS = 30.0


class Plain:
    """A running plain alternative: one lender's signed requests for it."""

    def __init__(self, port: int, tls: Path, signer: Ed25519Signer) -> None:
        self._port = port
        self._tls = tls
        self._signer = signer

    def drive(self, requests: Sequence[bytes], in_flight: int) -> float:
        """Send all requests, so many at once, from another process; return requests a second."""
        return drive(self._port, self._tls, requests, in_flight)

    def reports(self, count: int) -> tuple[list[bytes], list[str]]:
        """Return so many requests that store a record each, and the subjects in hexadecimal."""
        subjects = [os.urandom(32) for _ in range(count)]
        return [post("/records", self._body(subject)) for subject in subjects], [item.hex() for item in subjects]

    def _body(self, subject: bytes) -> bytes:
        payload = os.urandom(PAYLOAD_BYTES)
        values = {"record_id": os.urandom(16), "subject": subject, "payload": payload}
        fields: dict[str, object] = {name: base64.b64encode(value).decode() for name, value in values.items()}
        fields["signature"] = base64.b64encode(self._signer.sign(payload)).decode()
        return json.dumps({"issuer": "lender-1", "version": 1, **fields}).encode()

    @staticmethod
    def questions(subjects: Sequence[str]) -> list[bytes]:
        """Return one request for each subject."""
        return [get(f"/subjects/{subject}") for subject in subjects]


@contextmanager
def plain(registry: TestRegistry) -> Iterator[Plain]:
    """Yield the plain alternative on SQLite, in a process of its own, with a registry's certificates."""
    signer = Ed25519Signer.generate()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        key = f"lender-1={signer.public_key.raw.hex()}"
        served = (str(Path(folder) / "plain.sqlite"), str(port), str(registry.registry_home), key)
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.plain.app", *served])
        try:
            _wait(port, process)
            yield Plain(port, registry.home("lender-1") / "tls", signer)
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the plain alternative did not start")
