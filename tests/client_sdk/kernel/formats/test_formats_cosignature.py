"""Cosignatures of witnesses: the example of the specification, and every byte that they hold."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.cosignature import cosign, cosignatures_of, cosigned_at
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import Ed25519Signer, verify
from client_sdk.kernel.formats.note import Note, NoteSignature, VerifierKey
from tests.client_sdk.kernel.formats.vectors import load

EXAMPLES = load("c2sp-spec-examples/examples.json")
LOG = Ed25519Signer.from_seed(bytes(range(32)))
WITNESS = Ed25519Signer.from_seed(bytes(range(1, 33)))
KEY = VerifierKey.cosigner("lender-1.example/witness", WITNESS.public_key.raw)
CHECKPOINT = note.parse(sign_checkpoint("registry.example/log/1", 7, bytes(32), LOG))
SECONDS = 1_790_000_000


def cosigned(seconds: int = SECONDS) -> Note:
    line = cosign(CHECKPOINT.text, KEY.name, WITNESS, seconds)
    return Note(CHECKPOINT.text, (*CHECKPOINT.signatures, line))


def test_the_time_of_the_specifications_example_is_read() -> None:
    example = note.parse(EXAMPLES["checkpoint_unkeyed"].encode())
    _, witness = example.signatures
    want = EXAMPLES["checkpoint_unkeyed_fields"]["cosignature_time"]
    assert int.from_bytes(witness.signature[:8], "big") == want
    assert len(witness.signature) == 8 + 64


def test_what_is_signed_is_what_the_specification_says() -> None:
    line = cosigned().signatures[-1]
    message = f"cosignature/v1\ntime {SECONDS}\n{CHECKPOINT.text}".encode()
    verify(WITNESS.public_key.raw, message, line.signature[8:])
    assert KEY.text().partition("+")[2].partition("+")[2].startswith("B"), "algorithm 4"
    assert VerifierKey.parse(KEY.text(), note.COSIGNATURE) == KEY


def test_lines_of_witnesses_are_found_among_others() -> None:
    stranger = VerifierKey.cosigner(KEY.name, LOG.public_key.raw)
    assert cosignatures_of(cosigned(), (KEY, stranger)) == {KEY: SECONDS}
    assert cosignatures_of(CHECKPOINT, (KEY, stranger)) == {}
    opened = note.open_note(cosigned().encode(), [VerifierKey.ed25519("registry.example/log/1", LOG.public_key.raw)])
    assert (len(opened.verified), len(opened.unverified)) == (1, 1)


def test_every_changed_bit_of_a_line_is_refused() -> None:
    line = cosigned().signatures[-1]
    for place in range(len(line.signature) * 8):
        changed = bytearray(line.signature)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises((FormatError, SignatureError)):
            cosigned_at(CHECKPOINT.text, KEY, NoteSignature(line.name, line.key_id, bytes(changed)))


def test_a_line_for_another_checkpoint_is_refused() -> None:
    other = note.parse(sign_checkpoint("registry.example/log/1", 8, bytes(32), LOG))
    with pytest.raises(SignatureError, match="cosignature"):
        cosignatures_of(Note(other.text, cosigned().signatures), [KEY])


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(71), bytes(72), bytes(73), b"\x80" + bytes(71)])
def test_a_line_of_another_form_is_refused(signature: bytes) -> None:
    with pytest.raises(FormatError, match="cosignature"):
        cosigned_at(CHECKPOINT.text, KEY, NoteSignature(KEY.name, KEY.key_id, signature))


def test_keys_are_used_for_what_they_are() -> None:
    log_key = VerifierKey.ed25519(KEY.name, WITNESS.public_key.raw)
    with pytest.raises(FormatError, match=r"cosignature\.key"):
        cosigned_at(CHECKPOINT.text, log_key, cosigned().signatures[-1])
    with pytest.raises(FormatError, match=r"vkey\.algorithm"):
        note.open_note(cosigned().encode(), [KEY])
    with pytest.raises(FormatError, match=r"vkey\.algorithm"):
        VerifierKey.parse(KEY.text())
    for seconds in (0, -1, 2**63):
        with pytest.raises(FormatError, match=r"cosignature\.time"):
            cosign(CHECKPOINT.text, KEY.name, WITNESS, seconds)
