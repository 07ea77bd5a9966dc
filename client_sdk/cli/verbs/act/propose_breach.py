"""``act propose breach``: notice of a breach of data, within its time."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from client_sdk.acts import BreachBody, BreachedData, BreachNature, milliseconds
from client_sdk.cli.ui.options import YesOption, word_option
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.proposing import propose_body
from client_sdk.lending.typed_text import typed_time
from client_sdk.texts import say

__all__ = ["register"]

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(text: str | datetime) -> datetime:
    if isinstance(text, datetime):
        return text
    try:
        instant = datetime.fromisoformat(typed_time(text.strip()))
    except ValueError:
        raise typer.BadParameter(say("want a date and a time, such as 2026-11-28T09:30+08:00")) from None
    if instant.tzinfo is None:
        raise typer.BadParameter(say("want the offset from UTC as well, such as 2026-11-28T09:30+08:00"))
    if not _FIRST < instant <= datetime.now(UTC):
        raise typer.BadParameter(say("want a time that is past, and after 1970"))
    return instant


def register(propose: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        propose,
        "breach",
        examples=[
            (
                "act propose breach --noticed-at 2026-11-28T09:30+08:00 --nature DISCLOSED --data FACTS "
                "--cause 'a backup disk was stolen' --harm 'debts may become known' --remedies 'keys were changed' "
                "--advice 'distrust callers who name your debts' --contact 'privacy@registry.example, 400 123 4567' "
                "--member lender-1"
            ),
        ],
    )
    def breach(
        session: Run,
        /,
        *,
        noticed_at: Annotated[
            datetime,
            typer.Option(parser=_instant, metavar="TIME", help="When it was noticed; the clock runs from then on."),
        ],
        nature: Annotated[list[BreachNature], word_option(BreachNature, "What happened to the data; may be repeated.")],
        data: Annotated[list[BreachedData], word_option(BreachedData, "What kind of data; may be repeated.")],
        cause: Annotated[str, typer.Option(help="Why it happened.")],
        harm: Annotated[str, typer.Option(help="What harm may follow for the persons.")],
        remedies: Annotated[str, typer.Option(help="What was done against it.")],
        advice: Annotated[str, typer.Option(help="What the persons can do themselves.")],
        contact: Annotated[str, typer.Option(help="Whom to call.")],
        member: Annotated[
            list[str] | None,
            typer.Option(metavar="ID", help="Whom it concerns; may be repeated. All without it.", show_default=False),
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Tell of a breach of data (个人信息保护法 Art. 57): in the log, and in the inboxes of the members it concerns.

        Everybody who follows the acts reads it, for good: name no person, and nothing that helps an attacker. It is in
        time if it is logged, with all signatures, within the rulebook's breach_hours; a late one is logged as well.
        """
        body = BreachBody(
            noticed_at=milliseconds(noticed_at),
            natures=tuple(sorted(set(nature))),
            data=tuple(sorted(set(data))),
            cause=cause,
            harm=harm,
            remedies=remedies,
            advice=advice,
            contact=contact,
            members=tuple(sorted(set(member or []))),
        )
        propose_body(session, lambda _: body, yes=yes)
