"""Which standing may follow which (proto/README.md 2), as data, and what a standing means for the record."""

from __future__ import annotations

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = [
    "FIRST",
    "NEXT",
    "carries_subject",
    "check_shown",
    "check_transition",
    "has_ended",
    "is_live",
    "is_paid",
    "is_running",
    "may_succeed",
    "names_last_day",
    "needs_retention",
]

_S = Standing

# Standings that version 1 may have.
FIRST: dict[Kind, frozenset[Standing]] = {
    Kind.DEFAULT: frozenset((_S.OPEN, _S.ARRANGED)),
    Kind.JUDGMENT: frozenset((_S.OPEN,)),
    Kind.ENFORCEMENT: frozenset((_S.OPEN,)),
    Kind.LISTING: frozenset((_S.OPEN,)),
}

# What may follow a standing. The same standing again is a correction or an update; what is missing as a key ends
# the chain. CURED never reopens: a new episode is a new record.
NEXT: dict[Kind, dict[Standing, frozenset[Standing]]] = {
    Kind.DEFAULT: {
        _S.OPEN: frozenset((_S.OPEN, _S.ARRANGED, _S.CURED, _S.TRANSFERRED, _S.WITHDRAWN)),
        _S.ARRANGED: frozenset((_S.ARRANGED, _S.OPEN, _S.CURED, _S.TRANSFERRED, _S.WITHDRAWN)),
        _S.CURED: frozenset((_S.CURED, _S.WITHDRAWN)),
        _S.TRANSFERRED: frozenset((_S.TRANSFERRED, _S.WITHDRAWN)),
    },
    Kind.JUDGMENT: {
        _S.OPEN: frozenset((_S.OPEN, _S.SATISFIED, _S.TRANSFERRED, _S.SET_ASIDE, _S.WITHDRAWN)),
        _S.SATISFIED: frozenset((_S.SATISFIED, _S.SET_ASIDE, _S.WITHDRAWN)),
        _S.TRANSFERRED: frozenset((_S.TRANSFERRED, _S.WITHDRAWN)),
    },
    Kind.ENFORCEMENT: {
        _S.OPEN: frozenset((_S.OPEN, _S.STAYED, _S.SATISFIED, _S.SET_ASIDE, _S.TRANSFERRED, _S.WITHDRAWN)),
        _S.STAYED: frozenset((_S.STAYED, _S.OPEN, _S.SATISFIED, _S.SET_ASIDE, _S.TRANSFERRED, _S.WITHDRAWN)),
        _S.SATISFIED: frozenset((_S.SATISFIED, _S.WITHDRAWN)),
        _S.TRANSFERRED: frozenset((_S.TRANSFERRED, _S.WITHDRAWN)),
    },
    # What the court has removed leaves all answers at once, and so has no standing of its own.
    Kind.LISTING: {_S.OPEN: frozenset((_S.OPEN, _S.SET_ASIDE, _S.WITHDRAWN))},
}

_ENDED = frozenset((_S.WITHDRAWN, _S.SET_ASIDE))
_RUNNING = frozenset((_S.OPEN, _S.ARRANGED, _S.STAYED))
_PAID = frozenset((_S.CURED, _S.SATISFIED))
_RETAINED = frozenset((_S.CURED, _S.SATISFIED, _S.TRANSFERRED))
_BY_SUCCESSOR = frozenset((_S.CURED, _S.SATISFIED, _S.SET_ASIDE, _S.TRANSFERRED, _S.WITHDRAWN))


def check_transition(kind: Kind, previous: Standing | None, new: Standing) -> None:
    """Check that a standing may follow another (proto/README.md 2).

    Args:
        kind: of the record.
        previous: standing of the version before; None for version 1.
        new: standing of the version to be added.

    Raises:
        RuleError: ILLEGAL_TRANSITION.
    """
    allowed = FIRST[kind] if previous is None else NEXT[kind].get(previous, frozenset())
    if new not in allowed:
        before = "nothing" if previous is None else previous.name
        raise RuleError(
            RuleReason.ILLEGAL_TRANSITION,
            "statement.standing",
            "lifecycle.transition",
            got=f"{kind.name}: {before} -> {new.name}",
            want=" or ".join(standing.name for standing in sorted(allowed)) or "no further version",
        )


def check_shown(kind: Kind, standing: Standing, version: int, *, retained: bool) -> None:
    """Check what one version of a record shows of these rules, without the version before (proto/README.md 2).

    Args:
        kind: of the record.
        standing: of the version.
        version: its number.
        retained: whether it names a day until which the record is kept.

    Raises:
        RuleError: ILLEGAL_TRANSITION or RETENTION_INVALID.
    """
    if version == 1:
        check_transition(kind, None, standing)
    elif standing not in _reached(kind):
        want = " or ".join(one.name for one in sorted(_reached(kind)))
        field, got = "statement.standing", f"{kind.name}: {standing.name}"
        raise RuleError(RuleReason.ILLEGAL_TRANSITION, field, "lifecycle.standing", got=got, want=want)
    if (needs_retention(kind, standing) and not retained) or (retained and not carries_subject(standing)):
        want = "a day for a standing that has ended and for a listing, and none for one that is no more"
        raise RuleError(RuleReason.RETENTION_INVALID, "statement.retain_until", "retention.present", want=want)


def _reached(kind: Kind) -> frozenset[Standing]:
    """Return the standings that a record of that kind may come to have."""
    return FIRST[kind].union(*NEXT[kind].values())


def may_succeed(standing: Standing) -> bool:
    """Whether a successor may give a record that standing: only one that ends it (proto/README.md 2)."""
    return standing in _BY_SUCCESSOR


def is_live(standing: Standing) -> bool:
    """Whether a record of that standing is in the map until it is erased or continued (proto/README.md 6)."""
    return standing not in _ENDED


def is_running(standing: Standing) -> bool:
    """Whether the standing counts for "one debt, one record" (proto/README.md 3): OPEN, ARRANGED or STAYED."""
    return standing in _RUNNING


def is_paid(standing: Standing) -> bool:
    """Whether nothing is owed any more: CURED or SATISFIED."""
    return standing in _PAID


def has_ended(standing: Standing) -> bool:
    """Whether the conduct has ended, so that facts carry ``ended_on``."""
    return standing in _RETAINED


def needs_retention(kind: Kind, standing: Standing) -> bool:
    """Whether every rulebook asks for ``retain_until``: the conduct has ended, or an entry is copied that will end."""
    return has_ended(standing) or (kind is Kind.LISTING and standing is Standing.OPEN)


def names_last_day(kind: Kind, standing: Standing, *, from_start: bool) -> bool:
    """Whether a version names the last day that it is kept, by ``retained_from_start`` of the rulebook."""
    return needs_retention(kind, standing) or (from_start and carries_subject(standing))


def carries_subject(standing: Standing) -> bool:
    """Whether a version of that standing has subject, facts and disclosure: all but WITHDRAWN and SET_ASIDE."""
    return standing not in _ENDED
