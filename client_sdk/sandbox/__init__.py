"""The sandbox: a whole registry on this machine for people who try it, with a desk for each role and invented data.

    from client_sdk.sandbox import run_sandbox

    run_sandbox(None, print)

``credit-registry sandbox`` runs it. Its data is that of ``make demo``: ``client_sdk.invented``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.extras import check_extras

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["run_sandbox"]


def run_sandbox(keep: Path | None, tell: Callable[[str], None]) -> None:
    """Run a sandbox until Ctrl-C, SIGTERM or a closed terminal; then stop all of it, and delete what it made.

    Args:
        keep: folder of everything, which stays, and is started again by the next run; None for a temporary one.
        tell: called with a line for the person who started it: the desks, their links, whom to ask about.

    Raises:
        ConfigError: an extra is not installed, the folder holds something else, or a program fails; its log is part of
            the message.
        KeyboardInterrupt: it was ended before it was ready.
    """
    check_extras("the sandbox", "server", "desk")
    from client_sdk.sandbox.running import run  # noqa: PLC0415 - loads the SDK

    run(keep, tell)
