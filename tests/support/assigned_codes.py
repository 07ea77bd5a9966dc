"""The characters that Unicode 14.0 has, for tests that try them all."""

from __future__ import annotations

from functools import cache

from client_sdk.kernel.formats.assigned import is_assigned

__all__ = ["assigned_codes"]

# Blocks of Han, Hangul, Tangut and private use, whose characters are all of one kind.
_ALIKE = (
    range(0x3400, 0xA000),
    range(0xAC00, 0xD7A4),
    range(0xE000, 0xF900),
    range(0x17000, 0x18D09),
    range(0x20000, 0x31350),
)


@cache
def assigned_codes(every: int = 1) -> list[int]:
    """Return the code points of characters, of the large blocks that are all of one kind each so many-th alone."""
    whole = (code for code in range(0xE0200) if not 0xD800 <= code < 0xE000 and is_assigned(chr(code)))
    return [code for code in whole if code % every == 0 or not any(code in block for block in _ALIKE)]
