"""Strict JSON parser: duplicate field names are rejected."""

from __future__ import annotations

import json
from enum import Enum, auto

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["parse"]


class _JsonFailure(Enum):
    REPEATED = auto()
    MALFORMED = auto()


class _RepeatedError(ValueError):
    """A JSON object has a field twice."""


def parse(text: str | bytes, part: str) -> object:
    """Return the value of a JSON text.

    Args:
        text: to be read.
        part: what it is, for the error.

    Raises:
        FormatError: it is no JSON, or an object in it holds a field twice.
    """
    value = _read(text)
    if isinstance(value, _JsonFailure):
        if value is _JsonFailure.REPEATED:
            raise FormatError(part, "json.once", got="a field twice", want="each field once")
        raise FormatError(part, "file.json", want="JSON")
    return value


def _read(text: str | bytes) -> object:
    """Return the value, or why there is none: the library's error holds the whole text."""
    try:
        value: object = json.loads(text, object_pairs_hook=_once)
    except _RepeatedError:
        return _JsonFailure.REPEATED
    except (ValueError, RecursionError):
        return _JsonFailure.MALFORMED
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _RepeatedError
    return content
