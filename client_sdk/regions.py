"""Check whether a resident number's region existed in the year of birth; only a hint at typing errors.

The table is python-stdnum's, with the years in which each county code was in use. Codes were also given to people born
before they existed, and permits carry codes of no county, so an unknown region is a warning and never a refusal: a
false refusal would become a false "clear".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from client_sdk.kernel.subjects.identifiers import IdType

if TYPE_CHECKING:
    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = ["region_is_known"]


def region_is_known(identity: Identity) -> bool:
    """Return whether the county of a resident number was in use in the year of birth; true for every other type."""
    if identity.id_type is not IdType.CN_RESIDENT_ID:
        return True
    try:
        ric.get_birth_place(identity.number)
    except (ValidationError, KeyError):
        # The library looks up a county even where it knows no more than the province.
        return False
    return True
