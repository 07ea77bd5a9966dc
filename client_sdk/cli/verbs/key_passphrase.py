"""``key passphrase``: the passphrase of a member's private keys, added, changed or removed."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.output import counted
from client_sdk.cli.ui.passphrase_input import new_passphrase
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.home import change_passphrase
from client_sdk.passphrase import PASSPHRASE_VARIABLE
from client_sdk.texts import say

__all__ = ["PassphraseFileOption", "register"]

PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File of mode 0600 that holds the new passphrase in one line; without it you are asked twice, hidden.",
        show_default=False,
    ),
]


def register(group: typer.Typer) -> None:
    """Add the verb to the group ``key``."""

    @verb(
        group,
        "passphrase",
        examples=["key passphrase", "key passphrase --new-passphrase-file new.txt", "key passphrase --remove"],
    )
    def passphrase(
        session: Run,
        /,
        *,
        new_passphrase_file: PassphraseFileOption = None,
        remove: Annotated[bool, typer.Option("--remove", help="Take the passphrase off.")] = False,
    ) -> None:
        """Give the signing keys and TLS keys of this home a passphrase, change it, or take it off.

        The present one is asked for if there is one, or read from the file that CREDIT_REGISTRY_PASSPHRASE_FILE names.
        Every later command asks for it once. record-id.secret is no key and stays as it is.
        """
        if remove and new_passphrase_file is not None:
            raise UsageError(say("--remove and --new-passphrase-file were given"), say("give one or the other."))
        config = session.config()
        new = None if remove else new_passphrase(new_passphrase_file, interactive=session.interactive)
        files = change_passphrase(config, new)
        done = say("have no passphrase any more") if remove else say("have the new passphrase")
        session.output.result(
            {"files": [str(file) for file in files], "encrypted": not remove},
            say("{count} of {home} {done}.", count=counted(len(files), "key"), home=config.home, done=done),
            say("BACK THEM UP NOW: copies made before have the passphrase that they had then, or none."),
            *(
                []
                if remove
                else [
                    say(
                        "Programs without a terminal read it from the file that {passphrase_variable} names.",
                        passphrase_variable=PASSPHRASE_VARIABLE,
                    )
                ]
            ),
        )
