"""Leaves on the auditor's disk: one file that only grows, read again at each audit and held against the old root.

file = (length (4 bytes, big-endian) || leaf)*
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from client_sdk._files import cannot_be_written
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.encoding import u32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["LeafStore"]

_LENGTH_BYTES = 4
_BUFFER_BYTES = 1 << 20
_MODE = 0o600


class LeafStore:
    """A file of leaves.

    Args:
        path: of the file; made where it is missing, readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def replace_from(self, offset: int, leaves: Iterable[bytes]) -> int:
        """Write leaves from an offset on, over whatever an audit that broke off left there.

        Args:
            offset: bytes that are kept.
            leaves: what comes after them.

        Returns:
            Bytes of the file, when they have reached the disk.

        Raises:
            ConfigError: the file is shorter than the offset, or cannot be written, such as to a full disk.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE)
            # To leave the block writes what is left, which a full disk refuses as well.
            with os.fdopen(descriptor, "r+b", buffering=_BUFFER_BYTES) as file:
                if file.seek(0, os.SEEK_END) < offset:
                    raise ConfigError(f"{self._path} is shorter than the last audit left it")
                file.truncate(offset)
                file.seek(offset)
                for leaf in leaves:
                    file.write(u32(len(leaf)) + leaf)
                file.flush()
                os.fsync(file.fileno())
                return file.tell()
        except OSError as error:
            raise cannot_be_written(self._path, error) from error

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaves between two offsets.

        Raises:
            ConfigError: the file is damaged, or cannot be opened.
        """
        if start == end:
            return
        try:
            opened = self._path.open("rb", buffering=_BUFFER_BYTES)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror}") from error
        with opened as file:
            file.seek(start)
            while start < end:
                length = int.from_bytes(file.read(_LENGTH_BYTES))
                leaf = file.read(length)
                start += _LENGTH_BYTES + length
                if len(leaf) != length or start > end:
                    raise ConfigError(f"{self._path} is damaged")
                yield leaf
