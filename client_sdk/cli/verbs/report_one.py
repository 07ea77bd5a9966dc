"""One report that was read: its plan, the question, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.output import pairs, table
from client_sdk.cli.ui.shown import money, receipt_content
from client_sdk.cli.verbs.report_plan import warning_content, warning_lines
from client_sdk.errors import PreflightError
from client_sdk.forms import moment_text
from client_sdk.models import EnforcementFacts
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from client_sdk.cli.ui.session import Run
    from client_sdk.client import Client
    from client_sdk.models import Amounts, FollowedVersion
    from client_sdk.models.report import Report

__all__ = ["report_one"]

# Each part of an amount, with its name in the claim and among what was executed.
_PARTS = {
    "principal": (N_("principal"), N_("executed principal")),
    "interest": (N_("interest"), N_("executed interest")),
    "penalty": (N_("penalty"), N_("executed penalty")),
    "fees": (N_("fees"), N_("executed fees")),
    "total": (N_("total"), N_("executed total")),
}


def report_one(session: Run, client: Client, report: Report, *, dry_run: bool, yes: bool) -> ExitCode:
    """Show what would be reported, and report it after confirmation.

    Raises:
        PreflightError: it breaks a rule.
        CreditRegistryError: as ``Client.report``.
    """
    # Who agrees beforehand sees no plan, and the registry holds the report against its newest version anyway.
    found = client.preflight([report]) if yes and not dry_run else client.preview(report)
    if found.violations:
        raise PreflightError(found.violations)
    plan = f"{report.kind.name} {report.reference}: {report.standing.name}"
    warnings = [warning_content(item) for item in found.warnings]
    shown = (pairs(_shown(report)), *_follows(found.follows), *warning_lines(found.warnings))
    if dry_run:
        follows = None if found.follows is None else found.follows.to_dict()
        session.output.result(
            {"dry_run": True, "rows": 1, "rejected": [], "warnings": warnings, "follows": follows},
            say("Would report {plan}", plan=plan),
            *shown,
            say("The registry holds this version already.")
            if found.repeated
            else say("Nothing was signed or reported."),
        )
        return ExitCode.OK
    if not yes:
        session.output.tell(say("To be reported: {plan}", plan=plan), *shown)
    session.confirm(say("Sign and send it?"), yes=yes)
    receipt = client.report(report)
    session.output.result(
        receipt_content(receipt),
        (say("Had been reported before") if receipt.repeated else say("Reported")) + f": {plan}",
        pairs(
            [
                ("  record", receipt.uuid),
                ("  version", receipt.version),
                (
                    "  logged",
                    say("{logged_at} at leaf {index}", logged_at=moment_text(receipt.logged_at), index=receipt.index),
                ),
            ]
        ),
    )
    return ExitCode.OK


def _follows(follows: FollowedVersion | None) -> Iterator[RenderableType]:
    """Yield which record it is a further version of, and the columns that change."""
    if follows is None:
        return
    yield say(
        "A further version of {uuid}, of which the registry holds version {version}, {standing}",
        uuid=follows.uuid,
        version=follows.version,
        standing=follows.standing.name,
    )
    if follows.changed:
        rows = [(f"  {item.column}", item.held, item.said) for item in follows.changed]
        yield table(("  column", "held", "to be said"), rows)


def _shown(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what a person should look at before agreeing: days, and amounts as people write them."""
    facts = report.facts
    if report.name is not None:
        yield "  first day", report.name.first_day.isoformat()
    if facts is None:
        return
    yield "  contract", facts.debt.contract
    yield "  as of", facts.as_of.isoformat()
    amounts = facts.applied if isinstance(facts, EnforcementFacts) else facts.amounts
    yield from _money(amounts)
    if isinstance(facts, EnforcementFacts):
        yield from _money(facts.executed, executed=True)


def _money(amounts: Amounts, *, executed: bool = False) -> Iterator[tuple[str, str]]:
    for part, names in _PARTS.items():
        if (amount := getattr(amounts, part)) or part == "total":
            yield f"  {names[executed]}", money(amount, amounts.currency)
