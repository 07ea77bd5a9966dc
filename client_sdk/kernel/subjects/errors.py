"""What an identity number is refused for, and what a key service's answer is."""

from __future__ import annotations

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["IdentityError"]


class IdentityError(FormatError):
    """An identity number that is none; the error never shows it, nor any part of it."""
