"""Annotations of a record: what the next one may change, and what stands after it (proto/README.md 5).

Each annotation is a snapshot that replaces the one before, so an author carries over what others have said: only who
said it, who speaks for the subject, or the issuer's answer takes something away. The first version of a record that
continues another is a link of that one's chain, so that a sale leaves nothing of it behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import payload_hash
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, Role
from client_sdk.kernel.rules.calendar import answer_due_on
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.formats.state import InstitutionState, Rulebook
    from client_sdk.kernel.formats.statement import Annotation

__all__ = [
    "MAX_DOCUMENTS",
    "AnnotationHead",
    "Author",
    "after_restriction",
    "annotated",
    "carried",
    "check_requested",
    "shown",
    "superseded",
    "waiting_from",
]

# Digests that a chain remembers, the newest ones: what was named before is no new evidence.
MAX_DOCUMENTS = 256


@dataclass(frozen=True, slots=True)
class AnnotationHead:
    """The newest link of a record's annotation chain, and what the chain says.

    Attributes:
        number: of the link.
        payload_hash: of its payload.
        index: of its leaf.
        leaf_hash: of its leaf.
        flags: that hold now.
        first: index of the leaf that begins the chain; names the chain, also where a sale has carried it over.
        shown_from: number of the oldest link that evidence of this one shows.
        waiting_from: number of the annotation since which a dispute waits for an answer; 0 for none.
        due_on: last day for that answer, YYYY-MM-DD, by the rulebook in force at that annotation; empty for none.
        text_commitment: of the statement that stands.
        disclosure_digest: of its sealed text.
        disputed_since: index of the leaf that opened the newest dispute; 0 while there was none.
        disputed_by: institution id of who opened it; empty while there was none.
        disputed_jointly: whether others have taken part in it since, so that it does not end by a withdrawal.
        answered_index: index of the leaf of the newest outcome that was given to it, WITHDRAWN too; 0 for none.
        outcome: the newest answer in the chain; None while there was none.
        stated_by: institution id of who made the statement that stands; empty for none.
        code: reason code.
        overlay: under which the record is hidden; empty for none.
        documents: SHA-256 of the documents that the chain has named, the newest last, at most ``MAX_DOCUMENTS``.
    """

    number: int
    payload_hash: bytes
    index: int
    leaf_hash: bytes
    flags: tuple[AnnotationFlag, ...]
    first: int
    shown_from: int
    waiting_from: int = 0
    due_on: str = ""
    text_commitment: bytes = b""
    disclosure_digest: bytes = b""
    disputed_since: int = 0
    disputed_by: str = ""
    disputed_jointly: bool = False
    answered_index: int = 0
    outcome: DisputeOutcome | None = None
    stated_by: str = ""
    code: str = ""
    overlay: str = ""
    documents: tuple[bytes, ...] = ()

    @property
    def disputed(self) -> bool:
        """Whether a dispute stands."""
        return AnnotationFlag.DISPUTED in self.flags

    @property
    def restricted(self) -> bool:
        """Whether the record must not be counted."""
        return AnnotationFlag.RESTRICTED in self.flags

    @property
    def hidden(self) -> bool:
        """Whether the map does not hold the record."""
        return AnnotationFlag.HIDDEN in self.flags

    @property
    def waits(self) -> bool:
        """Whether a dispute waits for an answer."""
        return bool(self.waiting_from)


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
    rulebook: Rulebook,
    coverable: Callable[[str], bool],
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
        rulebook: in force.
        coverable: whether an overlay of that name may hide the newest version now.

    Raises:
        RuleError: ANNOTATION_INVALID; the author may not say that. DATE_INVALID; no calendar has the time.
    """
    _check_restricted(before, annotation, author)
    _check_hidden(before, annotation, author, coverable)
    if annotation.outcome is not None:
        _check_outcome(before, annotation, annotation.outcome, author, version_index)
    elif before is not None and before.disputed and not annotation.disputed:
        raise _refused("flags", "annotation.disputed-kept", "DISPUTED carried over, or an outcome")
    _check_reopened(before, annotation)
    _check_kept(before, annotation, author)
    answer = annotation.outcome if annotation.outcome is not DisputeOutcome.WITHDRAWN else None
    since, by, jointly = _opened(before, annotation, index)
    waiting = waiting_from(
        annotation,
        disputed_before=before is not None and before.disputed,
        waiting_before=before.waiting_from if before else 0,
    )
    due_on = "" if before is None else before.due_on
    return AnnotationHead(
        annotation.number,
        payload_hash(payload),
        index,
        leaf_hash,
        annotation.flags,
        first=index if before is None else before.first,
        shown_from=annotation.number,
        waiting_from=waiting,
        # Fixed with its beginning: a holiday that is decreed later makes no running dispute longer.
        due_on=answer_due_on(logged_at, rulebook).isoformat()
        if waiting == annotation.number
        else due_on * bool(waiting),
        text_commitment=annotation.text_commitment,
        disclosure_digest=annotation.disclosure_digest,
        disputed_since=since,
        disputed_by=by,
        disputed_jointly=jointly,
        answered_index=_answered_index(before, annotation, index),
        outcome=answer or (before.outcome if before else None),
        stated_by=_stated_by(before, annotation),
        code=annotation.code,
        overlay=annotation.overlay,
        documents=(*_documents(before), *_new_documents(before, annotation))[-MAX_DOCUMENTS:],
    )


