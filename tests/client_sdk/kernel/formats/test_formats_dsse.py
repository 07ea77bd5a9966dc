from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.keys import Ed25519Signer
from tests.client_sdk.kernel.formats.vectors import load

TYPES = (
    dsse.STATEMENT,
    dsse.STATEMENT_BATCH,
    dsse.ANNOTATION,
    dsse.ACT,
    dsse.INQUIRY,
    dsse.KEY_REQUEST,
    dsse.POSSESSION,
    dsse.TLS_KEY,
)
SIGNER = Ed25519Signer.from_seed(bytes(range(32)))


def test_the_published_envelope() -> None:
    vector = load("dsse/dsse_vector.json")
    envelope, key = vector["envelope"], vector["key"]
    encoded = dsse.pae(envelope["payloadType"], b64decode(envelope["payload"]))
    assert encoded == vector["pae"].encode()
    signature = b64decode(envelope["signatures"][0]["sig"])
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    public_key = EllipticCurvePublicNumbers(int(key["x"]), int(key["y"]), SECP256R1()).public_key()
    public_key.verify(encode_dss_signature(r, s), encoded, ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public_key.verify(encode_dss_signature(r, s), encoded + b"!", ECDSA(SHA256()))


def test_lengths_count_bytes() -> None:
    assert dsse.pae("类型", "逾期记录".encode()) == b"DSSEv1 6 " + "类型".encode() + b" 12 " + "逾期记录".encode()
    assert dsse.pae("类型".encode(), b"") == b"DSSEv1 6 " + "类型".encode() + b" 0 "


def test_payload_types_are_those_of_the_formats() -> None:
    assert (
        tuple(
            f"application/vnd.creditregistry.{form}.v1+protobuf"
            for form in (
                "statement",
                "statement-batch",
                "annotation",
                "act",
                "inquiry",
                "key-request",
                "possession",
                "tls-key",
            )
        )
        == TYPES
    )
    with pytest.raises(FormatError) as refused:
        dsse.payload_type("receipt")
    assert refused.value.rule == "dsse.form"


@given(st.sampled_from(TYPES), st.sampled_from(TYPES), st.binary(max_size=100))
def test_a_signature_counts_in_its_own_place_only(signed: str, found: str, payload: bytes) -> None:
    signature = dsse.sign(SIGNER, signed, payload)
    if signed == found:
        dsse.verify(found, payload, SIGNER.public_key.raw, signature)
        return
    with pytest.raises(SignatureError):
        dsse.verify(found, payload, SIGNER.public_key.raw, signature)


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_no_two_pairs_of_type_and_payload_sign_the_same_bytes(a: bytes, b: bytes, c: bytes, d: bytes) -> None:
    assert (dsse.pae(a, b) == dsse.pae(c, d)) == ((a, b) == (c, d))


def test_golden_signature() -> None:
    assert dsse.sign(SIGNER, dsse.STATEMENT, b"payload").hex() == (
        "c449f258c5efcfca3647fcc5b97f14e43d3aa560dae4e945fe6b741cd7716ad9"
        "ac5157a7746b5de14d89ec1acd62483e781f79a946246c31be517fb0a47f6f0c"
    )
