"""Cosignatures: a witness states that a checkpoint extends every earlier one of the log that it has seen.

    message   = "cosignature/v1" LF "time " seconds LF text of the checkpoint       C2SP tlog-cosignature, Ed25519
    signature = seconds (8 bytes, big-endian) || Ed25519 over the message           algorithm 0x04 of a verifier key

The message does not name the witness: a key serves one witness, and is used for nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import keys
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.note import COSIGNATURE, NoteSignature, VerifierKey
from client_sdk.kernel.formats.utf8 import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import Note

__all__ = ["cosign", "cosignatures_of", "cosigned_at"]

_TIME_BYTES = 8
_MAX_SECONDS = 2**63 - 1


def cosign(text: str, name: str, signer: Signer, seconds: int) -> NoteSignature:
    """Return the signature line of a witness.

    Args:
        text: of the checkpoint, with its last line feed.
        name: of the witness's key.
        signer: an Ed25519 key that signs nothing else.
        seconds: since 1970 UTC, when the witness looked.

    Raises:
        FormatError: the name or the time cannot stand in a cosignature.
    """
    if not 0 < seconds <= _MAX_SECONDS:
        raise FormatError("cosignature", "cosignature.time", got=str(seconds), want="seconds since 1970")
    key = VerifierKey.cosigner(name, signer.public_key.raw)
    signature = signer.sign(_message(text, seconds))
    return NoteSignature(name, key.key_id, seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(text: str, key: VerifierKey, signature: NoteSignature) -> int:
    """Return the time of a witness's signature, seconds since 1970 UTC.

    Args:
        text: of the checkpoint, with its last line feed.
        key: of the witness.
        signature: its line.

    Raises:
        FormatError: key or signature are of another form, or of different keys.
        SignatureError: the signature does not verify.
    """
    if key.algorithm != COSIGNATURE or (key.name, key.key_id) != signature[:2]:
        raise FormatError("cosignature", "cosignature.key", want="the witness's own key and line")
    if len(signature.signature) != _TIME_BYTES + keys.SIGNATURE_BYTES:
        got = f"{len(signature.signature)} bytes"
        raise FormatError("cosignature", "cosignature.length", got=got, want=f"{_TIME_BYTES + keys.SIGNATURE_BYTES}")
    seconds = int.from_bytes(signature.signature[:_TIME_BYTES], "big")
    if not 0 < seconds <= _MAX_SECONDS:
        raise FormatError("cosignature", "cosignature.time", got=str(seconds), want="seconds since 1970")
    try:
        keys.verify(key.raw, _message(text, seconds), signature.signature[_TIME_BYTES:])
    except SignatureError as error:
        raise SignatureError("cosignature", error.rule, got=error.got, want="the witness's signature") from None
    return seconds


def cosignatures_of(note: Note, witnesses: Iterable[VerifierKey]) -> dict[VerifierKey, int]:
    """Return when each of these witnesses has cosigned a checkpoint; lines of other keys are passed over.

    Raises:
        FormatError: the line of a witness is of another form.
        SignatureError: the line of a witness does not verify, which spoils the whole note.
    """
    lines = {signature[:2]: signature for signature in note.signatures}
    known = [(key, lines.get((key.name, key.key_id))) for key in witnesses]
    return {key: cosigned_at(note.text, key, line) for key, line in known if line is not None}


def _message(text: str, seconds: int) -> bytes:
    message = encoded(f"cosignature/v1\ntime {seconds}\n{text}")
    if message is None:
        raise FormatError("cosignature", "note.utf-8", want="text that UTF-8 can write")
    return message
