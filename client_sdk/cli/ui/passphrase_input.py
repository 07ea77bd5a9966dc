"""Reading passphrases and PINs: from a hidden prompt or a file, never from the command line or a variable's text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.passphrase import PASSPHRASE_VARIABLE, check_passphrase, passphrase_of_file
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["given_passphrase", "given_pin", "new_passphrase"]

_HINT = N_("run it in a terminal, or let CREDIT_REGISTRY_PASSPHRASE_FILE name a file of mode 0600 that holds it.")


def given_passphrase(uri: str, *, interactive: bool) -> bytes:
    """Return the passphrase that keys have: of the file that the environment names, else typed, hidden.

    Raises:
        UsageError: standard input is not a terminal.
        ConfigError: the file cannot be used.
    """
    if file := os.environ.get(PASSPHRASE_VARIABLE):
        return passphrase_of_file(file)
    if not interactive:
        raise UsageError(say("the key {uri} has a passphrase, and standard input is not a terminal", uri=uri), _HINT)
    return str(typer.prompt(say("Passphrase of {uri}", uri=uri), hide_input=True, err=True)).encode()


def given_pin(uri: str, *, interactive: bool) -> bytes:
    """Return the PIN of a key's device, typed, hidden.

    Raises:
        UsageError: standard input is not a terminal.
    """
    if not interactive:
        raise UsageError(
            say("the device of the key {uri} wants a PIN, and standard input is not a terminal", uri=uri),
            say("run it in a terminal, or name a file of mode 0600 with the PIN by pin-source=file:/PATH in its URI."),
        )
    return str(typer.prompt(say("PIN of {uri}", uri=uri), hide_input=True, err=True)).encode()


def new_passphrase(file: Path | None, *, interactive: bool) -> bytes:
    """Return the passphrase that keys get: of a file, else typed twice, hidden.

    Raises:
        UsageError: standard input is not a terminal.
        ConfigError: the file cannot be used, or the passphrase is too short or too long.
    """
    if file is not None:
        return check_passphrase(passphrase_of_file(file))
    if not interactive:
        raise UsageError(
            say("a new passphrase is needed, and standard input is not a terminal"), say("name a file of mode 0600.")
        )
    typed = typer.prompt(
        say("New passphrase (at least 8 characters, one line)"), hide_input=True, confirmation_prompt=True, err=True
    )
    return check_passphrase(str(typed).encode())
