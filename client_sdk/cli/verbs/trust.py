"""``trust``: the trust root of a home. A person compares its fingerprint over another channel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk import TrustRoot
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.trust_shown import (
    FingerprintOption,
    fingerprint_of,
    grouped,
    trust_content,
    trust_lines,
)
from client_sdk.cli.ui.verb import verb
from client_sdk.errors import FormatError, VerificationError
from client_sdk.home import install_trust_root
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk.config import ClientConfig

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="The trust root: fetch, install, show.", no_args_is_help=True)
    app.add_typer(group, name="trust")

    @verb(group, "fetch", examples=["trust fetch", "trust fetch --fingerprint 3f1c…"])
    def fetch(session: Run, /, *, fingerprint: FingerprintOption = None) -> None:
        """Fetch the genesis act from the registry, make the trust root of it, and compare its fingerprint.

        The registry could show you a history of its own making. What protects you is the fingerprint, told to you by
        an administrator over another channel: give it with --fingerprint, or compare it when you are asked.
        """
        config = session.config()
        _install(session, _fetch(config).encode(), fingerprint)

    @verb(
        group,
        "install",
        examples=["trust install trust-root.bin", "trust install trust-root.bin --fingerprint 3f1c…"],
    )
    def install(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Trust root as the registry hands it out.")],
        fingerprint: FingerprintOption = None,
    ) -> None:
        """Install a trust root from a file, once its fingerprint was compared."""
        _install(session, read_whole(file), fingerprint)

    @verb(group, "show", examples=["trust show", "trust show --file trust-root.bin"])
    def show(
        session: Run,
        /,
        *,
        file: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Another file than the installed one.", show_default=False)
        ] = None,
    ) -> None:
        """Show the trust root with its fingerprint."""
        root = session.config().trust_root() if file is None else TrustRoot.parse(read_whole(file))
        session.output.result(trust_content(root), *trust_lines(root))


def _fetch(config: "ClientConfig") -> TrustRoot:
    from client_sdk.trust import fetch_trust_root  # noqa: PLC0415 - loads gRPC, which only fetching needs

    return fetch_trust_root(config)


def _install(session: Run, data: bytes, fingerprint: str | None) -> None:
    root = TrustRoot.parse(data)
    config = session.config()
    given = fingerprint_of(fingerprint)
    if root.registry != config.name:
        raise FormatError("trust root", "registry.name", got=root.registry, want=config.name)
    if fingerprint is None:
        session.output.tell(say("Trust root:"), *trust_lines(root), "")
        if not session.interactive:
            hint = say("compare the fingerprint over another channel, then run it again with --fingerprint HEX.")
            raise UsageError(say("the trust root was not installed"), hint)
        session.confirm(say("Is this the fingerprint that an administrator told you over another channel?"), yes=False)
        fingerprint = root.fingerprint
    elif given != root.fingerprint:
        message = say(
            "got {fingerprint}, want {given} as given", fingerprint=grouped(root.fingerprint), given=grouped(given)
        )
        raise VerificationError("trust root", "trust-root.fingerprint", message)
    install_trust_root(session.home, data, fingerprint)
    session.output.result(
        trust_content(root) | {"installed": str(config.trust_root_file)},
        say(
            "Installed {trust_root_file}: registry {registry}, fingerprint {fingerprint}",
            trust_root_file=config.trust_root_file,
            registry=root.registry,
            fingerprint=root.fingerprint,
        ),
    )
