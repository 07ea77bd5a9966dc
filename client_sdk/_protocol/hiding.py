"""Whether an overlay of the rulebook covers an own record, before it is asked to hide it (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.errors import PreflightError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.rules.overlay import covers, hidden_at_latest_from, named
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
        raise _refused(name, f"an overlay of the rulebook: {hides}")
    with verifying():
        facts = parse_facts(statement.kind, opened.content)
    years = rulebook.longest_years
    held = covers(overlay, statement.kind, statement.standing, statement.retain_until, day=day, years=years)
    if not held or hidden_at_latest_from(overlay, statement.standing, facts) is None:
        raise _refused(name, "a record that the overlay covers: by when it arose and was repaid, currency and amount")


def _refused(name: str, want: str) -> PreflightError:
    violation = Violation(reason="ANNOTATION_INVALID", field="overlay", rule="overlay.covers", got=name, want=want)
    return PreflightError((violation,))
