"""Between text and UTF-8 without the library's errors.

They hold the whole value, and stay reachable from whatever is raised while they are handled, also where a traceback
does not show them. So a value that cannot be read gives None, and the caller raises what it has to.
"""

from __future__ import annotations

__all__ = ["decoded", "encoded"]


def encoded(text: str) -> bytes | None:
    """Return a text in UTF-8; None where it holds half of a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def decoded(data: bytes) -> str | None:
    """Return the text that bytes hold in UTF-8; None where they hold none."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
