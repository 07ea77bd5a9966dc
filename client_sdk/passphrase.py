"""Passphrases of private keys: read from a file, and put on PKCS#8 keys or taken off them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from client_sdk._files import read_private
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = [
    "PASSPHRASE_VARIABLE",
    "SecretPrompt",
    "check_passphrase",
    "encoded",
    "is_encrypted",
    "opened",
    "passphrase_of_file",
]

# Names a file, and holds no passphrase itself: other processes of the user can read the environment.
PASSPHRASE_VARIABLE = "CREDIT_REGISTRY_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_MIN_BYTES = 8
# The most that the library takes.
_MAX_BYTES = 1_023


class SecretPrompt(Protocol):
    """Asks a person or a vault for the passphrase or PIN of a key."""

    def __call__(self, uri: str) -> bytes:
        """Return the secret of the key that the URI names."""
        ...


def check_passphrase(passphrase: bytes) -> bytes:
    """Return a new passphrase that has 8 to 1,023 bytes and no line break.

    Raises:
        ConfigError: it has not.
    """
    if not _MIN_BYTES <= len(passphrase) <= _MAX_BYTES or b"\n" in passphrase:
        raise ConfigError(f"a passphrase must be one line of {_MIN_BYTES} to {_MAX_BYTES:,} bytes")
    return passphrase


def passphrase_of_file(path: str | Path) -> bytes:
    """Return the passphrase that a file holds in one line; its mode must be 0600.

    Raises:
        ConfigError: it cannot be read, or lets others in.
    """
    data = read_private(Path(path))
    return data.removesuffix(b"\n").removesuffix(b"\r")


def is_encrypted(pem: bytes) -> bool:
    """Return whether a PKCS#8 key in PEM has a passphrase."""
    return _ENCRYPTED in pem


def opened(pem: bytes, passphrase: bytes | None, name: str | Path) -> PrivateKeyTypes:
    """Return the private key of a PKCS#8 PEM.

    Args:
        pem: encrypted or not.
        passphrase: of an encrypted one.
        name: of the file, for errors.

    Raises:
        ConfigError: it is no such key, or has another passphrase.
    """
    encrypted = is_encrypted(pem)
    if encrypted and not passphrase:
        raise ConfigError(f"{name} has a passphrase, and it was not given")
    try:
        return load_pem_private_key(pem, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained: the library's message may quote what it read.
        if encrypted:
            raise ConfigError(f"{name}: wrong passphrase (or the file is damaged)") from None
        raise ConfigError(f"{name} is no PKCS#8 key in PEM") from None


def encoded(key: PrivateKeyTypes, passphrase: bytes | None) -> bytes:
    """Return a private key as PKCS#8 in PEM, encrypted under a passphrase where there is one."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
