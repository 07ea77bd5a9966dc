"""The text of a portfolio: from a file or a stream, packed or not, in the encoding that its bytes show.

A byte order mark names UTF-8 or UTF-16. Without one, text is UTF-8 if all of it is; else it is GB18030 (with GBK and
GB2312 inside it, as Chinese spreadsheets save) if all of it is, and most bytes beyond ASCII are no UTF-8: damaged UTF-8
is mostly UTF-8 still, and read as GB18030 it would show other names.
"""

from __future__ import annotations

import codecs
import gzip
import io
import math
import re
import zlib
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from client_sdk.errors import ConfigError
from client_sdk.lending.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MAX_LINE_CHARACTERS", "MAX_STREAM_BYTES", "Encoding", "TextSource", "is_packed", "opener"]

# A stream can be read only once, so it is kept in memory.
MAX_STREAM_BYTES = 256 * 1024 * 1024
# A row has some thousand characters; a line without an end is no portfolio, and is not read into memory.
MAX_LINE_CHARACTERS = 1024 * 1024
# Of a stream that is compressed: a few kilobytes may unpack to gigabytes.
_MAX_UNPACKED = 1024 * 1024 * 1024
# Lines at the start of a text that may be empty.
_MOST_EMPTY = 1_000
_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b"
# First bytes of files that are no text.
_NO_TEXT = {
    b"PK\x03\x04": "a zip file inside of a gzip file",
    b"PAR1": "a Parquet file inside of a gzip file",
    _GZIP: "a gzip file whose name does not end in .gz",
    b"\xff\xfe\x00\x00": "UTF-32",
}
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_FIRST_BYTES = 4
# What stands for a byte that is no UTF-8; UTF-8 itself never decodes to it.
_UNDECODED = re.compile("[\udc80-\udcff]")
_ASCII = bytes(range(0x80))
# Two characters of GB18030; a character of UTF-8 that was cut leaves fewer bytes.
_LEAST_UNDECODED = 4


class Encoding(StrEnum):
    """How the text of a portfolio is written."""

    UTF_8 = "UTF-8"
    GB18030 = "GB18030"
    UTF_16 = "UTF-16"


_CODECS = {Encoding.UTF_8: "utf-8-sig", Encoding.GB18030: "gb18030", Encoding.UTF_16: "utf-16"}


class _Unpacked(gzip.GzipFile):
    """What a gzip file holds.

    Args:
        file: to unpack.
        most: bytes of it; None for a file that is not in memory.
    """

    def __init__(self, file: BinaryIO, most: int | None) -> None:
        super().__init__(fileobj=file)
        self._left = math.inf if most is None else most

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            got = f"more than {_MAX_UNPACKED // 1024**3} GiB once unpacked"
            raise refused(1, "file", "file.gzip", "a smaller file: split it", got=got)
        return data


