"""The request by which a log asks a witness to cosign its checkpoint (C2SP tlog-witness, add-checkpoint).

    "old " size LF  (base64(hash) LF)*  LF  checkpoint

The hashes prove that the checkpoint extends the tree of the old size.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import decode_base64
from client_sdk.kernel.formats.utf8 import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_WITNESS_HASHES", "WitnessRequest", "parse_witness_request", "witness_request"]

MAX_WITNESS_HASHES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class WitnessRequest(NamedTuple):
    """A parsed request; nothing in it is verified.

    Attributes:
        old: size of the tree that the log believes the witness to have seen last; 0 for none.
        proof: from that size to the checkpoint's, 32 bytes each.
        checkpoint: the signed note.
    """

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def witness_request(old: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the body of a request.

    Args:
        old: size that the witness has seen last; 0 for none.
        proof: from that size to the checkpoint's, 32 bytes each.
        checkpoint: the signed note.
    """
    lines = "".join(f"{b64encode(hash_).decode()}\n" for hash_ in proof)
    return f"old {old}\n{lines}\n".encode() + checkpoint


def parse_witness_request(body: bytes) -> WitnessRequest:
    """Return the request of a body.

    Raises:
        FormatError: it is none.
    """
    head, gap, checkpoint = body.partition(b"\n\n")
    text = decoded(head)
    if not gap or text is None:
        raise FormatError("witness request", "witness-request.form", want="old size, hashes, an empty line, a note")
    first, *lines = text.split("\n")
    old = _OLD.fullmatch(first)
    if old is None:
        raise FormatError("witness request", "witness-request.old", want="old <size>")
    if len(lines) > MAX_WITNESS_HASHES:
        got = f"{len(lines)} hashes"
        raise FormatError("witness request", "witness-request.hashes", got=got, want=f"<= {MAX_WITNESS_HASHES}")
    proof = tuple(decode_base64(line, "witness request", "witness-request.base64") for line in lines)
    if any(len(hash_) != HASH_BYTES for hash_ in proof):
        raise FormatError("witness request", "witness-request.hash", want=f"hashes of {HASH_BYTES} bytes")
    return WitnessRequest(int(old[1]), proof, checkpoint)
