"""History of one record: its leaves from version 1 on, each chained to the one before (proto/README.md 2 and 5).

The annotations of a bought debt begin with those of the record that it continues: they are part of its history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import verify_signed
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Statement, payload_hash
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.ledger.annotating import waiting_from
from client_sdk.kernel.ledger.proving import read_leaf, within
from client_sdk.kernel.rules.calendar import answer_due_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["HistoryStep", "RecordHistory", "read_history"]

PART = "history"


class HistoryStep(NamedTuple):
    """One leaf of a record.

    Attributes:
        place: index in the log.
        logged_at: ms.
        said: a version, an annotation, or a lapse: a restriction, or a hidden record that is shown again.
    """

    place: int
    logged_at: int
    said: Statement | Annotation | Lapse


class RecordHistory(NamedTuple):
    """Every leaf of a live record, ascending.

    Attributes:
        steps: its leaves; before version 1 the annotations and lapses that it carries over.
        due_on: last day for the answer to a dispute, by the rulebook in force when its wait began; None for none.
        disputed_by: institution id of who opened the dispute that stands; empty for none.
    """

    steps: tuple[HistoryStep, ...]
    due_on: date | None
    disputed_by: str


def read_history(leaves: Sequence[tuple[int, bytes]], record: RecordKey, directory: Directory) -> RecordHistory:
    """Return the history that leaves make; that they are in the log is shown elsewhere.

    Args:
        leaves: index and leaf, ascending by index.
        record: which record.
        directory: of the newest HEAD, with the keys that signed.

    Raises:
        FormatError: another record or registry, a version or an annotation that does not follow the one before, or a
            signature by no key of who speaks.
    """
    steps: list[HistoryStep] = []
    version, version_hash = 0, b""
    links, wait = _Links(record), _Wait()
    newest_index = -1
    for index, data in leaves:
        if index <= newest_index:
            raise FormatError(PART, "history.order", got=str(index), want=f"above {newest_index}")
        newest_index = index
        said, payload, logged_at = _said(data, directory)
        if isinstance(said, Statement) and said.key == record:
            if (said.version, said.previous) != (version + 1, version_hash):
                raise FormatError(PART, "history.version", got=str(said.version), want=f"version {version + 1}")
            version, version_hash = said.version, payload_hash(payload)
        elif said.key == record and not version:
            raise FormatError(PART, "history.annotation", want="version 1 before the record's own annotations")
        elif said.key != record and version:
            raise FormatError(PART, "history.record", want="leaves of the record")
        links.take(said, payload)
        if isinstance(said, Annotation):
            wait.take(said, index, logged_at)
        if said.key == record or not isinstance(said, Statement):
            steps.append(HistoryStep(index, logged_at, said))
    if not version:
        raise FormatError(PART, "history.version", got="none", want="version 1")
    due_on = answer_due_on(wait.since, directory.rulebook_at(wait.index)) if wait.number else None
    return RecordHistory(tuple(steps), due_on, wait.disputed_by)


class _Links:
    """The chain of a record's annotations, from its first leaf on.

    The first version of a record that continues an annotated one is a link of that one's chain.
    """

    def __init__(self, record: RecordKey) -> None:
        self._record = record
        # Of the newest link: of which record it is, its number, and the hash of its payload.
        self._key: RecordKey | None = None
        self._number = 0
        self._hash = b""

    def take(self, said: Statement | Annotation | Lapse, payload: bytes) -> None:
        """Take the next leaf of the history; later versions are no links.

        Raises:
            FormatError: it does not follow the link before.
        """
        if isinstance(said, Statement):
            if said.key == (self._key or self._record):
                return
            if said.version != 1 or said.continues != self._key:
                want = "a first version that continues the annotated record"
                raise FormatError(PART, "history.annotation", want=want)
        elif (said.number, said.previous) != (self._number + 1, self._hash) or self._key not in (None, said.key):
            raise FormatError(PART, "history.annotation", want="each annotation chained to the one before")
        self._key, self._number, self._hash = said.key, self._number + 1, payload_hash(payload)


class _Wait:
    """Since when a dispute waits for its answer, and who opened it, as annotations follow each other."""

    def __init__(self) -> None:
        self.number = 0
        self.since = self.index = 0
        self.disputed_by = ""
        self._disputed = False

    def take(self, said: Annotation, index: int, logged_at: int) -> None:
        """Take the next annotation, logged at an index and a time in ms."""
        self.number = waiting_from(said, disputed_before=self._disputed, waiting_before=self.number)
        if self.number == said.number:
            self.since, self.index = logged_at, index
        self.disputed_by = (self.disputed_by if self._disputed else said.author) if said.disputed else ""
        self._disputed = said.disputed


def _said(data: bytes, directory: Directory) -> tuple[Statement | Annotation | Lapse, bytes, int]:
    leaf = read_leaf(data, PART)
    said: Statement | Annotation | Lapse
    match leaf:
        case StatementLeaf(payload_type=dsse.STATEMENT):
            said = Statement.parse(leaf.payload)
            _check_signed(leaf, said.signer, directory)
        case StatementLeaf():
            said = Annotation.parse(leaf.payload)
            _check_signed(leaf, said.author, directory)
        case LapseLeaf():
            said = Lapse.parse(leaf.payload)
            if said.what is LapseKind.ERASED:
                raise FormatError(PART, "history.live", got=said.what.name, want="a record that is live")
        case _:
            raise FormatError(PART, "history.leaf", want="a version, an annotation or a lapse")
    if said.registry != directory.state.registry:
        raise FormatError(PART, "history.record", want="leaves of this registry")
    return said, leaf.payload, leaf.logged_at


def _check_signed(leaf: StatementLeaf, speaker: str, directory: Directory) -> None:
    with within(PART):
        key = directory.key_of(leaf.key_id, speaker)
        verify_signed(leaf.payload_type, leaf.payload, key.public_key, leaf.signature)
