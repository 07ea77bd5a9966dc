"""From outputs to pseudonym and debt reference: golden bytes, and the same by hand."""

from __future__ import annotations

import hmac
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey, finalize
from client_sdk.kernel.subjects.pseudonym import Pseudonym, canonical_contract, debt_ref, derive

GOLDEN = json.loads((Path(__file__).parents[3] / "vectors/golden/subjects.json").read_text(encoding="utf-8"))
CREDITOR = "91110000MA0000000H"


def by_hand(version: int, outputs: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 5869 in three HMACs; one block of output needs no chaining."""
    salt = b"creditregistry/pseudonym/v1\0" + version.to_bytes(8, "big")
    prk = hmac.digest(salt, b"".join(outputs), "sha256")
    infos = (b"creditregistry/pseudonym/subject/v1\0\x01", b"creditregistry/pseudonym/seal/v1\0\x01")
    subject, seal_key = (hmac.digest(prk, info, "sha256") for info in infos)
    return subject, seal_key


@given(st.integers(1, 2**64 - 1), st.lists(st.binary(min_size=64, max_size=64), min_size=1, max_size=3))
def test_a_pseudonym_is_hkdf_of_the_outputs(version: int, outputs: list[bytes]) -> None:
    pseudonym = derive(version, outputs)
    assert (pseudonym.subject, pseudonym.seal_key) == by_hand(version, outputs)


@pytest.mark.parametrize("vector", GOLDEN["pseudonym"], ids=lambda vector: vector["typed"])
def test_golden_pseudonyms_from_number_to_debt(vector: dict[str, Any]) -> None:
    identity = Identity.parse(IdType(vector["id_type"]), vector["typed"])
    outputs = []
    for seed in vector["seeds"]:
        key = EvaluationKey.from_seed(bytes.fromhex(seed))
        blinding = Blinding.of(identity.voprf_input())
        evaluated, proof = key.evaluate([blinding.element])
        outputs += finalize([blinding], evaluated, proof, key.public_key)
    assert [output.hex() for output in outputs] == vector["outputs"]
    pseudonym = derive(vector["subject_key_version"], outputs)
    assert (pseudonym.subject.hex(), pseudonym.seal_key.hex()) == (vector["subject"], vector["seal_key"])
    assert pseudonym.debt_ref(vector["original_creditor"], vector["contract"]).hex() == vector["debt_ref"]


def test_order_number_and_version_of_the_key_services_count() -> None:
    one, two = b"\x01" * 64, b"\x02" * 64
    subjects = {derive(version, outputs).subject for version in (1, 2) for outputs in ([one, two], [two, one], [one])}
    assert len(subjects) == 6


@pytest.mark.parametrize(
    ("version", "outputs"),
    [(0, [bytes(64)]), (-1, [bytes(64)]), (1, []), (1, [bytes(63)]), (1, [bytes(64), bytes(65)])],
)
def test_what_makes_no_pseudonym_is_refused(version: int, outputs: list[bytes]) -> None:
    with pytest.raises(FormatError):
        derive(version, outputs)


def test_a_pseudonym_shows_nothing_and_compares_whole() -> None:
    pseudonym = derive(1, [b"\x01" * 64])
    assert repr(pseudonym) == str(pseudonym) == "Pseudonym(subject_key_version=1)"
    assert pseudonym == derive(1, [b"\x01" * 64])
    assert len({pseudonym, derive(1, [b"\x01" * 64])}) == 1
    others = [
        Pseudonym(2, pseudonym.subject, pseudonym.seal_key),
        Pseudonym(1, bytes(32), pseudonym.seal_key),
        Pseudonym(1, pseudonym.subject, bytes(32)),
        pseudonym.subject,
    ]
    assert all(pseudonym != other for other in others)


def test_a_debt_is_named_by_its_bytes() -> None:
    message = b"creditregistry/debt/v1\0" + b"\0\0\0\x12" + CREDITOR.encode() + b"\0\0\0\x06" + b"LN2024"
    assert debt_ref(bytes(32), CREDITOR, "ln-2024") == hmac.digest(bytes(32), message, "sha256")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("LN-2024/001 (a)", "LN2024001A"),
        ("ｌｎ２０２４", "LN2024"),
        ("借款合同第12号", "借款合同第12号"),
        ("Straße 7", "STRASSE7"),
        ("é", "É"),
        ("e\u0301", "É"),
        ("①②", "12"),
        ("Ⅷ-٣", "VIII٣"),
    ],
)
def test_one_contract_has_one_number(written: str, canonical: str) -> None:
    assert canonical_contract(written) == canonical
    assert debt_ref(bytes(32), CREDITOR, written) == debt_ref(bytes(32), CREDITOR, canonical)


def why_refused(written: str) -> str:
    try:
        canonical_contract(written)
    except FormatError as error:
        return error.rule
    return ""


@given(st.text(max_size=40))
def test_a_canonical_contract_stays_as_it_is(written: str) -> None:
    refused = why_refused(written)
    if refused:
        letters = any(unicodedata.category(char)[0] == "L" for char in unicodedata.normalize("NFKC", written))
        # What a spreadsheet writes in the place of a number has letters too.
        assert refused == "contract.rewritten" or not letters
        return
    contract = canonical_contract(written)
    assert canonical_contract(contract) == contract == unicodedata.normalize("NFKC", contract)
    assert all(unicodedata.category(char)[0] == "L" or char.isdecimal() for char in contract)


@pytest.mark.parametrize(
    ("seal_key", "creditor", "contract"),
    [
        (bytes(31), CREDITOR, "LN1"),
        (bytes(32), "91110000MA0000000J", "LN1"),
        (bytes(32), "", "LN1"),
        (bytes(32), CREDITOR, ""),
        (bytes(32), CREDITOR, "-/ "),
        (bytes(32), CREDITOR, "L" * 65),
    ],
)
def test_what_names_no_debt_is_refused(seal_key: bytes, creditor: str, contract: str) -> None:
    with pytest.raises(FormatError):
        debt_ref(seal_key, creditor, contract)
