"""Context of a verb: the member's home, the output, and the SDK's client."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import typer

from client_sdk.cli.ui.failures import DeclinedError, UsageError
from client_sdk.cli.ui.passphrase_input import given_passphrase, given_pin
from client_sdk.cli.ui.sent_telemetry import send_telemetry
from client_sdk.config import HOME_VARIABLE, ClientConfig
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.cli.ui.output import Output
    from client_sdk.client import Client
    from client_sdk.models import WitnessDemand

__all__ = ["Run"]


@dataclass(slots=True)
class Run:
    """One run of one verb.

    Attributes:
        output: where results and notes go.
        chosen: home that the command line names; None for ``CREDIT_REGISTRY_HOME``, else the user's own.
        address: of the registry, once the settings were read; named where it does not answer.
        passphrase: of the keys, once it was asked for.
    """

    output: Output
    chosen: Path | None = None
    address: str = ""
    passphrase: bytes | None = field(default=None, repr=False)

    @property
    def home(self) -> Path:
        """The member's folder."""
        if self.chosen is not None:
            return self.chosen
        return Path(os.environ.get(HOME_VARIABLE) or platformdirs.user_config_dir("credit-registry"))

    @property
    def command(self) -> str:
        """How a next step begins that is run in this home: as this command reached it."""
        return "credit-registry" if self.chosen is None else f"credit-registry --home {shlex.quote(str(self.chosen))}"

    @property
    def their_command(self) -> str:
        """How a next step begins that another member runs in its own home, DIR."""
        return "credit-registry" if self.chosen is None else "credit-registry --home DIR"

    @property
    def is_default_home(self) -> bool:
        """Whether neither the command line nor the environment names the home."""
        return self.chosen is None and not os.environ.get(HOME_VARIABLE)

    def config(self) -> ClientConfig:
        """Read the settings of the home.

        Raises:
            ConfigError: there are none, or they are not in order.
        """
        config = ClientConfig.from_home(self.home) if self.chosen is not None else ClientConfig.from_env()
        self.address = config.registry
        if config.telemetry_endpoint:
            send_telemetry(config.telemetry_endpoint)
        return replace(config, secret=self.ask_secret)

    def client(self, witnessed: WitnessDemand | None = None, replay_max_lag: float | None = None) -> Client:
        """Open the SDK's client; the caller closes it.

        Args:
            witnessed: what is demanded of witnesses; None for what the settings say.
            replay_max_lag: seconds since the last replay by auditors; None for what the settings say.
        """
        from client_sdk.client import Client  # noqa: PLC0415 - verbs that work offline load neither gRPC nor the client

        config = self.config()
        if witnessed is not None:
            config = replace(config, witnessed=witnessed)
        return Client(config if replay_max_lag is None else replace(config, replay_max_lag=replay_max_lag))

    @property
    def interactive(self) -> bool:
        """Whether standard input is interactive."""
        return sys.stdin.isatty()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is done that lasts.

        Raises:
            UsageError: standard input is not a terminal.
            DeclinedError: the answer is no.
        """
        if yes:
            return
        if not self.interactive:
            raise UsageError(
                say("nothing was done: standard input is not a terminal"), say("say --yes if this is what you want.")
            )
        if not typer.confirm(question, err=True):
            raise DeclinedError

    def ask_secret(self, uri: str) -> bytes:
        """Return the passphrase of the key files: of the file that the environment names, else asked for once a run.

        The PIN of a key's device is asked for by itself.
        """
        if not uri.startswith("file:"):
            return given_pin(uri, interactive=self.interactive)
        if self.passphrase is None:
            self.passphrase = given_passphrase(uri, interactive=self.interactive)
        return self.passphrase
