"""``desk token``: programs that may use the desk's HTTP API."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.desk.rights import ApiScope, scopes_of
from client_sdk.extras import check_desk
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.desk.api.tokens import ApiToken, TokenFile

__all__ = ["register"]

_DAYS = 90
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the program, as the journal names it.")]
ScopeOption = Annotated[
    list[ApiScope], typer.Option(help="What the program may do; may be repeated.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=Verbs, help="Programs that may use the desk's HTTP API: add, list, remove.", no_args_is_help=True
    )
    app.add_typer(group, name="token")

    @verb(
        group,
        "add",
        examples=[
            "desk token add core-banking --scope check --scope report",
            "desk token add nightly --scope report --days 365 --webhook https://core.bank.example/registry",
        ],
    )
    def add(
        session: Run,
        /,
        *,
        name: NameArgument,
        scope: ScopeOption,
        days: Annotated[int, typer.Option(metavar="N", help="It is refused from the day after these, UTC.")] = _DAYS,
        webhook: Annotated[
            str, typer.Option(metavar="URL", help="Told of the end of each job, https.", show_default=False)
        ] = "",
    ) -> None:
        """Make a token, and print it once: the desk keeps its hash alone.

        Messages to the webhook are signed as those of alerts are; `alerts secret URL` prints the secret.
        """
        tokens = _tokens(session)
        _check_scopes(session, scope)
        if webhook:
            _check_webhook(session, webhook)
        secret, token = tokens.add(name, scope, days, webhook)
        session.output.result(
            {**_content(token), "token": secret},
            say(
                "{name} may use the API up to the day before {expires}: {scopes}",
                name=name,
                expires=token.expires,
                scopes=" ".join(sorted(token.scopes)),
            ),
            pairs([("token", secret)]),
            say("The token is shown this once: keep it as a password is kept."),
            *([say("The receiver verifies messages by the secret: `alerts secret URL`")] if webhook else []),
        )

    @verb(group, "list", examples=["desk token list"])
    def list_(session: Run, /) -> None:
        """List which programs may use the API, and for what."""
        found = sorted(_tokens(session).read().values(), key=lambda token: token.name)
        rows = [(token.name, " ".join(sorted(token.scopes)), token.expires, _host(token)) for token in found]
        session.output.result(
            {"tokens": [_content(token) for token in found]},
            table(("name", "scope", "refused from", "webhook at"), rows)
            if found
            else say("None: no program may use it."),
        )

    @verb(group, "remove", examples=["desk token remove core-banking"])
    def remove(session: Run, /, *, name: NameArgument) -> None:
        """Remove a token, which is refused from the next call on."""
        _tokens(session).remove(name)
        session.output.result({"removed": name}, say("{name} may not use the API any more.", name=name))


def _tokens(session: Run) -> "TokenFile":
    check_desk()
    from client_sdk.desk.api.tokens import TokenFile  # noqa: PLC0415 - needs the libraries of the desk

    # Names the home, and says what is wrong where it is none.
    return TokenFile(session.config().home)


def _check_scopes(session: Run, scopes: "list[ApiScope]") -> None:
    """Check that each scope serves this member.

    Raises:
        UsageError: one serves members of another role alone.
    """
    roles = session.config().roles
    foreign = sorted(set(scopes) - scopes_of(roles))
    if foreign:
        given = ", ".join(sorted(role.name for role in roles))
        raise UsageError(
            say("--scope {scope}: a token of a {roles} is never good for it", scope=foreign[0], roles=given),
            say("give scopes that serve it: {scopes}.", scopes=", ".join(sorted(scopes_of(roles)))),
        )


def _check_webhook(session: Run, url: str) -> None:
    """Check that a webhook is a URL that does not lead inward.

    Raises:
        ConfigError: it is none.
    """
    from client_sdk.alerting.address import webhook  # noqa: PLC0415 - loaded by this verb alone
    from client_sdk.alerting.posting import refuse_inward  # noqa: PLC0415 - likewise
    from client_sdk.alerting.settings import DeliverySettings  # noqa: PLC0415 - likewise

    refuse_inward(webhook(url), DeliverySettings.from_home(session.config().home).networks)


def _host(token: "ApiToken") -> str:
    """Return where the webhook of a token is; its path may be a secret."""
    from client_sdk.alerting.address import webhook  # noqa: PLC0415 - loaded by this verb alone

    return webhook(token.webhook).host if token.webhook else ""


def _content(token: "ApiToken") -> dict[str, str | list[str]]:
    return {
        "name": token.name,
        "scopes": sorted(scope.value for scope in token.scopes),
        "expires": token.expires.isoformat(),
    }
