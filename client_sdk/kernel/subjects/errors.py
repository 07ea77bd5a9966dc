"""Exceptions for invalid identity numbers and invalid key service answers."""

from __future__ import annotations

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["IdentityError"]


class IdentityError(FormatError):
    """An identity number that is none; the error never shows it, nor any part of it."""
