"""Certificates name one holder; key-service files give back what was written, and refuse everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import KeyService
from client_sdk.kernel.ledger.holder import Holder, HolderKind
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from tests.support.handmade_log import voprf_key

FILE = KeyServiceFile(KeyService("127.0.0.1:7101", voprf_key("a"), "key-service-a"), b"a request\n")
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True)


@given(st.sampled_from(HolderKind), names)
def test_a_holder_is_read_as_it_was_written(kind: HolderKind, name: str) -> None:
    assert Holder.parse(Holder(kind, name).uri) == (kind, name)


@given(st.text())
def test_any_text_is_a_holder_or_one_error(text: str) -> None:
    try:
        holder = Holder.parse(text)
    except FormatError:
        return
    assert holder.uri == text


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "creditregistry:",
        "creditregistry:institution:",
        "creditregistry:institution:-a",
        "creditregistry:institution:A",
        "creditregistry:institution:a\n",
        "creditregistry:administrator:a",
        f"creditregistry:institution:{'a' * 65}",
        "other:institution:a",
    ],
)
def test_what_names_no_holder(uri: str) -> None:
    with pytest.raises(FormatError, match="holder"):
        Holder.parse(uri)


def test_a_certificate_has_one_holder_among_its_names() -> None:
    uri = "creditregistry:institution:lender-1"
    assert Holder.of_names(["localhost", uri, "127.0.0.1"]).name == "lender-1"
    for names_of_certificate in ([], ["localhost"], [uri, uri], [uri, "creditregistry:key-service:a"]):
        with pytest.raises(FormatError, match="one holder"):
            Holder.of_names(names_of_certificate)


def test_a_file_is_read_as_it_was_written() -> None:
    assert KeyServiceFile.parse(FILE.encode()) == FILE
    assert FILE.holder.uri == "creditregistry:key-service:key-service-a"


@given(st.binary())
def test_any_bytes_are_a_file_or_one_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        KeyServiceFile.parse(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("form", "creditregistry enrolment v1"),
        ("name", ""),
        ("name", "Key Service"),
        ("name", 1),
        ("url", ""),
        ("public_key", "AAAA"),
        ("public_key", "!"),
        ("csr", None),
        ("extra", "x"),
    ],
)
def test_a_field_that_is_not_in_order(field: str, value: object) -> None:
    content = json.loads(FILE.encode()) | {field: value}
    with pytest.raises(FormatError):
        KeyServiceFile.parse(json.dumps(content).encode())


@pytest.mark.parametrize("field", ["form", "name", "url", "public_key", "csr"])
def test_a_field_that_is_missing(field: str) -> None:
    content = json.loads(FILE.encode())
    del content[field]
    with pytest.raises(FormatError):
        KeyServiceFile.parse(json.dumps(content).encode())
