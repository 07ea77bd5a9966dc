"""The VOPRF keys of one key service: one seed of 32 bytes a file, with mode 0600.

    keys/1.key  keys/2.key  ...      number: the version of the subject keys that it was made for

Which key serves which version is decided by acts alone: a version is served by the key whose public key they name.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.keys import key_id
from client_sdk.kernel.formats.state import VOPRF
from client_sdk.kernel.subjects.oprf import SEED_BYTES, EvaluationKey
from registry_server.serving.files import check_private, read_whole, write_secret
from registry_server.subject_key_service import BACKUP, SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["EvaluationKeys", "create_key"]

_NAME = re.compile(r"([1-9][0-9]{0,8})\.key", re.ASCII)


def create_key(folder: Path) -> tuple[int, EvaluationKey]:
    """Make the next key of a folder; return its number and the key.

    Raises:
        FileError: the folder cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = max(_numbers(folder), default=0) + 1
    key = EvaluationKey.from_seed(secrets.token_bytes(SEED_BYTES))
    write_secret(folder / f"{number}.key", key.to_bytes())
    return number, key


def _numbers(folder: Path) -> list[int]:
    return sorted(int(match[1]) for item in folder.iterdir() if (match := _NAME.fullmatch(item.name)))


class EvaluationKeys:
    """All keys of a key service by what key-requests call them."""

    def __init__(self, keys: list[EvaluationKey]) -> None:
        self._by_id = {key_id(VOPRF, key.public_key): key for key in keys}

    @classmethod
    def load(cls, folder: Path) -> EvaluationKeys:
        """Read every key of a folder.

        Raises:
            SetupError: there is none, or one is damaged.
            FileError: one is not only its owner's to read.
        """
        numbers = _numbers(folder) if folder.is_dir() else []
        if not numbers:
            raise SetupError(f"{folder} holds no key", BACKUP)
        return cls([_read(folder / f"{number}.key") for number in numbers])

    def get(self, service: bytes) -> EvaluationKey | None:
        """Return the key that a key-request names; None where it is another service's."""
        return self._by_id.get(service)

    @property
    def public_keys(self) -> list[bytes]:
        """Public key of each key."""
        return [key.public_key for key in self._by_id.values()]

    def seeds(self) -> dict[bytes, bytes]:
        """Return the seed of each key by its id, for the processes that evaluate."""
        return {service: key.to_bytes() for service, key in self._by_id.items()}

    def serves(self, directory: Directory, version: int) -> bytes | None:
        """Return the id of the key with which a live version is served here; None where it is not."""
        for services in directory.state.key_services:
            if services.subject_key_version == version:
                return next((item.key_id for item in services.services if item.key_id in self._by_id), None)
        return None

    def served(self, directory: Directory) -> list[tuple[int, bytes]]:
        """Return version and public key of every live version that is served here."""
        return [
            (services.subject_key_version, service.public_key)
            for services in directory.state.key_services
            for service in services.services
            if service.key_id in self._by_id
        ]


def _read(path: Path) -> EvaluationKey:
    check_private(path)
    try:
        seed = read_whole(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}", BACKUP) from error
    if len(seed) != SEED_BYTES:
        raise SetupError(f"{path} holds {len(seed)} bytes, not the {SEED_BYTES} of a key", BACKUP)
    return EvaluationKey.from_seed(seed)
