"""Changes of bytes and of messages, drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["changed_bytes", "changed_message"]

_NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -1,
    -(2**31),
    -(2**63),
)
_TEXTS = (
    "",
    "\0",
    " ",
    "a" * 65,
    "..",
    "/",
    "0",
    "-1",
    "lender-1",
    "2026-02-30",
    "9999-12-31",
    "甲",
    "\ud7ff",
    "é",
    "\u202e",
)
_LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 64, 255, 4_096)
_MOST_CHANGES = 4
_MOST_SLICE = 40
_WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31),
}


def changed_bytes(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return bytes with a few places changed, removed, doubled, added, cut, or taken from other bytes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, _MOST_CHANGES)):
        at = random.randrange(len(changed) + 1)
        match random.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                del changed[at : at + random.randint(1, 9)]
            case 2:
                changed[at:at] = changed[at : at + random.randint(1, _MOST_SLICE)]
            case 3:
                changed[at:at] = random.randbytes(random.randint(1, 9))
            case 4 if len(changed) > 1:
                del changed[random.randrange(1, len(changed)) :]
            case _:
                other = random.choice(others) if others else b""
                start = random.randrange(len(other) + 1)
                changed[at:at] = other[start : start + random.randint(1, _MOST_SLICE)]
    return bytes(changed)


def changed_message(random: Random, message: Message, others: Sequence[bytes]) -> None:
    """Change one field of a message, or of a message in it."""
    while True:
        inside = [value for field, value in message.ListFields() for value in _messages(field, value)]
        if not inside or random.randrange(3) == 0:
            break
        message = random.choice(inside)
    fields: list[FieldDescriptor] = [*message.DESCRIPTOR.fields]
    if not fields:
        return
    field = random.choice(fields)
    if random.randrange(4) == 0:
        message.ClearField(field.name)
    elif field.is_repeated:
        _change_list(random, message, field, others)
    elif field.message_type is not None:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, _value(random, field, others))


def _messages(field: FieldDescriptor, value: object) -> list[Message]:
    if field.message_type is None:
        return []
    return [value] if isinstance(value, Message) else list(value)  # type: ignore[call-overload]  # a list of messages


def _change_list(random: Random, message: Message, field: FieldDescriptor, others: Sequence[bytes]) -> None:
    items = getattr(message, field.name)
    if items and random.randrange(2):
        copies = [items[0]] * random.choice((1, 2, 200))
        items.extend(copies)
    elif field.message_type is not None:
        items.add()
    else:
        items.append(_value(random, field, others))


def _value(random: Random, field: FieldDescriptor, others: Sequence[bytes]) -> object:
    """Return a value of the field's type."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return random.randrange(2) == 1
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            if others and random.randrange(2):
                return random.choice(others)
            return random.randbytes(random.choice(_LENGTHS))
        case FieldDescriptor.CPPTYPE_STRING:
            return random.choice(_TEXTS)
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return float(random.choice(_NUMBERS))
        case kind:
            least, beyond = _WHOLE[kind]
            return random.choice([number for number in _NUMBERS if least <= number < beyond])
