"""What a lender has sent and what it was told, kept so that no kill of the lender loses any of it."""

from __future__ import annotations

import json
import os
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
        wrong: answers that contradict what was acknowledged, and errors that no kill excuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sent: dict[int, None] = {}
        self.acknowledged: set[int] = set()
        self.receipts: set[Told] = set()
        self.wrong: list[str] = []
        for line in path.read_bytes().splitlines() if path.exists() else ():
            # The last line before a kill may be half a line.
            if line.endswith(b"}"):
                self._take(json.loads(line))

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Return the journal of a file to which lines will be added."""
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")
        return cls(path)

    @property
    def uncertain(self) -> list[int]:
        """Numbers of reports that were sent, and of which no answer is known."""
        return [number for number in self.sent if number not in self.acknowledged]

    def note(self, *, sent: Iterable[int] = (), acknowledged: Iterable[int] = (), receipt: Told | None = None) -> None:
        """Add what is about to be sent, or what was told."""
        self._add({"sent": list(sent), "acknowledged": list(acknowledged), "receipt": receipt})

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
        self.acknowledged |= set(line.get("acknowledged", ()))
        if line.get("receipt"):
            self.receipts.add(Told(*line["receipt"]))
        if "wrong" in line:
            self.wrong.append(line["wrong"])
