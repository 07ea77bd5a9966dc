"""``init``: the first step of every member, on its own machine: keys, and what the administrators need."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import word, words_of
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.passphrase_input import new_passphrase
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.config import CONFIG_FILE, HOME_VARIABLE, is_address_list
from client_sdk.errors import ConfigError
from client_sdk.forms import INSTITUTION_ID, flaw_of, holds_long_number
from client_sdk.home import create_home
from client_sdk.models import KeyUsage, Role
from client_sdk.passphrase import PASSPHRASE_VARIABLE
from client_sdk.texts import N_, recognised, say

__all__ = ["register"]

_EXAMPLE = (
    "--home lender-1 init --institution lender-1 --name 'First Lender' --licence LIC-1 --role LENDER "
    "--registry registry.example:7443 --registry-name example"
)
_REGISTRY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _institution(text: str) -> str:
    if not INSTITUTION_ID.fullmatch(text) or holds_long_number(text):
        raise typer.BadParameter(say("want lower-case letters, digits and inner hyphens, at most 64"))
    return text


def _shown(text: str) -> str:
    if not text:
        raise typer.BadParameter(say("want one line of text"))
    if flaw := flaw_of(text):
        raise typer.BadParameter(say("want {want}, got {got}", got=recognised(flaw.got), want=recognised(flaw.want)))
    return text


def _address(text: str) -> str:
    if not is_address_list(text):
        raise typer.BadParameter(say("want HOST:PORT, such as registry.example:7443, or several with commas between"))
    return text


def _registry_name(text: str) -> str:
    if not _REGISTRY_NAME.fullmatch(text):
        raise typer.BadParameter(say("want letters, digits, hyphens, dots and underscores, at most 64"))
    return text


def _roles(text: str) -> str:
    """Return the names of roles, separated by blanks."""
    named = [word(Role)(item) for item in text.replace(",", " ").split()]
    if not named:
        raise typer.BadParameter(say("want one of {words_of}", words_of=", ".join(words_of(Role))))
    return " ".join(role.name for role in named)


class _Prompt(NamedTuple):
    """The prompt for an option that is not given.

    Attributes:
        text: shown to the person.
        parse: returns the answer, or raises ``typer.BadParameter`` where it has a wrong form.
        default: taken where nothing is typed.
    """

    text: str
    parse: Callable[[str], str]
    default: str | None = None


_QUESTIONS = {
    "institution": _Prompt(N_("Institution id (lower-case letters, digits, inner hyphens)"), _institution),
    "name": _Prompt(N_("Name of the institution"), _shown),
    "licence": _Prompt(N_("Number of its licence"), _shown),
    "role": _Prompt(N_("Role (LENDER, AUDITOR, ADMINISTRATOR or REPRESENTATIVE)"), _roles, Role.LENDER.name),
    "registry": _Prompt(N_("Address of the registry (host:port)"), _address),
    "registry_name": _Prompt(N_("Name of the registry"), _registry_name),
}

InstitutionOption = Annotated[
    str | None, typer.Option(metavar="ID", help="Institution id that you ask for.", show_default=False)
]
NameOption = Annotated[str | None, typer.Option(help="Name of the institution.", show_default=False)]
LicenceOption = Annotated[
    str | None, typer.Option(help="Number of its licence (征信业管理条例 Art. 7).", show_default=False)
]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(metavar="|".join(words_of(Role)), help="What it may do; may be repeated.", show_default=False),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT[,HOST:PORT...]", help="Address of the registry, or addresses.", show_default=False),
]
RegistryNameOption = Annotated[
    str | None, typer.Option(help="Name of the registry; part of everything you sign.", show_default=False)
]
PassphraseOption = Annotated[
    bool, typer.Option("--passphrase", help="Encrypt the private keys under a passphrase, asked for twice.")
]
DeviceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        metavar="USAGE=URI",
        help="Signing key that a device holds: pkcs11: or ssh-agent:; may be repeated.",
        show_default=False,
    ),
]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The same, from a file of mode 0600 with one line.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "init",
        examples=[
            "--home lender-1 init",
            "--home lender-1 init --passphrase",
            "--home lender-1 init --device 'REPORT=pkcs11:token=lender-1;object=report?module-path=/usr/lib/module.so'",
            _EXAMPLE,
        ],
    )
    def init(
        session: Run,
        /,
        *,
        institution: InstitutionOption = None,
        name: NameOption = None,
        licence: LicenceOption = None,
        role: RoleOption = None,
        registry: RegistryOption = None,
        registry_name: RegistryNameOption = None,
        passphrase: PassphraseOption = False,
        passphrase_file: PassphraseFileOption = None,
        device: DeviceOption = None,
    ) -> None:
        """Make this machine a member's: keys, settings, and the enrolment file for the administrators.

        The folder (--home) gets one signing key for each thing that your role signs, a TLS key, and, for lenders, the
        secret behind record ids. Nothing of it leaves the machine but ID.enrolment.json. What is not said is asked.

        A signing key that a hardware module or an ssh-agent holds is named by --device and stays there.
        """
        if (session.home / CONFIG_FILE).exists():
            raise ConfigError(f"{session.home / CONFIG_FILE} exists already: this folder is a member's home")
        if session.is_default_home:
            session.output.tell(
                say(
                    "No --home and no {home_variable}: the home is made in {home}.",
                    home_variable=HOME_VARIABLE,
                    home=session.home,
                )
            )
        answers = _complete(
            session,
            {
                "institution": institution,
                "name": name,
                "licence": licence,
                "role": " ".join(role or []),
                "registry": registry,
                "registry_name": registry_name,
            },
        )
        roles = [Role[item] for item in answers["role"].split()]
        devices = dict(map(_device, device or []))
        encrypting = passphrase or passphrase_file is not None
        file = create_home(
            session.home,
            institution=answers["institution"],
            registry=answers["registry"],
            name=answers["registry_name"],
            licence_number=answers["licence"],
            display_name=answers["name"],
            roles=roles,
            passphrase=new_passphrase(passphrase_file, interactive=session.interactive) if encrypting else None,
            devices=devices,
            secret=session.ask_secret,
        )
        _tell(session, file.enrolment.id, devices, lends=Role.LENDER in roles, encrypted=encrypting)


def _complete(session: Run, given: dict[str, str | None]) -> dict[str, str]:
    """Return every answer: as given, else asked for until it has the right form.

    Raises:
        UsageError: one that was given has a wrong form, or one is missing and standard input is not a terminal.
    """
    answers: dict[str, str] = {}
    for name, text in given.items():
        if text is not None and text.strip():
            try:
                answers[name] = _QUESTIONS[name].parse(text.strip())
            except typer.BadParameter as error:
                raise UsageError(f"{_option(name)}: {error.message}") from None
    missing = [name for name in given if name not in answers]
    if missing and not session.interactive:
        options = ", ".join(map(_option, missing))
        raise UsageError(
            say("missing: {options}", options=options), say("give these options, or run it in a terminal to be asked.")
        )
    return answers | {name: _ask(_QUESTIONS[name]) for name in missing}


def _device(text: str) -> tuple[KeyUsage, str]:
    usage, equals, uri = text.partition("=")
    if not equals or usage.upper() not in words_of(KeyUsage):
        raise UsageError(
            say("--device: want USAGE=URI"), say("USAGE is one of {usages}.", usages=", ".join(words_of(KeyUsage)))
        )
    return KeyUsage(usage.upper()), uri


def _ask(question: _Prompt) -> str:
    answer = typer.prompt(
        say(question.text), default=question.default, err=True, value_proc=lambda text: question.parse(text.strip())
    )
    return str(answer)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _tell(session: Run, institution: str, devices: Mapping[KeyUsage, str], *, lends: bool, encrypted: bool) -> None:
    home = session.home
    enrolment = home / f"{institution}.enrolment.json"
    keys = sorted(str(path) for path in (home / "keys").glob("*.pem"))
    secret = str(home / "record-id.secret") if lends else None
    command = session.command
    backup = [*(["keys/"] if keys else []), *(["record-id.secret"] if lends else [])]
    kept = say(" and ").join(str(home / item) for item in backup)
    session.output.result(
        {
            "institution": institution,
            "home": str(home),
            "enrolment": str(enrolment),
            "keys": keys,
            "devices": {usage.name: uri for usage, uri in devices.items()},
            "record_id_secret": secret,
            "back_up": [str(home / item) for item in backup],
        },
        say("{institution} has its home in {home} (nobody else may read it).", institution=institution, home=home),
        pairs([("  signing keys", ", ".join([*keys, *devices.values()])), ("  enrolment file", enrolment)]),
        "",
        say("BACK UP NOW: {backup}.", backup=kept or say("what the device needs")),
        say("  Nobody can restore a lost key: who has none left gets a new institution id.")
        + (say("\n  Without record-id.secret your own records are not found again after a loss.") if lends else ""),
        "",
        say("Next:"),
        say("  1. hand {enrolment} to the administrators; it holds no secret", enrolment=enrolment),
        say("  2. {command} certificate install FILE     what they hand back", command=command),
        say(
            "  3. {command} trust fetch                  compare the fingerprint over another channel", command=command
        ),
        f"  4. {command} status",
        *(
            [
                say(
                    "Programs without a terminal read the passphrase from the file that {passphrase_variable} names.",
                    passphrase_variable=PASSPHRASE_VARIABLE,
                )
            ]
            if encrypted
            else []
        ),
    )
