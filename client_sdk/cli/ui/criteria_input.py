"""A lender's own criteria, from the file that an option names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk import criteria_file
from client_sdk.cli.ui.failures import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.models import Criteria

__all__ = ["read_criteria"]


def read_criteria(file: Path | None) -> Criteria:
    """Return the criteria of a file; the defaults without a file.

    Raises:
        UsageError: it holds none.
    """
    try:
        return criteria_file.read_criteria(file)
    except criteria_file.CriteriaFileError as error:
        raise UsageError(str(error), error.hint) from error
