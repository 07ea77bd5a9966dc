"""The pair of X25519 keys to which backups are encrypted: the registry has the public half alone.

DIR/secret.pem     0600, PKCS#8, under a passphrase unless that is declined; kept offline, needed for a restore
DIR/public.pem     for the registry; anybody may have it
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from client_sdk.passphrase import check_passphrase, encoded, opened, passphrase_of_file
from registry_server.operating.backup import BackupError
from registry_server.serving.files import check_private, read_whole, take_folder, write_secret

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["key_id_of", "make_keys", "read_public_key", "read_secret_key"]

SECRET_FILE, PUBLIC_FILE = "secret.pem", "public.pem"
# PEM of either key takes some 400 bytes.
_MAX_BYTES = 16 * 1024
_KEY_ID_CHARACTERS = 16


def make_keys(folder: Path, passphrase_file: Path | None) -> tuple[Path, Path]:
    """Make a pair of keys in a folder; return the files of the secret and of the public one.

    Args:
        folder: is made, mode 0700.
        passphrase_file: holds the passphrase of the secret key in one line; None for a key in clear.

    Raises:
        ConfigError: others can read the passphrase, or it is too short or too long.
        FileError: there is one of these files already, or they cannot be written.
    """
    passphrase = None if passphrase_file is None else check_passphrase(passphrase_of_file(passphrase_file))
    secret, public = folder / SECRET_FILE, folder / PUBLIC_FILE
    take_folder(folder)
    key = X25519PrivateKey.generate()
    write_secret(secret, encoded(key, passphrase))
    write_secret(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return secret, public


def read_public_key(path: Path) -> bytes:
    """Return the public key of a file, 32 bytes.

    Raises:
        BackupError: it holds no X25519 public key, or one of low order.
        OSError: it cannot be read.
    """
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PublicKey):
        raise BackupError(f"{path} is no public key of backups: registry-server backup keygen makes {PUBLIC_FILE}")
    try:
        X25519PrivateKey.generate().exchange(key)
    except ValueError:
        # With such a point every exchange gives zeros, which everybody knows (RFC 7748 6.1).
        what = "of low order: what is encrypted to it anybody can read"
        raise BackupError(f"{path} holds a point {what}; use the {PUBLIC_FILE} that keygen made") from None
    return key.public_bytes_raw()


def read_secret_key(path: Path, passphrase_file: Path | None) -> bytes:
    """Return the secret key of a file, 32 bytes.

    Args:
        path: of the key.
        passphrase_file: holds its passphrase in one line; None where it has none.

    Raises:
        BackupError: it holds no X25519 secret key.
        ConfigError: its passphrase is another one or was not given.
        FileError: others can read it.
        OSError: it cannot be read.
    """
    check_private(path)
    passphrase = None if passphrase_file is None else passphrase_of_file(passphrase_file)
    key = opened(_read(path), passphrase, path)
    if not isinstance(key, X25519PrivateKey):
        raise BackupError(f"{path} is no secret key of backups: registry-server backup keygen makes {SECRET_FILE}")
    return key.private_bytes_raw()


def key_id_of(public_key: bytes) -> str:
    """Return by what backups and people name a public key: the beginning of its SHA-256, in hexadecimal."""
    return sha256(public_key).hexdigest()[:_KEY_ID_CHARACTERS]


def _read(path: Path) -> bytes:
    return read_whole(path, _MAX_BYTES)
