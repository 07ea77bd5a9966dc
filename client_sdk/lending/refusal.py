"""The error for a file that cannot be read as a portfolio."""

from __future__ import annotations

from client_sdk.errors import PreflightError
from client_sdk.models.violation import Violation

__all__ = ["refused"]


def refused(row: int, field: str, rule: str, want: str, *, got: str) -> PreflightError:
    """Return the error.

    Args:
        row: where it is seen; 1 for the file as such.
        field: ``file``, or ``header``.
        rule: stable id of what is broken.
        want: what should be there.
        got: what was seen, without a value of a cell.
    """
    return PreflightError((Violation(row=row, reason="MALFORMED", field=field, rule=rule, got=got, want=want),))
