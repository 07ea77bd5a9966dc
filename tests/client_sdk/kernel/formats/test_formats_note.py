from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.note import Note, NoteSignature, VerifierKey
from tests.client_sdk.kernel.formats.vectors import load

VECTORS = load("sumdb-note/note_vectors.json")
EXAMPLES = load("c2sp-spec-examples/examples.json")
PETER = VerifierKey.parse(VECTORS["peter"]["vkey"])
ENOCH = VerifierKey.parse(VECTORS["enoch"]["vkey"])
SIGNER = Ed25519Signer.from_seed(bytes(range(32)))
KEY = VerifierKey.ed25519("registry.example/log/1", SIGNER.public_key.raw)

# C2SP allows to refuse a key's second line; we do, because then no line is one that nothing vouches for.
STRICTER_THAN_THE_VECTORS = {"duplicates collapse"}

names = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1, max_size=12)
texts = st.text(st.characters(exclude_categories=["C"]) | st.just("\n"), max_size=60).map(lambda text: text + "\n")
blobs = st.binary(min_size=1, max_size=70)


def message(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["msg_hex"]) if "msg_hex" in case else case["msg"].encode()


@pytest.mark.parametrize("case", VECTORS["open_cases"], ids=lambda case: case["name"])
def test_third_party_notes(case: dict[str, Any]) -> None:
    trusted = [VerifierKey.parse(text) for text in case["known"]]
    if case["ok"] and case["name"] not in STRICTER_THAN_THE_VECTORS:
        opened = note.open_note(message(case), trusted)
        assert [signature.name for signature in opened.verified] == case["verified"]
        assert opened.text == VECTORS["text"]
        return
    with pytest.raises(FormatError) as refused:
        note.open_note(message(case), trusted)
    not_trusted = "unverified" in case.get("error", "") or "invalid signature" in case.get("error", "")
    assert isinstance(refused.value, SignatureError) == not_trusted


def test_the_stricter_case_is_refused_for_its_repetition() -> None:
    (case,) = (case for case in VECTORS["open_cases"] if case["name"] in STRICTER_THAN_THE_VECTORS)
    with pytest.raises(FormatError) as refused:
        note.open_note(message(case), [PETER])
    assert refused.value.rule == "note.repeated-key"


def test_third_party_signature_lines_are_written_alike() -> None:
    for signer in ("peter", "enoch"):
        line = VECTORS[signer]["sig_line"]
        (signature,) = note.parse((VECTORS["text"] + "\n" + line).encode()).signatures
        assert signature.line() == line
        assert f"{signature.key_id:08x}" == VECTORS[signer]["key_id"]


def test_third_party_signing_key_signs_the_same_note() -> None:
    key = b64decode(VECTORS["peter"]["skey"].split("+", 4)[4])
    signed = note.sign_note(VECTORS["text"], PETER.name, Ed25519Signer.from_seed(key[1:]))
    assert signed.decode() == VECTORS["text"] + "\n" + VECTORS["peter"]["sig_line"]


def test_third_party_verifier_keys() -> None:
    text = VECTORS["peter"]["vkey"]
    assert PETER.text() == text
    assert ENOCH.text() == VECTORS["enoch"]["vkey"]
    spoiled = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1)} - {text}
    spoiled |= {text[:i] + chr(ord(text[i]) + 1) + text[i + 1 :] for i in range(len(text))}
    spoiled |= set(VECTORS["bad_vkeys"])
    assert len(spoiled) > 2_200
    for bad in spoiled:
        with pytest.raises(FormatError):
            VerifierKey.parse(bad)


def test_the_example_of_the_specification() -> None:
    example = EXAMPLES["signed_note"]
    key = VerifierKey.parse(example["vkey"])
    opened = note.open_note(example["note"].encode(), [key])
    assert opened.text == "This is an example message.\n"
    assert [signature.key_id for signature in opened.verified] == [key.key_id]


def test_a_line_of_an_unknown_key_is_set_aside_even_if_its_name_or_id_is_known() -> None:
    signed = note.parse(note.sign_note("text\n", KEY.name, SIGNER))
    same_name = NoteSignature(KEY.name, KEY.key_id ^ 1, bytes(64))
    same_id = NoteSignature("other", KEY.key_id, bytes(64))
    whole = Note("text\n", (*signed.signatures, same_name, same_id)).encode()
    opened = note.open_note(whole, [KEY])
    assert opened.verified == signed.signatures
    assert opened.unverified == (same_name, same_id)
    with pytest.raises(SignatureError) as refused:
        note.open_note(Note("text\n", (same_name, same_id)).encode(), [KEY])
    assert refused.value.rule == "note.untrusted"


def test_one_bad_line_of_a_trusted_key_spoils_the_note() -> None:
    other = Ed25519Signer.generate()
    other_key = VerifierKey.ed25519("witness", other.public_key.raw)
    (good,) = note.parse(note.sign_note("text\n", KEY.name, SIGNER)).signatures
    whole = Note("text\n", (good, NoteSignature("witness", other_key.key_id, bytes(64)))).encode()
    assert note.open_note(whole, [KEY]).verified == (good,)
    with pytest.raises(SignatureError):
        note.open_note(whole, [KEY, other_key])


