"""Key-grant files give back what was written, and refuse everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.act import grant_key
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.kernel.ledger.key_grant_file import KeyGrantFile

OLD, NEW = Ed25519Signer.from_seed(bytes(32)), Ed25519Signer.from_seed(bytes(range(32)))
FILE = KeyGrantFile("lender-1", grant_key("test", "lender-1", NEW, KeyUsage.REPORT, OLD))


def test_a_file_is_read_as_it_was_written() -> None:
    assert KeyGrantFile.parse(FILE.encode()) == FILE


def test_what_people_read_is_what_is_inside() -> None:
    content = json.loads(FILE.encode())
    assert (content["institution"], content["usage"]) == ("lender-1", "REPORT")
    assert content["key_id"] == NEW.public_key.key_id.hex()


@given(st.binary())
def test_any_bytes_are_a_file_or_one_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        KeyGrantFile.parse(data)


@given(st.text())
def test_any_grant_is_in_order_or_one_error(grant: str) -> None:
    content = json.loads(FILE.encode()) | {"grant": grant}
    with pytest.raises(FormatError):
        KeyGrantFile.parse(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "creditregistry enrolment v1"),
        ("institution", ""),
        ("institution", "Lender"),
        ("institution", 1),
        ("usage", "INQUIRE"),
        ("key_id", "00" * 32),
        ("key_id", None),
        ("grant", "AAAA"),
        ("extra", "x"),
    ],
)
def test_a_field_that_is_not_in_order(field: str, value: object) -> None:
    content = json.loads(FILE.encode()) | {field: value}
    with pytest.raises(FormatError):
        KeyGrantFile.parse(json.dumps(content).encode())
