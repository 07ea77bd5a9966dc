"""Requests to witnesses: written, read back, and refused where they are none."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.witness_request import WitnessRequest, parse_witness_request, witness_request
from tests.client_sdk.kernel.formats.vectors import load

PAIR = load("witness-protocol/add_checkpoint_pair.json")
NOTE = PAIR["new"].encode()
PROOF = tuple(map(bytes.fromhex, PAIR["consistency_5_8_hex"]))
HASH = b64encode(bytes(32)).decode()

hashes = st.binary(min_size=32, max_size=32)


@given(st.integers(0, 10**18), st.lists(hashes, max_size=63))
def test_what_is_written_is_read(old: int, proof: list[bytes]) -> None:
    assert parse_witness_request(witness_request(old, proof, NOTE)) == WitnessRequest(old, tuple(proof), NOTE)


@pytest.mark.parametrize("body", PAIR["body_reject"])
def test_third_party_bodies_are_refused(body: str) -> None:
    with pytest.raises(FormatError, match="witness-request"):
        parse_witness_request(body.replace("<cp>", PAIR["new"]).encode())


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "form"),
        (b"old 5\n" + NOTE, "base64"),
        (b"old 05\n\n" + NOTE, "old"),
        (b"old -1\n\n" + NOTE, "old"),
        (b"old  1\n\n" + NOTE, "old"),
        (b"Old 1\n\n" + NOTE, "old"),
        (f"old 5\n{HASH[:-4]}\n\n".encode() + NOTE, "hash"),
        (f"old 5\n{HASH[:-2]}B=\n\n".encode() + NOTE, "base64"),
        (f"old 5\r\n{HASH}\r\n\r\n".encode() + NOTE, "old"),
        (b"old 5\n" + f"{HASH}\n".encode() * 64 + b"\n" + NOTE, "hashes"),
        (b"old 5\xff\n\n" + NOTE, "form"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_witness_request(body)
    assert caught.value.rule == f"witness-request.{rule}"


def test_the_pair_of_the_vectors_is_a_request() -> None:
    request = parse_witness_request(witness_request(5, PROOF, NOTE))
    assert (request.old, request.proof, request.checkpoint) == (5, PROOF, NOTE)
