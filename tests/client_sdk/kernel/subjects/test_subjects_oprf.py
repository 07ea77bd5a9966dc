"""The VOPRF: RFC 9497's vectors as far as blinds can be known, and every way to lie in an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.voprf_key import check_voprf_key
from client_sdk.kernel.subjects.oprf import (
    MAX_BATCH,
    Blinding,
    EvaluationKey,
    finalize,
)

SUITES = json.loads((Path(__file__).parents[3] / "vectors/rfc9497/allVectors.json").read_text(encoding="utf-8"))
SUITE = next(suite for suite in SUITES if suite["identifier"] == "ristretto255-SHA512" and suite["mode"] == 1)
SEED, INFO = bytes.fromhex(SUITE["seed"]), bytes.fromhex(SUITE["keyInfo"])

# Order of the group (RFC 9496 4).
ORDER = 2**252 + 27742317777372353535851937790883648493
KEY = EvaluationKey(bytes(range(32)))
OTHER_KEY = EvaluationKey(bytes(range(1, 33)))
IDENTITY = bytes(32)
NOT_ELEMENTS = {
    "identity": IDENTITY,
    "all ones": b"\xff" * 32,
    "p itself": (2**255 - 19).to_bytes(32, "little"),
    "negative": b"\x01" + bytes(31),
    "short": bytes(31),
    "long": bytes(33),
    "empty": b"",
}


def hexes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def exchange(inputs: list[bytes], key: EvaluationKey = KEY) -> tuple[list[Blinding], list[bytes], bytes]:
    blindings = [Blinding.of(data) for data in inputs]
    evaluated, proof = key.evaluate([blinding.element for blinding in blindings])
    return blindings, evaluated, proof


def test_the_key_is_derived_as_the_rfc_says() -> None:
    assert EvaluationKey.from_seed(SEED, INFO).public_key.hex() == SUITE["pkSm"]


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["Input"])
def test_elements_are_evaluated_as_the_rfc_says(vector: dict[str, Any]) -> None:
    evaluated, _ = EvaluationKey.from_seed(SEED, INFO).evaluate(hexes(vector["BlindedElement"]))
    assert evaluated == hexes(vector["EvaluationElement"])


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["Input"])
def test_outputs_are_those_of_the_rfc_whatever_the_blind(vector: dict[str, Any]) -> None:
    key = EvaluationKey.from_seed(SEED, INFO)
    blindings, evaluated, proof = exchange(hexes(vector["Input"]), key)
    assert finalize(blindings, evaluated, proof, key.public_key) == hexes(vector["Output"])


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["Input"])
def test_the_rfc_proofs_parse_and_lead_to_no_other_batch(vector: dict[str, Any]) -> None:
    """The blinds of the vectors cannot be injected, so their proofs can only be shown not to fit another batch."""
    blindings = [Blinding.of(data) for data in hexes(vector["Input"])]
    with pytest.raises(ProofError):
        finalize(
            blindings,
            hexes(vector["EvaluationElement"]),
            bytes.fromhex(vector["Proof"]["proof"]),
            bytes.fromhex(SUITE["pkSm"]),
        )


def test_a_batch_gives_what_single_inputs_give() -> None:
    inputs = [bytes([number]) * 20 for number in range(50)]
    blindings, evaluated, proof = exchange(inputs)
    together = finalize(blindings, evaluated, proof, KEY.public_key)
    for data, output in zip(inputs, together, strict=True):
        blindings, evaluated, proof = exchange([data])
        assert finalize(blindings, evaluated, proof, KEY.public_key) == [output]
    assert len(set(together)) == 50


@given(st.binary(min_size=1, max_size=100))
@settings(max_examples=20)
def test_two_blindings_of_one_input_share_nothing_but_the_output(data: bytes) -> None:
    first, second = Blinding.of(data), Blinding.of(data)
    assert first.element != second.element
    evaluated, proof = KEY.evaluate([first.element, second.element])
    outputs = finalize([first, second], evaluated, proof, KEY.public_key)
    assert outputs[0] == outputs[1]


def test_every_flipped_bit_of_a_single_answer_is_refused() -> None:
    blindings, evaluated, proof = exchange([b"x" * 40])
    answer = proof + evaluated[0]
    for bit in range(len(answer) * 8):
        changed = bytearray(answer)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            finalize(blindings, [bytes(changed[64:])], bytes(changed[:64]), KEY.public_key)


@pytest.mark.parametrize("bit", [0, 255, 256, 511, 512, 767, 768, 1023])
def test_a_flipped_bit_of_a_batch_answer_is_refused(bit: int) -> None:
    blindings, evaluated, proof = exchange([b"x", b"y"])
    changed = bytearray(proof + b"".join(evaluated))
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FormatError):
        finalize(blindings, [bytes(changed[64:96]), bytes(changed[96:])], bytes(changed[:64]), KEY.public_key)


@pytest.mark.parametrize("count", [1, 2])
def test_an_answer_under_another_key_is_refused(count: int) -> None:
    blindings, evaluated, proof = exchange([bytes([number + 1]) for number in range(count)])
    with pytest.raises(ProofError):
        finalize(blindings, evaluated, proof, OTHER_KEY.public_key)


def test_one_element_under_another_key_spoils_the_batch() -> None:
    blindings, evaluated, proof = exchange([b"x", b"y"])
    other, _ = OTHER_KEY.evaluate([blindings[1].element])
    with pytest.raises(ProofError):
        finalize(blindings, [evaluated[0], *other], proof, KEY.public_key)


def test_swapped_results_are_refused() -> None:
    blindings, evaluated, proof = exchange([b"x", b"y"])
    with pytest.raises(ProofError):
        finalize(blindings, evaluated[::-1], proof, KEY.public_key)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("half", [0, 32])
@pytest.mark.parametrize("multiple", [1, 2, 8])
def test_a_proof_has_one_form(count: int, half: int, multiple: int) -> None:
    """c + L and s + L are the same scalars; accepted, they would make evidence malleable."""
    blindings, evaluated, proof = exchange([bytes([number + 1]) for number in range(count)])
    scalar = int.from_bytes(proof[half : half + 32], "little") + multiple * ORDER
    changed = proof[:half] + scalar.to_bytes(32, "little") + proof[half + 32 :]
    with pytest.raises(FormatError):
        finalize(blindings, evaluated, changed, KEY.public_key)


@pytest.mark.parametrize("name", NOT_ELEMENTS)
def test_what_is_no_element_is_refused_everywhere(name: str) -> None:
    data = NOT_ELEMENTS[name]
    blindings, evaluated, proof = exchange([b"x", b"y"])
    for call in (
        lambda: check_voprf_key(data),
        lambda: KEY.evaluate([blindings[0].element, data]),
        lambda: finalize(blindings, [evaluated[0], data], proof, KEY.public_key),
        lambda: finalize(blindings[:1], [data], proof, KEY.public_key),
        lambda: finalize(blindings, evaluated, proof, data),
    ):
        with pytest.raises(FormatError) as caught:
            call()
        assert not isinstance(caught.value, ProofError)


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_one_to_a_thousand_elements(count: int) -> None:
    blinding = Blinding.of(b"x")
    with pytest.raises(FormatError):
        KEY.evaluate([blinding.element] * count)
    with pytest.raises(FormatError):
        finalize([blinding] * count, [blinding.element] * count, bytes(64), KEY.public_key)


def test_results_answer_every_input() -> None:
    blindings, evaluated, proof = exchange([b"x", b"y"])
    for answer in (evaluated[:1], [*evaluated, evaluated[0]], []):
        with pytest.raises(FormatError):
            finalize(blindings, answer, proof, KEY.public_key)


@given(st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=70), st.binary(max_size=40))
@settings(max_examples=50)
def test_any_answer_gives_outputs_or_one_typed_error(evaluated: list[bytes], proof: bytes, key: bytes) -> None:
    blindings = [Blinding.of(b"x") for _ in range(2)]
    with pytest.raises(FormatError):
        finalize(blindings, evaluated, proof, key)


@pytest.mark.parametrize("data", [b"", bytes(65_536)], ids=["empty", "too long"])
def test_an_input_has_a_length_of_two_bytes(data: bytes) -> None:
    with pytest.raises(FormatError):
        Blinding.of(data)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(FormatError):
        EvaluationKey.from_seed(bytes(length))


def test_keys_and_blindings_show_nothing_and_keys_come_back() -> None:
    assert repr(KEY) == "EvaluationKey(...)"
    assert repr(Blinding.of(b"x")) == "Blinding(...)"
    assert EvaluationKey.from_seed(KEY.to_bytes()).public_key == KEY.public_key
    assert EvaluationKey.generate().public_key != EvaluationKey.generate().public_key
    assert EvaluationKey(KEY.to_bytes(), b"other info").public_key != KEY.public_key
