"""Exceptions for invalid identity numbers and invalid key service answers."""

from __future__ import annotations

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["IdentityError"]


class IdentityError(FormatError, ValueError):
    """An invalid identity number; the error never shows it, nor any part of it.

    It is a ValueError too, so that a form of a web service that was filled in wrongly is answered as such.
    """
