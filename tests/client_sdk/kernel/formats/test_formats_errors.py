from __future__ import annotations

import pickle

import pytest

from client_sdk.kernel.formats.errors import FormatError, ProofError, SignatureError


@pytest.mark.parametrize("kind", [FormatError, SignatureError, ProofError])
def test_an_error_keeps_its_parts_between_processes(kind: type[FormatError]) -> None:
    error = pickle.loads(pickle.dumps(kind("note", "note.utf-8", got="3 bytes", want="UTF-8")))  # noqa: S301 - our own
    assert type(error) is kind
    assert (error.part, error.rule, error.got, error.want) == ("note", "note.utf-8", "3 bytes", "UTF-8")


def test_an_error_reads_as_a_sentence() -> None:
    assert str(FormatError("note", "note.utf-8", got="3 bytes", want="UTF-8")) == (
        "note: note.utf-8 (got 3 bytes, want UTF-8)"
    )
    assert str(FormatError("note", "note.utf-8")) == "note: note.utf-8"


def test_proofs_and_signatures_are_formats() -> None:
    assert issubclass(SignatureError, FormatError)
    assert issubclass(ProofError, FormatError)
