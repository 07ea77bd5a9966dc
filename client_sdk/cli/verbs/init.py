"""``init``: the first step of every member, on its own machine: keys, and what the administrators need."""

from typing import Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import word, words_of
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Session
from client_sdk.cli.ui.verb import verb
from client_sdk.home import create_home
from client_sdk.kernel.formats.words import Role

__all__ = ["register"]

_EXAMPLE = (
    "--home lender-1 init --institution lender-1 --name 'First Lender' --licence LIC-1 --role LENDER "
    "--registry registry.example:7443 --registry-name example"
)
_QUESTIONS = {
    "institution": "Institution id (lower-case letters, digits, inner hyphens)",
    "name": "Name of the institution",
    "licence": "Number of its licence",
    "registry": "Address of the registry (host:port)",
    "registry_name": "Name of the registry",
}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "init",
        examples=[
            "--home lender-1 init",
            _EXAMPLE,
        ],
    )
    def init(
        session: Session,
        /,
        *,
        institution: Annotated[
            str | None, typer.Option(metavar="ID", help="Institution id that you ask for.", show_default=False)
        ] = None,
        name: Annotated[str | None, typer.Option(help="Name of the institution.", show_default=False)] = None,
        licence: Annotated[
            str | None, typer.Option(help="Number of its licence (征信业管理条例 Art. 7).", show_default=False)
        ] = None,
        role: Annotated[
            list[str] | None,
            typer.Option(metavar="|".join(words_of(Role)), help="What it may do; may be repeated.", show_default=False),
        ] = None,
        registry: Annotated[
            str | None, typer.Option(metavar="HOST:PORT", help="Address of the registry.", show_default=False)
        ] = None,
        registry_name: Annotated[
            str | None, typer.Option(help="Name of the registry; part of everything you sign.", show_default=False)
        ] = None,
        reciprocity_level: Annotated[int, typer.Option(min=1, help="Level of reciprocity of the rulebook.")] = 1,
    ) -> None:
        """Make this machine a member's: keys, settings, and the enrolment file for the administrators.

        The folder (--home) gets one signing key for each thing that your role signs, a TLS key, and, for lenders, the
        secret behind record ids. Nothing of it leaves the machine but ID.enrolment.json. What is not said is asked.
        """
        given = {
            "institution": institution,
            "name": name,
            "licence": licence,
            "registry": registry,
            "registry_name": registry_name,
        }
        told = _complete(session, given)
        roles = [word(Role)(text) for text in role or _ask_roles(session)]
        file = create_home(
            session.home,
            institution=told["institution"],
            registry=told["registry"],
            name=told["registry_name"],
            licence_number=told["licence"],
            display_name=told["name"],
            roles=roles,
            reciprocity_level=reciprocity_level,
        )
        _tell(session, file.enrolment.id, lends=Role.LENDER in roles)


def _complete(session: Session, given: dict[str, str | None]) -> dict[str, str]:
    """Return every answer: as given, else asked for."""
    missing = [name for name, value in given.items() if not value]
    if missing and not session.interactive:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(f"missing: {options}", "give these options, or run it in a terminal to be asked.")
    return {name: value or str(typer.prompt(_QUESTIONS[name], err=True)).strip() for name, value in given.items()}


def _ask_roles(session: Session) -> list[str]:
    if not session.interactive:
        raise UsageError("missing: --role", f"one of {', '.join(words_of(Role))}.")
    answer = str(typer.prompt("Role (LENDER, AUDITOR or ADMINISTRATOR)", default="LENDER", err=True))
    return answer.replace(",", " ").split()


def _tell(session: Session, institution: str, *, lends: bool) -> None:
    home = session.home
    enrolment = home / f"{institution}.enrolment.json"
    keys = sorted(str(path) for path in (home / "keys").glob("*.pem"))
    secret = str(home / "record-id.secret") if lends else None
    backup = ["keys/", *(["record-id.secret"] if lends else [])]
    session.output.result(
        {
            "institution": institution,
            "home": str(home),
            "enrolment": str(enrolment),
            "keys": keys,
            "record_id_secret": secret,
            "back_up": [str(home / item) for item in backup],
        },
        f"{institution} has its home in {home} (nobody else may read it).",
        pairs([("  signing keys", ", ".join(keys)), ("  enrolment file", enrolment)]),
        "",
        f"BACK UP NOW: {' and '.join(str(home / item) for item in backup)}.",
        "  Nobody can restore a lost key: who has none left gets a new institution id."
        + ("\n  Without record-id.secret your own records are not found again after a loss." if lends else ""),
        "",
        "Next:",
        f"  1. hand {enrolment} to the administrators; it holds no secret",
        "  2. credit-registry certificate install FILE     what they hand back",
        "  3. credit-registry trust fetch                  compare the fingerprint over another channel",
        "  4. credit-registry status",
    )
