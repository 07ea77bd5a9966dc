"""Annotations: what the next one follows, making and signing it, and its receipt (proto/README.md 5)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import common_pb2, dispute_pb2, evidence_pb2, submission_pb2

from client_sdk._protocol.receipt import read_logged
from client_sdk._protocol.verification import verifying
from client_sdk.errors import PreflightError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import verify_statement
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_text
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.seal import disclosure_digest, seal_text
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement, check_institution_id, payload_hash
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, LapseKind
from client_sdk.kernel.ledger.proving import leaf_under, read_checkpoint, read_leaf, split_hashes
from client_sdk.kernel.rules.dates import parse_date
from client_sdk.models.dispute import AnnotationReceipt, DisputeView
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.seal import Opened
    from client_sdk.kernel.ledger.directory import Directory

__all__ = [
    "PART",
    "AnnotationDraft",
    "AnnotationEnd",
    "DisputesAsked",
    "read_annotated",
    "read_disputes",
    "read_end",
    "record_ref",
    "sign_annotation",
]

PART = "annotation"


@dataclass(frozen=True, slots=True)
class AnnotationEnd:
    """The end of a record's annotation chain, verified.

    Attributes:
        record: which record.
        number: of the newest link; 0 for none.
        payload_hash: of the newest link; empty for none.
        annotation: the newest annotation; None for none.
        flags: that hold now, with RESTRICTED, or without HIDDEN, where a lapse or a version says so after it.
        logged_at: of the newest annotation, ms.
        subject_key_version: of the record's newest version; 0 where it is not told.
        checkpoint: signed note under which it was proved; empty where nothing was.
    """

    record: RecordKey
    number: int = 0
    payload_hash: bytes = b""
    annotation: Annotation | None = None
    flags: frozenset[AnnotationFlag] = frozenset()
    logged_at: int = 0
    subject_key_version: int = 0
    checkpoint: bytes = b""


@dataclass(frozen=True, slots=True)
class AnnotationDraft:
    """What an annotation changes of the one before; everything else is carried over.

    Attributes:
        add: flags that it sets.
        drop: flags that it drops.
        code: reason code; None to carry the one before over.
        outcome: of a dispute; None for none.
        evidence: SHA-256 of the documents that it rests on.
        text: the subject's statement; None to carry the one before over.
        seal_key: of the subject, with a text.
        overlay: under which HIDDEN is set; None to carry the one before over.
        facts: of the record's newest version, with an overlay.
    """

    add: frozenset[AnnotationFlag] = frozenset()
    drop: frozenset[AnnotationFlag] = frozenset()
    code: str | None = None
    outcome: DisputeOutcome | None = None
    evidence: tuple[bytes, ...] = ()
    text: str | None = None
    seal_key: bytes = b""
    overlay: str | None = None
    facts: Opened | None = None


def read_end(
    response: dispute_pb2.GetAnnotationResponse, record: RecordKey, directory: Directory, key: VerifierKey
) -> AnnotationEnd:
    """Return the end of a record's annotation chain, once it verifies.

    Args:
        response: of the registry.
        record: which record was asked for.
        directory: of the newest HEAD.
        key: of the log, from the trust root.

    Raises:
        VerificationError: a leaf is of another record, unsigned, or not in the log.
    """
    with verifying():
        end = _end(response.leaves, record, directory, response.checkpoint, key)
    superseded = end.annotation is not None and response.version_index > response.leaves[0].inclusion.index
    flags = end.flags - {AnnotationFlag.HIDDEN} if superseded else end.flags
    return replace(end, flags=flags, subject_key_version=response.subject_key_version)


@dataclass(frozen=True, slots=True)
class DisputesAsked:
    """Which disputes were asked for.

    Attributes:
        issuer: about whose records; empty for anybody's.
        ended: those that have ended, instead of those that stand.
    """

    issuer: str
    ended: bool


def read_disputes(
    response: dispute_pb2.ListDisputesResponse, asked: DisputesAsked, directory: Directory, key: VerifierKey
) -> list[DisputeView]:
    """Return disputes, once their annotations verify.

    Args:
        response: of the registry.
        asked: which were asked for.
        directory: of the newest HEAD.
        key: of the log, from the trust root.

    Raises:
        VerificationError: as ``read_end``, or a dispute is listed that was not asked for.
    """
    with verifying():
        found = [_view(item, asked, response.checkpoint, directory, key) for item in response.disputes]
        if asked.issuer and any(one.issuer != asked.issuer for one in found):
            raise FormatError(PART, "annotation.record", want="records of the issuer")
        if len({(one.issuer, one.record_id) for one in found}) != len(found) or (response.next and not found):
            raise FormatError(PART, "disputes.once", want="each dispute once, and some on every page but the last")
    return found


def _view(
    item: dispute_pb2.Dispute, asked: DisputesAsked, note: bytes, directory: Directory, key: VerifierKey
) -> DisputeView:
    check_institution_id(item.opened_by, PART, "opened_by")
    end = _end(item.leaves, RecordKey(item.record.issuer, item.record.record_id), directory, note, key)
    newest = end.annotation
    if newest is None or newest.disputed is asked.ended:
        want = "a dispute that has ended" if asked.ended else "a dispute that stands"
        raise FormatError(PART, "annotation.disputed", want=want)
    checkpoint = read_checkpoint(note, key)
    begun = _annotation_of(item.begun, directory, checkpoint)
    answered = _annotation_of(item.answered, directory, checkpoint) if item.HasField("answered") else None
    if not begun.annotation.disputed or (asked.ended and answered is None):
        raise FormatError(PART, "annotation.disputed", want="the annotations that opened and ended the dispute")
    if answered is not None and (
        answered.annotation.outcome is None or item.answered.inclusion.index <= item.begun.inclusion.index
    ):
        raise FormatError(PART, "annotation.outcome", want="an outcome that was given after the dispute was opened")
    named = _annotation_of(item.named, directory, checkpoint).annotation if item.HasField("named") else None
    if named is not None and (
        named.outcome is not None or not named.disputed or item.named.inclusion.index < item.begun.inclusion.index
    ):
        raise FormatError(PART, "annotation.disputed", want="documents that were named since the dispute was opened")
    return DisputeView(
        issuer=end.record.issuer,
        record_id=end.record.record_id,
        opened_by=item.opened_by,
        opened_at=moment(begun.logged_at),
        # A later remark may carry another; the dispute is about what it was opened with.
        code=begun.annotation.code,
        evidence=() if named is None else named.evidence,
        flags=end.flags - {AnnotationFlag.HIDDEN},
        annotated_by=newest.author,
        annotated_at=moment(end.logged_at),
        due_on=parse_date(item.due_on, "due_on"),
        outcome=None if answered is None else answered.annotation.outcome,
        answered_by="" if answered is None else answered.annotation.author,
        answered_at=None if answered is None else moment(answered.logged_at),
        answer_evidence=() if answered is None else answered.annotation.evidence,
    )


class _Placed(NamedTuple):
    """An annotation that its author signed, and when it was logged, ms."""

    annotation: Annotation
    logged_at: int
    payload: bytes


def _annotation_of(link: dispute_pb2.AnnotationLink, directory: Directory, checkpoint: Checkpoint) -> _Placed:
    """Return an annotation of this registry whose author signed it and that is in the log."""
    leaf_under(checkpoint, link.inclusion.index, link.leaf, split_hashes(link.inclusion.path, PART), PART)
    leaf = read_leaf(link.leaf, PART)
    if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.ANNOTATION:
        raise FormatError(PART, "annotation.leaf", want="an annotation")
    annotation = Annotation.parse(leaf.payload)
    if annotation.registry != directory.state.registry:
        raise FormatError(PART, "annotation.registry", want="an annotation of this registry")
    signing = directory.key_of(leaf.key_id, annotation.author, "annotation.key_id")
    dsse.verify(dsse.ANNOTATION, leaf.payload, signing.public_key, leaf.signature)
    return _Placed(annotation, leaf.logged_at, leaf.payload)


def _end(
    leaves: Sequence[dispute_pb2.AnnotationLink],
    record: RecordKey,
    directory: Directory,
    note: bytes,
    key: VerifierKey,
) -> AnnotationEnd:
    if not leaves:
        return AnnotationEnd(record)
    checkpoint = read_checkpoint(note, key)
    first = _annotation_of(leaves[0], directory, checkpoint)
    annotation = first.annotation
    flags = frozenset(annotation.flags)
    last, number, hash_ = annotation.key, annotation.number, payload_hash(first.payload)
    for shown in leaves[1:]:
        path = split_hashes(shown.inclusion.path, PART)
        leaf_under(checkpoint, shown.inclusion.index, shown.leaf, path, PART)
        leaf = read_leaf(shown.leaf, PART)
        if isinstance(leaf, LapseLeaf):
            lapse = Lapse.parse(leaf.payload)
            if lapse.key != last or (lapse.number, lapse.previous) != (number + 1, hash_):
                raise FormatError(PART, "annotation.chain", want="each leaf chained to the one before")
            if lapse.what is LapseKind.SHOWN:
                flags -= {AnnotationFlag.HIDDEN}
            else:
                flags |= {AnnotationFlag.RESTRICTED}
        else:
            last = _carried_to(leaf, last, directory)
        number, hash_ = number + 1, payload_hash(leaf.payload)
    if last != record:
        raise FormatError(PART, "annotation.record", want="an annotation of the record")
    return AnnotationEnd(record, number, hash_, annotation, flags, first.logged_at, checkpoint=note)


def _carried_to(leaf: Leaf, record: RecordKey, directory: Directory) -> RecordKey:
    """Return the record whose first version continues this one, and so carries its annotations over."""
    if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
        raise FormatError(PART, "annotation.lapse", want="a RESTRICTED lapse or a first version after the annotation")
    statement = Statement.parse(leaf.payload)
    if (statement.registry, statement.version, statement.continues) != (directory.state.registry, 1, record):
        raise FormatError(PART, "annotation.record", want="a first version that continues the annotated record")
    signing = directory.key_of(leaf.key_id, statement.signer, "annotation.key_id")
    verify_statement(statement, leaf.payload, signing.public_key, leaf.signature)
    return statement.key


def sign_annotation(
    end: AnnotationEnd, draft: AnnotationDraft, registry: str, author: str, signer: Signer, now: int
) -> dispute_pb2.AnnotateRequest:
    """Return the request that logs the next annotation of a record.

    Args:
        end: what it follows.
        draft: what it changes.
        registry: name of the registry.
        author: institution id of the member that signs.
        signer: of its REPORT key.
        now: ms since 1970 UTC.

    Raises:
        PreflightError: code, evidence or text are not in their form; nothing was sent.
    """
    before = end.annotation
    flags = (end.flags | draft.add) - draft.drop
    commitment, digest, sealed = b"", b"", b""
    if AnnotationFlag.STATEMENT in flags and draft.text is None and before is not None:
        commitment, digest = before.text_commitment, before.disclosure_digest
    try:
        if draft.text is not None:
            opening = secrets.token_bytes(OPENING_BYTES)
            commitment = commit_text(opening, draft.text)
            sealed = seal_text(draft.seal_key, commitment, opening, draft.text)
            digest = disclosure_digest(sealed)
        carried = before.code if before is not None else ""
        annotation = Annotation(
            registry,
            author,
            end.record.issuer,
            end.record.record_id,
            end.number + 1,
            end.payload_hash,
            tuple(sorted(flags)),
            carried if draft.code is None else draft.code,
            commitment,
            digest,
            now,
            draft.outcome,
            tuple(sorted(set(draft.evidence))) or _carried_evidence(before, flags, draft),
            _overlay(before, flags, draft),
        )
        payload = annotation.encode()
        Annotation.parse(payload)
    except FormatError as error:
        violation = Violation(reason="MALFORMED", field=error.part, rule=error.rule, got=error.got, want=error.want)
        raise PreflightError((violation,)) from error
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=signer.public_key.key_id, signature=dsse.sign(signer, dsse.ANNOTATION, payload)
    )
    facts = draft.facts and submission_pb2.OpenedFacts(opening=draft.facts.opening, facts=draft.facts.content)
    return dispute_pb2.AnnotateRequest(annotation=signed, text_disclosure=sealed, facts=facts)


def _overlay(before: Annotation | None, flags: frozenset[AnnotationFlag], draft: AnnotationDraft) -> str:
    """Return the name that goes with HIDDEN."""
    if AnnotationFlag.HIDDEN not in flags:
        return ""
    carried = "" if before is None else before.overlay
    return carried if draft.overlay is None else draft.overlay


def _carried_evidence(
    before: Annotation | None, flags: frozenset[AnnotationFlag], draft: AnnotationDraft
) -> tuple[bytes, ...]:
    """Return what a dispute rests on that stands and was not answered: a further remark must not lose it."""
    if before is None or AnnotationFlag.DISPUTED not in flags or draft.outcome is not None:
        return ()
    return before.evidence if before.disputed and before.outcome is None else ()


def read_annotated(
    request: dispute_pb2.AnnotateRequest, response: dispute_pb2.AnnotateResponse, key: VerifierKey
) -> AnnotationReceipt:
    """Return the receipt of an annotation that was logged.

    Args:
        request: what was sent.
        response: of the registry.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the proof does not lead to the checkpoint, or the log's key did not sign it.
    """
    annotation = Annotation.parse(request.annotation.payload)
    logged = read_logged(dsse.ANNOTATION, request.annotation, response.result, response.checkpoint, key)
    return AnnotationReceipt(
        issuer=annotation.issuer,
        record_id=annotation.record_id,
        number=annotation.number,
        index=logged.index,
        logged_at=logged.logged_at,
        leaf=logged.leaf,
        path=logged.path,
        checkpoint=response.checkpoint,
        size=logged.size,
        repeated=logged.repeated,
    )


def record_ref(record: RecordKey) -> common_pb2.RecordRef:
    """Return a record's name as the contract writes it."""
    return common_pb2.RecordRef(issuer=record.issuer, record_id=record.record_id)
