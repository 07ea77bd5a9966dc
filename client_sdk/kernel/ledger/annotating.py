"""Annotations of a record: what the next one may change, and what stands after it (proto/README.md 5).

Each annotation is a snapshot that replaces the one before, so an author carries over what others have said: only who
said it, who speaks for the subject, or the issuer's answer takes something away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import payload_hash
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, Role
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.formats.statement import Annotation

__all__ = ["AnnotationHead", "Author", "annotated", "unanswered_since"]


@dataclass(frozen=True, slots=True)
class AnnotationHead:
    """The newest link of a record's annotation chain."""

    number: int
    payload_hash: bytes
    index: int
    leaf_hash: bytes
    flags: tuple[AnnotationFlag, ...]
    # logged_at of the leaf since which a dispute waits for an answer; 0 for none.
    unanswered_since: int
    text_commitment: bytes = b""
    disclosure_digest: bytes = b""
    # Index of the leaf that opened the dispute that stands; 0 for none.
    disputed_since: int = 0
    # Institution id of who opened the newest dispute; empty while there was none.
    disputed_by: str = ""
    # Whether others have taken part in it since, so that it does not end by a withdrawal.
    disputed_jointly: bool = False
    # The newest answer; None while there was none.
    outcome: DisputeOutcome | None = None
    # Institution id of who made the statement that stands; empty for none.
    stated_by: str = ""
    code: str = ""

    @property
    def disputed(self) -> bool:
        """Whether a dispute stands."""
        return AnnotationFlag.DISPUTED in self.flags

    @property
    def restricted(self) -> bool:
        """Whether the record must not be counted."""
        return AnnotationFlag.RESTRICTED in self.flags


@dataclass(frozen=True, slots=True)
class Author:
    """The author of an annotation in its relation to the record.

    Attributes:
        state: of the institution.
        speaks_for_issuer: whether it is the issuer, or the successor that counts.
    """

    state: InstitutionState
    speaks_for_issuer: bool

    @property
    def speaks_for_subject(self) -> bool:
        """Whether it is a REPRESENTATIVE."""
        return Role.REPRESENTATIVE in self.state.roles


def annotated(
    before: AnnotationHead | None,
    annotation: Annotation,
    payload: bytes,
    author: Author,
    *,
    index: int,
    leaf_hash: bytes,
    logged_at: int,
    version_index: int,
) -> AnnotationHead:
    """Return the newest link after an annotation.

    Args:
        before: the newest link; None for none.
        annotation: parsed; its number and the link before it were checked.
        payload: its exact bytes.
        author: of it.
        index: where it is logged.
        leaf_hash: of its leaf.
        logged_at: of its leaf, ms.
        version_index: of the record's newest version.

    Raises:
        RuleError: ANNOTATION_INVALID; the author may not say that.
    """
    _check_restricted(before, annotation, author)
    if annotation.outcome is not None:
        _check_outcome(before, annotation, annotation.outcome, author, version_index)
    elif before is not None and before.disputed and not annotation.disputed:
        raise _refused("flags", "annotation.disputed-kept", "DISPUTED carried over, or an outcome")
    _check_reopened(before, annotation)
    _check_kept(before, annotation, author)
    answer = annotation.outcome if annotation.outcome is not DisputeOutcome.WITHDRAWN else None
    return AnnotationHead(
        annotation.number,
        payload_hash(payload),
        index,
        leaf_hash,
        annotation.flags,
        unanswered_since(
            annotation,
            logged_at,
            disputed_before=before is not None and before.disputed,
            waiting_before=before.unanswered_since if before else 0,
        ),
        annotation.text_commitment,
        annotation.disclosure_digest,
        *_opened(before, annotation, index),
        answer or (before.outcome if before else None),
        _stated_by(before, annotation),
        annotation.code,
    )


def _check_restricted(before: AnnotationHead | None, annotation: Annotation, author: Author) -> None:
    """Check that RESTRICTED is set and dropped by the issuer, and never in place of an answer."""
    had, has = before is not None and before.restricted, AnnotationFlag.RESTRICTED in annotation.flags
    if had is has:
        return
    if not author.speaks_for_issuer:
        want = "RESTRICTED carried over" if had else "RESTRICTED set by the issuer only"
        raise _refused("flags", "annotation.restricted", want)
    if before is not None and before.unanswered_since and annotation.outcome is None:
        raise _refused("flags", "annotation.restricted-answer", "an answer to the dispute first")


