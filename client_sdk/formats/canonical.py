"""Canonical protobuf: the one accepted encoding of a message that is hashed or signed (formats 1).

Fields ascending, shortest varints, defaults not written, no unknown field, no present but empty message, strings in
NFC without control characters. Accepted only if encoding the parsed message gives the same bytes; the exact bytes are
kept by the caller and never encoded again.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError, EncodeError, Message

from client_sdk.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.descriptor import Descriptor

__all__ = ["encode", "parse"]

M = TypeVar("M", bound=Message)

# C0 controls, DEL and C1 controls (Unicode category Cc).
_CONTROL = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))


def encode(message: Message) -> bytes:
    """Return the canonical bytes of a message.

    Raises:
        FormatError: a string is not in NFC or holds a control character, or a present message is empty.
    """
    try:
        data = message.SerializeToString(deterministic=True)
    except EncodeError as error:
        raise FormatError(message.DESCRIPTOR.name, "canonical.encode", want="a complete message") from error
    _check_content(message, message.DESCRIPTOR.name)
    return data


def parse(message_type: type[M], data: bytes, part: str) -> M:
    """Return the message that ``data`` canonically encodes.

    Args:
        message_type: generated class of the message.
        data: the bytes, kept unchanged by the caller.
        part: name of what is parsed, for the error.

    Raises:
        FormatError: anything but the canonical encoding of a message without unknown fields.
    """
    message = message_type()
    try:
        message.ParseFromString(data)
        # Unknown fields would be written again; without them the bytes differ.
        message.DiscardUnknownFields()
        again = message.SerializeToString(deterministic=True)
    except (DecodeError, EncodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(part, "canonical.protobuf", want=f"a {message_type.__name__}") from error
    if again != data:
        raise FormatError(
            part, "canonical.encoding", got=f"{len(data)} bytes", want=f"the canonical {len(again)} bytes"
        )
    _check_content(message, part)
    return message


def _check_content(message: Message, part: str) -> None:
    for check in _checks(message.DESCRIPTOR):
        check(message, part)


@cache
def _checks(descriptor: Descriptor) -> tuple[Callable[[Message, str], None], ...]:
    """Compile the checks that re-encoding does not make: one a string field, one a message field."""
    checks: list[Callable[[Message, str], None]] = []
    for field in descriptor.fields:
        if field.type == field.TYPE_STRING:
            checks.append(_string_check(field.name, repeated=field.is_repeated))
        elif field.type == field.TYPE_MESSAGE:
            checks.append(_message_check(field.name, repeated=field.is_repeated))
    return tuple(checks)


def _string_check(name: str, *, repeated: bool) -> Callable[[Message, str], None]:
    get = attrgetter(name)

    def check(message: Message, part: str) -> None:
        values: Iterable[str] = get(message) if repeated else (get(message),)
        for value in values:
            # Printable ASCII is normalised and free of controls: the common case in one step.
            if value.isascii() and value.isprintable():
                continue
            if not unicodedata.is_normalized("NFC", value) or not _CONTROL.isdisjoint(value):
                raise FormatError(part, "canonical.text", got=name, want="NFC without control characters")

    return check


def _message_check(name: str, *, repeated: bool) -> Callable[[Message, str], None]:
    get = attrgetter(name)

    def check(message: Message, part: str) -> None:
        if repeated:
            # An empty element of a repeated field is still an element; none of our forms has one.
            children: Iterable[Message] = get(message)
        elif message.HasField(name):
            children = (get(message),)
        else:
            return
        for child in children:
            if not child.ListFields():
                raise FormatError(part, "canonical.empty-message", got=name, want="absent or not empty")
            _check_content(child, part)

    return check