def after_restriction(head: AnnotationHead, payload: bytes, index: int, leaf_hash: bytes) -> AnnotationHead:
    """Return the newest link after a lapse of kind RESTRICTED; it rests on all links since the dispute waits."""
    flags = tuple(sorted({*head.flags, AnnotationFlag.RESTRICTED}))
    return replace(carried(head, payload, index, leaf_hash), flags=flags, shown_from=head.waiting_from)


def carried(head: AnnotationHead, payload: bytes, index: int, leaf_hash: bytes) -> AnnotationHead:
    """Return the newest link after the first version of a record that continues the annotated one.

    Args:
        head: newest link of the record that is continued.
        payload: of the first version.
        index: where it is logged.
        leaf_hash: of its leaf.
    """
    return replace(head, number=head.number + 1, payload_hash=payload_hash(payload), index=index, leaf_hash=leaf_hash)


def superseded(head: AnnotationHead) -> AnnotationHead:
    """Return the newest link after a further version: what was hidden is shown again, and coverage proved anew."""
    return replace(head, flags=tuple(flag for flag in head.flags if flag is not AnnotationFlag.HIDDEN), overlay="")


def shown(head: AnnotationHead, payload: bytes, index: int, leaf_hash: bytes) -> AnnotationHead:
    """Return the newest link after a lapse of kind SHOWN."""
    return superseded(carried(head, payload, index, leaf_hash))


def _check_hidden(
    before: AnnotationHead | None, annotation: Annotation, author: Author, coverable: Callable[[str], bool]
) -> None:
    """Check that HIDDEN is set and dropped by the issuer, and set under an overlay that may hide the record."""
    had = before.overlay if before is not None else ""
    if annotation.overlay == had:
        return
    if not author.speaks_for_issuer:
        want = "HIDDEN and its overlay carried over" if had else "HIDDEN set by the issuer only"
        raise _refused("flags", "annotation.hidden", want)
    if annotation.overlay and not coverable(annotation.overlay):
        want = "an overlay of the rulebook that hides now and covers a repaid DEFAULT of that date"
        raise _refused("overlay", "overlay.covers", want)


