"""Commands of ``subject-key-service``: init, install, serve, status, destroy, key add-version, directory forget."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.errors import ConfigError
from client_sdk.following import DirectoryFollower, KeptDirectory, confirmation
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from registry_server.logs import log_to_standard_error
from registry_server.serving.command_help import HELP, Commands, OneCommand
from registry_server.serving.command_options import refuse_password, version_option
from registry_server.serving.descriptors import raise_limit
from registry_server.serving.files import FileError, read_whole
from registry_server.serving.memory import keep_few_arenas
from registry_server.serving.next_steps import lines_of
from registry_server.subject_key_service import INSTALL, SetupError, setup
from registry_server.subject_key_service.key_backup import back_up_keys, restore_keys, show_key_backup
from registry_server.subject_key_service.keys import EvaluationKeys
from registry_server.subject_key_service.settings import OPTIONS, KeyServiceFolder, make_settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app", "run"]

app = typer.Typer(
    cls=Commands,
    help="A key service: evaluates blinded identity numbers for lenders and never learns one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
key_app = typer.Typer(cls=Commands, help="The VOPRF keys.", no_args_is_help=True)
app.add_typer(key_app, name="key")
directory_app = typer.Typer(cls=Commands, help="The directory that is followed.", no_args_is_help=True)
app.add_typer(directory_app, name="directory")

Home = Annotated[
    Path,
    typer.Option(
        "--home", envvar="KEY_SERVICE_HOME", metavar="DIR", help="Folder of the key service.", show_default=False
    ),
]


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; what is not in order ends it with status 2 and one line on standard error.

    Args:
        arguments: after the program's name; those of the process unless given.
    """
    try:
        app(args=arguments)
    except (SetupError, FileError, ConfigError, FormatError, RuleError) as error:
        typer.echo(lines_of("subject-key-service", error, str(error)), err=True)
        sys.exit(2)


@app.callback()
def _before(*, version: Annotated[bool, version_option("subject-key-service")] = False) -> None:
    del version  # shown by its callback


@app.command(cls=OneCommand)
def init(
    home: Home,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the service: lower-case letters, digits, hyphens.")
    ],
    url: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where members will reach it, as acts name it.")],
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it listens; left out: the url.", show_default=False)
    ] = "",
    san: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Further host of the certificate; may be repeated.")
    ] = None,
    poll_seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="Between two reads of the directory; at most 120.")
    ] = 10.0,
) -> None:
    """Make folder and keys, and the file that the administrators of a registry need."""
    given = {"name": name, "url": url, "listen": listen or url, "poll_seconds": poll_seconds}
    settings = make_settings(given, OPTIONS)
    path = setup.create(KeyServiceFolder(home), settings, san or ())
    typer.echo(f"{path}: hand this to the administrators")
    typer.echo(f"{home / 'keys'}: back this up where nobody else can read it; without it no pseudonym can be made")


@app.command(cls=OneCommand)
def install(
    home: Home,
    certificate: Annotated[
        Path, typer.Option(metavar="FILE", help="Certificate of this service, PEM.", exists=True, dir_okay=False)
    ],
    ca: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Certificate of the registry's authority, PEM.", exists=True, dir_okay=False),
    ],
    trust_root: Annotated[
        Path, typer.Option(metavar="FILE", help="Trust root of the registry.", exists=True, dir_okay=False)
    ],
    registry: Annotated[
        str, typer.Option(metavar="HOST:PORT[,HOST:PORT...]", help="Where the registry is, at one address or several.")
    ],
    database_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="SQLAlchemy URL of the log of requests, without a password; left out: the folder's requests.sqlite.",
            callback=refuse_password("or in database_url of service.toml"),
            show_default=False,
        ),
    ] = "",
) -> None:
    """Take the certificate and the trust root that the administrators have given back."""
    root = setup.install(
        KeyServiceFolder(home),
        read_whole(certificate),
        read_whole(ca),
        read_whole(trust_root),
        registry,
        database_url,
    )
    typer.echo(f"{root.registry}: compare this fingerprint with the administrators over another channel")
    typer.echo(root.fingerprint)


@app.command(cls=OneCommand)
def serve(home: Home) -> None:
    """Serve until SIGTERM; prints one line as soon as it listens."""
    # The database library takes longer to import than every other command takes to run.
    from registry_server.subject_key_service.server import serve_until_signal  # noqa: PLC0415 - loads that library

    folder = KeyServiceFolder(home)
    settings = read_settings(folder)
    if folder.destruction.exists():
        raise SetupError(
            f"{folder.destruction}: this key service is being destroyed, and serves nobody any more",
            "run `destroy` again to end it.",
        )
    raise_limit()
    keep_few_arenas()
    log_to_standard_error(settings.log_level, "json")
    asyncio.run(serve_until_signal(folder, settings, lambda address: _say(f"{settings.name} ready on {address}")))


@app.command(cls=OneCommand)
def status(
    home: Home, *, as_json: Annotated[bool, typer.Option("--json", metavar="", help="For programs.")] = False
) -> None:
    """Show what is installed and how far the directory was followed, from the folder alone."""
    shown = _status(KeyServiceFolder(home))
    if as_json:
        typer.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        text = " ".join(map(str, value)) if isinstance(value, list) else value
        typer.echo(f"{name.replace('_', ' ')}: {text}")


@key_app.command("add-version", cls=OneCommand)
def add_version(home: Home) -> None:
    """Make a key for a further version of the subject keys, and the file for the act that introduces it."""
    number, path = setup.add_version(KeyServiceFolder(home))
    typer.echo(f"{path}: key {number}; restart the service, then hand this to the administrators")


BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
PassphraseFile = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="File with the passphrase in one line, mode 0600; kept elsewhere than the backup.",
        exists=True,
        dir_okay=False,
    ),
]


@key_app.command("backup", cls=OneCommand)
def key_backup(home: Home, file: BackupFile, passphrase_file: PassphraseFile) -> None:
    """Write keys, TLS files and settings into a new file under a passphrase; the service may go on."""
    backup = back_up_keys(KeyServiceFolder(home), file, passphrase_file)
    typer.echo(f"{file}: {len(backup.key_ids)} keys of {backup.name}; try it with `key restore` in another folder")


@key_app.command("restore", cls=OneCommand)
def key_restore(home: Home, file: BackupFile, passphrase_file: PassphraseFile) -> None:
    """Make the folder of a key service anew from a backup; writes over nothing, and may be run again."""
    backup = restore_keys(KeyServiceFolder(home), file, passphrase_file)
    for key_id in backup.key_ids:
        typer.echo(key_id)
    typer.echo(f"{home}: {backup.name}, ready to serve")


@key_app.command("show-backup", cls=OneCommand)
def key_show_backup(file: BackupFile) -> None:
    """Show whose keys a backup holds, by their ids; no passphrase is needed, and nothing of it is verified."""
    backup = show_key_backup(file)
    typer.echo(f"name: {backup.name}")
    for key_id in backup.key_ids:
        typer.echo(f"key: {key_id}")


_DESTROYING = """\
Keys and log of {name} would be destroyed: no pseudonym of its registry can be made any more, by anybody.
Destroy the backups of the keys too. If that is what you want, stop the service, and run the command again with
  --confirm {name}"""


@app.command(cls=OneCommand)
def destroy(
    home: Home,
    certificate: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The registry's certificate of destruction.", exists=True, dir_okay=False),
    ],
    confirm: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the service; nothing is done without it.", show_default=False),
    ] = None,
) -> None:
    """Destroy the keys, once the registry has certified that it destroyed its data; may be interrupted anywhere."""
    from registry_server.subject_key_service.destroying import destroy_keys  # noqa: PLC0415 - loads SQLAlchemy

    folder = KeyServiceFolder(home)
    name = read_settings(folder).name
    if confirm != name:
        typer.echo(_DESTROYING.format(name=name))
        raise typer.Exit(1)
    report = destroy_keys(folder, read_whole(certificate), lambda words: typer.echo(words, err=True))
    typer.echo(json.dumps(report))


def _say(line: str) -> None:
    """Print a line, if it can be: a full disk behind standard output ends no service."""
    with contextlib.suppress(OSError):
        typer.echo(line)


_FORGETTING = """\
This service has followed the log up to {confirmation}
and refuses a shorter log, or another one: that is how a fork or an old backup is noticed. Forget it only where the
registry's operator has told you over another channel that its database was restored. From then on the service follows
whatever log begins with the genesis of its trust root. Stop the service first, and run the command again with
  --confirm {confirmation}"""


@directory_app.command("forget", cls=OneCommand)
def forget(
    home: Home,
    confirm: Annotated[
        str | None, typer.Option(metavar="SIZE:ROOT", help="What the command names when it is run without it.")
    ] = None,
) -> None:
    """Follow a restored log anew, knowingly; without --confirm it only tells what that means."""
    folder = KeyServiceFolder(home)
    follower = DirectoryFollower(_installed_root(folder))
    KeptDirectory(folder.directory).restore(follower)
    if follower.checkpoint is None:
        raise SetupError(
            "nothing was followed yet: there is nothing to forget",
            "start the service: it follows the log from its genesis on.",
        )
    held = confirmation(follower.checkpoint)
    if confirm is None:
        typer.echo(_FORGETTING.format(confirmation=held))
        raise typer.Exit(1)
    if confirm != held:
        raise SetupError(
            f"nothing was changed: --confirm must be exactly {held}", "run the command without --confirm first."
        )
    kept = folder.home / f"directory.forgotten-{follower.checkpoint.size}-{follower.checkpoint.root.hex()[:16]}"
    if kept.exists():
        raise SetupError(f"nothing was changed: {kept} is there already", "move it away first.")
    folder.directory.rename(kept)
    typer.echo(f"{kept}: what was followed so far; start the service again")


def _installed_root(folder: KeyServiceFolder) -> TrustRoot:
    try:
        return TrustRoot.parse(folder.trust_root.read_bytes())
    except OSError as error:
        raise SetupError(f"{folder.trust_root} cannot be read: {error.strerror}", INSTALL) from error


def _status(folder: KeyServiceFolder) -> dict[str, object]:
    settings, keys = read_settings(folder), EvaluationKeys.load(folder.keys)
    shown: dict[str, object] = {"name": settings.name, "url": settings.url, "registry": settings.registry}
    shown["public_keys"] = [public_key.hex() for public_key in keys.public_keys]
    if not folder.trust_root.exists():
        return shown | {"installed": False}
    follower = DirectoryFollower(TrustRoot.parse(folder.trust_root.read_bytes()))
    KeptDirectory(folder.directory).restore(follower)
    shown |= {"installed": True, "fingerprint": follower.trust_root.fingerprint}
    if follower.view is None:
        return shown | {"directory_age_seconds": None}
    return shown | {
        "directory_age_seconds": round(time.time() - follower.as_of_ms / 1000),
        "size": follower.view.checkpoint.size,
        "act": follower.directory.state.act_number,
        "served_versions": [version for version, _ in keys.served(follower.directory)],
    }
