"""The desk: pages for the people of a member, served on its own machine, where its keys are (extra ``[desk]``).

    from client_sdk.desk import serve_desk

    serve_desk(ClientConfig.from_home("lender-1"), "127.0.0.1:7700", print)

It is a program over the SDK's public names. ``pages`` holds what people see, one module a topic; a page is a function
of a ``Visit``, and a row of its module's ``PAGES`` says at which path, and for whom.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.config import ClientConfig

__all__ = ["DEFAULT_LISTEN", "check_installed", "serve_desk"]

DEFAULT_LISTEN = "127.0.0.1:7700"

# Modules of the extra [desk] without which it does not start.
_NEEDED = ("argon2", "authlib", "babel", "fastapi", "httpx2", "itsdangerous", "python_multipart", "uvicorn")


def check_installed() -> None:
    """Check that the libraries of the desk are installed.

    Raises:
        ConfigError: one is not.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        text = f"the desk needs {', '.join(missing)}, not installed here"
        raise ConfigError(f'{text}: pip install "credit-registry[desk]"')


def serve_desk(config: ClientConfig, listen: str, tell: Callable[[str], None]) -> None:
    """Serve the desk of a member until SIGTERM or SIGINT.

    Args:
        config: of the member.
        listen: host:port; port 0 takes a free one.
        tell: called with a line for the person who started it: where the desk is, and what went wrong.

    Raises:
        ConfigError: a library, a setting or a file is not in order, the address is taken or may not be listened on, or
            another desk serves this home.
    """
    check_installed()
    from client_sdk.desk.serving import serve  # noqa: PLC0415 - loads the libraries of the desk

    serve(config, listen, tell)
