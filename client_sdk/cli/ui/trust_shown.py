"""A trust root as a verb shows it, and the fingerprint that people type to compare it."""

from string import hexdigits
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.output import Json, pairs
from client_sdk.texts import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from client_sdk import TrustRoot

__all__ = ["FingerprintOption", "fingerprint_of", "grouped", "trust_content", "trust_lines"]

FINGERPRINT_DIGITS = 64

FingerprintOption = Annotated[
    str | None,
    typer.Option(
        metavar="HEX",
        help="Fingerprint that you received over a trusted channel, such as by telephone.",
        show_default=False,
    ),
]


def fingerprint_of(fingerprint: str | None) -> str:
    """Return a fingerprint as it was typed, without blanks; empty for none.

    Raises:
        UsageError: it is no fingerprint.
    """
    if fingerprint is None:
        return ""
    given = "".join(fingerprint.split()).lower()
    if len(given) != FINGERPRINT_DIGITS:
        got = say("{count} characters", count=len(given))
        raise UsageError(
            say(
                "--fingerprint: want {fingerprint_digits} hexadecimal digits, got {got}",
                fingerprint_digits=FINGERPRINT_DIGITS,
                got=got,
            )
        )
    odd = next((character for character in given if character not in hexdigits), "")
    if odd:
        raise UsageError(
            say(
                "--fingerprint: want {fingerprint_digits} hexadecimal digits, got {odd!r} among them",
                fingerprint_digits=FINGERPRINT_DIGITS,
                odd=odd,
            )
        )
    return given


def trust_content(root: "TrustRoot") -> dict[str, Json]:
    """Return what a verb tells of a trust root."""
    return {
        "registry": root.registry,
        "fingerprint": root.fingerprint,
        "log": root.log_key.name,
        "administrators": list(root.administrators),
        "threshold": root.threshold,
        "witness_quorum": [] if root.quorum is None else list(root.quorum.lines()),
        "replay_quorum": [] if root.replaying is None else list(root.replaying.lines()),
    }


def trust_lines(root: "TrustRoot") -> list["RenderableType"]:
    """Return the same as people read it."""
    return [
        pairs(
            [
                ("  registry", root.registry),
                ("  log", root.log_key.name),
                (
                    "  administrators",
                    say(
                        "{administrators}; {threshold} of them sign an act",
                        administrators=", ".join(root.administrators),
                        threshold=root.threshold,
                    ),
                ),
                *(() if root.quorum is None else [("  witnesses at founding", ", ".join(root.quorum.lines()))]),
                *(() if root.replaying is None else [("  auditors at founding", ", ".join(root.replaying.lines()))]),
                ("  fingerprint", grouped(root.fingerprint)),
            ]
        )
    ]


def grouped(fingerprint: str) -> str:
    """Return a fingerprint in groups of eight, as people read it out; spaces do not matter."""
    return " ".join(fingerprint[at : at + 8] for at in range(0, len(fingerprint), 8))
