"""Statistics of an audit: leaves by type, HEADs, acts, records and inquiries by institution; no subject, no facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.act_titles import decision_of, details_of
from client_sdk.kernel.formats.act import (
    Act,
)
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, LeafType, parse_leaf
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import AnnotationFlag
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.ledger.asked import ShownInquiry
    from client_sdk.kernel.ledger.replay import Replay

__all__ = [
    "ActRow",
    "BreachRow",
    "HeadPoint",
    "InquiryRow",
    "InstitutionRow",
    "LeafTally",
    "breach_rows",
    "inquiry_rows",
    "institution_rows",
]

_NAMES = {int(kind): kind.name for kind in LeafType}
# HEADs that a report names; of a longer log every second, fourth ... and the newest.
_MOST_HEADS = 256


class ActRow(NamedTuple):
    """One act in the log.

    Attributes:
        leaf_index: of its leaf.
        number: of the act.
        logged_at: when it was logged, UTC.
        decision: what kind of decision.
        about: id of the institution, key service or record that the act is about.
        signers: ids of the administrators who signed.
    """

    leaf_index: int
    number: int
    logged_at: datetime
    decision: str
    about: str
    signers: tuple[str, ...]


class BreachRow(NamedTuple):
    """A breach of data of which an act tells.

    Attributes:
        leaf_index: of the act's leaf.
        noticed_at: when the breach was noticed, by the act's own word, UTC.
        due_at: until when the act had to be logged, by the rulebook, UTC.
        logged_at: when it was logged, UTC.
        in_time: whether it was not later.
    """

    leaf_index: int
    noticed_at: datetime
    due_at: datetime
    logged_at: datetime
    in_time: bool


class InstitutionRow(NamedTuple):
    """One institution and its records.

    Attributes:
        id: of the institution.
        name: as it was enrolled.
        roles: names of its roles.
        status: name of its state.
        keys: running ones.
        ended_keys: of which nothing counts any more.
        records: that it opened.
        versions: of these.
        live: of these records.
        disputed: of the live ones.
        erased: of its records.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    status: str
    keys: int
    ended_keys: int
    records: int
    versions: int
    live: int
    disputed: int
    erased: int


class HeadPoint(NamedTuple):
    """One HEAD of the log, which is one checkpoint.

    Attributes:
        size: of the log with it.
        logged_at: when it was logged, UTC.
    """

    size: int
    logged_at: datetime


class InquiryRow(NamedTuple):
    """The inquiries of one member for one purpose.

    Attributes:
        institution: id of the member.
        purpose: name of the purpose.
        answered: how many were.
        refused: how many were not.
        persons: about how many persons, those counted in each inquiry.
    """

    institution: str
    purpose: str
    answered: int
    refused: int
    persons: int


class LeafTally:
    """Counts leaves as they pass."""

    def __init__(self) -> None:
        self.size = 0
        self.leaves: Counter[str] = Counter()
        self._acts: list[tuple[int, ActLeaf, Act]] = []
        self._heads: list[tuple[int, bytes]] = []
        self._newest_head: tuple[int, bytes] | None = None
        self._heads_seen = 0
        self._heads_step = 1

    def take(self, batch: list[bytes]) -> None:
        """Count the next leaves."""
        self.leaves.update(_NAMES.get(leaf[0] if leaf else 0, "OTHER") for leaf in batch)
        for place, data in enumerate(batch, self.size):
            if data[:1] == bytes((LeafType.ACT,)):
                self._take_act(place, data)
            elif data[:1] == bytes((LeafType.HEAD,)):
                self._take_head(place + 1, data)
        self.size += len(batch)

    def _take_act(self, place: int, data: bytes) -> None:
        try:
            leaf = parse_leaf(data)
            if isinstance(leaf, ActLeaf):
                self._acts.append((place, leaf, Act.parse(leaf.payload)))
        except FormatError:
            return  # A finding says so.

    def _take_head(self, size: int, data: bytes) -> None:
        self._newest_head = (size, data)
        if self._heads_seen % self._heads_step == 0:
            self._heads.append(self._newest_head)
        self._heads_seen += 1
        if len(self._heads) == _MOST_HEADS:
            self._heads, self._heads_step = self._heads[::2], self._heads_step * 2

    def heads(self) -> tuple[HeadPoint, ...]:
        """Return HEADs in order, evenly chosen where there are many; the first and the newest are among them."""
        newest = () if self._newest_head is None or self._heads[-1] == self._newest_head else (self._newest_head,)
        rows = []
        for size, data in (*self._heads, *newest):
            try:
                leaf = parse_leaf(data)
            except FormatError:
                continue  # A finding says so.
            if isinstance(leaf, HeadLeaf):
                rows.append(HeadPoint(size, moment(leaf.logged_at)))
        return tuple(rows)

    def acts(self, replay: Replay) -> tuple[ActRow, ...]:
        """Return the acts in order."""
        owners = replay.directory.owners
        rows = []
        for place, leaf, act in self._acts:
            signers = sorted({owners.get(approval.key_id, "unknown") for approval in leaf.approvals})
            rows.append(
                ActRow(
                    place,
                    act.number,
                    moment(leaf.logged_at),
                    decision_of(act.body),
                    details_of(act.body),
                    tuple(signers),
                )
            )
        return tuple(rows)


def breach_rows(replay: Replay) -> tuple[BreachRow, ...]:
    """Return the breaches of which acts have told, in order."""
    return tuple(
        BreachRow(place, moment(told.body.noticed_at), moment(told.due_at), moment(told.logged_at), told.in_time)
        for place, told in sorted(replay.directory.breaches.items())
    )


def inquiry_rows(shown: Iterable[ShownInquiry]) -> tuple[InquiryRow, ...]:
    """Return how often each member asked for each purpose, by member and purpose."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for item in shown:
        try:
            inquiry, outcome = Inquiry.parse(item.payload), InquiryLeaf.parse(item.leaf).outcome
        except FormatError:
            continue  # A finding says so.
        counted = counts[inquiry.asker, inquiry.purpose.name]
        counted.update(persons=inquiry.persons, **{"answered" if outcome == ANSWERED else "refused": 1})
    return tuple(
        InquiryRow(asker, purpose, count["answered"], count["refused"], count["persons"])
        for (asker, purpose), count in sorted(counts.items())
    )


def institution_rows(replay: Replay) -> tuple[InstitutionRow, ...]:
    """Return every institution with the counts of its records, by id."""
    states = replay.directory.institutions
    counts = {id_: Counter[str]() for id_ in states}
    for chain in replay.chains.values():
        disputed = chain.annotation is not None and AnnotationFlag.DISPUTED in chain.annotation.flags
        counts[chain.key.issuer].update(
            records=1,
            versions=chain.version,
            live=int(chain.live),
            disputed=int(chain.live and disputed),
            erased=int(chain.erased),
        )
    return tuple(_row(states[id_], counts[id_]) for id_ in sorted(states))


def _row(state: InstitutionState, counts: Counter[str]) -> InstitutionRow:
    running = sum(1 for key in state.keys if key.running)
    return InstitutionRow(
        state.id,
        state.name,
        tuple(role.name for role in state.roles),
        state.status.name,
        running,
        len(state.keys) - running,
        counts["records"],
        counts["versions"],
        counts["live"],
        counts["disputed"],
        counts["erased"],
    )
