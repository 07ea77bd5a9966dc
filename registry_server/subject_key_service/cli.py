"""The command ``subject-key-service``; what it does is in ``commands``."""

from __future__ import annotations

import os

__all__ = ["main"]


def main() -> None:
    """Run the command."""
    # Whatever it makes is its owner's alone: keys, and the log of requests.
    os.umask(0o077)
    # The processes that evaluate import the program's main module too.
    from registry_server.subject_key_service.commands import run  # noqa: PLC0415 - they need nothing of the command

    run()
