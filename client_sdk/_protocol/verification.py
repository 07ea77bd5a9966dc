"""Conversion of the kernel's errors about an answer to VerificationError, which makes it UNVERIFIABLE."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["verifying"]


@contextmanager
def verifying() -> Iterator[None]:
    """Raise the kernel's errors about an answer as a VerificationError with part and rule."""
    try:
        yield
    except (FormatError, RuleError) as error:
        raise VerificationError(error.field, error.rule, got=error.got, want=error.want) from error
