"""The file of a screening that may break off, or is repeated: which keys of the map each customer has.

    file  = "creditregistry/screen-file/v1" || salt (32 bytes) || block ...
    block = length (4 bytes) || sealed entries (``kernel.formats.sealed_block``)

It holds no identity number and no pseudonym. A customer is a keyed hash of the identity; beside it stand the keys of
the map, which are hashes of pseudonyms, and what the last look found. All of that is sealed under a key that comes from
the salt and the member's ``record-id.secret``, so that the file alone, as in a backup, tells no more than about how
many customers there are. Mode 0600. The first block holds time and size of the last look. A block that a crash has cut
short is left out, and what it held is asked for again.
"""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

from filelock import FileLock, Timeout

from client_sdk._files import cannot_be_written, path_of, read_private, replace_file, write_private
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.encoding import HASH_BYTES, label, lp, u32, u64
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.sealed_block import BLOCK_NONCE_BYTES, BlockSealer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = ["KnownCustomer", "LastLook", "MapKeys", "ScreenFile"]

_LABEL = label("creditregistry/screen-file/v1")
_SALT_BYTES = 32
_LENGTH_BYTES = 4
_NAME_BYTES = 16
_VERSION_BYTES = 4
# Name, number of keys, what was found, digest.
_FIXED_BYTES = _NAME_BYTES + 2 + HASH_BYTES
_KEY_BYTES = _VERSION_BYTES + HASH_BYTES
_MODE = 0o600
_ENTRIES = 4_096
# Of a file: some ten million customers.
_MOST_BYTES = 1024 * 1024 * 1024

MapKeys = tuple[tuple[int, bytes], ...]


class LastLook(NamedTuple):
    """The HEAD of the last look: its time, milliseconds since 1970 UTC, and the size of its checkpoint; 0 for none."""

    as_of_ms: int
    size: int


class KnownCustomer(NamedTuple):
    """One customer.

    Attributes:
        keys: of the map, each with its version of the subject keys, ascending.
        found: what the last look found, as ``lending.screening`` numbers it; 0 for nothing yet.
        digest: of what the map held under the keys, 32 bytes.
    """

    keys: MapKeys
    found: int = 0
    digest: bytes = bytes(HASH_BYTES)

    def encode(self, name: bytes) -> bytes:
        """Return the bytes of an entry."""
        keys = b"".join(u32(version) + key for version, key in self.keys)
        return name + bytes((len(self.keys), self.found)) + self.digest + keys


