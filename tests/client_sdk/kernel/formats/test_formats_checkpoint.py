from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import (
    Checkpoint,
    TlogProof,
    parse_body,
    parse_checkpoint,
    parse_tlog_proof,
    sign_checkpoint,
    tlog_proof,
)
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.merkle import EMPTY_ROOT, verify_consistency
from client_sdk.kernel.formats.note import Note, NoteSignature, VerifierKey
from tests.client_sdk.kernel.formats.vectors import load

ORIGIN = "registry.example/log/1"
SIGNER = Ed25519Signer.from_seed(bytes(range(32)))
KEY = VerifierKey.ed25519(ORIGIN, SIGNER.public_key.raw)
ROOT = bytes(range(32))
ROOT_TEXT = b64encode(ROOT).decode()
SIGNED = sign_checkpoint(ORIGIN, 7, ROOT, SIGNER)

hashes = st.binary(min_size=32, max_size=32)
sizes = st.integers(1, 2**64 - 1)


def test_golden_bytes() -> None:
    assert sign_checkpoint(ORIGIN, 7, ROOT, SIGNER) == SIGNED
    assert SIGNED.decode() == (
        "registry.example/log/1\n"
        "7\n"
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        "\n"
        "— registry.example/log/1 MpAhU9BPtdHFJ/xae8mzzc5dIxSnYmN6tVkOx/Yy"
        "SpQ6iey4SNvmDbErF9GN5Fp4xgbK6uyVHUQpczFGLK6nouOcCgg=\n"
    )


def test_third_party_checkpoints_and_the_proof_between_them() -> None:
    pair = load("witness-protocol/add_checkpoint_pair.json")
    key = VerifierKey.parse(pair["log_vkey"])
    older, newer = (parse_checkpoint(pair[which].encode(), key) for which in ("old", "new"))
    assert (older.checkpoint.origin, older.checkpoint.size) == ("monkeys", 5)
    assert older.raw == pair["old"].encode()
    assert newer.checkpoint.size == 8
    proof = [bytes.fromhex(text) for text in pair["consistency_5_8_hex"]]
    verify_consistency(5, 8, proof, older.checkpoint.root, newer.checkpoint.root)


def test_the_example_of_the_specification() -> None:
    examples = load("c2sp-spec-examples/examples.json")
    text, fields = examples["checkpoint_unkeyed"], examples["checkpoint_unkeyed_fields"]
    parsed = note.parse(text.encode())
    body = parse_body(parsed.text)
    assert (body.checkpoint.origin, body.checkpoint.size) == (fields["origin"], fields["size"])
    assert body.extensions == ()
    assert [signature.name for signature in parsed.signatures] == [fields["origin"], "witness.example.com/w1"]
    assert int.from_bytes(parsed.signatures[1].signature[:8], "big") == fields["cosignature_time"]


def test_extension_lines_are_read_and_not_accepted_in_evidence() -> None:
    text = Checkpoint(ORIGIN, 7, ROOT).body() + "extension\nanother\n"
    assert parse_body(text) == (Checkpoint(ORIGIN, 7, ROOT), ("extension", "another"))
    with pytest.raises(FormatError) as refused:
        parse_checkpoint(note.sign_note(text, ORIGIN, SIGNER), KEY)
    assert refused.value.rule == "checkpoint.extension"


def test_a_second_signature_is_not_accepted_in_evidence() -> None:
    log_line = note.parse(SIGNED).signatures
    whole = Note(note.parse(SIGNED).text, (*log_line, NoteSignature("witness", 1, bytes(72)))).encode()
    assert note.open_note(whole, [KEY]).verified == log_line
    with pytest.raises(FormatError) as refused:
        parse_checkpoint(whole, KEY)
    assert refused.value.rule == "checkpoint.signatures"


def test_another_origin_than_the_key_s_is_refused() -> None:
    signed = note.sign_note(Checkpoint("registry.example/log/2", 7, ROOT).body(), ORIGIN, SIGNER)
    with pytest.raises(FormatError) as refused:
        parse_checkpoint(signed, KEY)
    assert refused.value.rule == "checkpoint.origin"


def test_the_checkpoint_of_another_log_is_told_from_one_that_was_changed() -> None:
    foreign = sign_checkpoint("other.example/log/1", 7, ROOT, Ed25519Signer.generate())
    with pytest.raises(FormatError) as refused:
        parse_checkpoint(foreign, KEY)
    assert (refused.value.rule, refused.value.got) == ("checkpoint.origin", "other.example/log/1")
    assert refused.value.want == ORIGIN


