"""``desk user``: who may sign in at the desk."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.desk.rights import DeskRole
from client_sdk.extras import check_desk
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.desk.users import UserFile

__all__ = ["register"]

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As the journal and the registry see it.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=Verbs, help="Who may sign in at the desk: add, list, remove, password.", no_args_is_help=True
    )
    app.add_typer(group, name="user")

    @verb(group, "add", examples=["desk user add anna --role officer"])
    def add(
        session: Run,
        /,
        *,
        name: NameArgument,
        role: Annotated[
            DeskRole,
            typer.Option(help="reader looks; officer also asks and acts; approver also approves; administrator all."),
        ],
    ) -> None:
        """Add a person; the password is typed twice, hidden."""
        users = _users(session)
        users.add(name, role, _typed(session))
        session.output.result(
            {"added": name, "role": role.value}, say("{name} may sign in, as {role}.", name=name, role=role.value)
        )

    @verb(group, "list", examples=["desk user list"])
    def list_(session: Run, /) -> None:
        """List who may sign in, and as what."""
        found = _users(session).read()
        session.output.result(
            {"users": [{"name": name, "role": user.role.value} for name, user in sorted(found.items())]},
            table(("name", "role"), [(name, user.role.value) for name, user in sorted(found.items())])
            if found
            else say("Nobody: the desk shows a link where it is started."),
        )

    @verb(group, "remove", examples=["desk user remove anna"])
    def remove(session: Run, /, *, name: NameArgument) -> None:
        """Remove a person, who is out with the next page."""
        _users(session).remove(name)
        session.output.result(
            {"removed": name}, say("{name} may not sign in any more, and every session has ended.", name=name)
        )

    @verb(group, "password", examples=["desk user password anna"])
    def password(session: Run, /, *, name: NameArgument) -> None:
        """Change a person's password, typed twice, hidden; every session of the person ends."""
        _users(session).change_password(name, _typed(session))
        session.output.result(
            {"changed": name}, say("The password of {name} is another, and every session has ended.", name=name)
        )


def _users(session: Run) -> "UserFile":
    check_desk()
    from client_sdk.desk.users import UserFile  # noqa: PLC0415 - needs the libraries of the desk

    # Names the home, and says what is wrong where it is none.
    return UserFile(session.config().home)


def _typed(session: Run) -> str:
    """Return the password that is typed.

    Raises:
        UsageError: standard input is no terminal: a password on a command line or in a pipe would be seen or kept.
    """
    if not session.interactive:
        raise UsageError(say("a password is typed at a terminal"), say("run the command in a terminal."))
    return str(
        typer.prompt(say("Password (at least 12 characters)"), hide_input=True, confirmation_prompt=True, err=True)
    )
