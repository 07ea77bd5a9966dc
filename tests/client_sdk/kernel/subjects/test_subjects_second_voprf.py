"""The VOPRF that is used, held against a second implementation over another library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.subjects.oprf import KEY_INFO, Blinding, EvaluationKey
from client_sdk.kernel.subjects.oprf import finalize as finalize_used
from tests.support import second_voprf as second

SUITES = json.loads((Path(__file__).parents[3] / "vectors/rfc9497/allVectors.json").read_text(encoding="utf-8"))
SUITE = next(suite for suite in SUITES if suite["identifier"] == "ristretto255-SHA512" and suite["mode"] == 1)
SEED = bytes(range(32))
INPUTS = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4)


def hexes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["Input"])
def test_the_second_implementation_gives_every_value_of_the_rfc(vector: dict[str, Any]) -> None:
    secret, public = second.derive_key(bytes.fromhex(SUITE["seed"]), bytes.fromhex(SUITE["keyInfo"]))
    assert (secret.hex(), public.hex()) == (SUITE["skSm"], SUITE["pkSm"])
    blinded = [
        second.blind(data, scalar) for data, scalar in zip(hexes(vector["Input"]), hexes(vector["Blind"]), strict=True)
    ]
    elements = [item.element for item in blinded]
    assert elements == hexes(vector["BlindedElement"])
    evaluated, proof = second.evaluate(secret, elements, bytes.fromhex(vector["Proof"]["r"]))
    assert evaluated == hexes(vector["EvaluationElement"])
    assert proof.hex() == vector["Proof"]["proof"]
    assert second.is_proved(public, elements, evaluated, proof)
    outputs = [second.finalize(item, element) for item, element in zip(blinded, evaluated, strict=True)]
    assert outputs == hexes(vector["Output"])


@settings(deadline=None, max_examples=50)
@given(inputs=INPUTS, seed=st.binary(min_size=32, max_size=32))
def test_either_evaluates_for_the_other_and_the_outputs_are_the_same(inputs: list[bytes], seed: bytes) -> None:
    key = EvaluationKey.from_seed(seed)
    secret, public = second.derive_key(seed, KEY_INFO)
    assert key.public_key == public

    blinded = [second.blind(data) for data in inputs]
    elements = [item.element for item in blinded]
    evaluated, proof = key.evaluate(elements)
    assert second.is_proved(public, elements, evaluated, proof)
    outputs = [second.finalize(item, element) for item, element in zip(blinded, evaluated, strict=True)]

    blindings = [Blinding.of(data) for data in inputs]
    evaluated, proof = second.evaluate(secret, [blinding.element for blinding in blindings])
    assert finalize_used(blindings, evaluated, proof, public) == outputs


@settings(deadline=None, max_examples=50)
@given(inputs=INPUTS, place=st.integers(0, 63), bit=st.integers(0, 7))
def test_a_changed_proof_is_refused_by_both(inputs: list[bytes], place: int, bit: int) -> None:
    secret, public = second.derive_key(SEED, KEY_INFO)
    blindings = [Blinding.of(data) for data in inputs]
    elements = [blinding.element for blinding in blindings]
    evaluated, proof = second.evaluate(secret, elements)
    changed = bytearray(proof)
    changed[place] ^= 1 << bit
    assert not second.is_proved(public, elements, evaluated, bytes(changed))
    with pytest.raises((FormatError, ProofError)):
        finalize_used(blindings, evaluated, bytes(changed), public)
