"""What a lender has sent and what it was told, kept so that no kill of the lender loses any of it."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Journal", "Told"]


class Told(NamedTuple):
    """A receipt.

    Attributes:
        place: index of the leaf.
        leaf: its hash, in hexadecimal.
    """

    place: int
    leaf: str


class Journal:
    """A file of JSON lines, each synced before the next step.

    Attributes:
        sent: numbers of the persons about whom a report was sent, in order.
        acknowledged: those of them about whom the report was acknowledged.
        receipts: of reports that were sent one by one.
        times: when each of these answers came, in seconds of the machine's clock, in order.
        ambiguous: reports whose answer was lost, and which turned out to be logged when they were sent again.
        errors: how often each kind of error was met that a later attempt may mend.
        wrong: answers that contradict what was acknowledged, and errors that no kill excuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.sent: dict[int, None] = {}
        self.acknowledged: set[int] = set()
        self.receipts: set[Told] = set()
        self.times: list[float] = []
        self.ambiguous = 0
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.refresh()

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Return the journal of a file to which lines will be added."""
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")
        return cls(path)

    def refresh(self) -> None:
        """Take in what another process has added since."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._read += len(line)
            # The last line before a kill may be half a line.
            if line.endswith(b"}\n"):
                self._take(json.loads(line))

    @property
    def uncertain(self) -> list[int]:
        """Numbers of reports that were sent, and of which no answer is known."""
        return [number for number in self.sent if number not in self.acknowledged]

    def note_sent(self, numbers: Iterable[int]) -> None:
        """Add what is about to be sent."""
        self._add({"sent": list(numbers)})

    def note_acknowledged(self, numbers: Iterable[int], *, receipt: Told | None = None, repeated: int = 0) -> None:
        """Add what was told.

        Args:
            numbers: of the reports that are logged.
            receipt: of one that was sent alone.
            repeated: how many of them had been logged by an earlier attempt.
        """
        told = {"acknowledged": list(numbers), "receipt": receipt, "repeated": repeated, "at": time.time()}
        self._add(told)

    def note_error(self, kind: str) -> None:
        """Add an error that a later attempt may mend."""
        self._add({"error": kind})

    def complain(self, what: str) -> None:
        """Add an answer that contradicts what was acknowledged."""
        self._add({"wrong": what})

    def _add(self, line: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        self.sent |= dict.fromkeys(line.get("sent", ()))
        if "acknowledged" in line:
            self.acknowledged |= set(line["acknowledged"])
            self.times.append(line["at"])
            self.ambiguous += line["repeated"]
        if line.get("receipt"):
            self.receipts.add(Told(*line["receipt"]))
        if "error" in line:
            self.errors[line["error"]] += 1
        if "wrong" in line:
            self.wrong.append(line["wrong"])
