"""``key``: further keys of a member, and the end of one."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.acts import KeyEndBody, KeyGrantBody, KeyGrantFile, grant_key
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import ContestedFromOption, YesOption, word_option
from client_sdk.cli.ui.output import Json, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs import key_passphrase, key_replay
from client_sdk.cli.verbs.act.propose import propose_body
from client_sdk.errors import ConfigError
from client_sdk.home import replace_file
from client_sdk.models import KeyUsage
from client_sdk.signing import create_signing_key, open_signer
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.acts import Directory, InstitutionKey, InstitutionState, Signer
    from client_sdk.config import ClientConfig

__all__ = ["register"]

UsageOption = Annotated[
    KeyUsage,
    word_option(KeyUsage, "What the key signs."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Keys: list, add, use, revoke, passphrase, replay.", no_args_is_help=True)
    app.add_typer(group, name="key")
    key_passphrase.register(group)
    key_replay.register(group)

    @verb(group, "list", examples=["key list", "key list --institution lender-2"])
    def list_(
        session: Run,
        /,
        *,
        institution: Annotated[
            str | None, typer.Option(metavar="ID", help="Whose; without it your own.", show_default=False)
        ] = None,
    ) -> None:
        """List every key that an institution ever held, as acts gave and ended them."""
        config = session.config()
        with session.client() as client:
            state = client.directory().institution(institution or config.institution)
        used = {signer.public_key.key_id for signer in _signers(config).values()}
        content: list[Json] = [_key_content(key, in_use=key.key_id in used) for key in state.keys]
        session.output.result(
            {"institution": state.id, "keys": content},
            table(
                ("key", "usage", "from leaf", "to leaf", "in doubt from", ""),
                [
                    (
                        key.key_id.hex(),
                        key.usage.name,
                        key.first,
                        key.end or say("runs"),
                        key.contested_from or "",
                        say("used here") if key.key_id in used else "",
                    )
                    for key in state.keys
                ],
            ),
        )

    @verb(
        group,
        "add",
        examples=[
            "key add --usage REPORT",
            "key add --usage REPORT --device 'pkcs11:token=lender-1;object=report-2'",
            "--home admin-1 key add --usage ADMINISTER --propose",
        ],
    )
    def add(
        session: Run,
        /,
        *,
        usage: UsageOption,
        propose: Annotated[bool, typer.Option("--propose", help="Propose the act at once (administrators).")] = False,
        device: Annotated[
            str | None,
            typer.Option(metavar="URI", help="A key that a device holds: pkcs11: or ssh-agent:.", show_default=False),
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Make a further key, endorsed by one that you have, and the file with which administrators grant it.

        It counts from the act that grants it; then `key use` makes it the one that signs. Back it up now. A key that a
        hardware module or an ssh-agent holds is named by --device and stays there.
        """
        config = session.config()
        endorser = _endorser(config, usage)
        stem = _new_stem(config, usage)
        path = config.home / "keys" / f"{stem}.pem"
        if device is None:
            signer: Signer = create_signing_key(path, config.new_key_passphrase())
            made = say("Made a further {usage} key. BACK IT UP NOW: {path}", usage=usage.name, path=path)
            key = f"keys/{path.name}"
        else:
            signer = open_signer(device, config.home, config.secret)
            made = say("Took a further {usage} key, which its device holds: {uri}", usage=usage.name, uri=device)
            key = device
        grant = grant_key(config.name, config.institution, signer, usage, endorser)
        target = _grant_file(config, stem)
        replace_file(target, KeyGrantFile(config.institution, grant).encode())
        if propose:
            propose_body(session, lambda _: KeyGrantBody(config.institution, grant), yes=yes)
            return
        session.output.result(
            {
                "institution": config.institution,
                "usage": usage.name,
                "key_id": grant.key_id.hex(),
                "key": str(path) if device is None else device,
                "grant": str(target),
            },
            made,
            pairs([("  key", grant.key_id.hex()), ("  file", target)]),
            say("Next:"),
            say("  1. hand {target} to an administrator, who runs:", target=target),
            f"     {session.their_command} act propose key --grant {target.name}",
            say(
                "  2. when its act is logged: {command} key use --usage {usage} {key}",
                command=session.command,
                usage=usage.name,
                key=shlex.quote(key),
            ),
        )

    @verb(group, "use", examples=["key use --usage REPORT keys/report-2.pem"])
    def use(
        session: Run,
        /,
        *,
        key: Annotated[str, typer.Argument(metavar="KEY", help="Key file, from here or from the home, or a URI.")],
        usage: UsageOption,
    ) -> None:
        """Sign with another key from now on; the directory must already know it."""
        config = session.config()
        uri = key if ":" in key else f"file:{_in_home(config.home, key)}"
        signer = open_signer(uri, config.home, config.secret)
        with session.client() as client:
            held = client.directory().institution(config.institution).key(signer.public_key.key_id)
        if held is None or held.usage is not usage or not held.running:
            found = (
                say("unknown to the directory")
                if held is None
                else say("for {usage}, or at its end", usage=held.usage.name)
            )
            raise ConfigError(f"the key is {found}: its act must be logged first")
        changed = replace(config, keys={**config.keys, usage: uri})
        replace_file(config.home / "config.toml", changed.to_toml().encode())
        session.output.result(
            {"usage": usage.name, "key_id": signer.public_key.key_id.hex(), "uri": uri},
            say("{usage} is signed with {uri} from now on.", usage=usage.name, uri=uri),
            say("Before an act ends the old key, let a key that stays vouch for the TLS key:"),
            f"  {session.command} certificate renew",
        )

    @verb(
        group,
        "revoke",
        examples=[
            "key revoke 3f1c09ab",
            "--home admin-1 key revoke 3f1c09ab --institution lender-1 --contested-from 120345",
        ],
    )
    def revoke(
        session: Run,
        /,
        *,
        key: Annotated[str, typer.Argument(metavar="KEY-ID", help="Key id, or how it begins; see `key list`.")],
        institution: Annotated[
            str | None, typer.Option(metavar="ID", help="Whose; without it your own.", show_default=False)
        ] = None,
        contested_from: ContestedFromOption = None,
        yes: YesOption = False,
    ) -> None:
        """End a key: administrators propose the act, others are told what to ask the administrators for.

        After a theft, --contested-from names the first leaf that may not be yours: what stands there is not relied on
        until a version signed by a good key supersedes it.
        """
        config = session.config()
        owner = institution or config.institution
        if KeyUsage.ADMINISTER in config.keys:
            propose_body(session, lambda directory: _end(directory, owner, key, contested_from), yes=yes)
            return
        with session.client() as client:
            ended = _end(client.directory(), owner, key, contested_from)
        contested = f" --contested-from {contested_from}" if contested_from else ""
        command = f"{session.their_command} act propose key --institution {owner} --end {ended.key_id.hex()}{contested}"
        session.output.result(
            {
                "institution": owner,
                "key_id": ended.key_id.hex(),
                "contested_from": contested_from,
                "proposed": False,
                "command": command,
            },
            say("Only administrators end keys. Ask two of them, by a way on which they know you, to run:"),
            f"  {command}",
        )


