"""Our commands, loaded once: each is then entered in a process of its own, forked from one that has them loaded.

Nine tenths of the time of a short command are Python's imports. The demo runs some sixty, so it pays for those once.
Everything else is as if the command had been typed: its arguments, its folder, its streams, its exit code.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import client_sdk.client  # noqa: F401 - the processes that are forked find loaded what commands import as they run
from client_sdk import cli as member_cli
from registry_server import cli as registry_cli
from registry_server.subject_key_service import cli as key_service_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["enter"]

_MAINS: dict[str, Callable[[], None]] = {
    "credit-registry": member_cli.main,
    "registry-server": registry_cli.main,
    "subject-key-service": key_service_cli.main,
}


def enter(command: Sequence[str], folder: Path, output: Path, errors: Path) -> None:
    """Become a command.

    Args:
        command: name of one of our programs, and its arguments.
        folder: in which it runs.
        output: file for what it writes.
        errors: file for what it complains about.
    """
    os.chdir(folder)
    for path, stream in ((output, 1), (errors, 2)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    sys.argv = list(command)
    _MAINS[command[0]]()
