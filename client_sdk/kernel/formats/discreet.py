"""Values that never show what they hold: facts, pseudonyms and openings end up in no log line and no traceback."""

from __future__ import annotations

__all__ = ["Discreet"]


class Discreet:
    """A value whose ``repr`` names its type alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"
