"""The file of a backup (ADR 0062).

    creditregistry/backup/v1 LF
    header as JSON LF                          in clear: which log, how far, when, for which key
    sealed box of the stream's key             libsodium crypto_box_seal, 80 bytes
    header of the stream                       libsodium secretstream (XChaCha20-Poly1305), 24 bytes
    length (4 bytes, big-endian) || chunk      each with SHA-256 of the first two lines as additional data
    ...
    length || last chunk, tagged FINAL         rows of each table, so that nothing can be missing

Plaintext of a chunk is deflated JSON, [table, rows]; values of binary columns are in base64. Each half of the format is
one function of libsodium: no byte of the file is used before it was authenticated.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Self, TypeAlias

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from sqlalchemy import Boolean, LargeBinary, Text

from client_sdk.kernel.formats.encoding import u32
from client_sdk.kernel.formats.moment import LAST_MS
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.keys import key_id_of
from registry_server.serving.files import open_regular
from registry_server.storage import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Column, Table

    from registry_server.storage.driver import Value

    Row: TypeAlias = tuple[Value, ...]

__all__ = ["BackupHeader", "BackupReader", "BackupWriter", "is_backup", "read_header"]

_FORM = b"creditregistry/backup/v1\n"
_MAX_HEADER_BYTES = 4_096
_MAX_CHUNK_BYTES = 256 * 1024 * 1024
_LENGTH_BYTES = 4
_SEALED_BYTES = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES + bindings.crypto_box_SEALBYTES
_STREAM_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_MORE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_INTEGERS = 2**63
# The name under which the last chunk counts the rows.
_END = "end"


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """What a backup says of itself without any key.

    Attributes:
        registry: its name.
        fingerprint: of its trust root, in hexadecimal.
        origin: of the log.
        size: leaves of the log.
        root: of these leaves, in hexadecimal.
        newest_at_ms: time of the newest leaf, ms since 1970 UTC.
        made_at_ms: when the backup was begun, ms since 1970 UTC.
        tables: version of the tables.
        key: id of the public key to which it is encrypted.
    """

    registry: str
    fingerprint: str
    origin: str
    size: int
    root: str
    newest_at_ms: int
    made_at_ms: int
    tables: str
    key: str

    def encode(self) -> bytes:
        """Return the two lines with which the file begins."""
        return _FORM + json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Return the header of a second line.

        Raises:
            BackupError: it is none, or not written as backups write it.
        """
        try:
            header = cls(**json.loads(line))
            # What lies beyond that moment has no date, and no log is longer either.
            right = header.encode() == _FORM + line and all(
                type(value) is int and 0 <= value <= LAST_MS
                if name in {"size", "newest_at_ms", "made_at_ms"}
                else isinstance(value, str) and value.isprintable()
                for name, value in asdict(header).items()
            )
        except (ValueError, TypeError, RecursionError):
            right, header = False, None
        if header is None or not right:
            raise BackupError("its header is damaged: use another backup")
        return header


def is_backup(path: Path) -> bool:
    """Whether a file begins as a backup does, one that was interrupted included."""
    with open_regular(path) as file:
        return _FORM.startswith(file.read(len(_FORM)))


def read_header(file: IO[bytes], name: object) -> BackupHeader:
    """Read the header of a backup that is open at its beginning.

    Raises:
        BackupError: the file is no backup.
    """
    if file.read(len(_FORM)) != _FORM:
        raise BackupError(f"{name} is no backup of this form ({_FORM.decode().strip()})")
    try:
        return BackupHeader.parse(file.readline(_MAX_HEADER_BYTES))
    except BackupError as error:
        raise BackupError(f"{name}: {error}") from None


