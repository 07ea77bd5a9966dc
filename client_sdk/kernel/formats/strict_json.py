"""Strict JSON parser: duplicate field names are rejected."""

from __future__ import annotations

import json

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["parse"]


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
    try:
        value: object = json.loads(text, object_pairs_hook=_once)
    except _RepeatedError:
        raise FormatError(part, "json.once", got="a field twice", want="each field once") from None
    except (ValueError, RecursionError):
        raise FormatError(part, "file.json", want="JSON") from None
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _RepeatedError
    return content
