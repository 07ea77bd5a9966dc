"""The files of the conformance suite: where they are, what they claim to be, and how they must be judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["CASES", "TRUST_ROOT", "Case", "cases"]

CASES = Path(__file__).parent / "files"
TRUST_ROOT = "trust-root/accept.trust-root.bin"
_INDEX = "index.json"


class Case(NamedTuple):
    """One file.

    Attributes:
        file: path under ``CASES``.
        kind: what the file claims to be.
        expect: accept or reject.
        rule: that refuses it; empty where it is accepted.
        about: what the file is, for people.
        under: path under ``CASES`` of the trust root under which it must be judged.
    """

    file: str
    kind: str
    expect: str
    rule: str
    about: str
    under: str = TRUST_ROOT

    @property
    def path(self) -> Path:
        """Where the file is."""
        return CASES / self.file

    @property
    def trust_root(self) -> Path:
        """Where the trust root is under which it must be judged."""
        return self.path if self.kind == "trust-root" else CASES / self.under

    @property
    def accepted(self) -> bool:
        """Whether it must be accepted."""
        return self.expect == "accept"


def cases() -> list[Case]:
    """Return all cases, in the order of the index."""
    return [Case(**row) for row in json.loads((CASES / _INDEX).read_text())]


def index_of(rows: list[Case]) -> bytes:
    """Return the bytes of the index, a line for each case."""
    lines = ",\n".join(json.dumps(_written(row), ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n".encode()


def _written(row: Case) -> dict[str, str]:
    """Return a row of the index; the trust root of most is left out."""
    return {name: value for name, value in row._asdict().items() if name != "under" or value != TRUST_ROOT}
