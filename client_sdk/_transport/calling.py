"""gRPC's errors as those of the SDK, for calls that are made outside of a flow."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc

from client_sdk._transport.channels import error_of_call

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["calling"]


@contextmanager
def calling() -> Iterator[None]:
    """Raise what a failed call means."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of_call(error) from error
