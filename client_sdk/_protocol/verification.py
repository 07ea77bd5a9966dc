"""One seam between the kernel's errors and the SDK's: what an answer breaks is UNVERIFIABLE."""

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
    """Turn what the kernel raises about an answer into a VerificationError, with part and rule."""
    try:
        yield
    except FormatError as error:
        raise VerificationError(error.part, error.rule, _detail(error.got, error.want)) from error
    except RuleError as error:
        raise VerificationError(error.field, error.rule, _detail(error.got, error.want)) from error


def _detail(got: str, want: str) -> str:
    return ", ".join(text for text in (f"got {got}" if got else "", f"want {want}" if want else "") if text)
