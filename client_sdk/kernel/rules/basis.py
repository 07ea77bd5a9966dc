"""Basis of a record: what it rests on (proto/README.md 2).

A judgment may name its default, an enforcement must name its judgment, and a listing may name its enforcement.

The basis travels beside the facts at version 1 only and is stored nowhere. That it is about the same subject, and that
the facts open its newest commitment, is checked where the bindings are held; here is what the facts must say.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import EnforcementFacts, JudgmentFacts, JudgmentStage, ListingFacts
from client_sdk.kernel.rules.instrument import is_instrument
from client_sdk.kernel.rules.lifecycle import is_live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.rules.facts import Facts

__all__ = ["OPENS_BASIS", "RESTS_ON", "check_basis"]

# What a record of a kind may rest on; nothing where a kind is not named.
RESTS_ON: Mapping[Kind, Kind] = MappingProxyType(
    {Kind.JUDGMENT: Kind.DEFAULT, Kind.ENFORCEMENT: Kind.JUDGMENT, Kind.LISTING: Kind.ENFORCEMENT}
)
# Kinds that are checked against the newest facts of what they rest on, and not against its kind and standing alone.
OPENS_BASIS = frozenset((Kind.ENFORCEMENT, Kind.LISTING))


def check_basis(
    kind: Kind,
    facts: Facts,
    basis_kind: Kind | None,
    basis_standing: Standing | None,
    basis_facts: Facts | None,
) -> None:
    """Check the record that version 1 of another rests on.

    A DEFAULT rests on nothing. A JUDGMENT may name a live DEFAULT of the same debt. An ENFORCEMENT names a live
    JUDGMENT of the same debt that is EFFECTIVE and not SATISFIED, with the number that it enforces; it rests on nothing
    where that is the number of an arbitration award or a notarised instrument. A LISTING may name the ENFORCEMENT whose
    number it has, and rests on that number alone where the lender holds no such record.

    Args:
        kind: of the new record.
        facts: of its version 1.
        basis_kind: kind of the record named; None where none is named.
        basis_standing: standing of its newest version.
        basis_facts: facts of its newest version; a judgment's default may be named without them.

    Raises:
        RuleError: BASIS_MISSING or BASIS_INVALID.
    """
    if kind is Kind.ENFORCEMENT and isinstance(facts, EnforcementFacts):
        _check_enforced(facts, basis_kind, basis_standing, basis_facts)
    elif basis_kind is None:
        return
    elif isinstance(facts, ListingFacts):
        _check_listed(facts, basis_kind, basis_standing, basis_facts)
    elif kind not in RESTS_ON:
        raise _invalid("basis.record", "basis.none", got=kind.name, want="no basis")
    elif basis_kind is not RESTS_ON[kind]:
        raise _invalid("basis.record", "basis.kind", got=basis_kind.name, want=RESTS_ON[kind].name)
    elif basis_standing is None or not is_live(basis_standing):
        raise _invalid("basis.record", "basis.standing", got=_name(basis_standing), want="a live default")
    elif basis_facts is not None:
        _check_same_debt(facts, basis_facts)


def _check_enforced(
    facts: EnforcementFacts,
    basis_kind: Kind | None,
    basis_standing: Standing | None,
    basis_facts: Facts | None,
) -> None:
    if is_instrument(facts.judgment_case_number):
        if basis_kind is not None:
            want = "no basis: an award or a notarised instrument is enforced without a judgment"
            raise _invalid("basis.record", "basis.instrument", got=basis_kind.name, want=want)
        return
    if basis_kind is None or basis_facts is None:
        raise RuleError(
            RuleReason.BASIS_MISSING, "basis", "F12", want="the judgment that is enforced, with its newest facts"
        )
    if basis_kind is not Kind.JUDGMENT or not isinstance(basis_facts, JudgmentFacts):
        raise _invalid("basis.record", "basis.kind", got=basis_kind.name, want="JUDGMENT")
    if basis_standing not in {Standing.OPEN, Standing.TRANSFERRED}:
        raise _invalid("basis.record", "basis.standing", got=_name(basis_standing), want="live and not SATISFIED")
    if basis_facts.stage is not JudgmentStage.EFFECTIVE or basis_facts.effective_on is None:
        raise _invalid("basis.newest.facts", "basis.effective", got=basis_facts.stage.name, want="EFFECTIVE")
    if basis_facts.case_number != facts.judgment_case_number:
        raise _invalid("facts.judgment_case_number", "basis.case-number", want="the number of the judgment named")
    if facts.filed_on < basis_facts.effective_on:
        raise _invalid(
            "facts.filed_on",
            "basis.order",
            got=facts.filed_on.isoformat(),
            want=f"not before the judgment took effect, {basis_facts.effective_on.isoformat()}",
        )
    _check_same_debt(facts, basis_facts)


def _check_listed(
    facts: ListingFacts, basis_kind: Kind, basis_standing: Standing | None, basis_facts: Facts | None
) -> None:
    if basis_kind is not Kind.ENFORCEMENT:
        raise _invalid("basis.record", "basis.kind", got=basis_kind.name, want="ENFORCEMENT")
    if not isinstance(basis_facts, EnforcementFacts):
        want = "the newest facts of the enforcement that it rests on"
        raise RuleError(RuleReason.BASIS_MISSING, "basis", "basis.facts", want=want)
    if basis_standing not in {Standing.OPEN, Standing.STAYED, Standing.TRANSFERRED}:
        raise _invalid("basis.record", "basis.standing", got=_name(basis_standing), want="live and not SATISFIED")
    for field in ("case_number", "judgment_case_number"):
        if getattr(facts, field) != getattr(basis_facts, field):
            raise _invalid(f"facts.{field}", "basis.case-number", want="the number of the enforcement named")
    if facts.listed_on < basis_facts.filed_on:
        want = f"not before the enforcement was filed, {basis_facts.filed_on.isoformat()}"
        raise _invalid("facts.listed_on", "basis.order", got=facts.listed_on.isoformat(), want=want)
    _check_same_debt(facts, basis_facts)


def _check_same_debt(facts: Facts, basis: Facts) -> None:
    # debt_ref may be of another key version; creditor and contract are what it is made of.
    same = (facts.debt.original_creditor, facts.debt.contract) == (basis.debt.original_creditor, basis.debt.contract)
    if not same:
        raise _invalid("facts.debt", "basis.debt", want="the debt of the basis")


def _name(standing: Standing | None) -> str:
    return "none" if standing is None else standing.name


def _invalid(field: str, rule: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(RuleReason.BASIS_INVALID, field, rule, got=got, want=want)
