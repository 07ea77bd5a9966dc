"""The desk: pages for the people of a member, served on its own machine, where its keys are (extra ``[desk]``).

    from client_sdk.desk import serve_desk

    serve_desk(ClientConfig.from_home("lender-1"), "127.0.0.1:7700", print)

It is a program over the SDK's public names. ``pages`` holds what people see, one module a topic; a page is a function
of a ``Visit``, and a row of its module's ``PAGES`` says at which path, and for whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.extras import check_desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.config import ClientConfig

__all__ = ["DEFAULT_LISTEN", "serve_desk"]

DEFAULT_LISTEN = "127.0.0.1:7700"


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
    check_desk()
    from client_sdk.desk.serving import serve  # noqa: PLC0415 - loads the libraries of the desk

    serve(config, listen, tell)
