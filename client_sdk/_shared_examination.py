"""The heavy parts of an examination, done by an executor: members' signatures, and the map by prefixes of its keys.

Structure is replayed in this process, leaf by leaf; what no other leaf bears on goes to other processes. An audit and
the registry's ``fsck`` share it. A worker gets payloads, public keys and signatures as the log has them, and the
bindings of live records: pseudonyms and openings. What comes back is findings of the part, at most one for each
signature, or a number, a hash and the indexes of wrong leaves.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.examination import verify_signatures
from client_sdk.kernel.ledger.map_parts import MapSubtree, map_subtree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk._shared_work import SharedWork
    from client_sdk.kernel.ledger.examination import Unverified
    from client_sdk.kernel.ledger.findings import Finding, Findings
    from client_sdk.kernel.ledger.map_parts import MapPart

__all__ = ["SharedExamination"]

# Signatures of a part, and about how many bytes they may have together.
PART_SIGNATURES = 1_024
PART_BYTES = 1 << 20
# A registry that shows more records than these under one prefix has made them for it: they are done here.
PART_RECORDS = 16_384
_NOTHING = MapSubtree(0, b"", [])


class SharedExamination:
    """What an examination gives away, and takes back.

    Args:
        work: does the parts.
        findings: takes up what is wrong.

    Attributes:
        count: number of signatures that were taken.
    """

    def __init__(self, work: SharedWork, findings: Findings) -> None:
        self._work = work
        self._findings = findings
        self._waiting: list[Unverified] = []
        self._bytes = 0
        self._of = ""
        self.count = 0

    def verify(self, unverified: Iterable[Unverified], of: str = "leaves") -> None:
        """Have signatures verified; some wait for the next ones, until ``flush``.

        Args:
            unverified: ascending.
            of: what their indexes count: leaves, or inquiries.

        Raises:
            ExecutorError: an older part cannot be done.
        """
        if of != self._of:
            self.flush()
            self._of = of
        for item in unverified:
            self._waiting.append(item)
            self._bytes += len(item.payload) + len(item.signature)
            if len(self._waiting) >= PART_SIGNATURES or self._bytes >= PART_BYTES:
                self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        part, self._waiting, self._bytes = self._waiting, [], 0
        if part:
            self.count += len(part)
            name = f"signatures of {self._of} {part[0].leaf_index} to {part[-1].leaf_index}"
            self._work.put(name, verify_signatures, part, self._add)

    def subtrees(self, parts: Iterable[MapPart]) -> list[MapSubtree]:
        """Return what the parts of the map come to, as ``map_subtree`` computes it; they are taken as there is room.

        Raises:
            ExecutorError: a part cannot be done.
        """
        found: list[MapSubtree] = []
        for place, part in enumerate(parts):
            found.append(_NOTHING)
            take = partial(found.__setitem__, place)
            if 0 < part.records <= PART_RECORDS:
                self._work.put(f"part {place + 1} of {1 << part.depth} of the map", map_subtree, part, take)
            else:
                take(map_subtree(part))
        self._work.settle()
        return found

    def _add(self, found: Sequence[Finding]) -> None:
        for finding in found:
            self._findings.add(finding)
