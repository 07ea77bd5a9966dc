"""History of one record: its leaves from version 1 on, each chained to the one before (proto/README.md 2 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Lapse, Statement, payload_hash
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.ledger.annotating import waiting_from
from client_sdk.kernel.ledger.proving import read_leaf, within

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        steps: its leaves.
        unanswered_since: logged_at of the leaf since which a dispute waits for an answer, ms; 0 where none does.
        disputed_by: institution id of who opened the dispute that stands; empty for none.
    """

    steps: tuple[HistoryStep, ...]
    unanswered_since: int
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
    number, link_hash, carried = 0, b"", b""
    waiting, since, disputed_by, newest_index = 0, 0, "", -1
    before: Annotation | None = None
    for index, data in leaves:
        if index <= newest_index:
            raise FormatError(PART, "history.order", got=str(index), want=f"above {newest_index}")
        newest_index = index
        said, payload, logged_at = _said(data, record, directory)
        match said:
            case Statement():
                if (said.version, said.previous) != (version + 1, version_hash):
                    raise FormatError(PART, "history.version", got=str(said.version), want=f"version {version + 1}")
                version, version_hash = said.version, payload_hash(payload)
                if said.continues is not None:
                    # It is a link of the chain of annotations of the record that it continues.
                    carried = version_hash
            case Annotation() | Lapse():
                first = not number and said.number > 1 and said.previous == carried != b""
                if not version or ((said.number, said.previous) != (number + 1, link_hash) and not first):
                    raise FormatError(PART, "history.annotation", want="each annotation chained to the one before")
                number, link_hash = said.number, payload_hash(payload)
        if isinstance(said, Annotation):
            stood = before is not None and before.disputed
            waiting = waiting_from(said, disputed_before=stood, waiting_before=waiting)
            if waiting == said.number:
                since = logged_at
            disputed_by = (disputed_by if stood else said.author) if said.disputed else ""
            before = said
        steps.append(HistoryStep(index, logged_at, said))
    if not version:
        raise FormatError(PART, "history.version", got="none", want="version 1")
    return RecordHistory(tuple(steps), since if waiting else 0, disputed_by)


def _said(data: bytes, record: RecordKey, directory: Directory) -> tuple[Statement | Annotation | Lapse, bytes, int]:
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
    if (said.registry, said.key) != (directory.state.registry, record):
        raise FormatError(PART, "history.record", want="leaves of the record")
    return said, leaf.payload, leaf.logged_at


def _check_signed(leaf: StatementLeaf, speaker: str, directory: Directory) -> None:
    with within(PART):
        key = directory.key_of(leaf.key_id, speaker)
        dsse.verify(leaf.payload_type, leaf.payload, key.public_key, leaf.signature)
