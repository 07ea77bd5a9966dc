"""Batch signature: one signature for many statements, each of which proves itself (proto/README.md 2).

    leaf     = SHA-256(0x00 || pre-authentication encoding of a statement)          the batch tree is that of RFC 6962
    signed   = StatementBatch: registry, signer, key id, size and root of the tree
    carried  = size (8 bytes) || index (8 bytes) || path (32 bytes a hash) || length (4 bytes) || signature (64 bytes)

What is carried stands where a statement's plain signature of 64 bytes would stand, and is always longer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Self

from creditregistry.v1 import statement_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse, keys
from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash, lp, u64
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import ED25519, SIGNATURE_BYTES
from client_sdk.kernel.formats.merkle import MemoryTree, path_length, root_from_inclusion
from client_sdk.kernel.formats.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.keys import Signer

__all__ = [
    "MAX_BATCH",
    "MIN_BATCH",
    "BatchSignature",
    "StatementBatch",
    "VerifiedBatches",
    "sign_statements",
    "verify_signed",
    "verify_statement",
]

MIN_BATCH = 2
# A path of at most 16 hashes keeps the signature of one statement below 600 bytes.
MAX_BATCH = 65_536
_PATH_AT = 16
_SIGNATURE = SIGNATURE_BYTES.to_bytes(4)
_TAIL_BYTES = len(_SIGNATURE) + SIGNATURE_BYTES
_PART = "signature"


class StatementBatch(NamedTuple):
    """What is signed for a batch.

    Attributes:
        registry: of each statement.
        signer: institution id, of each statement.
        key_id: which key signs, 32 bytes.
        size: number of statements.
        root: of the batch tree, 32 bytes.
    """

    registry: str
    signer: str
    key_id: bytes
    size: int
    root: bytes

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(pb.StatementBatch(**self._asdict()))


@dataclass(frozen=True, slots=True)
class BatchSignature:
    """A statement's part in a batch.

    Attributes:
        size: number of statements in the batch.
        index: the statement's place, from 0.
        path: inclusion path in the batch tree, sibling first, 32 bytes each.
        signature: over the batch, 64 bytes.
    """

    size: int
    index: int
    path: tuple[bytes, ...]
    signature: bytes

    def encode(self) -> bytes:
        """Return the bytes that stand where a plain signature would."""
        return b"".join((u64(self.size), u64(self.index), *self.path, lp(self.signature)))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the batch signature that bytes encode.

        Raises:
            SignatureError: the size is none of a batch, the index is not below it, the path has another number of
                hashes than they give, or the signature another length than 64 bytes.
        """
        if len(data) <= _PATH_AT + _TAIL_BYTES:
            want = f"{SIGNATURE_BYTES} bytes, or a batch signature"
            raise SignatureError(_PART, "signature.length", got=f"{len(data)} bytes", want=want)
        size, index = int.from_bytes(data[:8]), int.from_bytes(data[8:_PATH_AT])
        if not MIN_BATCH <= size <= MAX_BATCH:
            want = f"{MIN_BATCH} to {MAX_BATCH} statements"
            raise SignatureError(_PART, "batch-signature.size", got=str(size), want=want)
        if index >= size:
            raise SignatureError(_PART, "batch-signature.index", got=str(index), want=f"below the size {size}")
        hashes = path_length(index, size)
        end = _PATH_AT + hashes * HASH_BYTES
        if len(data) != end + _TAIL_BYTES:
            want = f"{end + _TAIL_BYTES} bytes, with {hashes} hashes for statement {index} of {size}"
            raise SignatureError(_PART, "batch-signature.path", got=f"{len(data)} bytes", want=want)
        if data[end : end + len(_SIGNATURE)] != _SIGNATURE:
            want = f"the length {SIGNATURE_BYTES} before the signature"
            raise SignatureError(_PART, "batch-signature.form", got="another length", want=want)
        path = tuple(data[at : at + HASH_BYTES] for at in range(_PATH_AT, end, HASH_BYTES))
        return cls(size, index, path, data[end + len(_SIGNATURE) :])

    def batch(self, statement: Statement, payload: bytes, key_id: bytes) -> StatementBatch:
        """Return the batch in which a statement stands by this path."""
        root = root_from_inclusion(_leaf(payload), self.index, self.size, self.path)
        return StatementBatch(statement.registry, statement.signer, key_id, self.size, root)


