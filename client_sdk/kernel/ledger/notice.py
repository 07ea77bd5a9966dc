"""Notices and acknowledgements: which leaf goes with which reason, and who may acknowledge (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.breach import BreachBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.words import (
    ANNOTATING,
    AnnotationFlag,
    DisputeOutcome,
    InstitutionStatus,
    KeyUsage,
    LapseKind,
    NoticeReason,
)
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.acknowledgement import Acknowledgement
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.state import InstitutionKey
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["check_acknowledgement", "check_cause"]

PART = "notice"
_USAGES = frozenset((KeyUsage.REPORT, KeyUsage.INQUIRE))


def check_cause(leaf: Leaf, record: RecordKey | None, reason: NoticeReason, member: str) -> None:
    """Check that a leaf is about a record, and does to it what a notice says; or that it tells of a breach.

    Args:
        leaf: of the notice.
        record: that the notice names; None where it names none.
        reason: of the notice.
        member: institution id of who is told.

    Raises:
        FormatError: it is about another record, does something else, or tells of a breach that does not concern the
            member.
    """
    if reason is NoticeReason.BREACH:
        _check_breach(leaf, record, member)
        return
    link = link_of(leaf)
    if link is None or link.record != record:
        raise FormatError(PART, "notice.record", want="a leaf about the record")
    if reason not in _reasons(leaf):
        raise FormatError(PART, "notice.reason", got=reason.name, want="what the leaf does")


def _check_breach(leaf: Leaf, record: RecordKey | None, member: str) -> None:
    if record is not None:
        raise FormatError(PART, "notice.record", want="no record beside a breach")
    body = Act.parse(leaf.payload).body if isinstance(leaf, ActLeaf) else None
    if not isinstance(body, BreachBody) or (body.members and member not in body.members):
        raise FormatError(PART, "notice.breach", want="an act that tells of a breach that concerns the member")


def _reasons(leaf: Leaf) -> frozenset[NoticeReason]:
    match leaf:
        case StatementLeaf(payload_type=dsse.STATEMENT, payload=payload):
            return _of_statement(Statement.parse(payload))
        case StatementLeaf(payload=payload):
            return _of_annotation(Annotation.parse(payload))
        case LapseLeaf(payload=payload) if Lapse.parse(payload).what is LapseKind.RESTRICTED:
            return frozenset((NoticeReason.RESTRICTED,))
        case _:
            return frozenset()


def _of_statement(statement: Statement) -> frozenset[NoticeReason]:
    if not statement.carries_subject:
        return frozenset((NoticeReason(statement.standing.name),))
    # Version 1 of a bought record follows the sold one.
    follows = statement.version > 1 or statement.continues is not None
    return frozenset((NoticeReason.CORRECTED,) if follows else ())


def _of_annotation(annotation: Annotation) -> frozenset[NoticeReason]:
    reasons = set()
    if annotation.answers:
        reasons.add(NoticeReason.ANSWERED)
    if annotation.outcome is DisputeOutcome.CORRECTED:
        reasons.add(NoticeReason.CORRECTED)
    if AnnotationFlag.RESTRICTED in annotation.flags:
        reasons.add(NoticeReason.RESTRICTED)
    if annotation.disputed and annotation.outcome is None:
        reasons.add(NoticeReason.DISPUTED)
    return frozenset(reasons)


def check_acknowledgement(
    acknowledgement: Acknowledgement, key_id: bytes, directory: Directory, index: int
) -> InstitutionKey:
    """Return the key that signed an acknowledgement, if its member may acknowledge at that leaf.

    Args:
        acknowledgement: parsed.
        key_id: of the key that signed.
        directory: before the leaf.
        index: of the leaf.

    Raises:
        RuleError: REGISTRY_OTHER, INSTITUTION_UNKNOWN, INSTITUTION_TERMINATED, NOT_A_LENDER, KEY_UNKNOWN,
            KEY_OF_ANOTHER, KEY_USAGE or KEY_RANGE.
    """
    if acknowledgement.registry != directory.state.registry:
        got, want = acknowledgement.registry, directory.state.registry
        raise RuleError("REGISTRY_OTHER", "registry", "leaf.registry", got=got, want=want)
    member = directory.institution(acknowledgement.member)
    if member.status is InstitutionStatus.TERMINATED:
        raise RuleError("INSTITUTION_TERMINATED", "member", "institution.state", want="a member")
    if ANNOTATING.isdisjoint(member.roles):
        raise RuleError("NOT_A_LENDER", "member", "institution.role", want="a LENDER or a REPRESENTATIVE")
    usage = directory.key_of(key_id, acknowledgement.member).usage
    if usage not in _USAGES:
        raise RuleError("KEY_USAGE", "key_id", "key.usage", got=usage.name, want="REPORT or INQUIRE")
    return directory.key_at(key_id, acknowledgement.member, usage, index)
