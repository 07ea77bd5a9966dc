"""Signed notes: a text followed by its signature lines (C2SP signed-note).

    note        = text LF signature-line+              text is UTF-8, ends in LF, and holds no other control character
    line        = "— " name " " base64(key id (4 bytes, big-endian) || signature) LF
    key id      = first 4 bytes of SHA-256(name LF algorithm (1 byte) || public key)
    verifier key= name "+" key id in hex "+" base64(algorithm || public key)

Signatures are verified here by Ed25519 over the text (algorithm 0x01); those of witnesses (0x04) in
``cosignature.py``. A note has one spelling: what parses is what `Note.encode`
writes.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk.kernel.formats import keys
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.utf8 import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.keys import Signer

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "Note",
    "NoteSignature",
    "VerifiedNote",
    "VerifierKey",
    "check_name",
    "decode_base64",
    "open_note",
    "parse",
    "sign_note",
]

# The limits of golang.org/x/mod/sumdb/note, well above the 16 lines that C2SP asks for.
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000

ED25519 = 0x01
COSIGNATURE = 0x04
_ALGORITHMS = {ED25519: "1, Ed25519", COSIGNATURE: "4, an Ed25519 key that cosigns checkpoints"}
_KEY_ID_BYTES = 4
_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VERIFIER_KEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+=*)", re.ASCII)


def decode_base64(text: str, part: str, rule: str) -> bytes:
    """Return the bytes of standard, padded base64 in its only spelling: stray bits at its end are refused.

    Args:
        text: the base64.
        part: which part of a format it belongs to, for the error.
        rule: id of the rule that it breaks, for the error.

    Raises:
        FormatError: it is not base64, or not the shortest spelling of its bytes.
    """
    if not text.isascii():
        raise FormatError(part, rule, want="standard base64")
    try:
        raw = b64decode(text, validate=True)
    except binascii.Error:
        raise FormatError(part, rule, want="standard base64") from None
    if b64encode(raw).decode() != text:
        raise FormatError(part, rule, want="the only base64 spelling of its bytes")
    return raw


def check_name(name: str) -> None:
    """Check that a key may have this name.

    Raises:
        FormatError: it is empty, or holds white space, a control character or a plus sign.
    """
    # Half of a surrogate pair is text in Python and has no UTF-8 form.
    half = any("\ud800" <= character <= "\udfff" for character in name)
    if half or not name or "+" in name or any(character.isspace() for character in name) or _CONTROL.search(name):
        raise FormatError("note", "note.key-name", want="a name without spaces, control characters and +")


def _short_id(name: str, algorithm: int, raw: bytes) -> int:
    digest = sha256(name.encode() + b"\n" + bytes((algorithm,)) + raw).digest()
    return int.from_bytes(digest[:_KEY_ID_BYTES], "big")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key that is trusted to sign notes.

    Attributes:
        name: the name under which it signs; a log's is its origin.
        key_id: 32 bits that tell keys of one name apart; they do not bind the key.
        algorithm: 1, Ed25519, or 4, a witness's (``cosignature.py``).
        raw: public key, 32 bytes.
    """

    name: str
    key_id: int
    algorithm: int
    raw: bytes

    @classmethod
    def ed25519(cls, name: str, public_key: bytes) -> Self:
        """Return the verifier key of an Ed25519 public key.

        Raises:
            FormatError: the name or the length of the key is refused.
        """
        return cls._of(name, ED25519, public_key)

    @classmethod
    def cosigner(cls, name: str, public_key: bytes) -> Self:
        """Return the verifier key of a witness: an Ed25519 key that signs checkpoints with the time.

        Raises:
            FormatError: the name or the length of the key is refused.
        """
        return cls._of(name, COSIGNATURE, public_key)

    @classmethod
    def _of(cls, name: str, algorithm: int, public_key: bytes) -> Self:
        check_name(name)
        if len(public_key) != keys.PUBLIC_KEY_BYTES:
            raise FormatError("verifier key", "vkey.length", got=f"{len(public_key)} bytes", want="32 bytes")
        return cls(name, _short_id(name, algorithm, public_key), algorithm, public_key)

    @classmethod
    def parse(cls, text: str, algorithm: int = ED25519) -> Self:
        """Return the verifier key of its text form.

        Args:
            text: the form.
            algorithm: that the key must have.

        Raises:
            FormatError: the text is not the form of such a verifier key, or its key id is of another key.
        """
        match = _VERIFIER_KEY.fullmatch(text)
        if match is None:
            raise FormatError("verifier key", "vkey.form", want="name+id+key")
        key = decode_base64(match["key"], "verifier key", "vkey.base64")
        if key[:1] != bytes((algorithm,)):
            raise FormatError("verifier key", "vkey.algorithm", want=_ALGORITHMS[algorithm])
        found = cls._of(match["name"], algorithm, key[1:])
        if found.key_id != int(match["id"], 16):
            raise FormatError("verifier key", "vkey.id", want="the first 4 bytes of the hash of name and key")
        return found

    def text(self) -> str:
        """Return the text form."""
        key = b64encode(bytes((self.algorithm,)) + self.raw).decode()
        return f"{self.name}+{self.key_id:08x}+{key}"


