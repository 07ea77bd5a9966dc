"""PKCS#11 URIs (RFC 7512), as far as they name one private key.

    pkcs11:token=lender-1;object=report?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/report.pin

Of the path ``token`` or ``serial`` name the token, ``object`` or ``id`` the key; of the query ``module-path`` names the
PKCS#11 library, and ``pin-source`` a file of mode 0600 with the PIN. A PIN itself (``pin-value``) is refused: the URI
stands in the settings and in messages.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from client_sdk.errors import ConfigError

__all__ = ["MODULE_VARIABLE", "TokenKeyName", "parse_pkcs11_uri"]

# Names the PKCS#11 library where the URI names none.
MODULE_VARIABLE = "CREDIT_REGISTRY_PKCS11_MODULE"
_IN_PATH = ("token", "serial", "object", "id", "type")
_IN_QUERY = ("module-path", "pin-source")


@dataclass(frozen=True, slots=True)
class TokenKeyName:
    """A private key of a token.

    Attributes:
        module: path of the PKCS#11 library.
        token: label of the token; None where its serial number names it.
        serial: of the token; None where its label names it.
        label: of the key (CKA_LABEL); None where its id names it.
        id: of the key (CKA_ID); None where its label names it.
        pin_file: file of mode 0600 with the PIN; None where the PIN is asked for.
    """

    module: Path
    token: str | None
    serial: bytes | None
    label: str | None
    id: bytes | None
    pin_file: Path | None


def parse_pkcs11_uri(uri: str) -> TokenKeyName:
    """Return the key that a PKCS#11 URI names.

    Raises:
        ConfigError: it is no such URI, names no single key, or holds a PIN.
    """
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    named = _attributes(path, ";", _IN_PATH)
    said = _attributes(query, "&", _IN_QUERY)
    if named.get("type", b"private") != b"private":
        raise ConfigError("key URI: type must be private")
    if not (named.get("token") or named.get("serial")) or not (named.get("object") or named.get("id")):
        raise ConfigError(
            "key URI: want token= or serial=, and object= or id=, as in pkcs11:token=lender-1;object=report"
        )
    return TokenKeyName(
        _module(said),
        _text(named, "token"),
        named.get("serial"),
        _text(named, "object"),
        named.get("id"),
        _pin_file(said),
    )


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, bytes]:
    attributes: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if name == "pin-value":
            raise ConfigError("key URI: pin-value is refused: name a file with the PIN by pin-source=file:/PATH")
        if not equals or name not in known:
            # What else stands there may be a PIN in the wrong place: the name alone is shown.
            raise ConfigError(f"key URI: unknown attribute {name[:20] if equals else ''}; want {', '.join(known)}")
        if name in attributes:
            raise ConfigError(f"key URI: {name} is given twice")
        attributes[name] = unquote_to_bytes(value)
    return attributes


def _text(attributes: dict[str, bytes], name: str) -> str | None:
    value = attributes.get(name)
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"key URI: {name} is not UTF-8") from None


def _module(said: dict[str, bytes]) -> Path:
    text = _text(said, "module-path") or os.environ.get(MODULE_VARIABLE, "")
    if not text:
        raise ConfigError(f"key URI: name the PKCS#11 library by ?module-path=/PATH or by {MODULE_VARIABLE}")
    if not Path(text).is_absolute():
        raise ConfigError("key URI: module-path must be absolute")
    return Path(text)


def _pin_file(said: dict[str, bytes]) -> Path | None:
    text = _text(said, "pin-source")
    if text is None:
        return None
    path = Path(text.removeprefix("file:"))
    if not path.is_absolute():
        raise ConfigError("key URI: pin-source must be file: and an absolute path")
    return path
