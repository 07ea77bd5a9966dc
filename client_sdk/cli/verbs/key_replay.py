"""``key replay``: the key with which an auditor cosigns what it has rebuilt."""

import typer

from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.home import replay_key
from client_sdk.texts import say

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verb to the group ``key``."""

    @verb(group, "replay", examples=["--home auditor key replay"])
    def replay(session: Run, /) -> None:
        """Show the key with which an auditor cosigns what it has rebuilt; made at the first call.

        Administrators name it in the rulebook, as a line "witness NAME KEY" of a policy: see `act propose rulebook
        --replay-quorum`. Then `audit --follow --cosign` cosigns with it. It is no signing key of an act.
        """
        config = session.config()
        key = replay_key(config)
        line = f"witness {config.institution} {key.text()}"
        session.output.result(
            {"file": str(config.replay_key_file), "key": key.text(), "line": line},
            pairs([("  key", key.text()), ("  line of a policy", line), ("  kept in", config.replay_key_file)]),
            say("BACK IT UP with the other keys: a new one must be named in the rulebook anew."),
        )
