"""Breaches of data: what an act may tell of one, and whether it was logged in time (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.breach import BREACH_TEXTS
from client_sdk.kernel.formats.lasting_text import NO_LONG_NUMBER, holds_long_number
from client_sdk.kernel.formats.moment import HOUR_MS, moment
from client_sdk.kernel.formats.readable import flaw_of
from client_sdk.kernel.formats.words import ANNOTATING, InstitutionStatus
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.breach import BreachBody
    from client_sdk.kernel.formats.state import InstitutionState, Rulebook

__all__ = ["LoggedBreach", "breach_due", "check_breach", "notified_members"]


class LoggedBreach(NamedTuple):
    """A breach of which an act has told.

    Attributes:
        leaf_hash: of the act.
        body: its decision.
        logged_at: of its leaf, ms.
        due_at: until when it had to be logged, ms.
    """

    leaf_hash: bytes
    body: BreachBody
    logged_at: int
    due_at: int

    @property
    def in_time(self) -> bool:
        """Whether it was logged within the rulebook's hours."""
        return self.logged_at <= self.due_at


def breach_due(body: BreachBody, rulebook: Rulebook) -> int:
    """Return until when a notice has to be logged, ms since 1970 UTC."""
    return body.noticed_at + rulebook.breach_hours * HOUR_MS


def check_breach(body: BreachBody, institutions: Mapping[str, InstitutionState], logged_at: int) -> None:
    """Check the notice of a breach; one that is late counts as well.

    Args:
        body: the notice.
        institutions: all, by id.
        logged_at: of the act, ms; before it is logged the time now.

    Raises:
        RuleError: BREACH_INVALID or INSTITUTION_UNKNOWN.
    """
    if body.noticed_at > logged_at:
        got, want = f"{moment(body.noticed_at):%Y-%m-%d %H:%M} UTC", "a time that is past"
        raise RuleError("BREACH_INVALID", "noticed_at", "breach.noticed", got=got, want=want)
    for name in BREACH_TEXTS:
        text = getattr(body, name)
        if flaw := flaw_of(text):
            # With it the notice shows another text than was signed.
            raise RuleError("BREACH_INVALID", name, "breach.text", got=flaw.got, want=flaw.want)
        if holds_long_number(text):
            got, want = "15 or more digits in a row", NO_LONG_NUMBER
            raise RuleError("BREACH_INVALID", name, "breach.number", got=got, want=want)
    for member in body.members:
        if member not in institutions:
            raise RuleError("INSTITUTION_UNKNOWN", "members", "institution.member", got=member, want="a member")
        if ANNOTATING.isdisjoint(institutions[member].roles):
            want = "a LENDER or a REPRESENTATIVE: the others have no inbox, tell them by letter"
            raise RuleError("BREACH_INVALID", "members", "breach.member", got=member, want=want)


def notified_members(body: BreachBody, institutions: Mapping[str, InstitutionState]) -> tuple[str, ...]:
    """Return ids of the members that get a notice of a breach: those that it concerns and that have an inbox."""
    concerned = body.members or tuple(sorted(institutions))
    return tuple(id_ for id_ in concerned if _has_inbox(institutions[id_]))


def _has_inbox(state: InstitutionState) -> bool:
    return state.status is not InstitutionStatus.TERMINATED and not ANNOTATING.isdisjoint(state.roles)
