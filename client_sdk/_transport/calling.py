"""The one seam between gRPC's errors and the SDK's."""

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
    """Raise what a failed call means, for blocking calls and for asyncio alike."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of_call(error) from error
