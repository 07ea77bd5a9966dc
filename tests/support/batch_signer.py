"""A signer whose statements stand in a batch with others that nobody has seen; it can lie about each part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import BatchSignature, StatementBatch
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree
from tests.support.handmade_log import REGISTRY, seed, signer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BATCH_LIES", "BatchSigner"]


class BatchSigner:
    """Signs a statement as one of several.

    Args:
        name: of the key, such as "lender-1 REPORT".
        size: statements of the batch.
        place: of the one that is signed.
        told: changes what is signed.
        carried: changes the batch signature.
        cut: changes its bytes.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int = 5,
        place: int = 2,
        told: Callable[[StatementBatch], StatementBatch] | None = None,
        carried: Callable[[BatchSignature], BatchSignature] | None = None,
        cut: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._own = signer(name)
        self._institution = name.split(maxsplit=1)[0]
        self.public_key = self._own.public_key
        self._size, self._place = size, place
        self._told, self._carried, self._cut = told, carried, cut

    def sign(self, message: bytes) -> bytes:
        """Return the batch signature of a statement whose encoding this is."""
        leaves = [seed(f"statement {at} of a batch") for at in range(self._size)]
        leaves[self._place] = leaf_hash(message)
        tree = MemoryTree(leaves)
        batch = StatementBatch(REGISTRY, self._institution, self.public_key.key_id, self._size, tree.root())
        if self._told is not None:
            batch = self._told(batch)
        signature = dsse.sign(self._own, dsse.STATEMENT_BATCH, batch.encode())
        path = tuple(tree.inclusion_proof(self._place, self._size))
        made = BatchSignature(self._size, self._place, path, signature)
        if self._carried is not None:
            made = self._carried(made)
        return made.encode() if self._cut is None else self._cut(made.encode())


# What is said -> the rule that refuses it, and how a lie is signed with the key of that name.
BATCH_LIES: dict[str, tuple[str, Callable[[str], BatchSigner]]] = {
    "no statement in the batch": (
        "batch-signature.size",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, size=0)),
    ),
    "more statements than a batch may have": (
        "batch-signature.size",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, size=65_537)),
    ),
    "a place behind the last": (
        "batch-signature.index",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, index=5)),
    ),
    "a hash too few": (
        "batch-signature.path",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, path=made.path[:-1])),
    ),
    "a hash too many": (
        "batch-signature.path",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, path=(*made.path, bytes(32)))),
    ),
    "a byte left over": ("batch-signature.path", lambda name: BatchSigner(name, cut=lambda data: data + b"\0")),
    "another length before the signature": (
        "batch-signature.form",
        lambda name: BatchSigner(name, cut=lambda data: data[:-68] + bytes((0, 0, 0, 65)) + data[-64:]),
    ),
    "a path of another batch": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, path=tuple(map(_other, made.path)))),
    ),
    "another place": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, carried=lambda made: replace(made, index=3)),
    ),
    "a wrong count": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, told=lambda told: told._replace(size=6)),
    ),
    "a signature over another root": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, told=lambda told: told._replace(root=seed("another root"))),
    ),
    "a batch for another registry": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, told=lambda told: told._replace(registry="other.example")),
    ),
    "a batch of another lender": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, told=lambda told: told._replace(signer="lender-9")),
    ),
    "a batch of another key": (
        "batch-signature.invalid",
        lambda name: BatchSigner(name, told=lambda told: told._replace(key_id=seed("another key"))),
    ),
}


def _other(hash_: bytes) -> bytes:
    return bytes((hash_[0] ^ 1,)) + hash_[1:]