def test_another_log_s_signature_is_refused() -> None:
    with pytest.raises(SignatureError) as refused:
        parse_checkpoint(sign_checkpoint(ORIGIN, 7, ROOT, Ed25519Signer.generate()), KEY)
    assert (refused.value.part, refused.value.rule) == ("checkpoint", "note.untrusted")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "checkpoint.line-feed"),
        (f"{ORIGIN}\n7\n{ROOT_TEXT}", "checkpoint.line-feed"),
        (f"{ORIGIN}\n7\n", "checkpoint.lines"),
        (f"\n7\n{ROOT_TEXT}\n", "checkpoint.empty-line"),
        (f"{ORIGIN}\n7\n{ROOT_TEXT}\n\n", "checkpoint.empty-line"),
        (f"{ORIGIN}\n07\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n+7\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n-7\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n 7\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n７\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n18446744073709551616\n{ROOT_TEXT}\n", "checkpoint.size"),
        (f"{ORIGIN}\n7\n{ROOT_TEXT[:-4]}\n", "checkpoint.root"),
        (f"{ORIGIN}\n7\n{ROOT_TEXT[:-2]}9=\n", "checkpoint.root"),
        (f"{ORIGIN}\n7\n{b64encode(bytes(33)).decode()}\n", "checkpoint.root"),
        (f"{ORIGIN}\n0\n{ROOT_TEXT}\n", "checkpoint.empty-root"),
    ],
)
def test_what_is_no_checkpoint(text: str, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_body(text)
    assert refused.value.rule == rule


def test_the_checkpoint_of_an_empty_log() -> None:
    assert parse_checkpoint(sign_checkpoint(ORIGIN, 0, EMPTY_ROOT, SIGNER), KEY).checkpoint.size == 0
    with pytest.raises(FormatError):
        sign_checkpoint(ORIGIN, 0, ROOT, SIGNER)


@given(sizes, hashes)
def test_what_is_signed_is_read_again(size: int, root: bytes) -> None:
    signed = sign_checkpoint(ORIGIN, size, root, SIGNER)
    found = parse_checkpoint(signed, KEY)
    assert found.checkpoint == Checkpoint(ORIGIN, size, root)
    assert found.raw == signed


@pytest.mark.parametrize("place", range(len(SIGNED)))
def test_each_byte_of_a_checkpoint_counts(place: int) -> None:
    for bit in (1, 128):
        changed = SIGNED[:place] + bytes((SIGNED[place] ^ bit,)) + SIGNED[place + 1 :]
        with pytest.raises(FormatError) as refused:
            parse_checkpoint(changed, KEY)
        assert refused.value.part == "checkpoint"
    with pytest.raises(FormatError):
        parse_checkpoint(SIGNED[:place], KEY)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_checkpoint_or_one_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(data, KEY)


@given(st.text(max_size=60) | st.text(st.sampled_from("a0 7\n=/A"), max_size=80))
def test_any_text_is_a_body_or_one_error(text: str) -> None:
    try:
        body = parse_body(text)
    except FormatError:
        return
    assert body.checkpoint.body() + "".join(line + "\n" for line in body.extensions) == text


@given(st.integers(0, 2**64 - 1), st.lists(hashes, max_size=63))
def test_a_proof_is_read_again(index: int, proof: list[bytes]) -> None:
    text = tlog_proof(index, proof, SIGNED)
    assert parse_tlog_proof(text) == TlogProof(index, tuple(proof), SIGNED)
    assert text.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
    assert text.endswith("\n\n" + SIGNED.decode())


def test_extra_bytes_are_read_and_vouched_for_by_nobody() -> None:
    plain = tlog_proof(3, [ROOT], SIGNED)
    for extra in (b"", b"extra"):
        text = plain.replace("index", f"extra {b64encode(extra).decode()}\nindex")
        assert parse_tlog_proof(text) == TlogProof(3, (ROOT,), SIGNED, extra)


PROOF = f"c2sp.org/tlog-proof@v1\nindex 3\n{ROOT_TEXT}\n\n{SIGNED.decode()}"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "tlog-proof.header"),
        (PROOF.replace("@v1", "@v2"), "tlog-proof.header"),
        (PROOF.replace("\n", "\r\n"), "tlog-proof.header"),
        ("\n" + PROOF, "tlog-proof.header"),
        (PROOF.replace("index 3\n", ""), "tlog-proof.index"),
        (PROOF.replace("index 3", "index 03"), "tlog-proof.index"),
        (PROOF.replace("index 3", "index"), "tlog-proof.index"),
        (PROOF.replace("index 3", f"index {2**64}"), "tlog-proof.index"),
        (PROOF.replace("index 3", "index 3\nextra AA=="), "tlog-proof.hash"),
        (PROOF.replace("index 3", "extra AB==\nindex 3"), "tlog-proof.extra"),
        (PROOF.replace("index 3", "extra AA==\nextra AA==\nindex 3"), "tlog-proof.index"),
        (PROOF.replace(ROOT_TEXT + "\n", ROOT_TEXT[:-4] + "\n", 1), "tlog-proof.hash"),
        (PROOF.replace(ROOT_TEXT + "\n", (ROOT_TEXT + "\n") * 64, 1), "tlog-proof.length"),
        (PROOF + "\n", "note.line-feed"),
        (PROOF + "\ud800", "note.utf-8"),
    ],
)
def test_what_is_no_proof(text: str, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_tlog_proof(text)
    assert refused.value.rule == rule


@given(st.text(max_size=80) | st.text(max_size=40).map("c2sp.org/tlog-proof@v1\nindex 3\n{}".format))
def test_any_text_is_a_proof_or_one_error(text: str) -> None:
    with pytest.raises(FormatError):
        parse_tlog_proof(text)
