"""``witness``: cosigning the checkpoints of a log, on a machine of its own."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk import TrustRoot
from client_sdk.checkpoints import VerifierKey
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.errors import FormatError
from client_sdk.home import replace_file
from client_sdk.texts import say
from client_sdk.whole_file import read_whole
from client_sdk.witness import LogRow, WitnessFolder, serve_witness

__all__ = ["register"]

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's own folder.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="A witness of logs: init, serve, show.", no_args_is_help=True)
    app.add_typer(group, name="witness")

    @verb(
        group,
        "init",
        examples=["witness init witness --name lender-1.example/witness --trust-root trust-root.bin"],
    )
    def init(
        session: Run,
        /,
        *,
        folder: FolderArgument,
        name: Annotated[
            str, typer.Option(metavar="NAME", help="Of its key, like a URL without scheme; never changes. Needed.")
        ] = "",
        trust_root: Annotated[
            list[Path] | None,
            typer.Option(metavar="FILE", help="Trust root of a registry whose log is cosigned; may be repeated."),
        ] = None,
        log: Annotated[
            list[str] | None,
            typer.Option(metavar="KEY", help="Verifier key of another log that is cosigned; may be repeated."),
        ] = None,
        listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where it listens.")] = "127.0.0.1:7601",
    ) -> None:
        """Make the folder of a witness: a key and settings; print what readers of the log are given."""
        if not name:
            raise UsageError(
                say("a witness needs --name"), say("name it like a URL without scheme: lender-1.example/witness.")
            )
        logs = [TrustRoot.parse(read_whole(file)).log_key for file in trust_root or ()]
        logs += [VerifierKey.parse(text) for text in log or ()]
        try:
            VerifierKey.cosigner(name, bytes(32))
        except FormatError:
            hint = say("leave out spaces, control characters and plus signs, as in lender-1.example/witness.")
            raise UsageError(say("--name: no key of a witness can have this name"), hint) from None
        key = WitnessFolder(folder).create(name, listen, logs)
        session.output.result(
            {"folder": str(folder), "key": key.text()}, say("{folder}: a new witness", folder=folder), key.text()
        )

    @verb(group, "serve", examples=["witness serve witness"])
    def serve(session: Run, /, *, folder: FolderArgument) -> None:
        """Cosign until SIGTERM; prints one line as soon as it listens."""
        serve_witness(WitnessFolder(folder), session.output.tell)

    @verb(group, "show", examples=["witness show witness", "witness show witness --save witness.note"])
    def show(
        session: Run,
        /,
        *,
        folder: FolderArgument,
        save: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Write the newest checkpoint that it has cosigned, for `compare`; of a witness of one log.",
                show_default=False,
            ),
        ] = None,
    ) -> None:
        """Show key and logs of a witness, and the newest checkpoint of each that it has cosigned."""
        witness = WitnessFolder(folder)
        settings, key, rows = witness.settings(), witness.verifier_key(), witness.rows()
        found = {log.name: rows.read(log.name) for log in settings.logs}
        if save is not None:
            _save(save, list(found.values()))
        shown = [
            (origin, say("nothing yet") if row is None else say("{size} leaves", size=row.size))
            for origin, row in found.items()
        ]
        session.output.result(
            {
                "name": settings.name,
                "key": key.text(),
                "listen": settings.listen,
                "logs": [
                    {"origin": origin, "size": None if row is None else row.size} for origin, row in found.items()
                ],
            },
            pairs([("key", key.text()), ("listens on", settings.listen), *shown]),
        )


def _save(file: Path, rows: list[LogRow | None]) -> None:
    """Write the newest checkpoint of the only log.

    Raises:
        UsageError: there is none yet, or there are several logs.
    """
    row = rows[0] if len(rows) == 1 else None
    if row is None:
        hint = say("a registry feeds a witness that is named in its witness_policy; of several logs none is written.")
        raise UsageError(say("--save: want a witness that has cosigned checkpoints of one log"), hint)
    replace_file(file.resolve(), row.checkpoint)
