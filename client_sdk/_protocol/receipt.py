"""Receipts: checking that what was sent is in the log (proto/README.md 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2

from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.checkpoint import parse_tlog_proof, tlog_proof
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import TIME_END_MS, StatementLeaf
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.ledger.proving import leaf_under, read_checkpoint, read_leaf, split_hashes
from client_sdk.models.receipt import Receipt

if TYPE_CHECKING:
    from datetime import datetime

    from creditregistry.v1 import evidence_pb2

    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["LoggedLeaf", "read_logged", "read_receipt", "read_receipt_file", "read_result"]


@dataclass(frozen=True, slots=True, repr=False)
class LoggedLeaf:
    """A leaf that is proved to be in the log.

    Attributes:
        index: its place.
        logged_at: its time, UTC.
        leaf: its bytes.
        path: hashes of the inclusion proof, the leaf's sibling first.
        size: of the checkpoint that they lead to.
        repeated: whether the same bytes had been logged before.
    """

    index: int
    logged_at: datetime
    leaf: bytes
    path: tuple[bytes, ...]
    size: int
    repeated: bool


def read_result(
    signed: evidence_pb2.SignedPayload,
    record: RecordKey,
    version: int,
    result: submission_pb2.SubmissionResult,
    note: bytes,
    key: VerifierKey,
) -> Receipt:
    """Return the receipt of a submission that was accepted or repeated.

    Args:
        signed: what was sent.
        record: which record it is of.
        version: of the record.
        result: of the registry.
        note: the checkpoint that the proof leads to.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the proof does not lead to the checkpoint, or the log's key did not sign it.
    """
    logged = read_logged(dsse.STATEMENT, signed, result, note, key)
    return Receipt(
        issuer=record.issuer,
        record_id=record.record_id,
        version=version,
        index=logged.index,
        logged_at=logged.logged_at,
        leaf=logged.leaf,
        path=logged.path,
        checkpoint=note,
        size=logged.size,
        repeated=logged.repeated,
    )


def read_logged(
    payload_type: str,
    signed: evidence_pb2.SignedPayload,
    result: submission_pb2.SubmissionResult,
    note: bytes,
    key: VerifierKey,
) -> LoggedLeaf:
    """Return the leaf of something that was accepted or repeated, with its place in the log.

    The leaf is made from what was signed and the time that the registry names, so the proof shows that exactly this is
    in the log.

    Args:
        payload_type: of what was signed.
        signed: what was sent.
        result: of the registry.
        note: the checkpoint that the proof leads to.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the proof does not lead to the checkpoint, or the log's key did not sign it.
    """
    leaf = StatementLeaf(result.logged_at, payload_type, signed.payload, signed.key_id, signed.signature).encode()
    with verifying():
        if result.logged_at >= TIME_END_MS:
            raise FormatError("receipt", "leaf.time", want="a time before the year 9999")
        checkpoint = read_checkpoint(note, key)
        path = split_hashes(result.inclusion.path, "receipt")
        leaf_under(checkpoint, result.inclusion.index, leaf, path, "receipt")
    repeated = result.outcome == submission_pb2.OUTCOME_REPEATED
    return LoggedLeaf(result.inclusion.index, moment(result.logged_at), leaf, tuple(path), checkpoint.size, repeated)


def read_receipt(
    receipt: evidence_pb2.Receipt, record: RecordKey, version: int, registry: str, key: VerifierKey
) -> Receipt:
    """Return the receipt of a version, once it verifies.

    Args:
        receipt: of the answer.
        record: which record was asked for.
        version: of the record.
        registry: name of the registry.
        key: of the log, from the trust root.

    Raises:
        VerificationError: it is about another version, or its proof does not lead to the checkpoint.
    """
    with verifying():
        leaf = read_leaf(receipt.leaf, "receipt")
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
            raise FormatError("receipt", "receipt.leaf", want="a statement")
        statement = Statement.parse(leaf.payload)
        if (statement.registry, statement.key, statement.version) != (registry, record, version):
            raise FormatError("receipt", "receipt.record", want="the version asked for")
        checkpoint = read_checkpoint(receipt.checkpoint, key)
        path = split_hashes(receipt.inclusion.path, "receipt")
        index = receipt.inclusion.index
        leaf_under(checkpoint, index, receipt.leaf, path, "receipt")
    return Receipt(
        issuer=record.issuer,
        record_id=record.record_id,
        version=version,
        index=index,
        logged_at=moment(leaf.logged_at),
        leaf=receipt.leaf,
        path=tuple(path),
        checkpoint=receipt.checkpoint,
        size=checkpoint.size,
    )


def read_receipt_file(data: bytes, registry: str, key: VerifierKey) -> Receipt:
    """Return the receipt that a file holds, once it verifies.

    Args:
        data: bytes of the file, a C2SP tlog-proof with the leaf in its line ``extra``.
        registry: name of the registry.
        key: of the log, from the trust root.

    Raises:
        VerificationError: the file has another form, holds no statement of this registry, or proves nothing.
    """
    with verifying():
        proof = parse_tlog_proof(data.decode("utf-8", "replace"))
        if proof.extra is None:
            raise FormatError("receipt", "receipt.leaf", got="no line 'extra'", want="the leaf beside its proof")
        if tlog_proof(proof.index, proof.proof, proof.checkpoint, proof.extra).encode() != data:
            raise FormatError("receipt", "receipt.form", want="the one form of a receipt")
        leaf = read_leaf(proof.extra, "receipt")
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
            raise FormatError("receipt", "receipt.leaf", want="a statement")
        statement = Statement.parse(leaf.payload)
        if statement.registry != registry:
            raise FormatError("receipt", "receipt.record", want="a statement of this registry")
        checkpoint = read_checkpoint(proof.checkpoint, key)
        leaf_under(checkpoint, proof.index, proof.extra, proof.proof, "receipt")
    return Receipt(
        issuer=statement.issuer,
        record_id=statement.record_id,
        version=statement.version,
        index=proof.index,
        logged_at=moment(leaf.logged_at),
        leaf=proof.extra,
        path=proof.proof,
        checkpoint=proof.checkpoint,
        size=checkpoint.size,
    )
