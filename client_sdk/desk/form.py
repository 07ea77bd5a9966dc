"""Reading what a form sends: bounded in size and time, in memory alone, without a copy on the disk."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

__all__ = ["BODY_SECONDS", "DOCUMENTS_BYTES", "NO_FORM", "SIGNED_BYTES", "Form", "FormError", "read_form"]

BODY_SECONDS = 20.0
# Of a form with documents, which are read for their SHA-256 alone.
DOCUMENTS_BYTES = 24 * 1024 * 1024
# With one signed document, as above.
SIGNED_BYTES = 12 * 1024 * 1024
# Of a form with a file of many persons; few of them are in memory at one time.
LARGE_BYTES = 32 * 1024 * 1024
LARGE_SECONDS = 120.0
_LARGE_AT_ONCE = asyncio.Semaphore(2)
# Of a form without files, whose fields are not counted while it is read.
_PLAIN_BYTES = 128 * 1024
_MOST_FIELDS = 120
_MOST_FILES = 16
_MOST_FIELD_BYTES = 16 * 1024


class FormError(Exception):
    """A body is no form, too long, or too slow.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """What was sent: texts by the names of their fields, of a name that stands twice the last; all files of a name.

    Attributes:
        texts: by the names of their fields.
        files: by the names of their fields; of a field that takes several, each further one beside the first.
        empty: fields for which a file was chosen that holds nothing.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """Return a field without the spaces around it; an empty text where it was not sent."""
        return self.texts.get(name, "").strip()

    def file(self, name: str) -> bytes:
        """Return the bytes of a file; none where none was chosen."""
        return self.files.get(name, b"")

    def documents(self, name: str) -> list[bytes]:
        """Return all files of a field that takes several; none where none was chosen."""
        return [data for key, data in self.files.items() if data and key.partition("*")[0] == name]


NO_FORM = Form()


async def read_form(request: Request, most_bytes: int) -> Form:
    """Return the form that a request sends.

    Args:
        request: whose body was not read.
        most_bytes: of the body.

    Raises:
        FormError: 408 too slow, 413 too long, 400 no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_plain = kind == "application/x-www-form-urlencoded"
    most_bytes = min(most_bytes, _PLAIN_BYTES) if is_plain else most_bytes
    if _declared(request) > most_bytes:
        raise FormError(413)
    body = _bounded(request, most_bytes)
    parser: FormParser | MultiPartParser
    if is_plain:
        parser = FormParser(request.headers, body)
    elif kind == "multipart/form-data":
        parser = MultiPartParser(
            request.headers, body, max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_MOST_FIELD_BYTES
        )
        # A consent names a person: it stays in memory.
        parser.spool_max_size = most_bytes + 1
    else:
        raise FormError(400)
    large = most_bytes > LARGE_BYTES
    turn = _LARGE_AT_ONCE if large else contextlib.nullcontext()
    try:
        async with asyncio.timeout(LARGE_SECONDS if large else BODY_SECONDS), turn:
            return await _read(await parser.parse())
    except TimeoutError:
        raise FormError(408) from None
    except ClientDisconnect:
        # Nobody is there to be told.
        raise FormError(400) from None
    except (MultiPartException, UnicodeDecodeError, KeyError, ValueError):
        # The library's text may repeat what was sent.
        raise FormError(400) from None


async def _read(data: FormData) -> Form:
    texts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    empty: set[str] = set()
    try:
        for name, value in data.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
                # Further files of a field are kept beside the first.
                files[name if name not in files else f"{name}*{len(files)}"] = content
                # A browser sends a field where nothing was chosen as a file without a name.
                empty |= {name} if value.filename and not content else set()
            else:
                texts[name] = value
    finally:
        await data.close()
    return Form(texts, files, frozenset(empty))


async def _bounded(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > most_bytes:
            raise FormError(413)
        yield chunk


def _declared(request: Request) -> int:
    """Return the length that a request declares; 0 where it declares none."""
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdigit() and len(length) < 20 else 0  # noqa: PLR2004 - digits of the longest 64-bit number
