from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import ED25519, Ed25519Signer, PublicKey, check_enrolable, key_id, verify
from tests.client_sdk.kernel.formats.naive_edwards import edge_cases, holds
from tests.client_sdk.kernel.formats.vectors import load

SIGNER = Ed25519Signer.from_seed(bytes(range(32)))


def accepts(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify(public_key, message, signature)
    except SignatureError:
        return False
    return True


def openssl_accepts(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def enrolable(public_key: bytes) -> bool:
    try:
        check_enrolable(ED25519, public_key)
    except FormatError:
        return False
    return True


def test_wycheproof_ed25519() -> None:
    results: Counter[str] = Counter()
    for group in load("wycheproof/ed25519_test.json")["testGroups"]:
        public_key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            accepted = accepts(public_key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert accepted == (case["result"] == "valid"), case
            results[case["result"]] += 1
        assert enrolable(public_key)
    assert results.total() == 151


def test_edge_cases_are_those_that_plain_arithmetic_makes() -> None:
    made = [
        {
            "name": case.name,
            "public_key": case.public_key.hex(),
            "message": case.message.hex(),
            "signature": case.signature.hex(),
            "equation": holds(case, cofactor=1),
            "cofactored": holds(case, cofactor=8),
        }
        for case in edge_cases()
    ]
    pinned = load("ed25519-edge/ed25519_edge.json")
    for case in pinned:
        del case["accepted"], case["enrolable"]
    assert made == pinned


def test_the_edges_of_what_is_valid_are_pinned() -> None:
    for case in load("ed25519-edge/ed25519_edge.json"):
        public_key, message, signature = (bytes.fromhex(case[part]) for part in ("public_key", "message", "signature"))
        assert accepts(public_key, message, signature) == case["accepted"], case["name"]
        assert enrolable(public_key) == case["enrolable"], case["name"]
        # Stricter than the equation, and than the other library: what we accept, anybody's verifier accepts.
        if case["accepted"]:
            assert case["equation"], case["name"]
            assert openssl_accepts(public_key, message, signature), case["name"]


def test_no_enrolable_key_accepts_anything_but_its_own_signatures() -> None:
    accepted = [
        case["name"] for case in load("ed25519-edge/ed25519_edge.json") if case["accepted"] and case["enrolable"]
    ]
    assert accepted == ["S + 0 L"]


@pytest.mark.parametrize(
    ("algorithm", "raw", "rule"),
    [
        ("ed448", SIGNER.public_key.raw, "key.algorithm"),
        ("", SIGNER.public_key.raw, "key.algorithm"),
        (ED25519, b"", "key.length"),
        (ED25519, SIGNER.public_key.raw + b"\0", "key.length"),
        (ED25519, (2**255 - 19).to_bytes(32, "little"), "key.canonical"),
        (ED25519, b"\xff" * 32, "key.canonical"),
        (ED25519, bytes(32), "key.small-order"),
        (ED25519, b"\x01" + bytes(31), "key.small-order"),
        (ED25519, b"\x01" + bytes(30) + b"\x80", "key.small-order"),
        (ED25519, b"\x02" + bytes(31), "key.point"),
    ],
)
def test_what_no_honest_signer_has_is_not_enrolled(algorithm: str, raw: bytes, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        check_enrolable(algorithm, raw)
    assert refused.value.rule == rule


@given(st.binary(max_size=40), st.binary(max_size=8), st.binary(max_size=80))
def test_any_bytes_verify_or_raise_one_error(public_key: bytes, message: bytes, signature: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(public_key, message, signature)


@given(st.binary(max_size=40))
def test_any_bytes_are_enrolable_or_raise_one_error(raw: bytes) -> None:
    assert enrolable(raw) in {True, False}


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300), st.data())
def test_a_signature_verifies_and_each_flipped_bit_spoils_it(seed: bytes, message: bytes, data: st.DataObject) -> None:
    signer = Ed25519Signer.from_seed(seed)
    signature = signer.sign(message)
    verify(signer.public_key.raw, message, signature)
    check_enrolable(ED25519, signer.public_key.raw)
    bit = data.draw(st.integers(0, 511))
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    with pytest.raises(SignatureError):
        verify(signer.public_key.raw, message, flipped)
    with pytest.raises(SignatureError):
        verify(signer.public_key.raw, message + b"\0", signature)


def test_rfc_8032_test_3() -> None:
    signer = Ed25519Signer.from_seed(bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"))
    assert signer.public_key.raw.hex() == "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    assert signer.sign(bytes.fromhex("af82")).hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


def test_a_key_is_named_by_the_hash_of_its_parts() -> None:
    raw = SIGNER.public_key.raw
    layout = b"creditregistry/key/v1\x00" + b"\x00\x00\x00\x07ed25519" + b"\x00\x00\x00\x20" + raw
    assert key_id(ED25519, raw) == sha256(layout).digest()
    assert SIGNER.public_key.key_id == key_id(ED25519, raw)
    assert SIGNER.public_key.key_id.hex() == "fbde735e9f6fe163fe045ff4eaf9f3b35847d3d3996ee5efacee683221b1b317"
    assert PublicKey(ED25519, raw) == SIGNER.public_key
    assert key_id("ed2551", b"9" + raw) != key_id(ED25519, raw)


def test_a_signing_key_survives_pem() -> None:
    signer = Ed25519Signer.generate()
    again = Ed25519Signer.from_pkcs8_pem(signer.to_pkcs8_pem())
    assert again.public_key == signer.public_key
    assert again.sign(b"x") == signer.sign(b"x")
    assert signer.to_pkcs8_pem().startswith(b"-----BEGIN PRIVATE KEY-----\n")


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(FormatError) as refused:
        Ed25519Signer.from_seed(bytes(31))
    assert refused.value.rule == "key.seed"


def test_other_keys_in_pem_are_refused() -> None:
    curve_key = generate_ec_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    encrypted = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    for pem, rule in ((curve_key, "key.algorithm"), (encrypted, "key.pem"), (b"", "key.pem")):
        with pytest.raises(FormatError) as refused:
            Ed25519Signer.from_pkcs8_pem(pem)
        assert refused.value.rule == rule


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=90).map(lambda der: SIGNER.to_pkcs8_pem()[:28] + der)))
def test_any_bytes_are_a_key_or_one_error(pem: bytes) -> None:
    with pytest.raises(FormatError):
        Ed25519Signer.from_pkcs8_pem(pem)