class TextSource:
    """A text that can be read again and again.

    Args:
        open_: opens its bytes, each time from their start.
        packed: whether its name says that it is compressed; None for a stream, of which its first bytes do.
        encoding: of the text; None finds it out.

    Attributes:
        encoding: that it is read in.

    Raises:
        PreflightError: its first bytes say that it is no text.
    """

    def __init__(self, open_: Callable[[], BinaryIO], *, packed: bool | None, encoding: Encoding | None = None) -> None:
        self._open = open_
        with self._open() as file:
            first = file.read(_FIRST_BYTES)
        self._packed = first.startswith(_GZIP) if packed is None else packed
        self._most_unpacked = _MAX_UNPACKED if packed is None else None
        with self._bytes() as file:
            _check_is_text(_start(file))
        self.encoding = encoding or self._found()

    def first_character(self) -> str:
        """Return the first character that is not white space; empty where there is none near the start."""
        for line in islice(self.lines(), _MOST_EMPTY):
            if text := line.strip():
                return text[0]
        return ""

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends, as long as they are in order.

        Raises:
            PreflightError: a line is too long or not in the encoding, or the compression breaks off or is damaged.
        """
        # Bytes that are no UTF-8 are refused line by line, so that the line is known.
        errors = "surrogateescape" if self.encoding is Encoding.UTF_8 else "strict"
        number = 0
        try:
            with self._bytes() as file, io.TextIOWrapper(file, _CODECS[self.encoding], errors, newline="") as text:
                for number, line in enumerate(iter(lambda: text.readline(MAX_LINE_CHARACTERS + 1), ""), start=1):
                    if len(line) > MAX_LINE_CHARACTERS:
                        got, want = f"more than {MAX_LINE_CHARACTERS:,} characters", "a row to a line"
                        raise refused(number, "file", "file.line", want, got=got)
                    if not line.isascii() and _UNDECODED.search(line):
                        raise refused(
                            number, "file", "file.encoding", _other_encoding(self.encoding), got=_looks_like(line)
                        )
                    yield line
        except UnicodeError:
            want = _other_encoding(self.encoding)
            raise refused(
                number + 1, "file", "file.encoding", want, got="other bytes in this line or behind it"
            ) from None
        except (EOFError, zlib.error, gzip.BadGzipFile):
            # Of what was read ahead nothing is left: the damage is in this line or soon behind it.
            want = "a gzip file, whole and undamaged"
            raise refused(number + 1, "file", "file.gzip", want, got="damage in this line or behind it") from None

    @contextmanager
    def _bytes(self) -> Iterator[BinaryIO]:
        with self._open() as file:
            if not self._packed:
                yield file
                return
            with _Unpacked(file, self._most_unpacked) as unpacked:
                # It reads as any binary file does, which its type does not say.
                yield cast("BinaryIO", unpacked)

    def _found(self) -> Encoding:
        with self._bytes() as file:
            if _start(file).startswith(_UTF_16_MARKS):
                return Encoding.UTF_16
        if self._is(Encoding.UTF_8) or not self._is(Encoding.GB18030):
            return Encoding.UTF_8
        undecoded, beyond_ascii = self._no_utf_8()
        is_gb18030 = undecoded >= _LEAST_UNDECODED and undecoded * 2 > beyond_ascii
        return Encoding.GB18030 if is_gb18030 else Encoding.UTF_8

    def _is(self, encoding: Encoding) -> bool:
        """Say whether all of the text is in an encoding."""
        decoder = codecs.getincrementaldecoder(_CODECS[encoding])()
        try:
            for chunk in self._chunks():
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
        return True

    def _no_utf_8(self) -> tuple[int, int]:
        """Return how many bytes are no part of UTF-8, and how many are beyond ASCII."""
        undecoded = beyond_ascii = 0
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for chunk in self._chunks():
            beyond_ascii += len(chunk.translate(None, _ASCII))
            undecoded += len(_UNDECODED.findall(decoder.decode(chunk)))
        return undecoded, beyond_ascii

    def _chunks(self) -> Iterator[bytes]:
        try:
            with self._bytes() as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile):
            # Reported with its line when the text is read.
            return


def is_packed(path: Path) -> bool:
    """Say whether a file is compressed by its name."""
    return path.suffix.lower() == ".gz"


def opener(source: Path | BinaryIO) -> Callable[[], BinaryIO]:
    """Return what opens the bytes of a file or a stream, each time from their start; a stream is read to its end.

    Raises:
        ConfigError: it is no stream of bytes, or longer than ``MAX_STREAM_BYTES``.
        OSError: it cannot be opened or read.
    """
    if isinstance(source, Path):
        if source.is_file():
            return lambda: source.open("rb")
        # A pipe, which can be opened and read only once.
        with source.open("rb") as stream:
            return _kept(stream)
    return _kept(source)


def _kept(stream: BinaryIO | IO[bytes]) -> Callable[[], BinaryIO]:
    data: object = stream.read(MAX_STREAM_BYTES + 1)
    if not isinstance(data, bytes):
        raise ConfigError(f"source: want a stream of bytes, got one of {type(data).__name__}")
    if len(data) > MAX_STREAM_BYTES:
        raise ConfigError(f"a stream of more than {MAX_STREAM_BYTES:,} bytes: split it, or report from a file")
    return lambda: io.BytesIO(data)


def _start(file: BinaryIO) -> bytes:
    try:
        return file.read(_FIRST_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""


def _check_is_text(first: bytes) -> None:
    found = next((kind for start, kind in _NO_TEXT.items() if first.startswith(start)), None)
    if found is not None:
        raise refused(1, "file", "file.form", "text; save it as CSV in UTF-8", got=found)


def _other_encoding(encoding: Encoding) -> str:
    others = " or ".join(other for other in Encoding if other is not encoding)
    return f"{encoding}; if it is {others}, say so as its encoding"


def _looks_like(line: str) -> str:
    """Return in what a line with bytes that are no UTF-8 seems to be written."""
    try:
        line.encode("utf-8", "surrogateescape").decode("gb18030")
    except ValueError:
        return "other bytes"
    return "bytes that may be GBK or GB18030"
