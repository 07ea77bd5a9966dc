"""Checkpoints and the proofs that travel with them (C2SP tlog-checkpoint, tlog-proof).

    checkpoint = note over:  origin LF  size LF  base64(root) LF  [extension lines]
    proof      = "c2sp.org/tlog-proof@v1" LF  ["extra " base64 LF]  "index " n LF  (base64(hash) LF)*  LF  checkpoint

In answers, evidence and receipts a checkpoint has exactly one signature line, the log's, and no extension line (formats
8): so it holds no byte that nothing vouches for, and one log key makes one spelling of one (origin, size, root).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.merkle import EMPTY_ROOT, MAX_PROOF_HASHES
from client_sdk.kernel.formats.utf8 import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = [
    "TLOG_PROOF_LABEL",
    "Checkpoint",
    "CheckpointBody",
    "SignedCheckpoint",
    "TlogProof",
    "check_origin",
    "parse_body",
    "parse_checkpoint",
    "parse_tlog_proof",
    "sign_checkpoint",
    "tlog_proof",
]

_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
# How the file of a proof begins.
TLOG_PROOF_LABEL = f"{_PROOF_HEADER}\n".encode()
_INTEGER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_MAX_U64 = 2**64 - 1
_BODY_LINES = 3


def check_origin(origin: str, registry: str) -> None:
    """Check that a log's origin is ``<registry>/log/<n>``, and a valid name of a note key (proto/README.md 1).

    Raises:
        FormatError: it is another, or the registry's name cannot stand in it.
    """
    name, gap, number = origin.rpartition("/log/")
    if not gap or name != registry or not _INTEGER.fullmatch(number):
        raise FormatError("checkpoint", "checkpoint.origin", want="<registry>/log/<n>")
    note.check_name(origin)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin, size and root hash of a log.

    Attributes:
        origin: which log, `<registry>/log/<n>`.
        size: number of leaves.
        root: root of its tree, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Return the text that is signed, without extension lines."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that the log's key has signed.

    Attributes:
        checkpoint: what was signed.
        raw: the exact bytes of the note.
    """

    checkpoint: Checkpoint
    raw: bytes


class CheckpointBody(NamedTuple):
    """The text of a checkpoint of any log.

    Attributes:
        checkpoint: its first three lines.
        extensions: the lines after them, which vouch for nothing here.
    """

    checkpoint: Checkpoint
    extensions: tuple[str, ...]


def parse_body(text: str) -> CheckpointBody:
    """Return the checkpoint of a note's text, with whatever extension lines it has.

    Raises:
        FormatError: the text is not that of a checkpoint.
    """
    if not text.endswith("\n"):
        raise FormatError("checkpoint", "checkpoint.line-feed", want="a line feed at the end")
    lines = text[:-1].split("\n")
    if len(lines) < _BODY_LINES:
        raise FormatError("checkpoint", "checkpoint.lines", got=f"{len(lines)}", want="origin, size and root")
    if not all(lines):
        raise FormatError("checkpoint", "checkpoint.empty-line", want="none")
    origin, size, root = lines[:_BODY_LINES]
    checkpoint = Checkpoint(
        origin,
        _integer(size, "checkpoint", "checkpoint.size"),
        _hash(root, "checkpoint", "checkpoint.root"),
    )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise FormatError("checkpoint", "checkpoint.empty-root", want="SHA-256 of nothing for size 0")
    return CheckpointBody(checkpoint, tuple(lines[_BODY_LINES:]))


def parse_checkpoint(data: bytes, key: VerifierKey) -> SignedCheckpoint:
    """Return the checkpoint of these bytes in the one form that evidence may hold (proto/README.md 8).

    Args:
        data: the signed note.
        key: the log's key; its name is the origin.

    Raises:
        FormatError: it is no checkpoint, or has another signature line than the log's, an extension line or another
            origin.
        SignatureError: the log's signature does not verify, or it is not the log's.
    """
    opened = _one_signature(data, key)
    checkpoint, extensions = parse_body(opened.text)
    if extensions:
        raise FormatError("checkpoint", "checkpoint.extension", got=str(len(extensions)), want="no extension line")
    if checkpoint.origin != key.name:
        raise FormatError("checkpoint", "checkpoint.origin", got=checkpoint.origin, want=key.name)
    return SignedCheckpoint(checkpoint, data)


