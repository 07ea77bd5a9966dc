"""Proofs that lead to a signed checkpoint, or to the map of its HEAD (proto/README.md 6 to 8).

    checkpoint > HEAD (last leaf) > map root > presence or absence of entries
    checkpoint > other leaves

Each function names the part of a response or of evidence that it verifies: an error names that part.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.checkpoint import Checkpoint, parse_checkpoint
from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import Head, HeadLeaf, parse_leaf
from client_sdk.kernel.formats.log_proof import verify_leaves
from client_sdk.kernel.formats.map_proof import MapProof, verify_keys
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from creditregistry.v1 import evidence_pb2 as pb

    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = [
    "entries_under",
    "head_leaf",
    "head_under",
    "leaf_under",
    "leaves_under",
    "read_checkpoint",
    "read_leaf",
    "read_map_proof",
    "split_hashes",
    "within",
]


@contextmanager
def within(part: str) -> Iterator[None]:
    """Name errors after the part in which they are found; a broken rule becomes a FormatError of that part."""
    try:
        yield
    except FormatError as error:
        raise type(error)(part, error.rule, got=error.got, want=error.want) from error
    except RuleError as error:
        raise FormatError(part, error.rule, got=error.got, want=error.want) from error


def split_hashes(joined: bytes, part: str) -> list[bytes]:
    """Return the 32-byte hashes of a joined path.

    Raises:
        FormatError: the length is no multiple of 32.
    """
    if len(joined) % HASH_BYTES:
        raise FormatError(part, "path.length", got=f"{len(joined)} bytes", want="a multiple of 32 bytes")
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def read_leaf(data: bytes, part: str) -> Leaf:
    """Return the leaf that the bytes encode.

    Raises:
        FormatError: they encode none.
    """
    with within(part):
        return parse_leaf(data)


@lru_cache(maxsize=64)
def read_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint of a signed note; verified once, as one covers many answers and receipts.

    Raises:
        FormatError: the note is not in its canonical form, or is of another log; SignatureError if the log's key did
            not sign it.
    """
    return parse_checkpoint(note, key).checkpoint


def head_under(checkpoint: Checkpoint, head: bytes, path: Sequence[bytes], part: str) -> HeadLeaf:
    """Return the HEAD that is the last leaf of a checkpoint.

    Raises:
        FormatError: the leaf is no HEAD; ProofError if it is not the last one.
    """
    leaf = head_leaf(head, part)
    leaf_under(checkpoint, checkpoint.size - 1, head, path, part)
    return leaf


def head_leaf(head: bytes, part: str) -> HeadLeaf:
    """Return the HEAD that the bytes encode.

    Raises:
        FormatError: they encode none.
    """
    leaf = read_leaf(head, part)
    if not isinstance(leaf, HeadLeaf):
        raise FormatError(part, "head.leaf", want="a HEAD as the last leaf")
    return leaf


def leaf_under(checkpoint: Checkpoint, index: int, leaf: bytes, path: Sequence[bytes], part: str) -> None:
    """Verify that a leaf has its place in the log of a checkpoint.

    Raises:
        ProofError: the path does not lead to the checkpoint's root.
    """
    with within(part):
        verify_inclusion(leaf_hash(leaf), index, checkpoint.size, path, checkpoint.root)


def entries_under(head: Head, asked: Mapping[bytes, bytes | None], proof: pb.MapProof) -> None:
    """Verify that the map of a HEAD holds these values, and nothing under the keys without one.

    Raises:
        ProofError: it does not, or the proof is not the one of these keys.
    """
    verify_keys(head.map_root, asked, read_map_proof(proof))


def leaves_under(checkpoint: Checkpoint, leaves: Mapping[int, bytes], proof: bytes) -> None:
    """Verify that leaves have their places in the log of a checkpoint.

    Args:
        checkpoint: with its size and root.
        leaves: leaf hashes by index.
        proof: joined hashes.

    Raises:
        ProofError: they have not, or the proof is not the one of these leaves.
    """
    _prove_leaves(checkpoint.root, checkpoint.size, tuple(leaves.items()), proof)


# The same HEAD stands alone in most answers under one checkpoint.
@lru_cache(maxsize=64)
def _prove_leaves(root: bytes, size: int, leaves: tuple[tuple[int, bytes], ...], proof: bytes) -> None:
    verify_leaves(root, size, dict(leaves), proof)


def read_map_proof(message: pb.MapProof) -> MapProof:
    """Return the proof that a message carries."""
    return MapProof(message.depths, message.others, message.siblings)
