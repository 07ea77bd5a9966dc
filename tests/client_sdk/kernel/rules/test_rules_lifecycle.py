"""Which standing may follow which, against the table of proto/README.md 2 written down a second time."""

from __future__ import annotations

from itertools import product

import pytest

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules import lifecycle
from client_sdk.kernel.rules.errors import RuleError, RuleReason

# Rows of the table: arrows as it writes them, "A,B>C,D" for each of A and B to each of C and D.
TABLE = {
    Kind.DEFAULT: "->OPEN,ARRANGED; OPEN->ARRANGED; ARRANGED->OPEN; OPEN,ARRANGED->CURED,TRANSFERRED",
    Kind.JUDGMENT: "->OPEN; OPEN->SATISFIED,TRANSFERRED; OPEN,SATISFIED->SET_ASIDE",
    Kind.ENFORCEMENT: "->OPEN; OPEN->STAYED; STAYED->OPEN; OPEN,STAYED->SATISFIED,SET_ASIDE,TRANSFERRED",
    Kind.LISTING: "->OPEN; OPEN->SET_ASIDE",
}
ENDED = {Standing.WITHDRAWN, Standing.SET_ASIDE}


def allowed(kind: Kind) -> set[tuple[Standing | None, Standing]]:
    found: set[tuple[Standing | None, Standing]] = set()
    for row in TABLE[kind].split("; "):
        before, after = row.split("->")
        sources = [Standing[name] for name in before.split(",")] if before else [None]
        found |= set(product(sources, [Standing[name] for name in after.split(",")]))
    reached = {standing for _, standing in found if standing not in ENDED}
    return (
        found
        | {(standing, standing) for standing in reached}
        | {(standing, Standing.WITHDRAWN) for standing in reached}
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("previous", [None, *Standing])
@pytest.mark.parametrize("new", Standing)
def test_transitions_are_those_of_the_table(kind: Kind, previous: Standing | None, new: Standing) -> None:
    if (previous, new) in allowed(kind):
        lifecycle.check_transition(kind, previous, new)
        return
    with pytest.raises(RuleError) as caught:
        lifecycle.check_transition(kind, previous, new)
    assert caught.value.reason is RuleReason.ILLEGAL_TRANSITION
    assert caught.value.got.endswith(f"-> {new.name}")


@pytest.mark.parametrize("standing", Standing)
def test_a_successor_only_ends(standing: Standing) -> None:
    ends = {"CURED", "SATISFIED", "SET_ASIDE", "TRANSFERRED", "WITHDRAWN"}
    assert lifecycle.may_succeed(standing) is (standing.name in ends)


def test_what_has_ended_and_a_listing_are_kept_until_a_day() -> None:
    dated = {(kind, standing) for kind in Kind for standing in Standing if lifecycle.needs_retention(kind, standing)}
    ended = {standing for standing in Standing if lifecycle.has_ended(standing)}
    assert dated == {(Kind.LISTING, Standing.OPEN), *product(Kind, ended)}


def test_what_a_standing_means() -> None:
    names = {
        check.__name__: {standing.name for standing in Standing if check(standing)}
        for check in (
            lifecycle.is_live,
            lifecycle.is_running,
            lifecycle.has_ended,
            lifecycle.carries_subject,
        )
    }
    live = {"OPEN", "ARRANGED", "STAYED", "CURED", "SATISFIED", "TRANSFERRED"}
    assert names == {
        "is_live": live,
        "is_running": {"OPEN", "ARRANGED", "STAYED"},
        "has_ended": {"CURED", "SATISFIED", "TRANSFERRED"},
        "carries_subject": live,
    }
