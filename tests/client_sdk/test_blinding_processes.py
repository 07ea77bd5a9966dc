"""Blinding in processes of their own: the same outputs and refusals as here, and an error where a process dies."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from client_sdk._blinding_processes import BlindingProcesses
from client_sdk._protocol.blinding import BlinderLostError, LocalBlinder
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.subjects.oprf import ELEMENT_BYTES, EvaluationKey
from tests.support.blinding_children import blinding_children, kill_blinding_children

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk._protocol.blinding import BlindedBatch, Blinder

KEYS = (EvaluationKey.generate(), EvaluationKey.generate())
INPUTS = tuple(f"person {number}".encode() for number in range(5))


@contextmanager
def blinding(count: int) -> Iterator[Sequence[Blinder]]:
    processes = BlindingProcesses(count)
    try:
        yield processes.start()
    finally:
        processes.stop()


def evaluated(batch: BlindedBatch, key: EvaluationKey) -> tuple[list[bytes], bytes]:
    elements = batch.elements
    return key.evaluate([elements[at : at + ELEMENT_BYTES] for at in range(0, len(elements), ELEMENT_BYTES)])


def outputs(batch: BlindedBatch) -> list[list[bytes]]:
    return [batch.finalize(*evaluated(batch, key), key.public_key) for key in KEYS]


def test_the_outputs_are_the_same_as_here_whatever_the_order_of_the_answers() -> None:
    here = LocalBlinder()
    with blinding(2) as (first, second):
        batches = [blinder.blind(INPUTS[at:], len(KEYS)) for at in (0, 3) for blinder in (first, second)]
        assert [outputs(batch) for batch in reversed(batches)] == [
            outputs(here.blind(INPUTS[at:], len(KEYS))) for at in (3, 3, 0, 0)
        ]
    assert blinding_children() == []


def test_what_is_not_in_order_is_refused_as_here() -> None:
    with blinding(1) as (there,):
        for blinder in (LocalBlinder(), there):
            batch = blinder.blind(INPUTS, 1)
            answers, proof = evaluated(batch, KEYS[0])
            with pytest.raises(ProofError, match=r"voprf\.proof"):
                batch.finalize(answers, proof, KEYS[1].public_key)
            with pytest.raises(FormatError, match=r"voprf\.count"):
                batch.finalize(answers[1:], proof, KEYS[0].public_key)
            # A refused answer takes no place: the right one is still taken.
            assert batch.finalize(answers, proof, KEYS[0].public_key)


def test_a_batch_is_forgotten_with_its_last_answer() -> None:
    with blinding(1) as (there,):
        batch = there.blind(INPUTS, 1)
        answers, proof = evaluated(batch, KEYS[0])
        batch.finalize(answers, proof, KEYS[0].public_key)
        with pytest.raises(BlinderLostError):
            batch.finalize(answers, proof, KEYS[0].public_key)


def test_a_process_that_died_is_told() -> None:
    with blinding(1) as (there,):
        batch = there.blind(INPUTS, 1)
        assert kill_blinding_children() == 1
        with pytest.raises(BlinderLostError):
            batch.finalize(*evaluated(batch, KEYS[0]), KEYS[0].public_key)
        with pytest.raises(BlinderLostError):
            there.blind(INPUTS, 1)


def test_where_no_process_can_be_started_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with blinding(2) as blinders:
        assert blinders == ()
