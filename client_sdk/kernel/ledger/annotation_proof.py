"""Verification of a record's annotations in evidence (proto/README.md 5 and 8).

The map vouches for the newest leaf of the chain. Where that is no annotation, the leaves before it are shown back to
the newest annotation, or to the one that was left without an answer, each with its place in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Statement, payload_hash
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind
from client_sdk.kernel.ledger.proving import read_leaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import RecordKey

__all__ = ["ShownAnnotation", "ShownLink", "read_annotations"]

PART = "annotation"


class ShownLink(NamedTuple):
    """A signed leaf of an annotation chain with its place in the log, and the institution id of its signer."""

    place: int
    leaf: StatementLeaf
    signer: str


class ShownAnnotation(NamedTuple):
    """Verified annotation state of a record, with the signed leaves that prove it."""

    flags: tuple[AnnotationFlag, ...]
    code: str
    text_commitment: bytes
    disclosure_digest: bytes
    signed: tuple[ShownLink, ...]


def read_annotations(
    leaves: Sequence[tuple[int, bytes]], statement: Statement, version_index: int, rulebook: Rulebook
) -> ShownAnnotation:
    """Return the annotation state that the shown leaves of an annotation chain prove.

    Args:
        leaves: index and leaf, ascending.
        statement: the newest version of the annotated record.
        version_index: where that version is logged.
        rulebook: whose period a lapse is held against.

    Raises:
        FormatError: another record or registry, a broken chain, a lapse before its time, or more leaves than needed.
    """
    reading = _LinkReading(statement.registry)
    for index, data in leaves:
        leaf = read_leaf(data, PART)
        if isinstance(leaf, LapseLeaf):
            reading.take_lapse(leaf, rulebook)
        elif not isinstance(leaf, StatementLeaf):
            raise FormatError(PART, "annotation.leaf", want="annotations, lapses and first versions")
        elif leaf.payload_type == dsse.ANNOTATION:
            reading.take_annotation(index, leaf)
        else:
            reading.take_first_version(index, leaf)
    return reading.end(statement, version_index)


class _LinkReading:
    """One pass over the shown leaves of an annotation chain, from the oldest on."""

    def __init__(self, registry: str) -> None:
        self._registry = registry
        self._annotations: list[Annotation] = []
        self._signed: list[ShownLink] = []
        self._lapsed = False
        # The newest annotation was followed by a lapse that shows the record again.
        self._shown = False
        self._newest_index = -1
        self._begun_at = 0
        # Of the newest link: which record it is of, its number, and the hash of its payload.
        self._key: RecordKey | None = None
        self._number = 0
        self._hash = b""
        self._ends_in_annotation = False

    def take_annotation(self, index: int, leaf: StatementLeaf) -> None:
        annotation = Annotation.parse(leaf.payload)
        if self._annotations:
            self._check_follows(annotation)
        if self._lapsed:
            raise FormatError(PART, "annotation.needed", want="the newest annotation and what follows it")
        self._check_registry(annotation.registry)
        self._begun_at = self._begun_at or leaf.logged_at
        self._shown, self._newest_index = False, index
        self._annotations.append(annotation)
        self._signed.append(ShownLink(index, leaf, annotation.author))
        self._link(annotation.key, annotation.number, leaf.payload)
        self._ends_in_annotation = True

    def take_lapse(self, leaf: LapseLeaf, rulebook: Rulebook) -> None:
        lapse = Lapse.parse(leaf.payload)
        if lapse.what is LapseKind.SHOWN:
            self._take_shown(lapse, leaf.payload)
            return
        if lapse.what is LapseKind.ERASED or not self._annotations or self._lapsed:
            raise FormatError(PART, "annotation.lapse", want="a RESTRICTED lapse of the record, and its dispute")
        self._check_follows(lapse)
        self._check_registry(lapse.registry)
        if any(annotation.outcome is not None for annotation in self._annotations):
            raise FormatError(PART, "annotation.answered", want="no annotation that answers the dispute")
        if any(not annotation.disputed for annotation in self._annotations):
            raise FormatError(PART, "annotation.disputed", want="a dispute that stands")
        if not _after_period(self._begun_at, leaf.logged_at, rulebook):
            raise FormatError(PART, "annotation.early", want="a lapse after the period")
        self._link(lapse.key, lapse.number, leaf.payload)
        self._lapsed = True

    def _take_shown(self, lapse: Lapse, payload: bytes) -> None:
        """Take a lapse by which a hidden record is shown again; whether its overlay had ended is for the audit."""
        if not self._annotations or not self._annotations[-1].hides or self._shown:
            raise FormatError(PART, "annotation.lapse", want="a SHOWN lapse of a record that is hidden")
        self._check_follows(lapse)
        self._check_registry(lapse.registry)
        self._link(lapse.key, lapse.number, payload)
        self._shown = True

    def take_first_version(self, index: int, leaf: StatementLeaf) -> None:
        """Take the first version of a record that continues the annotated one: it carries the chain over."""
        statement = Statement.parse(leaf.payload)
        if self._key is None or statement.version != 1 or statement.continues != self._key:
            raise FormatError(PART, "annotation.record", want="a first version that continues the annotated record")
        if statement.signer != statement.issuer:
            raise FormatError(PART, "annotation.signer", want="a first version that its issuer signed")
        self._check_registry(statement.registry)
        self._signed.append(ShownLink(index, leaf, statement.signer))
        self._link(statement.key, self._number + 1, leaf.payload)

    def end(self, statement: Statement, version_index: int) -> ShownAnnotation:
        """Return what the chain says of the record.

        Raises:
            FormatError: it leads to another record, hides it, or shows more than it needs.
        """
        if not self._annotations:
            raise FormatError(PART, "annotation.needed", want="the newest annotation")
        if self._key != statement.key:
            raise FormatError(PART, "annotation.record", want="an annotation of the record")
        needless = (
            len(self._signed) > 1 if self._ends_in_annotation else len(self._annotations) > 1 and not self._lapsed
        )
        if needless:
            raise FormatError(
                PART, "annotation.needed", got=f"{len(self._signed)} leaves", want="the newest annotation"
            )
        newest = self._annotations[-1]
        if newest.hides and not self._shown and version_index < self._newest_index:
            raise FormatError(PART, "annotation.hidden", want="no record that its newest annotation hides")
        lapsed = {AnnotationFlag.RESTRICTED} if self._lapsed else set()
        flags = tuple(sorted({*newest.flags, *lapsed} - {AnnotationFlag.HIDDEN}))
        return ShownAnnotation(
            flags, newest.code, newest.text_commitment, newest.disclosure_digest, tuple(self._signed)
        )

    def _link(self, key: RecordKey, number: int, payload: bytes) -> None:
        self._key, self._number, self._hash = key, number, payload_hash(payload)
        self._ends_in_annotation = False

    def _check_follows(self, link: Annotation | Lapse) -> None:
        if link.key != self._key:
            raise FormatError(PART, "annotation.record", want="an annotation of the record")
        if (link.number, link.previous) != (self._number + 1, self._hash):
            raise FormatError(PART, "annotation.chain", want="each leaf chained to the one before")

    def _check_registry(self, registry: str) -> None:
        if registry != self._registry:
            raise FormatError(PART, "annotation.registry", want="an annotation of this registry")


def _after_period(disputed_at: int, lapsed_at: int, rulebook: Rulebook) -> bool:
    """Whether the days have passed; holidays, which may be decreed after the lapse, are for the audit."""
    try:
        disputed_on, lapsed_on = (day_of(time, rulebook.time_zone).toordinal() for time in (disputed_at, lapsed_at))
    except RuleError:
        raise FormatError(PART, "annotation.time", want="times that a calendar has") from None
    return lapsed_on > disputed_on + rulebook.dispute_days
