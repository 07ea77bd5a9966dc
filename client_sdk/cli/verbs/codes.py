"""``codes``: code lists for days past due, and conversion between them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import day
from client_sdk.cli.ui.output import table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.codes import DayRange, code_lists, code_of, days_of
from client_sdk.errors import RuleError
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.cli.ui.output import Json

__all__ = ["register"]

AsOfOption = Annotated[
    date | None,
    typer.Option(parser=day, metavar="YYYY-MM-DD", help="By the lists in force then; today without it."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=Verbs, help="Code lists for days past due: list, convert between days and codes.", no_args_is_help=True
    )
    app.add_typer(group, name="codes")

    @verb(group, "list", examples=["codes list", "codes list --json"])
    def list_(session: Run, /) -> None:
        """List the code lists with their editions and sources."""
        lists = code_lists().values()
        content: list[Json] = [
            {
                "name": item.name,
                "title": item.title,
                "source": item.source,
                "editions": [
                    {"since": edition.since.isoformat(), "upto": list(edition.upto), "codes": list(edition.codes)}
                    for edition in item.editions
                ],
            }
            for item in lists
        ]
        rows = ((item.name, item.editions[-1].since, " ".join(item.editions[-1].codes), item.source) for item in lists)
        session.output.result({"lists": content}, table(("list", "since", "codes", "source"), rows))

    @verb(group, "convert", examples=["codes convert --days 45", "codes convert --code M2 --list china-m"])
    def convert(
        session: Run,
        /,
        *,
        days: Annotated[
            int | None, typer.Option(min=0, metavar="DAYS", help="Days past due.", show_default=False)
        ] = None,
        code: Annotated[str, typer.Option(metavar="CODE", help="Or a code, with --list.")] = "",
        name: Annotated[str, typer.Option("--list", metavar="LIST", help="Which list the code is of.")] = "",
        as_of: AsOfOption = None,
    ) -> None:
        """Convert days past due into every code, or a code into its days and the codes that follow from it.

        A code that stands for many days has no one code in another list: all that are possible are shown.
        """
        if (days is None) is not bool(code) or bool(code) is not bool(name):
            raise UsageError(
                say("what to convert is not clear"), say("give --days DAYS, or --code CODE and --list LIST.")
            )
        # Without a home there is no rulebook that names a time zone: this machine's.
        on = as_of or datetime.now().astimezone().date()
        try:
            given = DayRange(days, days) if days is not None else days_of(code, name, on)
            codes = {item: _codes(given, item, on) for item in code_lists()}
        except RuleError as error:
            raise UsageError(
                say("{field}: {rule}, got {got}", field=error.field, rule=error.rule, got=error.got),
                say("want {want}.", want=error.want),
            ) from None
        most = say("and more") if given.most is None else say("to {most}", most=given.most)
        session.output.result(
            {"as_of": on.isoformat(), "least": given.least, "most": given.most, "codes": dict(codes.items())},
            say("{least} days past due", least=given.least)
            if given.exact
            else say("{least} {most} days past due", least=given.least, most=most),
            table(
                ("list", "codes"),
                ((item, say(" or ").join(found) or say("not in force")) for item, found in codes.items()),
            ),
        )


def _codes(days: DayRange, name: str, on: date) -> list[str]:
    """Return each code that some of these days have; none where the list is not in force on that day."""
    found = code_lists()[name]
    editions = [edition for edition in found.editions if edition.since <= on]
    if not editions:
        return []
    codes = editions[-1].codes
    first = codes.index(code_of(days.least, name, on))
    last = len(codes) - 1 if days.most is None else codes.index(code_of(days.most, name, on))
    return list(codes[first : last + 1])
