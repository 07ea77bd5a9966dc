"""Backup and restore of a key service's keys and settings, in one file under a passphrase.

    creditregistry/key-service-backup/v1 LF
    {"name": .., "key_ids": [..], "salt": ..} LF       in clear: whose it is; no key
    nonce (24 bytes) || XChaCha20-Poly1305             the two lines before are its additional data

The key is Argon2id's of the passphrase, with libsodium's parameters MODERATE: each guess takes 256 MiB and most of a
second. What is restored serves at once; the directory is followed anew.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, NamedTuple

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.utils import random

from registry_server.serving.files import FileError, check_private, open_regular, take_folder, write_secret
from registry_server.subject_key_service import SetupError
from registry_server.subject_key_service.keys import EvaluationKeys
from registry_server.subject_key_service.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.subject_key_service.settings import KeyServiceFolder

__all__ = ["KeyBackup", "back_up_keys", "restore_keys", "show_key_backup"]

_FORM = b"creditregistry/key-service-backup/v1\n"
_KEY_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_KEYBYTES
_NONCE_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_MAX_BYTES = 16 * 1024 * 1024
_LEAST_PASSPHRASE, _MOST_PASSPHRASE = 12, 1_023
# What a service needs to serve; service.toml last: without it nothing is served.
_NAMES = re.compile(
    r"keys/[1-9][0-9]{0,8}\.key|tls/(?:key|certificate|ca)\.pem|trust-root\.bin|service\.toml"
    r"|[A-Za-z0-9-]{1,80}\.key-service\.json",
    re.ASCII,
)
_SETTINGS = "service.toml"


class KeyBackup(NamedTuple):
    """What a backup of a key service says of itself without its passphrase.

    Attributes:
        name: of the service.
        key_ids: of its keys, in hexadecimal, ascending.
        salt: of Argon2id.
    """

    name: str
    key_ids: tuple[str, ...]
    salt: bytes

    def encode(self) -> bytes:
        """Return the two lines with which the file begins."""
        shown = {"name": self.name, "key_ids": list(self.key_ids), "salt": self.salt.hex()}
        return _FORM + json.dumps(shown).encode() + b"\n"


def back_up_keys(folder: KeyServiceFolder, path: Path, passphrase_file: Path) -> KeyBackup:
    """Write keys, TLS files, trust root and settings of a key service into a new file, mode 0600; it may be serving.

    Raises:
        SetupError: there is no key service, or the passphrase is too short or too long.
        FileError: others can read the passphrase or a key, or the file exists or cannot be written.
    """
    settings, keys = read_settings(folder), EvaluationKeys.load(folder.keys)
    passphrase = _passphrase(passphrase_file)
    found = [*folder.home.iterdir(), *folder.keys.iterdir(), *folder.tls.iterdir()]
    files = {str(item.relative_to(folder.home)): item for item in found if item.is_file()}
    content = {name: b64encode(files[name].read_bytes()).decode() for name in sorted(files) if _NAMES.fullmatch(name)}
    backup = KeyBackup(settings.name, tuple(sorted(key.hex() for key in keys.seeds())), random(argon2id.SALTBYTES))
    nonce = random(_NONCE_BYTES)
    sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        json.dumps(content).encode(), backup.encode(), nonce, _key(passphrase, backup.salt)
    )
    write_secret(path, backup.encode() + nonce + sealed)
    return backup


def show_key_backup(path: Path) -> KeyBackup:
    """Return what a backup says of itself; nothing of it is verified.

    Raises:
        SetupError: it is none, or cannot be read.
    """
    return _parse(path)[0]


def restore_keys(folder: KeyServiceFolder, path: Path, passphrase_file: Path) -> KeyBackup:
    """Write what a backup holds into the folder of a key service; one that was killed is finished by running it again.

    Raises:
        SetupError: the passphrase is another one, the backup was damaged, or a file is there with other content.
        FileError: others can read the passphrase, or a file cannot be written.
    """
    backup, data = _parse(path)
    key = _key(_passphrase(passphrase_file), backup.salt)
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            data[_NONCE_BYTES:], backup.encode(), data[:_NONCE_BYTES], key
        )
        content = {str(name): b64decode(item, validate=True) for name, item in json.loads(plain).items()}
    except (CryptoError, ValueError, AttributeError, TypeError):
        raise SetupError(
            f"{path}: wrong passphrase, or the file was damaged", "compare --passphrase-file, else use another backup."
        ) from None
    strange = [name for name in content if not _NAMES.fullmatch(name)]
    other = [name for name, item in content.items() if not _is_free(folder.home / name, item)]
    if strange or other:
        raise SetupError(
            f"{folder.home / min(strange or other)} is another file already: nothing was written",
            "name a new folder by --home.",
        )
    for name in sorted(content, key=lambda name: (name == _SETTINGS, name)):
        take_folder((folder.home / name).parent)
        if not (folder.home / name).exists():
            write_secret(folder.home / name, content[name])
    if tuple(sorted(key.hex() for key in EvaluationKeys.load(folder.keys).seeds())) != backup.key_ids:
        raise SetupError(f"{folder.keys} holds other keys beside those of the backup", "name a new folder by --home.")
    return backup


def _is_free(path: Path, content: bytes) -> bool:
    return not path.exists() or path.read_bytes() == content


def _parse(path: Path) -> tuple[KeyBackup, bytes]:
    try:
        with open_regular(path) as file:
            form, line, data = file.readline(len(_FORM)), file.readline(_MAX_BYTES), file.read(_MAX_BYTES)
    except FileError as error:
        raise SetupError(str(error)) from error
    try:
        shown = json.loads(line)
        backup = KeyBackup(str(shown["name"]), tuple(map(str, shown["key_ids"])), bytes.fromhex(shown["salt"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        backup = KeyBackup("", (), b"")
    shown_whole = backup.name.isprintable() and all(map(str.isalnum, backup.key_ids))
    if form != _FORM or backup.encode() != form + line or len(backup.salt) != argon2id.SALTBYTES or not shown_whole:
        raise SetupError(f"{path} is no backup of a key service", "give the file that `key backup` wrote.")
    return backup, data


def _key(passphrase: bytes, salt: bytes) -> bytes:
    key: bytes = argon2id.kdf(
        _KEY_BYTES, passphrase, salt, opslimit=argon2id.OPSLIMIT_MODERATE, memlimit=argon2id.MEMLIMIT_MODERATE
    )
    return key


def _passphrase(path: Path) -> bytes:
    """Return the passphrase that a file holds in one line."""
    check_private(path)
    with open_regular(path) as file:
        passphrase = file.read(_MOST_PASSPHRASE + 3).removesuffix(b"\n").removesuffix(b"\r")
    if not _LEAST_PASSPHRASE <= len(passphrase) <= _MOST_PASSPHRASE or b"\n" in passphrase:
        raise SetupError(
            f"{path}: want one line of {_LEAST_PASSPHRASE} to {_MOST_PASSPHRASE:,} bytes",
            "write such a passphrase into the file.",
        )
    return passphrase