def _check_own(data: bytes, key: VerifierKey) -> None:
    """Tell the checkpoint of another log, of which this key signs nothing, from one that was changed."""
    try:
        origin = parse_body(note.parse(data).text)[0].origin
    except FormatError:
        return
    if origin != key.name:
        raise FormatError("checkpoint", "checkpoint.origin", got=origin, want=key.name)


def _one_signature(data: bytes, key: VerifierKey) -> note.VerifiedNote:
    try:
        opened = note.open_note(data, (key,))
    except SignatureError as error:
        _check_own(data, key)
        raise SignatureError("checkpoint", error.rule, got=error.got, want="the log's signature") from None
    except FormatError as error:
        raise FormatError("checkpoint", error.rule, got=error.got, want=error.want) from None
    if opened.unverified:
        raise FormatError("checkpoint", "checkpoint.signatures", got="more than one", want="the log's alone")
    return opened


def sign_checkpoint(origin: str, size: int, root: bytes, signer: Signer) -> bytes:
    """Return the signed checkpoint of a log; the same bytes each time.

    Args:
        origin: which log; also the name of its key.
        size: number of leaves.
        root: root of its tree, 32 bytes.
        signer: the log's key.

    Raises:
        FormatError: origin, size or root cannot stand in a checkpoint.
    """
    body = Checkpoint(origin, size, root).body()
    parse_body(body)
    return note.sign_note(body, origin, signer)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A parsed proof of the text form; not verified.

    Attributes:
        index: the leaf's place.
        proof: the siblings, leaf's first, 32 bytes each.
        checkpoint: the signed note, verbatim.
        extra: bytes that no signature covers, in a receipt the leaf; None where the line is absent.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def tlog_proof(index: int, proof: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> str:
    """Return the text form of a proof.

    Args:
        index: the leaf's place, from 0.
        proof: the siblings, leaf's first, 32 bytes each.
        checkpoint: the signed note.
        extra: bytes that travel with the proof; None for no such line.

    Raises:
        FormatError: the parts cannot stand in a proof.
    """
    beside = [] if extra is None else [f"extra {b64encode(extra).decode()}"]
    lines = [_PROOF_HEADER, *beside, f"index {index}", *(b64encode(sibling).decode() for sibling in proof)]
    text = "\n".join(lines) + "\n\n" + note.parse(checkpoint).encode().decode()
    parse_tlog_proof(text)
    return text


def parse_tlog_proof(text: str) -> TlogProof:
    """Return the parts of a proof; the checkpoint's form is checked, its signature is not.

    Raises:
        FormatError: the text is not that of a proof.
    """
    head, gap, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not gap or header != _PROOF_HEADER:
        raise FormatError("tlog proof", "tlog-proof.header", want=_PROOF_HEADER)
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = note.decode_base64(lines.pop(0).removeprefix("extra "), "tlog proof", "tlog-proof.extra")
    if not lines or not lines[0].startswith("index "):
        raise FormatError("tlog proof", "tlog-proof.index", want="a line with the index")
    index = _integer(lines[0].removeprefix("index "), "tlog proof", "tlog-proof.index")
    if len(lines) - 1 > MAX_PROOF_HASHES:
        raise FormatError("tlog proof", "tlog-proof.length", got=str(len(lines) - 1), want=f"<= {MAX_PROOF_HASHES}")
    proof = tuple(_hash(line, "tlog proof", "tlog-proof.hash") for line in lines[1:])
    signed = encoded(checkpoint)
    if signed is None:
        raise FormatError("tlog proof", "note.utf-8", want="text that UTF-8 can write")
    parse_body(note.parse(signed).text)
    return TlogProof(index, proof, signed, extra)


def _integer(text: str, part: str, rule: str) -> int:
    number = int(text) if _INTEGER.fullmatch(text) else -1
    if not 0 <= number <= _MAX_U64:
        raise FormatError(part, rule, want="a decimal number below 2^64 without leading zeros")
    return number


def _hash(text: str, part: str, rule: str) -> bytes:
    value = note.decode_base64(text, part, rule)
    if len(value) != HASH_BYTES:
        raise FormatError(part, rule, got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")
    return value
