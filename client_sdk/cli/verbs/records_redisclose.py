"""``records redisclose``: records that a restored registry has lost, given back from this home."""

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.output import counted
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.texts import say

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(group, "redisclose", examples=["records redisclose"])
    def redisclose(session: Run, /) -> ExitCode:
        """Give back what a registry has lost that was restored from a backup; its operator asks for it.

        Sends the newest version of each record once more that this home has reported in the last 36 days, byte for
        byte. The registry takes what it has lost; for all else this changes nothing.
        """
        with session.client() as client:
            given = client.redisclose()
        session.output.result(
            given.to_dict(),
            say(
                "{sent} sent once more: the registry holds {held:,}, and refuses {count:,}",
                sent=counted(given.sent, "record"),
                held=given.held,
                count=len(given.refused),
            ),
            *(f"  {refused}" for refused in given.refused),
        )
        return ExitCode.FOUND if given.refused else ExitCode.OK
