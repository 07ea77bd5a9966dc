"""Base class of secret values: their repr shows no content, so it cannot reach a log line or a traceback."""

from __future__ import annotations

__all__ = ["Discreet"]


class Discreet:
    """A value whose ``repr`` names its type alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"