def _signers(config: "ClientConfig") -> dict[KeyUsage, "Signer"]:
    return {usage: config.signer(usage) for usage in config.keys}


def _endorser(config: "ClientConfig", usage: KeyUsage) -> "Signer":
    """Return an own key to endorse with: of the same usage, else any; for an ADMINISTER key another ADMINISTER key.

    Raises:
        ConfigError: there is none; who has none left gets a new institution id.
    """
    usages = [usage, *config.keys] if usage in config.keys else list(config.keys)
    if not usages or (usage is KeyUsage.ADMINISTER and usage not in config.keys):
        like = say("ADMINISTER key") if usages else say("key")
        raise ConfigError(f"this home has no {like} that could endorse another one")
    return config.signer(usages[0])


def _new_stem(config: "ClientConfig", usage: KeyUsage) -> str:
    """Return the name of a further key, such as report-2, of which there is neither a key nor a grant yet."""
    name = usage.name.lower()
    number = 2
    while (config.home / "keys" / f"{name}-{number}.pem").exists() or _grant_file(config, f"{name}-{number}").exists():
        number += 1
    return f"{name}-{number}"


def _grant_file(config: "ClientConfig", stem: str) -> Path:
    return config.home / f"{config.institution}.{stem}.key.json"


def _in_home(home: Path, key: str) -> str:
    """Return the path of a key file as seen from the home; it may be given as seen from the working directory."""
    path = Path(key).resolve()
    of_home = not Path(key).is_absolute() and (home / key).exists()
    if not of_home and path.exists() and path.is_relative_to(home.resolve()):
        return path.relative_to(home.resolve()).as_posix()
    return key


def _end(directory: "Directory", owner: str, begins: str, contested_from: int | None) -> KeyEndBody:
    state: InstitutionState = directory.institution(owner)
    found = [key for key in state.keys if key.running and key.key_id.hex().startswith(begins.lower())]
    if len(found) != 1:
        message = say(
            "{owner} has {found} running key that begins so",
            owner=owner,
            found=say("no") if not found else say("more than one"),
        )
        raise UsageError(message, say("see `key list --institution {owner}`.", owner=owner))
    return KeyEndBody(owner, found[0].key_id, contested_from or 0)


def _key_content(key: "InstitutionKey", *, in_use: bool) -> dict[str, Json]:
    return {
        "key_id": key.key_id.hex(),
        "algorithm": key.algorithm,
        "public_key": key.public_key.hex(),
        "usage": key.usage.name,
        "first": key.first,
        "end": key.end or None,
        "contested_from": key.contested_from or None,
        "used_here": in_use,
    }