def test_two_trusted_keys_of_one_name_and_id_are_refused() -> None:
    twin = VerifierKey(KEY.name, KEY.key_id, KEY.algorithm, bytes(32))
    signed = note.sign_note("text\n", KEY.name, SIGNER)
    assert note.open_note(signed, [KEY, KEY]).verified
    with pytest.raises(FormatError) as refused:
        note.open_note(signed, [KEY, twin])
    assert refused.value.rule == "note.ambiguous-key"


@pytest.mark.parametrize("count", [1, 16, 100])
def test_up_to_100_lines_are_read(count: int) -> None:
    lines = tuple(NoteSignature(f"witness-{i}", i, bytes(64)) for i in range(count))
    assert note.parse(Note("text\n", lines).encode()).signatures == lines


LINE = "\u2014 name AAAAAQI=\n"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "note.separator"),
        (b"\n", "note.separator"),
        (b"text\n", "note.separator"),
        (b"text\n\n", "note.line-feed"),
        (b"text\n\n\n", "note.line-feed"),
        (b"\xff\n\n" + LINE.encode(), "note.utf-8"),
        (("te\txt\n\n" + LINE).encode(), "note.control-character"),
        (("text\r\n\n" + LINE).encode(), "note.control-character"),
        (("text\0\n\n" + LINE).encode(), "note.control-character"),
        (("text\n\n" + LINE[:-1]).encode(), "note.line-feed"),
        (("text\n\n" + LINE + "\n").encode(), "note.line-feed"),
        (("text\n\n" + LINE * 101).encode(), "note.signatures"),
        (("text\n\n" + LINE * 2).encode(), "note.repeated-key"),
        (b"text\n\n- name AAAAAQI=\n", "note.signature-line"),
        ("text\n\n\u2014name AAAAAQI=\n".encode(), "note.signature-line"),
        ("text\n\n\u2014 name\n".encode(), "note.signature-line"),
        ("text\n\n\u2014  AAAAAQI=\n".encode(), "note.key-name"),
        ("text\n\n\u2014 na+me AAAAAQI=\n".encode(), "note.key-name"),
        ("text\n\n\u2014 na\u3000me AAAAAQI=\n".encode(), "note.key-name"),
        ("text\n\n\u2014 name  AAAAAQI=\n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAAQI= \n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAAQI\n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAAQJ=\n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAA_I=\n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAA逾=\n".encode(), "note.signature-base64"),
        ("text\n\n\u2014 name AAAAAQ==\n".encode(), "note.signature-line"),
        ("text\n\n\u2014 name \n".encode(), "note.signature-line"),
        (b"x" * 1_000_001, "note.length"),
    ],
)
def test_what_is_no_note(data: bytes, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        note.parse(data)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("text", "name", "rule"),
    [
        ("text", "name", "note.line-feed"),
        ("te\0xt\n", "name", "note.control-character"),
        ("\ud800\n", "name", "note.utf-8"),
        ("text\n", "na me", "note.key-name"),
        ("text\n", "", "note.key-name"),
        ("text\n", "\ud800", "note.key-name"),
    ],
)
def test_what_cannot_be_signed(text: str, name: str, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        note.sign_note(text, name, SIGNER)
    assert refused.value.rule == rule


@given(texts, names)
def test_what_is_signed_opens(text: str, name: str) -> None:
    signed = note.sign_note(text, name, SIGNER)
    assert note.sign_note(text, name, SIGNER) == signed
    key = VerifierKey.parse(VerifierKey.ed25519(name, SIGNER.public_key.raw).text())
    assert note.open_note(signed, [key]).text == text


@given(
    texts,
    st.dictionaries(st.tuples(names, st.integers(0, 2**32 - 1)), blobs, min_size=1),
)
def test_a_note_has_one_spelling(text: str, signatures: dict[tuple[str, int], bytes]) -> None:
    written = Note(text, tuple(NoteSignature(name, id_, blob) for (name, id_), blob in signatures.items()))
    assert note.parse(written.encode()) == written


@given(st.binary(max_size=80) | st.text(st.sampled_from("\u2014 a+\n=A1"), max_size=60).map(str.encode))
def test_any_bytes_are_a_note_or_one_error(data: bytes) -> None:
    try:
        found = note.parse(data)
    except FormatError:
        return
    assert found.encode() == data


@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    signed = note.sign_note("registry.example/log/1\n5\n" + b64encode(bytes(32)).decode() + "\n", KEY.name, SIGNER)
    place = data.draw(st.integers(0, len(signed) - 1))
    changed = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[place]))
    with pytest.raises(FormatError):
        note.open_note(signed[:place] + bytes((changed,)) + signed[place + 1 :], [KEY])


@given(st.text(max_size=120) | st.text(st.sampled_from("a+0f=AB/"), max_size=90))
def test_any_text_is_a_verifier_key_or_one_error(text: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey.parse(text)


def test_a_verifier_key_of_another_algorithm_is_refused() -> None:
    for algorithm in (0, 2, 4, 6, 255):
        blob = b64encode(bytes((algorithm,)) + SIGNER.public_key.raw).decode()
        with pytest.raises(FormatError) as refused:
            VerifierKey.parse(f"name+00000000+{blob}")
        assert refused.value.rule == "vkey.algorithm"
    with pytest.raises(FormatError) as refused:
        VerifierKey.ed25519("name", bytes(31))
    assert refused.value.rule == "vkey.length"