class NoteSignature(NamedTuple):
    """One signature line.

    Attributes:
        name: of the key.
        key_id: 32 bits.
        signature: what follows the key id; 64 bytes for Ed25519.
    """

    name: str
    key_id: int
    signature: bytes

    def line(self) -> str:
        """Return the line, with its line feed."""
        blob = b64encode(self.key_id.to_bytes(_KEY_ID_BYTES, "big") + self.signature).decode()
        return f"{_DASH}{self.name} {blob}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note whose signatures are not verified.

    Attributes:
        text: with its last line feed; exactly what is signed.
        signatures: 1 to 100, no two by one key.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the bytes of the note."""
        return (self.text + "\n" + "".join(signature.line() for signature in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A note that at least one trusted key has signed.

    Attributes:
        text: with its last line feed.
        verified: the signatures of trusted keys, every one of which holds.
        unverified: those of keys that are not known; they vouch for nothing.
    """

    text: str
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


def parse(data: bytes) -> Note:
    """Return the note of these bytes, its signatures not verified.

    Raises:
        FormatError: the bytes are not the one spelling of a note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise FormatError("note", "note.length", got=f"{len(data)} bytes", want=f"<= {MAX_NOTE_BYTES} bytes")
    whole = decoded(data)
    if whole is None:
        raise FormatError("note", "note.utf-8", want="UTF-8")
    if _CONTROL.search(whole):
        raise FormatError("note", "note.control-character", want="none but line feeds")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap:
        raise FormatError("note", "note.separator", want="an empty line before the signatures")
    if not lines.endswith("\n"):
        raise FormatError("note", "note.line-feed", want="a line feed at the end")
    # Check the number of lines before parsing any (denial of service).
    if lines.count("\n") > MAX_SIGNATURES:
        raise FormatError("note", "note.signatures", got=str(lines.count("\n")), want=f"<= {MAX_SIGNATURES}")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len({signature[:2] for signature in signatures}) != len(signatures):
        raise FormatError("note", "note.repeated-key", want="one signature of a key")
    return Note(text + "\n", signatures)


def _parse_line(line: str) -> NoteSignature:
    name, gap, blob = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap:
        raise FormatError("note", "note.signature-line", want="dash, name and base64")
    check_name(name)
    raw = decode_base64(blob, "note", "note.signature-base64")
    if len(raw) <= _KEY_ID_BYTES:
        raise FormatError("note", "note.signature-line", got=f"{len(raw)} bytes", want="a key id and a signature")
    return NoteSignature(name, int.from_bytes(raw[:_KEY_ID_BYTES], "big"), raw[_KEY_ID_BYTES:])


def open_note(data: bytes, trusted: Iterable[VerifierKey]) -> VerifiedNote:
    """Return the note if a trusted key vouches for it.

    Lines of unknown keys are set aside, also where only the name or only the key id is known. A line of a trusted key
    that does not verify spoils the whole note.

    Raises:
        FormatError: the bytes are not a note, or two trusted keys share name and key id.
        SignatureError: a trusted key's signature does not verify or is missing.
    """
    by_name: dict[tuple[str, int], VerifierKey] = {}
    for key in trusted:
        if key.algorithm != ED25519:
            raise FormatError("note", "vkey.algorithm", want=_ALGORITHMS[ED25519])
        if by_name.setdefault((key.name, key.key_id), key) != key:
            raise FormatError("note", "note.ambiguous-key", want="one key of a name and key id")
    note = parse(data)
    message = note.text.encode()
    verified: list[NoteSignature] = []
    unverified: list[NoteSignature] = []
    for signature in note.signatures:
        known = by_name.get((signature.name, signature.key_id))
        if known is None:
            unverified.append(signature)
            continue
        keys.verify(known.raw, message, signature.signature)
        verified.append(signature)
    if not verified:
        raise SignatureError("note", "note.untrusted", got=f"{len(unverified)} unknown", want="one of a trusted key")
    return VerifiedNote(note.text, tuple(verified), tuple(unverified))


def sign_note(text: str, name: str, signer: Signer) -> bytes:
    """Return the note of a text with one signature; the same bytes each time.

    Args:
        text: ends in a line feed.
        name: of the key.
        signer: an Ed25519 key.

    Raises:
        FormatError: the text or the name cannot stand in a note.
    """
    key = VerifierKey.ed25519(name, signer.public_key.raw)
    if not text.endswith("\n"):
        raise FormatError("note", "note.line-feed", want="a line feed at the end of the text")
    message = encoded(text)
    if message is None:
        raise FormatError("note", "note.utf-8", want="text that UTF-8 can write")
    signed = Note(text, (NoteSignature(name, key.key_id, signer.sign(message)),)).encode()
    parse(signed)
    return signed
