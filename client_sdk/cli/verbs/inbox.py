"""``inbox``: notices of corrected and ended records, of disputes and answers, and their acknowledgement."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.breach_shown import breach_content, breach_rows
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text
from client_sdk.models import NoticeReason
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from client_sdk.client import Client
    from client_sdk.models import AcknowledgementReceipt, Notice

__all__ = ["register"]

_COLUMNS = ("notice", "what", "record", "logged", "asked", "acknowledged")
# In words, and what to do about it.
_MEANINGS = {
    NoticeReason.CORRECTED: N_("corrected: ask again before you rely on it"),
    NoticeReason.WITHDRAWN: N_("withdrawn: it was a mistake"),
    NoticeReason.SET_ASIDE: N_("set aside by a court"),
    NoticeReason.RESTRICTED: N_("restricted: do not count it"),
    NoticeReason.DISPUTED: N_("disputed: answer it (`dispute list`)"),
    NoticeReason.ANSWERED: N_("your dispute was answered: tell the person (`dispute show`)"),
    NoticeReason.BREACH: N_("data was breached: tell the persons whom it concerns"),
}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs)
    app.add_typer(group, name="inbox")

    @verb(group, "", examples=["inbox", "inbox --json", "inbox --follow", "inbox acknowledge 4711"])
    def inbox(
        session: Run,
        /,
        *,
        follow: Annotated[
            bool,
            typer.Option("--follow", help="Go on with notices as they come; with --json one document a line."),
        ] = False,
        everything: Annotated[bool, typer.Option("--all", help="Also notices that were acknowledged.")] = False,
        after: Annotated[int, typer.Option(metavar="NOTICE", min=0, help="Only notices after this one.")] = 0,
    ) -> None:
        """Show notices: records that you were shown and that were corrected or ended since, disputes, and breaches.

        A notice of a breach says what to tell the persons, and whom they can call. Any other one holds no fact of the
        record; there is one for each record that an answer to you has shown within the rulebook's correction_days
        before the change, while the registry keeps that inquiry, for each dispute about a record of yours, and for each
        answer to a dispute that you have opened.
        """
        with session.client() as client:
            if follow:
                _follow(session, client.inbox(follow=True, everything=everything, after=after))
                return
            found = list(client.inbox(everything=everything, after=after))
        rows = [_row(notice) for notice in found]
        session.output.result(
            {"notices": [_content(notice) for notice in found]},
            *([table(_COLUMNS, rows)] if rows else []),
            *(line for notice in found for line in _breach_lines(notice)),
            counted(len(found), "notice"),
        )

    @verb(group, "acknowledge", examples=["inbox acknowledge 4711", "inbox acknowledge 4711 4720 --json"])
    def acknowledge(
        session: Run,
        /,
        *,
        numbers: Annotated[list[int], typer.Argument(metavar="NOTICE...", min=1, help="As `inbox` shows them.")],
    ) -> None:
        """Sign that you have taken note of notices; the log keeps that you did, and not of which record."""
        with session.client() as client:
            wanted = sorted(set(numbers))
            receipts = [client.acknowledge(notice) for notice in [_notice(client, number) for number in wanted]]
        session.output.result(
            {"acknowledged": [_receipt_content(receipt) for receipt in receipts]},
            *(
                pairs([(say("  notice {number}", number=receipt.number), _receipt_text(receipt))])
                for receipt in receipts
            ),
            say("{count} acknowledged.", count=counted(len(receipts), "notice")),
        )


def _follow(session: Run, notices: "Iterator[Notice]") -> None:
    """Print each notice when it comes, until the program is ended."""
    for notice in notices:
        number, what, *others = _row(notice)
        text = (
            "" if notice.breach is None else "; ".join(f"{name}: {value}" for name, value in breach_rows(notice.breach))
        )
        session.output.line(_content(notice), "  ".join(str(cell) for cell in (number, what, *others, text) if cell))


def _notice(client: "Client", number: int) -> "Notice":
    """Return the notice with that number.

    Raises:
        UsageError: there is none in the inbox.
    """
    found = next(client.inbox(everything=True, after=number - 1), None)
    if found is None or found.number != number:
        raise UsageError(say("{number}: no such notice", number=number), say("`inbox --all` lists them by number."))
    return found


def _breach_lines(notice: "Notice") -> "Iterator[RenderableType]":
    if notice.breach is not None:
        yield say("Breach, notice {number}", number=notice.number)
        yield pairs((f"  {name}", value) for name, value in breach_rows(notice.breach))


def _row(notice: "Notice") -> tuple[object, ...]:
    return (
        notice.number,
        _what(notice),
        "" if notice.uuid is None else f"{notice.issuer}/{notice.uuid}",
        moment_text(notice.logged_at),
        "" if notice.asked_at is None else moment_text(notice.asked_at),
        "" if notice.waits else say("leaf {acknowledged_index}", acknowledged_index=notice.acknowledged_index),
    )


def _what(notice: "Notice") -> str:
    meaning = say(_MEANINGS[notice.reason])
    if notice.outcome is None:
        return meaning
    return say("{outcome}: {meaning}", outcome=notice.outcome.name, meaning=meaning)


def _content(notice: "Notice") -> dict[str, Json]:
    breach: dict[str, Json] = {} if notice.breach is None else {"breach": breach_content(notice.breach)}
    answer: dict[str, Json] = {} if notice.outcome is None else {"outcome": notice.outcome.name}
    return notice.to_dict() | {"checkpoint": notice.checkpoint.decode()} | breach | answer


def _receipt_content(receipt: "AcknowledgementReceipt") -> dict[str, Json]:
    return receipt.to_dict() | {"checkpoint": receipt.checkpoint.decode()}


def _receipt_text(receipt: "AcknowledgementReceipt") -> str:
    again = say(", as before") if receipt.repeated else ""
    return say(
        "leaf {index}, {logged_at}{again}", index=receipt.index, logged_at=moment_text(receipt.logged_at), again=again
    )
