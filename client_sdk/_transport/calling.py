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
    """Raise the SDK's error for a failed call."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of_call(error) from error