def _check_restricted(before: AnnotationHead | None, annotation: Annotation, author: Author) -> None:
    """Check that RESTRICTED is set and dropped by the issuer, and never in place of an answer."""
    had, has = before is not None and before.restricted, AnnotationFlag.RESTRICTED in annotation.flags
    if had is has:
        return
    if not author.speaks_for_issuer:
        want = "RESTRICTED carried over" if had else "RESTRICTED set by the issuer only"
        raise _refused("flags", "annotation.restricted", want)
    if before is not None and before.waits and annotation.outcome is None:
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
    """Check that what was answered is disputed anew with documents only that the chain has not named before."""
    if before is None or before.outcome is None or not annotation.disputed or annotation.outcome is not None:
        return
    reopens = not before.disputed or (not before.waits and annotation.evidence)
    if reopens and not _new_documents(before, annotation):
        got = "documents that were named before" if annotation.evidence else "none"
        raise _refused("evidence", "annotation.reopened", "new evidence", got=got)


def check_requested(annotation: Annotation, *, stood: bool, own: bool) -> None:
    """Check that who disputes the record of another names the request of the person, or what the person gave it.

    At admission and before anything is signed; nothing in the log shows what a document says.

    Args:
        annotation: the next one.
        stood: whether a dispute stood before it.
        own: whether its author speaks for the issuer.

    Raises:
        RuleError: ANNOTATION_INVALID; it opens a dispute by nobody's request.
    """
    if annotation.disputed and not stood and not own and not annotation.evidence:
        want = "the SHA-256 of the person's request, and of what else shows it"
        raise _refused("evidence", "annotation.requested", want, got="none")


def _documents(before: AnnotationHead | None) -> tuple[bytes, ...]:
    return () if before is None else before.documents


def _new_documents(before: AnnotationHead | None, annotation: Annotation) -> tuple[bytes, ...]:
    """Return the digests of documents that the chain has not named before."""
    known = frozenset(_documents(before))
    return tuple(digest for digest in annotation.evidence if digest not in known)


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


def waiting_from(annotation: Annotation, *, disputed_before: bool, waiting_before: int) -> int:
    """Return since which number a dispute waits; what was answered UNCONFIRMED waits again with new evidence.

    Args:
        annotation: the newest one.
        disputed_before: whether a dispute stood before it.
        waiting_before: since which number it waited before, 0 for none, as where it was answered UNCONFIRMED.
    """
    if not annotation.disputed or annotation.outcome is not None:
        return 0
    if disputed_before:
        return waiting_before or (annotation.number if annotation.evidence else 0)
    return annotation.number


def _opened(before: AnnotationHead | None, annotation: Annotation, index: int) -> tuple[int, str, bool]:
    """Return index of the leaf that opened the newest dispute, who did so, and whether others take part."""
    if before is None or not before.disputed:
        if annotation.disputed:
            return index, annotation.author, False
        return (0, "", False) if before is None else (before.disputed_since, before.disputed_by, False)
    if not annotation.disputed:
        return before.disputed_since, before.disputed_by, False
    if before.disputed_by == annotation.issuer != annotation.author:
        # What an issuer says against its own record is the dispute of the member that takes it up.
        return before.disputed_since, annotation.author, False
    joined = annotation.author not in {before.disputed_by, annotation.issuer}
    return before.disputed_since, before.disputed_by, before.disputed_jointly or joined


def _answered_index(before: AnnotationHead | None, annotation: Annotation, index: int) -> int:
    """Return where the newest outcome of the newest dispute is logged; 0 for none."""
    if annotation.outcome is not None:
        return index
    opens = annotation.disputed and not (before is not None and before.disputed)
    return 0 if before is None or opens else before.answered_index


def _stated_by(before: AnnotationHead | None, annotation: Annotation) -> str:
    if AnnotationFlag.STATEMENT not in annotation.flags:
        return ""
    same = before is not None and before.text_commitment == annotation.text_commitment
    return before.stated_by if before is not None and same else annotation.author


def _refused(field: str, rule: str, want: str, *, got: str = "") -> RuleError:
    return RuleError("ANNOTATION_INVALID", field, rule, got=got, want=want)
