"""Correction or update: whether a further version says that the one before was wrong, or that time has passed.

What a lender's books say of a later day is an update, and so is a new standing with what it brings. A version corrects
the one before where it says something else of the same day under the same standing, or changes what neither changes,
such as the product or the first day of a delinquency. An arrangement that goes on, further contacts, and a cause that
was not known before come with time as well. What the issuer keeps for itself, such as who approved the record, counts
as neither.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts

if TYPE_CHECKING:
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["ASIDE", "OF_A_STAGE", "OF_A_STANDING", "PASSING", "corrects"]

# Of the issuer's own papers, and the debt, which is another under other subject keys only.
ASIDE = frozenset(("debt", "approver", "legal_basis", "notice", "consent", "batch_reference"))
# What another day changes by itself.
PASSING: dict[type[Facts], frozenset[str]] = {
    DefaultFacts: frozenset(
        ("as_of", "amounts", "days_past_due", "days_estimated", "collection_stage", "called_on", "arrangement")
    ),
    JudgmentFacts: frozenset(("as_of", "amounts")),
    EnforcementFacts: frozenset(("as_of", "executed", "measures", "stayed_on")),
    ListingFacts: frozenset(("as_of", "amounts", "performance", "listed_until", "earliest_removal_on")),
}
# What a further stage of a suit brings with it.
OF_A_STAGE = frozenset(("stage", "case_number", "court", "judged_on", "effective_on", "result"))
# What a further standing brings with it; a stayed enforcement resumes under a number of its own.
OF_A_STANDING = frozenset(("ended_on", "stayed_on", "case_number"))


def corrects(previous: Facts, new: Facts, *, moved: bool = False) -> bool:
    """Whether facts correct those of the version before.

    Args:
        previous: facts of the version before.
        new: facts of the version, of the same kind.
        moved: whether the version has another standing than the one before.
    """
    changed = {item.name for item in fields(new) if getattr(new, item.name) != getattr(previous, item.name)} - ASIDE
    if new.as_of == previous.as_of and not moved:
        return bool(changed)
    passing = PASSING[type(new)] | (OF_A_STANDING if moved else frozenset())
    if isinstance(previous, DefaultFacts) and isinstance(new, DefaultFacts):
        passing |= _learned(previous, new)
    if isinstance(new, JudgmentFacts) and "stage" in changed:
        passing |= OF_A_STAGE
    return bool(changed - passing)


def _learned(previous: DefaultFacts, new: DefaultFacts) -> frozenset[str]:
    """Return the fields of which time has taught more, and taken nothing back: further contacts, a cause now known."""
    learned = set()
    counts = {contact.channel: contact.count for contact in new.contacts}
    if all(counts.get(contact.channel, 0) >= contact.count for contact in previous.contacts):
        learned.add("contacts")
    if previous.default_cause is None:
        learned.add("default_cause")
    return frozenset(learned)
