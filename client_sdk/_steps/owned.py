"""Running the flows of a client as long as it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from client_sdk._transport.observing import operating
from client_sdk.errors import KeyServiceError, OutboxError, TransportError

if TYPE_CHECKING:
    from client_sdk._steps.driver import Flow
    from client_sdk._transport.owner import Owner

__all__ = ["owned"]

R = TypeVar("R")


def owned(owner: Owner, flow: Flow[R]) -> Flow[R]:
    """Run a flow for a caller who may use the client.

    Closing a client ends its connections and its outbox, so that a call under way fails with whatever it was waiting
    for. That is one and the same error to the caller, with the other one as its context.

    Raises:
        ConfigError: the client is closed, or was closed during the call, or is of another process or event loop.
    """
    owner.check()
    try:
        with operating(getattr(flow, "__name__", "").lstrip("_")):
            return (yield from flow)
    except (TransportError, KeyServiceError, OutboxError):
        owner.check_open()
        raise