class VerifiedBatches:
    """Signatures over batches that verified lately, so that each is verified once; thread-safe.

    It holds hashes alone: of each key the latest few, of the keys the latest few hundred, so that one signer's batches
    push out none of another's. Where a statement stands in its batch is computed each time.
    """

    BATCHES_OF_A_KEY = 16
    KEYS = 256

    def __init__(self) -> None:
        # Cache and deque are each changed in one step, whatever other threads do.
        self._of_key = lru_cache(maxsize=self.KEYS)(self._none)

    def _none(self, _public_key: bytes) -> deque[bytes]:
        return deque(maxlen=self.BATCHES_OF_A_KEY)

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> None:
        """Accept a signature over a batch.

        Raises:
            SignatureError: it does not verify under this key.
        """
        # The signature is of fixed length, so no two pairs are one text.
        verified, seen = self._of_key(public_key), sha256(payload + signature).digest()
        if seen not in verified:
            dsse.verify(dsse.STATEMENT_BATCH, payload, public_key, signature)
            verified.append(seen)


def verify_statement(
    statement: Statement, payload: bytes, public_key: bytes, signature: bytes, verified: VerifiedBatches | None = None
) -> None:
    """Accept the signature of a statement: a plain one, or one over a batch in which it stands.

    Args:
        statement: what the payload says.
        payload: the exact bytes that were signed.
        public_key: of the signer, 32 bytes.
        signature: 64 bytes, or a batch signature.
        verified: batches whose signature need not be verified once more.

    Raises:
        SignatureError: it is neither, or does not verify under this key.
    """
    if len(signature) == SIGNATURE_BYTES:
        dsse.verify(dsse.STATEMENT, payload, public_key, signature)
        return
    carried = BatchSignature.parse(signature)
    signed = carried.batch(statement, payload, keys.key_id(ED25519, public_key)).encode()
    try:
        (VerifiedBatches() if verified is None else verified).verify(public_key, signed, carried.signature)
    except SignatureError:
        got = f"statement {carried.index} of {carried.size}"
        want = "a signature by this key over the batch to which the path leads"
        raise SignatureError(_PART, "batch-signature.invalid", got=got, want=want) from None


def verify_signed(
    form_type: str, payload: bytes, public_key: bytes, signature: bytes, verified: VerifiedBatches | None = None
) -> None:
    """Accept a member's signature as a leaf carries it: of a statement either form, of all else a plain one.

    Raises:
        FormatError: the payload is no statement, where its type and the signature's length say so.
        SignatureError: the signature does not verify under this key for this type.
    """
    if form_type == dsse.STATEMENT and len(signature) != SIGNATURE_BYTES:
        verify_statement(Statement.parse(payload), payload, public_key, signature, verified)
    else:
        dsse.verify(form_type, payload, public_key, signature)


def sign_statements(signer: Signer, registry: str, institution: str, payloads: Sequence[bytes]) -> list[bytes]:
    """Sign statements by one signature.

    In the tree they stand in the order of their leaf hashes, which are as random as the openings behind them: a place
    tells nothing of the statements beside it.

    Args:
        signer: whose key signs.
        registry: of each statement.
        institution: signer of each statement.
        payloads: of the statements, 2 to 65,536.

    Returns:
        The batch signature of each, in their order.

    Raises:
        FormatError: they are too few or too many, or one of them is there twice.
    """
    if not MIN_BATCH <= len(payloads) <= MAX_BATCH:
        want = f"{MIN_BATCH} to {MAX_BATCH} statements"
        raise FormatError("batch", "batch-signature.size", got=str(len(payloads)), want=want)
    leaves = [_leaf(payload) for payload in payloads]
    places = {leaf: index for index, leaf in enumerate(sorted(set(leaves)))}
    if len(places) != len(leaves):
        got = f"{len(leaves) - len(places)} more than once"
        raise FormatError("batch", "batch-signature.twice", got=got, want="each statement once")
    tree, size = MemoryTree(places), len(places)
    batch = StatementBatch(registry, institution, signer.public_key.key_id, size, tree.root())
    signature = dsse.sign(signer, dsse.STATEMENT_BATCH, batch.encode())
    return [
        BatchSignature(size, index, tuple(tree.inclusion_proof(index, size)), signature).encode()
        for index in map(places.__getitem__, leaves)
    ]


def _leaf(payload: bytes) -> bytes:
    return leaf_hash(dsse.pae(dsse.STATEMENT, payload))