class BackupWriter:
    """Writes a backup, page by page.

    Args:
        file: open for writing, empty.
        header: its content.
        public_key: to which it is encrypted, 32 bytes.
    """

    def __init__(self, file: IO[bytes], header: BackupHeader, public_key: bytes) -> None:
        self._file = file
        self._bound = sha256(header.encode()).digest()
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        key = bindings.crypto_secretstream_xchacha20poly1305_keygen()
        begin = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        file.write(header.encode() + SealedBox(PublicKey(public_key)).encrypt(key) + begin)
        self.rows: dict[str, int] = {}

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows of a table."""
        self.rows[table.name] = self.rows.get(table.name, 0) + len(rows)
        columns = list(table.columns)
        shown = [[_shown(value) for value in row] for row in rows]
        if any(len(row) != len(columns) for row in shown):
            raise ValueError(table.name)
        self._push([table.name, shown], _MORE)

    def end(self) -> None:
        """Write the last chunk; without it the file is no backup."""
        self._push([_END, self.rows], _FINAL)

    def _push(self, content: object, tag: int) -> None:
        plain = zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), 1)
        chunk: bytes = bindings.crypto_secretstream_xchacha20poly1305_push(self._state, plain, self._bound, tag)
        self._file.write(u32(len(chunk)) + chunk)


class BackupReader:
    """Reads a backup, page by page; each is authenticated before it is given out.

    Args:
        file: open at its beginning.
        name: of the file, for errors.
        secret_key: 32 bytes.

    Raises:
        BackupError: it is no backup, is encrypted to another key, or was damaged.
    """

    def __init__(self, file: IO[bytes], name: object, secret_key: bytes) -> None:
        self._file = file
        self._name = name
        self.header = read_header(file, name)
        own = PrivateKey(secret_key)
        if self.header.key != key_id_of(bytes(own.public_key)):
            raise BackupError(f"{name} is encrypted to the key {self.header.key}: give its secret key")
        self._bound = sha256(self.header.encode()).digest()
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        # Of each table that has any, as far as was read.
        self.rows: dict[str, int] = {}
        try:
            key = SealedBox(own).decrypt(self._take(_SEALED_BYTES))
            bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, self._take(_STREAM_BYTES), key)
        except (CryptoError, ValueError):
            raise self._damaged() from None

    def pages(self) -> Iterator[tuple[Table, list[Row]]]:
        """Yield rows, each page with its table, in the order in which they were written.

        Raises:
            BackupError: the file was damaged, cut short or added to; what came before is no backup either.
        """
        while True:
            content, tag = self._pull()
            match content:
                case [str(name), list(page)] if tag == _MORE and name in schema.metadata.tables:
                    table = schema.metadata.tables[name]
                    self.rows[name] = self.rows.get(name, 0) + len(page)
                    yield table, self._rows(table, page)
                case [str(name), dict(counted)] if (
                    tag == _FINAL and name == _END and counted == self.rows and not self._file.read(1)
                ):
                    return
                case _:
                    raise self._damaged()

    def _pull(self) -> tuple[object, int]:
        length = int.from_bytes(self._take(_LENGTH_BYTES))
        if length > _MAX_CHUNK_BYTES:
            raise self._damaged()
        try:
            plain, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(
                self._state, self._take(length), self._bound
            )
            inflating = zlib.decompressobj()
            content: object = json.loads(inflating.decompress(plain, _MAX_CHUNK_BYTES))
            if not inflating.eof or inflating.unused_data:
                raise self._damaged()
        except (CryptoError, ValueError, RecursionError, zlib.error):
            raise self._damaged() from None
        return content, int(tag)

    def _take(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise BackupError(f"{self._name} ends too early: it was cut short; use another backup")
        return data

    def _rows(self, table: Table, page: list[object]) -> list[Row]:
        columns = list(table.columns)
        rows = []
        for row in page:
            if not isinstance(row, list) or len(row) != len(columns):
                raise self._damaged()
            try:
                rows.append(tuple(_value(column, value) for column, value in zip(columns, row, strict=True)))
            except ValueError:
                raise self._damaged() from None
        return rows

    def _damaged(self) -> BackupError:
        return BackupError(f"{self._name} was damaged or changed: use another backup")


def _shown(value: Value) -> str | int | bool | None:
    return b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


def _value(column: Column[int] | Column[str] | Column[bytes], value: object) -> Value:
    """Return the value of a column.

    Raises:
        ValueError: it is of another type.
    """
    if value is None and column.nullable:
        return None
    if isinstance(column.type, LargeBinary) and isinstance(value, str):
        return b64decode(value, validate=True)
    kind = bool if isinstance(column.type, Boolean) else str if isinstance(column.type, Text) else int
    # What neither database takes: integers of more than 64 bits, and in a text NUL and halves of surrogate pairs.
    fits = -_INTEGERS <= value < _INTEGERS if type(value) is int else "\0" not in str(value).encode().decode()
    if not isinstance(column.type, LargeBinary) and type(value) is kind and fits:
        return value
    raise ValueError(column.name)
