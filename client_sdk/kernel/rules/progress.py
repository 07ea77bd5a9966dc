"""Rules on the changes of facts between two versions of a record.

A version is a complete snapshot, so most facts may change. These may not:

- who owes and what: role, first creditor, contract, and ``debt_ref`` but where the pseudonym is re-keyed;
- the first day of a delinquency may move earlier, never later (no re-ageing), and ``as_of`` never goes back;
- an arrangement keeps its terms and does not begin again once kept or broken; a newer one may follow;
- the stage of a suit only goes on, but APPEALED -> JUDGED;
- the number of a suit changes only together with its stage (an appeal has a number of its own), that of an
  enforcement only where a stayed one resumes (执恢), that of the judgment it enforces never. The judgment was checked
  at version 1 only, so a mistyped number is mended by WITHDRAWN and reporting anew;
- a listing stays one entry of the court's list: its numbers and ``listed_on`` stay, its term may be extended.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.arrangement import check_same_arrangement
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import (
    DefaultFacts,
    EnforcementFacts,
    JudgmentFacts,
    JudgmentStage,
    ListingFacts,
    kind_of,
)

if TYPE_CHECKING:
    from client_sdk.kernel.formats.words import Kind
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["check_progress", "same_content"]


def check_progress(
    kind: Kind,
    previous_standing: Standing,
    previous: Facts,
    new_standing: Standing,
    new: Facts,
    *,
    rekeyed: bool = False,
) -> None:
    """Check the facts of a version against those of the version before.

    Args:
        kind: of the record.
        previous_standing: standing of the version before.
        previous: its facts.
        new_standing: standing of the new version.
        new: its facts.
        rekeyed: whether ``subject_key_version`` rises, so that ``debt_ref`` is another for the same debt.

    Raises:
        RuleError: DEBT_CHANGED, DATE_INVALID, REAGED, STAGE_BACKWARDS or CASE_NUMBER_INVALID; FACTS_INVALID where
            either is of another kind.
    """
    if kind_of(previous) is not kind or kind_of(new) is not kind:
        raise RuleError(RuleReason.FACTS_INVALID, "facts", "facts.kind", want=f"facts of {kind.name}")
    _check_debt(previous, new, rekeyed=rekeyed)
    if new.as_of < previous.as_of:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "facts.as_of",
            "as-of.backwards",
            got=new.as_of.isoformat(),
            want=f"not before {previous.as_of.isoformat()}",
        )
    if isinstance(previous, DefaultFacts) and isinstance(new, DefaultFacts):
        _check_age(previous, new)
        check_same_arrangement(previous.arrangement, new.arrangement)
    elif isinstance(previous, JudgmentFacts) and isinstance(new, JudgmentFacts):
        _check_stage(previous, new)
    elif isinstance(previous, EnforcementFacts) and isinstance(new, EnforcementFacts):
        _check_numbers(previous_standing, previous, new_standing, new)
    elif isinstance(previous, ListingFacts) and isinstance(new, ListingFacts):
        _check_same_entry(previous, new)


def same_content(previous: Facts, new: Facts) -> bool:
    """Whether two snapshots of one record say the same, whatever their ``as_of`` and the subject keys of their debt."""
    debt = replace(new.debt, debt_ref=previous.debt.debt_ref)
    return replace(new, debt=debt, as_of=previous.as_of) == previous


def _check_debt(previous: Facts, new: Facts, *, rekeyed: bool) -> None:
    if new.subject_role is not previous.subject_role:
        raise RuleError(
            RuleReason.DEBT_CHANGED,
            "facts.subject_role",
            "role.same",
            got=new.subject_role.name,
            want=previous.subject_role.name,
        )
    for field in ("original_creditor", "contract"):
        if getattr(new.debt, field) != getattr(previous.debt, field):
            raise RuleError(RuleReason.DEBT_CHANGED, f"facts.debt.{field}", "debt.same", want="that of version 1")
    if not rekeyed and not hmac.compare_digest(new.debt.debt_ref, previous.debt.debt_ref):
        raise RuleError(RuleReason.DEBT_CHANGED, "facts.debt.debt_ref", "debt.same", want="that of the version before")


def _check_age(previous: DefaultFacts, new: DefaultFacts) -> None:
    if new.first_delinquency_on > previous.first_delinquency_on:
        raise RuleError(
            RuleReason.REAGED,
            "facts.first_delinquency_on",
            "F09",
            got=new.first_delinquency_on.isoformat(),
            want=f"not after {previous.first_delinquency_on.isoformat()}",
        )


def _check_stage(previous: JudgmentFacts, new: JudgmentFacts) -> None:
    reversed_on_appeal = previous.stage is JudgmentStage.APPEALED and new.stage is JudgmentStage.JUDGED
    if new.stage < previous.stage and not reversed_on_appeal:
        raise RuleError(
            RuleReason.STAGE_BACKWARDS,
            "facts.stage",
            "stage.onward",
            got=f"{previous.stage.name} -> {new.stage.name}",
            want="the same stage or a later one, or APPEALED -> JUDGED",
        )
    if new.case_number != previous.case_number and new.stage is previous.stage:
        raise RuleError(
            RuleReason.CASE_NUMBER_INVALID,
            "facts.case_number",
            "case-number.same",
            want="that of the version before, while the stage is the same",
        )


def _check_numbers(
    previous_standing: Standing, previous: EnforcementFacts, new_standing: Standing, new: EnforcementFacts
) -> None:
    if new.judgment_case_number != previous.judgment_case_number:
        raise RuleError(
            RuleReason.CASE_NUMBER_INVALID,
            "facts.judgment_case_number",
            "case-number.same",
            want="that of version 1",
        )
    resumed = previous_standing is Standing.STAYED and new_standing is Standing.OPEN
    if new.case_number != previous.case_number and not resumed:
        raise RuleError(
            RuleReason.CASE_NUMBER_INVALID,
            "facts.case_number",
            "case-number.same",
            want="that of the version before, unless a stayed enforcement resumes",
        )


def _check_same_entry(previous: ListingFacts, new: ListingFacts) -> None:
    for field in ("case_number", "judgment_case_number"):
        if getattr(new, field) != getattr(previous, field):
            raise RuleError(
                RuleReason.CASE_NUMBER_INVALID, f"facts.{field}", "case-number.same", want="that of version 1"
            )
    if new.listed_on != previous.listed_on:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "facts.listed_on",
            "listing.same",
            got=new.listed_on.isoformat(),
            want=f"{previous.listed_on.isoformat()}; another entry of the court's list is another record",
        )
