"""PKCS#11 URIs name one private key, and never hold a PIN."""

from __future__ import annotations

from pathlib import Path

import pytest

from client_sdk.errors import ConfigError
from client_sdk.signers.pkcs11_uri import MODULE_VARIABLE, TokenKeyName, parse_pkcs11_uri


def test_a_uri_names_token_key_library_and_the_file_with_the_pin() -> None:
    name = parse_pkcs11_uri(
        "pkcs11:token=%E4%B8%80%E5%8F%B7%20bank;object=report;type=private?module-path=/usr/lib/m.so&pin-source=file:/etc/pin"
    )
    assert name == TokenKeyName(Path("/usr/lib/m.so"), "一号 bank", None, "report", None, Path("/etc/pin"))
    by_id = parse_pkcs11_uri("pkcs11:serial=7d4d02ec;id=%01%FF?module-path=/m.so")
    assert by_id == TokenKeyName(Path("/m.so"), None, b"7d4d02ec", None, b"\x01\xff", None)


def test_the_environment_names_the_library_where_the_uri_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODULE_VARIABLE, "/usr/lib/other.so")
    assert parse_pkcs11_uri("pkcs11:token=a;object=b").module == Path("/usr/lib/other.so")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("pkcs11:", "want token= or serial="),
        ("pkcs11:token=a?module-path=/m.so", "object= or id="),
        ("pkcs11:token=;object=b?module-path=/m.so", "want token= or serial="),
        ("pkcs11:token=a;object=b;type=public?module-path=/m.so", "type must be private"),
        ("pkcs11:token=a;token=b;object=b?module-path=/m.so", "token is given twice"),
        ("pkcs11:token=a;object=b;slot=1?module-path=/m.so", "unknown attribute slot"),
        ("pkcs11:token=a;object=b;739152?module-path=/m.so", "unknown attribute ;"),
        ("pkcs11:token=%ff;object=b?module-path=/m.so", "token is not UTF-8"),
        ("pkcs11:token=a;object=b?module-path=m.so", "module-path must be absolute"),
        ("pkcs11:token=a;object=b", "name the PKCS#11 library"),
        ("pkcs11:token=a;object=b?module-path=/m.so&pin-source=pin", "pin-source must be"),
        ("pkcs11:token=a;object=b?module-path=/m.so&pin-value=739152", "pin-value is refused"),
    ],
)
def test_a_uri_that_names_no_single_key_is_refused_without_a_pin_in_the_words(
    uri: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODULE_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=message) as refused:
        parse_pkcs11_uri(uri)
    assert "739152" not in str(refused.value)