def _check_outcome(
    before: AnnotationHead | None, annotation: Annotation, outcome: DisputeOutcome, author: Author, version_index: int
) -> None:
    """Check who gives an outcome, and that there is a dispute to which it belongs (征信业管理条例 Art. 25)."""
    if before is None or not before.disputed:
        raise _refused("outcome", "annotation.outcome", "a dispute that stands")
    if outcome is DisputeOutcome.WITHDRAWN:
        alone = annotation.author == before.disputed_by and not before.disputed_jointly
        if not alone or author.speaks_for_issuer:
            want = "the only institution that disputes the record, and not its issuer"
            raise _refused("author", "annotation.withdrawn", want, got=annotation.author)
        return
    if not author.speaks_for_issuer:
        raise _refused("author", "annotation.answer", "an answer by the issuer or its successor", got=annotation.author)
    if outcome is DisputeOutcome.CORRECTED and version_index < before.disputed_since:
        raise _refused("outcome", "annotation.corrected", "a version that was logged since the dispute")


def _check_reopened(before: AnnotationHead | None, annotation: Annotation) -> None:
    """Check that what was answered is disputed anew with evidence only."""
    if before is None or before.disputed or before.outcome is None or not annotation.disputed:
        return
    if not annotation.evidence:
        raise _refused("evidence", "annotation.reopened", "new evidence", got="none")


def _check_kept(before: AnnotationHead | None, annotation: Annotation, author: Author) -> None:
    """Check that nobody takes away or rewrites what another has said for the subject."""
    if before is None or author.speaks_for_subject:
        return
    said = (before.text_commitment, before.disclosure_digest)
    stays = (annotation.text_commitment, annotation.disclosure_digest) == said
    if AnnotationFlag.STATEMENT in before.flags and not stays and annotation.author != before.stated_by:
        want = "the statement of the subject carried over"
        raise _refused("text_commitment", "annotation.statement-kept", want, got=annotation.author)
    if not before.disputed or not annotation.disputed or annotation.outcome is not None:
        return
    if annotation.code != before.code and annotation.author != before.disputed_by:
        raise _refused("code", "annotation.code-kept", "the code of the dispute carried over", got=annotation.author)


def unanswered_since(annotation: Annotation, logged_at: int, *, disputed_before: bool, waiting_before: int) -> int:
    """Return since when a dispute waits for an answer, ms, 0 for none; new evidence makes it wait again.

    Args:
        annotation: the newest one.
        logged_at: of its leaf, ms.
        disputed_before: whether a dispute stood before it.
        waiting_before: since when it waited before, 0 for none, as where it was answered UNCONFIRMED.
    """
    if not annotation.disputed or annotation.outcome is not None:
        return 0
    if disputed_before:
        return waiting_before or (logged_at if annotation.evidence else 0)
    return logged_at


def _opened(before: AnnotationHead | None, annotation: Annotation, index: int) -> tuple[int, str, bool]:
    """Return index of the leaf that opened the dispute which stands, who opened the newest one, and whether alone."""
    if not annotation.disputed:
        return 0, before.disputed_by if before else "", False
    if before is None or not before.disputed:
        return index, annotation.author, False
    if before.disputed_by == annotation.issuer != annotation.author:
        # What an issuer says against its own record is the dispute of the member that takes it up.
        return before.disputed_since, annotation.author, False
    joined = annotation.author not in {before.disputed_by, annotation.issuer}
    return before.disputed_since, before.disputed_by, before.disputed_jointly or joined


def _stated_by(before: AnnotationHead | None, annotation: Annotation) -> str:
    if AnnotationFlag.STATEMENT not in annotation.flags:
        return ""
    same = before is not None and before.text_commitment == annotation.text_commitment
    return before.stated_by if before is not None and same else annotation.author


def _refused(field: str, rule: str, want: str, *, got: str = "") -> RuleError:
    return RuleError("ANNOTATION_INVALID", field, rule, got=got, want=want)
