"""Proofs of misbehaviour: what proves that a log's key has signed two histories, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.checkpoint import SignedCheckpoint, parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.contradiction import MAX_BYTES, Contradiction
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.verification import verify_contradiction
from tests.support.handmade_log import signer
from tests.vectors.golden.generate import LOG_ORIGIN, SHARED_LEAVES, contradiction, history

if TYPE_CHECKING:
    from client_sdk.kernel.formats.merkle import MemoryTree

SIGNER = signer("log")
KEY = VerifierKey.ed25519(LOG_ORIGIN, SIGNER.public_key.raw)
GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"


def signed(tree: MemoryTree) -> SignedCheckpoint:
    return parse_checkpoint(sign_checkpoint(LOG_ORIGIN, tree.size, tree.root(), SIGNER), KEY)


@given(older=st.integers(SHARED_LEAVES + 1, 40), more=st.integers(0, 40))
def test_two_histories_are_proved_at_every_pair_of_sizes_and_the_file_is_read_back(older: int, more: int) -> None:
    proof = contradiction(older, older + more)
    data = proof.encode()
    assert Contradiction.parse(data, KEY) == proof
    assert f" {older} leaves" in str(proof)
    # In any order given, it is the same file.
    again = Contradiction.of(proof.second, proof.first, proof.root, proof.path)
    assert again.encode() == data


@given(older=st.integers(SHARED_LEAVES + 1, 20), more=st.integers(0, 9), data=st.data())
def test_a_changed_byte_proves_nothing(older: int, more: int, data: st.DataObject) -> None:
    raw = bytearray(contradiction(older, older + more).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        Contradiction.parse(bytes(raw), KEY)


@given(older=st.integers(1, 30), more=st.integers(0, 30))
def test_one_history_is_never_proved_to_be_two(older: int, more: int) -> None:
    tree, whole = history(older, 1), history(older + more, 1)
    path = whole.consistency_proof(older, older + more) if more else []
    with pytest.raises(FormatError):
        Contradiction.of(signed(tree), signed(whole), whole.root(older) if more else b"", path)


def test_a_shorter_tree_alone_is_no_proof() -> None:
    with pytest.raises(FormatError):
        Contradiction.of(signed(history(5, 1)), signed(history(9, 2)))
    with pytest.raises(FormatError):
        Contradiction.of(signed(history(5, 1)), signed(history(9, 2)), bytes(32), [bytes(32)])


SPOILT = {
    "longer": lambda data: data + b"\n",
    "shorter": lambda data: data[:-1],
    "a further empty line": lambda data: data.replace(b"\n\n", b"\n\n\n", 1),
    "a path without its root": lambda data: data.replace(b"root ", b"path "),
    "two roots": lambda data: data.replace(b"path ", b"root ", 1),
    "other ends of lines": lambda data: data.replace(b"\n", b"\r\n"),
    "nothing": lambda data: data[:0],
    "half of it": lambda data: data[: len(data) // 2],
    "far too long": lambda data: data + bytes(MAX_BYTES),
    "another version": lambda data: data.replace(b"/v1", b"/v2", 1),
}


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("sizes", [(9, 9), (9, 14), (8, 14)], ids=str)
def test_another_spelling_is_refused(spoil: str, sizes: tuple[int, int]) -> None:
    data = contradiction(*sizes).encode()
    other = SPOILT[spoil](data)
    if other == data:
        # A file about one size has no path.
        assert sizes[0] == sizes[1]
        return
    with pytest.raises(FormatError):
        Contradiction.parse(other, KEY)


def test_notes_that_change_places_are_refused() -> None:
    proof = contradiction(9, 14)
    first, second = proof.first.raw, proof.second.raw
    data = proof.encode().replace(first + b"\n" + second, second + b"\n" + first)
    with pytest.raises(FormatError):
        Contradiction.parse(data, KEY)


def test_what_another_key_has_signed_proves_nothing() -> None:
    other = VerifierKey.ed25519(LOG_ORIGIN, signer("another log").public_key.raw)
    with pytest.raises(SignatureError):
        Contradiction.parse(contradiction(9, 9).encode(), other)


@pytest.mark.parametrize(("name", "sizes"), [("one-size", (9, 9)), ("two-sizes", (9, 14))])
def test_a_golden_file_verifies_under_the_golden_trust_root(name: str, sizes: tuple[int, int]) -> None:
    data = (GOLDEN / f"contradiction-{name}.proof").read_bytes()
    proof = verify_contradiction(data, TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes()))
    assert (proof.first.checkpoint.size, proof.second.checkpoint.size) == sizes
    assert proof.encode() == data == contradiction(*sizes).encode()
