"""Whoever hands out a trust root can change nothing in it that the fingerprint does not show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from creditregistry.v1 import evidence_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.verification import is_trust_root, verify_trust_root
from tests.support.handmade_log import HandmadeLog

HONEST = HandmadeLog(lenders=())
OTHER = HandmadeLog(lenders=(), administrators=("mole-1", "mole-2", "mole-3"))
OTHER.log_signer = HONEST.log_signer


def test_a_trust_root_survives_its_file() -> None:
    root = HONEST.trust_root
    assert TrustRoot.parse(root.encode()) == root


def test_another_genesis_has_another_fingerprint() -> None:
    assert OTHER.trust_root.fingerprint != HONEST.trust_root.fingerprint


@pytest.mark.parametrize(
    "lie",
    [
        replace(HONEST.trust_root, administrators=OTHER.trust_root.administrators),
        replace(HONEST.trust_root, threshold=3),
        replace(HONEST.trust_root, registry="other.example"),
        replace(HONEST.trust_root, log_keys=(replace(HONEST.trust_root.log_keys[0], public_key=bytes(32)),)),
        replace(HONEST.trust_root, genesis=OTHER.trust_root.genesis),
        replace(OTHER.trust_root, genesis=HONEST.trust_root.genesis),
        replace(HONEST.trust_root, genesis_leaf=OTHER.trust_root.genesis_leaf),
    ],
    ids=["administrators", "threshold", "registry", "log key", "genesis", "fingerprint", "leaf"],
)
def test_nothing_stands_beside_the_genesis(lie: TrustRoot) -> None:
    with pytest.raises(FormatError):
        TrustRoot.parse(lie.encode())


def test_a_trust_root_and_the_directory_say_which_witnesses_must_cosign() -> None:
    witness = VerifierKey.cosigner("w1.example", bytes(32)).text()
    lines = (f"witness w1 {witness}", "quorum w1")
    founded = HandmadeLog(lenders=(), rulebook=Rulebook(witness_quorum=lines))
    root = TrustRoot.parse(founded.trust_root.encode())
    assert root.quorum is not None
    assert root.quorum.lines() == lines
    # An act takes the demand back, and another one sets it: the trust root says what was at founding.
    founded.act(RulebookBody(Rulebook()))
    assert founded.state.directory.rulebook.quorum is None
    founded.act(RulebookBody(Rulebook(witness_quorum=lines)))
    assert founded.state.directory.rulebook.quorum == root.quorum
    assert HONEST.trust_root.quorum is None
    assert not founded.complaints


def test_a_trust_root_without_its_genesis_is_none() -> None:
    message = pb.TrustRoot.FromString(HONEST.trust_root.encode())
    message.ClearField("genesis_leaf")
    with pytest.raises(FormatError):
        TrustRoot.parse(message.SerializeToString())


@given(st.binary(max_size=400))
def test_any_bytes_give_one_typed_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        TrustRoot.parse(data)


def test_a_fingerprint_is_compared_whole() -> None:
    data = HONEST.trust_root.encode()
    fingerprint = HONEST.trust_root.fingerprint
    assert is_trust_root(data)
    assert verify_trust_root(data).fingerprint == fingerprint
    assert verify_trust_root(data, fingerprint.upper()).administrators == HONEST.trust_root.administrators
    for given_one in (OTHER.trust_root.fingerprint, fingerprint[:-1], fingerprint + "0", "é" * 64):
        with pytest.raises(VerificationError) as caught:
            verify_trust_root(data, given_one)
        assert caught.value.rule == "trust-root.fingerprint"


def test_no_changed_byte_verifies_under_the_fingerprint() -> None:
    data, fingerprint = HONEST.trust_root.encode(), HONEST.trust_root.fingerprint
    for at in range(0, len(data), 3):
        with pytest.raises(VerificationError):
            verify_trust_root(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :], fingerprint)
        with pytest.raises(VerificationError):
            verify_trust_root(data[:at], fingerprint)


def test_evidence_does_not_begin_as_a_trust_root_does() -> None:
    golden = Path(__file__).parents[3] / "vectors" / "golden"
    assert is_trust_root((golden / "trust-root.bin").read_bytes())
    for file in golden.glob("evidence-*.bin"):
        assert not is_trust_root(file.read_bytes())
    assert not is_trust_root(b"")


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    honest = HONEST.trust_root.encode()
    at = data.draw(st.integers(0, len(honest) - 1))
    value = data.draw(st.integers(1, 255))
    changed = honest[:at] + bytes((honest[at] ^ value,)) + honest[at + 1 :]
    try:
        root = TrustRoot.parse(changed)
    except (FormatError, RuleError):
        return
    # Only another genesis makes another trust root, such as one logged at another time.
    assert root.fingerprint != HONEST.trust_root.fingerprint
