"""Whether an overlay of the rulebook covers an own record, before it is asked to hide it (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.errors import PreflightError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.rules.overlay import latest_retention, named, unmet
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.seal import Opened
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import Statement

__all__ = ["check_covered"]


def check_covered(statement: Statement, opened: Opened, rulebook: Rulebook, day: date, name: str) -> None:
    """Check that an overlay hides on a day, and covers a version by its facts.

    Args:
        statement: the newest version.
        opened: its facts.
        rulebook: in force.
        day: the legal day.
        name: of the overlay, as it was given.

    Raises:
        PreflightError: it does not.
        VerificationError: the facts are not in their form.
    """
    overlay = named(rulebook.overlays, name)
    if overlay is None or not overlay.hides_from <= day < overlay.hides_until:
        hides = (
            "one of that name that hides today" if overlay is None else f"{overlay.hides_from} to {overlay.hides_until}"
        )
        raise _refused("overlay", name, f"an overlay of the rulebook: {hides}")
    with verifying():
        facts = parse_facts(statement.kind, opened.content)
    lacking = unmet(overlay, statement.standing, facts)
    if lacking is not None:
        raise _refused(*lacking)
    latest = latest_retention(overlay, rulebook.longest_years)
    if statement.retain_until > latest:
        raise _refused("retain_until", statement.retain_until, f"a day until {latest}, as of what was repaid in time")


def _refused(field: str, got: str, want: str) -> PreflightError:
    violation = Violation(reason="ANNOTATION_INVALID", field=field, rule="overlay.covers", got=got, want=want)
    return PreflightError((violation,))
