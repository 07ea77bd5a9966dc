"""Withholding of an answer: facts beyond the purpose's scope, and those beyond the asker's reciprocity.

A pure function of purpose, rulebook, contribution and the HEAD's time: the registry, the reader of an answer and the
auditor of an evidence file compute the same. What is held back is the sealed disclosure of a record, never that the
record exists (proto/README.md 6).
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.scope import scopes_of
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import is_paid
from client_sdk.kernel.rules.reciprocity import held_back

if TYPE_CHECKING:
    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.scope import PurposeScope
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.words import Kind, Standing

__all__ = ["Withheld", "Withholding", "consent_days", "scope_for"]

# The same rulebook stands in every answer.
_scopes = lru_cache(maxsize=16)(scopes_of)


class Withheld(StrEnum):
    """Why the facts of a record are held back."""

    # The purpose of the inquiry is not shown facts of that kind.
    SCOPE = "SCOPE"
    # The purpose of the inquiry is not shown facts of what was paid so long ago.
    SCOPE_PAID = "SCOPE_PAID"
    # The asker does not give records of that kind.
    RECIPROCITY = "RECIPROCITY"


def scope_for(purpose: Purpose, rulebook: Rulebook) -> PurposeScope | None:
    """Return the scope of a purpose for which lenders ask; None for SUBJECT_ACCESS, from which nothing is held back."""
    return next((scope for scope in _scopes(rulebook.scopes) if scope.purpose is purpose), None)


def consent_days(purpose: Purpose, rulebook: Rulebook) -> int:
    """Return for how many days a consent counts for a purpose; 0 for as long as the document itself says.

    For SUBJECT_ACCESS it is the request that the person signed.
    """
    if purpose is Purpose.SUBJECT_ACCESS:
        return rulebook.request_days
    scope = scope_for(purpose, rulebook)
    return 0 if scope is None else scope.consent_days


class Withholding:
    """What is held back from one lender under one HEAD; from who speaks for a record's issuer nothing is.

    Args:
        purpose: of the inquiry; from SUBJECT_ACCESS nothing is held back.
        rulebook: in force.
        contribution: what the asker has given.
        as_of: time of the HEAD, ms.
    """

    def __init__(self, purpose: Purpose, rulebook: Rulebook, contribution: Contribution, as_of: int) -> None:
        self._scope = scope_for(purpose, rulebook)
        self._as_of = as_of
        self._unearned = held_back(contribution, rulebook, day_of(as_of, rulebook.time_zone))

    def of(self, kind: Kind, standing: Standing, logged_at: int) -> Withheld | None:
        """Return why the facts of another's record are held back; None where they are shown.

        Args:
            kind: of the record.
            standing: of its newest version.
            logged_at: of the leaf of that version, ms.
        """
        if self._scope is None:
            return None
        if kind not in self._scope.kinds:
            return Withheld.SCOPE
        if is_paid(standing) and self._is_old(logged_at, self._scope.paid_days):
            return Withheld.SCOPE_PAID
        return Withheld.RECIPROCITY if kind in self._unearned else None

    def _is_old(self, logged_at: int, days: int) -> bool:
        return days > 0 and self._as_of - logged_at > days * DAY_MS
