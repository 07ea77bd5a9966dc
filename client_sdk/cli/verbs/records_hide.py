"""``records hide`` and ``records show-again``: own records under an overlay of the rulebook."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.options import IssuerOption, YesOption, uuid8
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import money
from client_sdk.cli.ui.side_by_side import side_by_side
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.dispute import annotated
from client_sdk.cli.verbs.own_record import portfolio_names
from client_sdk.errors import ConflictError, PreflightError, RefusedError
from client_sdk.models import Kind
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from client_sdk.acts import Overlay
    from client_sdk.client import Client
    from client_sdk.models import Identity
    from client_sdk.models.report import RecordName

__all__ = ["add_hiding"]

_HINT = N_("give a portfolio, as `report` reads it; an identity number never goes on the command line.")
_COVERS = "overlay.covers"
_NOT_COVERED = N_("not covered")
_REFUSED = N_("refused")
_HIDDEN, _WOULD_HIDE, _BEFORE = N_("hidden"), N_("covered"), N_("hidden before")
_COVERED = (_HIDDEN, _WOULD_HIDE, _BEFORE)
_SHOWN = 10


def add_hiding(group: typer.Typer) -> None:
    """Add the verbs."""

    @verb(
        group,
        "hide",
        examples=[
            "records hide portfolio.csv --overlay repair-2025 --dry-run",
            "records hide portfolio.csv --overlay repair-2025",
            "records hide portfolio.csv --overlay repair-2025 --yes",
        ],
    )
    def hide(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Portfolio with the records, as `report` reads it.")],
        overlay: Annotated[str, typer.Option(metavar="NAME", help="Name of an overlay of the rulebook in force.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be hidden.")] = False,
        yes: YesOption = False,
    ) -> ExitCode:
        """Hide repaid defaults of a portfolio that an overlay of the rulebook covers: no answer shows them any more.

        What is hidden stays as it was reported. A correction shows it again, and so does the end of the overlay. The
        facts that count are those that the registry holds sealed; the file only names records and persons.
        """
        check_file(file, _HINT)
        names = {name: who for name, who in portfolio_names(file).items() if name.kind is Kind.DEFAULT}
        if not names:
            raise UsageError(
                say("that portfolio names no DEFAULT"), say("nothing was hidden; look at where it comes from.")
            )
        with session.client() as client:
            rule = _named(client, overlay)
            if not dry_run:
                if not yes:
                    session.output.tell(*_plan(rule, len(names)))
                session.confirm(say("Hide those that it covers?"), yes=yes)
            done = list(side_by_side(partial(_hide, client, overlay, dry_run), names.items()))
        _tell(session, done, dry_run=dry_run)
        return ExitCode.FOUND if any(one.outcome == _REFUSED for one in done) else ExitCode.OK

    @verb(group, "show-again", examples=["records show-again 01234567-89ab-8def-8123-456789abcdef"])
    def show_again(
        session: Run,
        /,
        *,
        record: Annotated[
            bytes, typer.Argument(parser=uuid8, metavar="RECORD", help="Record id, a UUID as `records` shows it.")
        ],
        issuer: IssuerOption = "",
    ) -> None:
        """Show a record again that you have hidden."""
        with session.client() as client:
            receipt = client.show_again(record, issuer=issuer)
        annotated(session, receipt, say("The record is shown again."))


class _Done(NamedTuple):
    """One record of the portfolio and what became of it; why not, where it was not covered or refused."""

    reference: str
    record_id: bytes
    outcome: str
    why: tuple[tuple[str, str], ...] = ()


def _named(client: "Client", name: str) -> "Overlay":
    """Return an overlay by its name.

    Raises:
        UsageError: the rulebook in force has none of that name; every record would be reported as not covered.
    """
    known = {one.name: one for one in client.directory().rulebook.overlays}
    if name not in known:
        hint = (
            say("it has {known}.", known=", ".join(known))
            if known
            else say("it has none: administrators add one by `act propose rulebook`.")
        )
        raise UsageError(say("--overlay: the rulebook has no overlay of that name"), hint)
    return known[name]


def _plan(rule: "Overlay", records: int) -> "Iterator[RenderableType]":
    """Yield what is looked at, and why which of it is hidden."""
    yield say(
        "To be hidden: those of {records} that overlay {rule} covers",
        records=counted(records, "DEFAULT record"),
        rule=rule.name,
    )
    yield pairs(
        [
            (
                "  overdue first",
                say("{arisen_from} to {arisen_until}", arisen_from=rule.arisen_from, arisen_until=rule.arisen_until),
            ),
            ("  at most", money(rule.most, rule.currency)),
            ("  repaid until", rule.repaid_until),
            (
                "  hidden",
                say("from {hides_from} until {hides_until}", hides_from=rule.hides_from, hides_until=rule.hides_until),
            ),
        ]
    )
    yield say("--dry-run lists which records these are.")


def _hide(
    client: "Client",
    overlay: str,
    dry_run: bool,  # noqa: FBT001 - bound once for all records
    named: "tuple[RecordName, Identity]",
) -> _Done:
    """Hide one record; return what became of it, and why where it was refused for another reason than the overlay."""
    name, identity = named
    record_id = client.record_id(name)
    try:
        receipt = client.hide(record_id, identity, overlay, dry_run=dry_run)
    except PreflightError as error:
        if all(item.rule == _COVERS for item in error.violations):
            return _Done(name.reference, record_id, _NOT_COVERED, error.violations[0].parts)
        raise
    except (ConflictError, RefusedError) as error:
        return _Done(name.reference, record_id, _REFUSED, (("reason", error.reason), *error.complaint.parts))
    outcome = _HIDDEN if receipt is not None else _WOULD_HIDE if dry_run else _BEFORE
    return _Done(name.reference, record_id, outcome)


def _tell(session: Run, done: list[_Done], *, dry_run: bool) -> None:
    """Print how many records came to what, those that are hidden, and why others are not covered or were refused."""
    counts = Counter(one.outcome for one in done)
    covered = [one for one in done if one.outcome in _COVERED]
    records: list[Json] = [
        {"reference": one.reference, "record_id": str(UUID(bytes=one.record_id)), "outcome": one.outcome}
        for one in covered
    ]
    rows = [(one.reference, UUID(bytes=one.record_id), say(one.outcome)) for one in covered[:_SHOWN]]
    session.output.result(
        {
            "dry_run": dry_run,
            "counts": dict(counts),
            "records": records,
            "not_covered": _reasons(done, _NOT_COVERED),
            "refused": _reasons(done, _REFUSED),
        },
        counted(counts.total(), "record") + (say(" looked at; nothing was sent") if dry_run else ""),
        pairs((f"  {name}", counts[name]) for name in sorted(counts)),
        *([table(("  reference", "record", ""), [(f"  {first}", *others) for first, *others in rows])] if rows else []),
        *_more(len(covered)),
        *_why_not(done, _NOT_COVERED),
        *_why_not(done, _REFUSED),
    )


def _reasons(done: list[_Done], outcome: str) -> list[Json]:
    return [{"reference": one.reference, **dict(one.why)} for one in done if one.outcome == outcome]


def _why_not(done: list[_Done], outcome: str) -> "Iterator[RenderableType]":
    """Yield, of the records that came to that, which and why: field, rule, got and want."""
    some = [one for one in done if one.outcome == outcome]
    if some:
        names = ("reason", "field", "rule", "got", "want")
        columns = [name for name in names if any(name in dict(one.why) for one in some)]
        rows = [(f"  {one.reference}", *(dict(one.why).get(name, "") for name in columns)) for one in some[:_SHOWN]]
        yield table((f"  {outcome}", *columns), rows)
        yield from _more(len(some))


def _more(count: int) -> "Iterator[RenderableType]":
    if count > _SHOWN:
        yield say("  and {count} more; --json shows all of them", count=count - _SHOWN)
