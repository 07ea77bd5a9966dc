"""Canonical protobuf: the one accepted encoding of a message that is hashed or signed (proto/README.md 1).

Fields ascending, shortest varints, defaults not written, no unknown field, no present but empty message, strings in
NFC without control characters, of characters that Unicode 14.0 assigns. Accepted only if encoding the parsed message
gives the same bytes; the exact bytes are kept by the caller and never encoded again.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor

__all__ = ["encode", "parse"]

M = TypeVar("M", bound=Message)

# C0 controls, DEL and C1 controls (Unicode category Cc).
_CONTROL = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))


def encode(message: Message) -> bytes:
    """Return the canonical bytes of a message.

    Raises:
        FormatError: a string is not in NFC or holds a control or an unassigned character, or a present message is
            empty.
    """
    try:
        data = message.SerializeToString(deterministic=True)
    except EncodeError:
        raise FormatError(message.DESCRIPTOR.name, "canonical.encode", want="a complete message") from None
    _check_content(message, _shape(message.DESCRIPTOR), message.DESCRIPTOR.name)
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
    except (DecodeError, EncodeError, UnicodeDecodeError, RecursionError, TypeError):
        # Not chained: the library's error may hold what it read.
        raise FormatError(part, "canonical.protobuf", want=f"one {message_type.__name__}") from None
    if again != data:
        if len(again) != message_type.FromString(data).ByteSize():
            raise FormatError(part, "canonical.unknown-field", want=f"the fields of a {message_type.__name__} alone")
        raise FormatError(
            part, "canonical.encoding", got=f"{len(data)} bytes", want=f"the canonical {len(again)} bytes"
        )
    _check_content(message, _shape(message.DESCRIPTOR), part)
    return message


class _Shape(NamedTuple):
    """The fields of a message whose content re-encoding does not check; none of our forms contains itself."""

    texts: tuple[str, ...]
    # Reads all texts in one step.
    read: Callable[[Message], tuple[str, ...]]
    text_lists: tuple[str, ...]
    children: tuple[tuple[str, _Shape], ...]
    child_lists: tuple[tuple[str, _Shape], ...]


def _check_content(message: Message, shape: _Shape, part: str) -> bool:
    """Check texts and parts; say whether any text was there, which shows that the message is not empty."""
    texts = shape.read(message)
    joined = "".join(texts)
    if not _is_plain(joined):
        for name, text in zip(shape.texts, texts, strict=True):
            _check_text(text, part, name)
    for name in shape.text_lists:
        for text in getattr(message, name):
            _check_text(text, part, name)
    for name, child_shape in shape.children:
        if message.HasField(name):
            _check_child(getattr(message, name), child_shape, part, name)
    # An empty element of a repeated field is still an element; none of our forms has one.
    for name, child_shape in shape.child_lists:
        for child in getattr(message, name):
            _check_child(child, child_shape, part, name)
    return bool(joined)


def _check_child(child: Message, shape: _Shape, part: str, name: str) -> None:
    if not _check_content(child, shape, part) and not child.ByteSize():
        raise FormatError(part, "canonical.empty-message", got=name, want="absent or not empty")


def _check_text(text: str, part: str, name: str) -> None:
    if _is_plain(text):
        return
    if not is_assigned(text):
        raise FormatError(part, "canonical.assigned", got=name, want="characters that Unicode 14.0 assigns")
    if not unicodedata.is_normalized("NFC", text) or not _CONTROL.isdisjoint(text):
        raise FormatError(part, "canonical.text", got=name, want="NFC without control characters")


def _is_plain(text: str) -> bool:
    """Printable ASCII is normalised and free of controls: the common case in one step."""
    return text.isascii() and text.isprintable()


@cache
def _shape(descriptor: Descriptor) -> _Shape:
    def fields(kind: int, *, repeated: bool) -> list[FieldDescriptor]:
        return [field for field in descriptor.fields if field.type == kind and field.is_repeated is repeated]

    def children(*, repeated: bool) -> tuple[tuple[str, _Shape], ...]:
        found = fields(FieldDescriptor.TYPE_MESSAGE, repeated=repeated)
        return tuple((field.name, _shape(field.message_type)) for field in found)

    texts = tuple(field.name for field in fields(FieldDescriptor.TYPE_STRING, repeated=False))
    text_lists = tuple(field.name for field in fields(FieldDescriptor.TYPE_STRING, repeated=True))
    return _Shape(texts, _reader(texts), text_lists, children(repeated=False), children(repeated=True))


def _reader(names: tuple[str, ...]) -> Callable[[Message], tuple[str, ...]]:
    # attrgetter gives a tuple only for two names or more.
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple(getattr(message, name) for name in names)