class ScreenFile:
    """The file of one portfolio and one purpose; one process of a home at a time uses such a file.

    Args:
        path: of the file, which is made where there is none; None keeps everything in memory.
        secret: of the member, 32 bytes.
        context: registry, institution and purpose; a file of another context does not open.
        lock: path of the lock of the home.

    Attributes:
        last: the look that was kept.

    Raises:
        ConfigError: it cannot be read or written, is of another context, damaged, or in use.
    """

    def __init__(self, path: str | Path | None, secret: bytes, context: Iterable[str], lock: Path) -> None:
        self.last = LastLook(0, 0)
        self._path = None if path is None else path_of(path, "the file of a screening")
        self._seen: dict[bytes, bytes] = {}
        self._blocks = 0
        self._turn = threading.Lock()
        # Taken in one thread and given back in another, where a client for asyncio works beside its loop.
        self._lock = FileLock(lock, timeout=0, mode=_MODE, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise ConfigError(f"another process of this home is screening: {lock} is in use") from None
        except OSError as error:
            raise cannot_be_written(lock, error) from error
        try:
            self._open(secret, _LABEL + b"".join(map(lp, context)))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def name_of(self, identity: Identity) -> bytes:
        """Return what stands for a person in this file, 16 bytes."""
        return self._sealer.name(identity.voprf_input())[:_NAME_BYTES]

    def get(self, name: bytes) -> KnownCustomer | None:
        """Return what is kept of a customer; None where nothing is."""
        entry = self._seen.get(name)
        return None if entry is None else _seen_of(entry)

    def add(self, seen: Iterable[tuple[bytes, KnownCustomer]]) -> None:
        """Keep customers, durably; several threads may do so.

        Raises:
            ConfigError: they cannot be written.
        """
        entries = [(name, item.encode(name)) for name, item in seen]
        with self._turn:
            if self._path is not None:
                self._append(self._path, self._block(b"".join(entry for _, entry in entries)))
            self._seen.update(entries)

    def replace(self, last: LastLook, seen: Iterable[tuple[bytes, KnownCustomer]]) -> None:
        """Keep these customers and no others, as the last look found them, atomically.

        Raises:
            ConfigError: they cannot be written; what was kept before is still there.
        """
        kept = {name: item.encode(name) for name, item in seen}
        if self._path is not None:
            self._blocks = 0
            entries = list(kept.values())
            parts = [self._head, self._block(_look(last))]
            parts += [self._block(b"".join(entries[at : at + _ENTRIES])) for at in range(0, len(entries), _ENTRIES)]
            replace_file(self._path, b"".join(parts))
        self.last, self._seen = last, kept

    def discard(self) -> None:
        """Delete the file: the screening is complete.

        Raises:
            ConfigError: it cannot be deleted.
        """
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_be_written(self._path, error) from error

    def close(self) -> None:
        """Let others screen."""
        self._lock.release()

    def _open(self, secret: bytes, info: bytes) -> None:
        path = self._path
        data = b"" if path is None else _kept(path)
        if data and not data.startswith(_LABEL):
            raise ConfigError(f"{path} is no file of a screening, and is left as it is")
        salt = data[len(_LABEL) : len(_LABEL) + _SALT_BYTES] if data else secrets.token_bytes(_SALT_BYTES)
        self._head = _LABEL + salt
        self._sealer = BlockSealer(secret, salt, info)
        if data:
            self._read(data)
        elif path is not None:
            write_private(path, self._head + self._block(_look(self.last)))

    @staticmethod
    def _append(path: Path, block: bytes) -> None:
        try:
            with path.open("ab") as file:
                file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_be_written(path, error) from error

    def _block(self, content: bytes) -> bytes:
        sealed = self._sealer.seal(self._blocks, secrets.token_bytes(BLOCK_NONCE_BYTES), content)
        self._blocks += 1
        return u32(len(sealed)) + sealed

    def _read(self, data: bytes) -> None:
        """Take in the blocks; what a crash has left behind the last whole one is cut off."""
        at = len(self._head)
        while (content := self._opened(data, at)) is not None:
            if self._blocks:
                self._seen.update(_entries(content))
            else:
                self.last = LastLook(int.from_bytes(content[:8]), int.from_bytes(content[8:]))
            self._blocks += 1
            at += _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES])
        if not self._blocks:
            raise ConfigError(f"{self._path} does not open: it is damaged, or of another purpose, member or registry")
        if at < len(data) and self._path is not None:
            replace_file(self._path, data[:at])

    def _opened(self, data: bytes, at: int) -> bytes | None:
        """Return the content of the block at a place of the file; None where there is no whole one."""
        start = at + _LENGTH_BYTES
        sealed = data[start : start + int.from_bytes(data[at:start])]
        try:
            return self._sealer.open(self._blocks, sealed)
        except FormatError:
            return None


def _kept(path: Path) -> bytes:
    """Return what a file holds; nothing where there is none."""
    try:
        path.lstat()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise cannot_be_written(path, error) from error
    return read_private(path, _MOST_BYTES)


def _look(last: LastLook) -> bytes:
    return u64(last.as_of_ms) + u64(last.size)


def _entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each entry of a block."""
    at = 0
    while at < len(content):
        end = at + _FIXED_BYTES + content[at + _NAME_BYTES] * _KEY_BYTES
        yield content[at : at + _NAME_BYTES], content[at:end]
        at = end


def _seen_of(entry: bytes) -> KnownCustomer:
    keys = tuple(
        (int.from_bytes(entry[at : at + _VERSION_BYTES]), entry[at + _VERSION_BYTES : at + _KEY_BYTES])
        for at in range(_FIXED_BYTES, len(entry), _KEY_BYTES)
    )
    return KnownCustomer(keys, entry[_NAME_BYTES + 1], entry[_NAME_BYTES + 2 : _FIXED_BYTES])
