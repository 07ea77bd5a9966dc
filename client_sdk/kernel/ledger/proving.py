"""Proofs that lead to a signed checkpoint, or to the map of its HEAD (proto/README.md 6 to 8).

    checkpoint > HEAD (last leaf) > map root > presence or absence of an entry
    checkpoint > any other leaf

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
from client_sdk.kernel.formats.map_entry import state_value
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.prefix_tree import verify_absence, verify_presence
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from creditregistry.v1 import evidence_pb2 as pb

    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = [
    "absent_under",
    "head_under",
    "leaf_under",
    "present_under",
    "read_checkpoint",
    "read_leaf",
    "split_hashes",
    "state_under",
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
    leaf = read_leaf(head, part)
    if not isinstance(leaf, HeadLeaf):
        raise FormatError(part, "head.leaf", want="a HEAD as the last leaf")
    leaf_under(checkpoint, checkpoint.size - 1, head, path, part)
    return leaf


def leaf_under(checkpoint: Checkpoint, index: int, leaf: bytes, path: Sequence[bytes], part: str) -> None:
    """Verify that a leaf has its place in the log of a checkpoint.

    Raises:
        ProofError: the path does not lead to the checkpoint's root.
    """
    with within(part):
        verify_inclusion(leaf_hash(leaf), index, checkpoint.size, path, checkpoint.root)


def state_under(head: Head, key: bytes, state: bytes, proof: pb.MapProof, part: str) -> None:
    """Verify that the map of a HEAD holds the state of the registry or of an institution.

    Remembered: the same few states are proved in every answer under one HEAD.

    Raises:
        FormatError: the proof names another entry; ProofError if it does not lead to the map's root.
    """
    _refuse_other(proof, part)
    _prove_state(part, head.map_root, key, state_value(state), proof.siblings)


def present_under(head: Head, key: bytes, value: bytes, proof: pb.MapProof, part: str) -> None:
    """Verify that the map of a HEAD holds an entry.

    Raises:
        FormatError: the proof names another entry; ProofError if it does not lead to the map's root.
    """
    _refuse_other(proof, part)
    with within(part):
        verify_presence(head.map_root, key, value, split_hashes(proof.siblings, part))


def absent_under(head: Head, key: bytes, proof: pb.MapProof, part: str) -> None:
    """Verify that the map of a HEAD holds no entry of a key.

    Raises:
        ProofError: the proof does not lead to the map's root.
    """
    other = (proof.other_key, proof.other_value) if proof.other_key or proof.other_value else None
    with within(part):
        verify_absence(head.map_root, key, split_hashes(proof.siblings, part), other)


@lru_cache(maxsize=1024)
def _prove_state(part: str, map_root: bytes, key: bytes, value: bytes, siblings: bytes) -> None:
    with within(part):
        verify_presence(map_root, key, value, split_hashes(siblings, part))


def _refuse_other(proof: pb.MapProof, part: str) -> None:
    if proof.other_key or proof.other_value:
        raise FormatError(part, "map-proof.presence", want="no other entry")
