"""Notices: reading them, signing their acknowledgements, and the receipts of these (proto/README.md 5)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2, inbox_pb2

from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.batch_signature import verify_signed
from client_sdk.kernel.formats.commitment import OPENING_BYTES, check_open, commit_notice
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement
from client_sdk.kernel.formats.words import UNASKED, NoticeReason, word
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES
from client_sdk.kernel.ledger.notice import check_cause
from client_sdk.kernel.ledger.proving import leaf_under, read_checkpoint, read_leaf, split_hashes, within
from client_sdk.models.notice import AcknowledgementReceipt, Notice

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["read_acknowledged", "read_notices", "sign_acknowledgement"]

PART = "notice"


def read_notices(
    response: inbox_pb2.ListNoticesResponse, after: int, member: str, directory: Directory, key: VerifierKey
) -> tuple[Notice, ...]:
    """Return the notices of a page, once each is proved.

    Args:
        response: of the registry.
        after: number that was asked after.
        member: institution id of the own member.
        directory: of the newest HEAD.
        key: of the log, from the trust root.

    Raises:
        VerificationError: a leaf is not in the log, unsigned, of another record, or does not do what the notice says;
            or numbers do not ascend.
    """
    with verifying():
        found = tuple(_read(item, response.checkpoint, member, directory, key) for item in response.notices)
        numbers = [after, *(notice.number for notice in found)]
        if numbers != sorted(set(numbers)):
            raise FormatError(PART, "notices.order", want="numbers ascending, above the one that was asked after")
        if response.next and (not found or response.next != numbers[-1]):
            raise FormatError(PART, "notices.next", got=str(response.next), want="the number of the last one")
    return found


def _read(item: inbox_pb2.Notice, note: bytes, member: str, directory: Directory, key: VerifierKey) -> Notice:
    record = RecordKey(item.record.issuer, item.record.record_id) if item.HasField("record") else None
    reason = word(NoticeReason, item.reason, PART, "reason")
    path = split_hashes(item.inclusion.path, PART)
    leaf_under(read_checkpoint(note, key), item.inclusion.index, item.leaf, path, PART)
    leaf = read_leaf(item.leaf, PART)
    with within(PART):
        check_cause(leaf, record, reason, member)
    _check_signed(leaf, item.inclusion.index, directory)
    unasked = reason in UNASKED
    if len(item.inquiry_id) != (0 if unasked else INQUIRY_ID_BYTES):
        want = "16 bytes, and none where DISPUTED, ANSWERED or BREACH"
        raise FormatError(PART, "notice.inquiry", got=f"{len(item.inquiry_id)} bytes", want=want)
    return Notice(
        number=item.inclusion.index,
        reason=reason,
        issuer=None if record is None else record.issuer,
        record_id=None if record is None else record.record_id,
        logged_at=moment(leaf.logged_at),
        inquiry_id=item.inquiry_id,
        asked_at=None if unasked else moment(item.asked_at),
        shown_index=None if unasked else item.shown_index,
        acknowledged_index=item.acknowledged_index or None,
        leaf=item.leaf,
        path=tuple(path),
        checkpoint=note,
    )


def _check_signed(leaf: Leaf, index: int, directory: Directory) -> None:
    """Check that the member who speaks in a leaf has signed it; a lapse is the clock's and is signed by nobody.

    Signatures of acts were verified when the directory took them up.
    """
    if isinstance(leaf, ActLeaf):
        told = directory.breaches.get(index)
        if told is None or told.leaf_hash != leaf_hash(leaf.encode()):
            raise FormatError(PART, "notice.act", want="an act that the directory follows from")
        return
    if not isinstance(leaf, StatementLeaf):
        return
    if leaf.payload_type == dsse.STATEMENT:
        statement = Statement.parse(leaf.payload)
        registry, speaker = statement.registry, statement.signer
    else:
        annotation = Annotation.parse(leaf.payload)
        registry, speaker = annotation.registry, annotation.author
    if registry != directory.state.registry:
        raise FormatError(PART, "notice.registry", want="a leaf of this registry")
    with within(PART):
        public_key = directory.key_of(leaf.key_id, speaker, PART).public_key
        verify_signed(leaf.payload_type, leaf.payload, public_key, leaf.signature)


def sign_acknowledgement(
    notice: Notice, registry: str, member: str, signer: Signer, now: int
) -> inbox_pb2.AcknowledgeRequest:
    """Return the request that acknowledges a notice.

    Args:
        notice: that was read from the own inbox.
        registry: its name.
        member: institution id of the own member.
        signer: of its INQUIRE or REPORT key.
        now: ms since 1970 UTC.
    """
    opening = secrets.token_bytes(OPENING_BYTES)
    payload = Acknowledgement(registry, member, _commitment(opening, notice), now).encode()
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=signer.public_key.key_id, signature=dsse.sign(signer, dsse.ACKNOWLEDGEMENT, payload)
    )
    return inbox_pb2.AcknowledgeRequest(acknowledgement=signed, number=notice.number, opening=opening)


def read_acknowledged(
    request: inbox_pb2.AcknowledgeRequest,
    response: inbox_pb2.AcknowledgeResponse,
    notice: Notice,
    directory: Directory,
    key: VerifierKey,
) -> AcknowledgementReceipt:
    """Return the receipt of an acknowledgement, of this one or of an earlier one of the same notice.

    Args:
        request: what was sent.
        response: of the registry.
        notice: that is acknowledged.
        directory: of the newest HEAD.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the leaf is not in the log, is not this member's, or acknowledges something else.
    """
    part = "acknowledgement"
    sent = Acknowledgement.parse(request.acknowledgement.payload)
    with verifying():
        checkpoint = read_checkpoint(response.checkpoint, key)
        path = split_hashes(response.inclusion.path, part)
        leaf_under(checkpoint, response.inclusion.index, response.leaf, path, part)
        leaf = read_leaf(response.leaf, part)
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.ACKNOWLEDGEMENT:
            raise FormatError(part, "acknowledgement.leaf", want="an acknowledgement")
        said = Acknowledgement.parse(leaf.payload)
        if (said.registry, said.member) != (sent.registry, sent.member):
            raise FormatError(part, "acknowledgement.member", want="one of this member")
        check_open(said.notice_commitment, _commitment(response.opening, notice), part)
        with within(part):
            public_key = directory.key_of(leaf.key_id, said.member, part).public_key
            dsse.verify(dsse.ACKNOWLEDGEMENT, leaf.payload, public_key, leaf.signature)
    return AcknowledgementReceipt(
        number=notice.number,
        index=response.inclusion.index,
        logged_at=moment(leaf.logged_at),
        leaf=response.leaf,
        opening=response.opening,
        path=tuple(path),
        checkpoint=response.checkpoint,
        size=checkpoint.size,
        repeated=leaf.payload != request.acknowledgement.payload,
    )


def _commitment(opening: bytes, notice: Notice) -> bytes:
    return commit_notice(opening, notice.number, leaf_hash(notice.leaf), notice.reason.number)
