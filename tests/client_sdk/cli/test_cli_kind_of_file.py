"""``verify`` of a file of another kind: what it holds is named, and which files are verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "nothing"),
        ("我同意\n".encode() * 2_000, "plain text"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04\0", "a workbook, a document or an archive (ZIP)"),
        (b"-----BEGIN CERTIFICATE-----\n", "a certificate or a key (PEM)"),
        (b'{"a": 1}', "JSON"),
        (b"<!doctype html>", "a web page, or XML"),
        (b"\x7fELF\0\xff\xfe\0\x80\x81\x82", "bytes of a form that is not known here"),
    ],
)
def test_a_file_of_another_kind_is_named_with_those_that_are_verified(
    registry: TestRegistry, tmp_path: Path, data: bytes, kind: str
) -> None:
    file, nobody = tmp_path / "file", Command(tmp_path / "nobody")
    file.write_bytes(data)
    words = ("verify", "--trust-root", str(registry.trust_root), str(file))
    assert nobody(*words, code=1).content["verified"] is False
    said = nobody.said(*words, code=1).out
    assert f"none of the files that are verified: it holds {kind}." in said
    assert "receipts of records and of inquiries" in said
