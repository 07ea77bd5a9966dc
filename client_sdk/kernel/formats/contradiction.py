"""Proof of misbehaviour: a log's key has signed two checkpoints that belong to no one history (proto/README.md 8).

    file = "creditregistry/contradiction/v1" LF
           ["root " base64(root) LF  ("path " base64(hash) LF)+]
           LF  checkpoint  LF  checkpoint

Two checkpoints of one size with different roots contradict each other by themselves; the smaller root comes first. Of
different sizes, the smaller comes first, and ``root`` is the one that the larger tree has at the smaller
size: ``path`` is its consistency proof, and it is another than the one that was signed. That a log was shown shorter
than before is no proof: the shorter tree may be the beginning of the longer one.

A file has one spelling: what parses is what ``encode`` writes.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from client_sdk.kernel.formats.checkpoint import SignedCheckpoint, parse_checkpoint
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import MAX_PROOF_HASHES, verify_consistency
from client_sdk.kernel.formats.note import decode_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["CONTRADICTION_LABEL", "Contradiction"]

CONTRADICTION_LABEL = b"creditregistry/contradiction/v1\n"
# Two notes with one signature each, and a path; longer files are none.
MAX_BYTES = 64 * 1024
_PART = "contradiction"
_BODY_LINES = 5


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two signed checkpoints of one log that contradict each other; ``of`` makes it.

    Attributes:
        first: the smaller one; of one size, that with the smaller root.
        second: the other one.
        root: that the second's tree has at the first's size, 32 bytes; empty where the sizes are the same.
        path: consistency proof from that root to the second; empty where the sizes are the same.
    """

    first: SignedCheckpoint
    second: SignedCheckpoint
    root: bytes = b""
    path: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, one: SignedCheckpoint, other: SignedCheckpoint, root: bytes = b"", path: Sequence[bytes] = ()) -> Self:
        """Return the proof that two checkpoints of one log contradict each other.

        Args:
            one: a verified checkpoint.
            other: another one of the same log, in any order.
            root: of the larger tree at the smaller size; empty for one size.
            path: consistency proof from there; empty for one size.

        Raises:
            FormatError: they do not contradict each other, as far as root and path show.
        """
        first, second = sorted((one, other), key=lambda signed: (signed.checkpoint.size, signed.checkpoint.root))
        before, after = first.checkpoint, second.checkpoint
        if before.origin != after.origin:
            raise FormatError(_PART, "contradiction.origin", want="two checkpoints of one log")
        if before.size == after.size:
            if root or path:
                raise FormatError(_PART, "contradiction.path", want="no path between trees of one size")
            if before.root == after.root:
                raise FormatError(_PART, "contradiction.roots", got="the same root", want="two roots of one size")
            return cls(first, second)
        if root == before.root:
            raise FormatError(_PART, "contradiction.roots", got="the root that was signed", want="another root")
        verify_consistency(before.size, after.size, path, root, after.root)
        return cls(first, second, root, tuple(path))

    @classmethod
    def parse(cls, data: bytes, key: VerifierKey) -> Self:
        """Return what a file proves.

        Args:
            data: bytes of the file.
            key: of the log, from the trust root.

        Raises:
            FormatError: it is no such file, or proves nothing.
            SignatureError: a checkpoint is not signed by the log.
        """
        if not data.startswith(CONTRADICTION_LABEL) or len(data) > MAX_BYTES:
            want = CONTRADICTION_LABEL[:-1].decode()
            raise FormatError(_PART, "contradiction.label", want=want)
        header, gap, notes = data[len(CONTRADICTION_LABEL) - 1 :].partition(b"\n\n")
        lines = notes.split(b"\n")
        # Each note: origin, size, root, an empty line, a signature; between them an empty line, and one at the end.
        if not gap or len(lines) != 2 * _BODY_LINES + 2:
            raise FormatError(_PART, "contradiction.parts", want="a header and two checkpoints")
        first = b"\n".join((*lines[:_BODY_LINES], b""))
        second = b"\n".join(lines[_BODY_LINES + 1 :])
        root, path = _path(header)
        found = cls.of(parse_checkpoint(first, key), parse_checkpoint(second, key), root, path)
        if found.encode() != data:
            raise FormatError(_PART, "contradiction.spelling", want="the only spelling")
        return found

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        lines = [f"root {b64encode(self.root).decode()}\n"] if self.root else []
        lines += [f"path {b64encode(sibling).decode()}\n" for sibling in self.path]
        return b"".join((CONTRADICTION_LABEL, "".join(lines).encode(), b"\n", self.first.raw, b"\n", self.second.raw))

    def __str__(self) -> str:
        before, after = self.first.checkpoint, self.second.checkpoint
        if before.size == after.size:
            return f"the key of {before.origin} has signed two trees of {before.size} leaves"
        return (
            f"the key of {before.origin} has signed a tree of {before.size} leaves and one of {after.size} leaves "
            "that does not begin with it"
        )


def _path(header: bytes) -> tuple[bytes, list[bytes]]:
    """Return root and path of the lines between label and checkpoints; the first byte is the label's line feed."""
    lines = header[1:].split(b"\n") if header[1:] else []
    if not lines:
        return b"", []
    words = [b"root ", *[b"path "] * (len(lines) - 1)]
    if len(lines) > MAX_PROOF_HASHES + 1 or any(
        not line.startswith(word) for line, word in zip(lines, words, strict=True)
    ):
        raise FormatError(_PART, "contradiction.path", want="one root, then its path")
    root, *path = [_hash(line[len(word) :]) for line, word in zip(lines, words, strict=True)]
    return root, path


def _hash(text: bytes) -> bytes:
    if not text.isascii():
        raise FormatError(_PART, "contradiction.hash", want="standard base64")
    value = decode_base64(text.decode("ascii"), _PART, "contradiction.hash")
    if len(value) != HASH_BYTES:
        raise FormatError(_PART, "contradiction.hash", got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")
    return value
