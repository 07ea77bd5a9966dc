"""Verification of a record's annotations in evidence (proto/README.md 5 and 8).

The map vouches for the newest leaf of the chain. Where that is a LAPSE of kind RESTRICTED, the leaves since the
DISPUTED annotation that was left without an answer stand before it, each with its place in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Lapse, payload_hash
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind
from client_sdk.kernel.ledger.proving import read_leaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import Statement

__all__ = ["ShownAnnotation", "read_annotations"]

PART = "annotation"


class ShownAnnotation(NamedTuple):
    """Verified annotation state of a record, with the annotations that prove it."""

    flags: tuple[AnnotationFlag, ...]
    code: str
    text_commitment: bytes
    disclosure_digest: bytes
    signed: tuple[tuple[int, StatementLeaf, Annotation], ...]


def read_annotations(
    leaves: Sequence[tuple[int, bytes]], statement: Statement, rulebook: Rulebook | None
) -> ShownAnnotation:
    """Return the annotation state that the shown leaves of an annotation chain prove.

    Args:
        leaves: index and leaf, ascending.
        statement: the newest version of the annotated record.
        rulebook: whose period a lapse is held against; None where none is shown.

    Raises:
        FormatError: another record or registry, a broken chain, a lapse before its time, or more leaves than needed.
    """
    signed: list[tuple[int, StatementLeaf, Annotation]] = []
    *_, (newest_index, newest) = leaves
    for index, data in leaves if isinstance(read_leaf(newest, PART), LapseLeaf) else leaves[-1:]:
        leaf = read_leaf(data, PART)
        if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.ANNOTATION:
            annotation = Annotation.parse(leaf.payload)
            _check_about(annotation, statement)
            signed.append((index, leaf, annotation))
        elif index != newest_index:
            raise FormatError(PART, "annotation.leaf", want="annotations before the newest leaf")
    last = read_leaf(newest, PART)
    if isinstance(last, LapseLeaf):
        return _restricted(last, signed, statement, rulebook)
    if len(leaves) != 1 or not signed:
        raise FormatError(PART, "annotation.needed", got=f"{len(leaves)} leaves", want="the newest annotation")
    annotation = signed[0][2]
    return ShownAnnotation(
        annotation.flags,
        annotation.code,
        annotation.text_commitment,
        annotation.disclosure_digest,
        tuple(signed),
    )


def _check_about(remark: Annotation | Lapse, statement: Statement) -> None:
    if remark.key != statement.key:
        raise FormatError(PART, "annotation.record", want="an annotation of the record")
    if remark.registry != statement.registry:
        raise FormatError(PART, "annotation.registry", want="an annotation of this registry")


def _restricted(
    leaf: LapseLeaf,
    signed: Sequence[tuple[int, StatementLeaf, Annotation]],
    statement: Statement,
    rulebook: Rulebook | None,
) -> ShownAnnotation:
    lapse = Lapse.parse(leaf.payload)
    _check_about(lapse, statement)
    if lapse.what is not LapseKind.RESTRICTED or not signed or rulebook is None:
        raise FormatError(PART, "annotation.lapse", want="a RESTRICTED lapse of the record, dispute and rulebook")
    links = [(annotation.number, payload_hash(item.payload)) for _, item, annotation in signed]
    following = [(annotation.number, annotation.previous) for _, _, annotation in signed[1:]]
    following.append((lapse.number, lapse.previous))
    if any((number + 1, hash_) != after for (number, hash_), after in zip(links, following, strict=True)):
        raise FormatError(PART, "annotation.chain", want="each leaf chained to the one before")
    if any(annotation.outcome is not None for _, _, annotation in signed):
        raise FormatError(PART, "annotation.answered", want="no annotation that answers the dispute")
    if any(not annotation.disputed for _, _, annotation in signed):
        raise FormatError(PART, "annotation.disputed", want="a dispute that stands")
    if not _after_period(signed[0][1].logged_at, leaf.logged_at, rulebook):
        raise FormatError(PART, "annotation.early", want="a lapse after the period")
    newest = signed[-1][2]
    flags = tuple(sorted({*newest.flags, AnnotationFlag.RESTRICTED}))
    return ShownAnnotation(flags, newest.code, newest.text_commitment, newest.disclosure_digest, tuple(signed))


def _after_period(disputed_at: int, lapsed_at: int, rulebook: Rulebook) -> bool:
    """Whether the days have passed; holidays, which may be decreed after the lapse, are for the audit."""
    try:
        disputed_on, lapsed_on = (day_of(time, rulebook.time_zone).toordinal() for time in (disputed_at, lapsed_at))
    except RuleError:
        raise FormatError(PART, "annotation.time", want="times that a calendar has") from None
    return lapsed_on > disputed_on + rulebook.dispute_days
