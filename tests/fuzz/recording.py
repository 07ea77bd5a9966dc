"""Records the requests of honest clients: what is fuzzed begins with messages that mean something."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

__all__ = ["Recorded", "recording"]

# Requests of one method that are kept.
_MOST = 50


class Recorded(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Requests by the path of their method, such as ``/creditregistry.v1.RecordService/Submit``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: dict[str, list[Message]] = defaultdict(list)

    def _keep(self, path: str | bytes, request: Message) -> None:
        name = path.decode() if isinstance(path, bytes) else path
        with self._lock:
            if len(self.requests[name]) < _MOST:
                copied = type(request)()
                copied.CopyFrom(request)
                self.requests[name].append(copied)

    def _one(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, request: Any) -> Any:
        self._keep(details.method, request)
        return proceed(details, request)

    def _many(self, proceed: Callable[..., Any], details: grpc.ClientCallDetails, requests: Iterator[Any]) -> Any:
        def kept() -> Iterator[Any]:
            for request in requests:
                self._keep(details.method, request)
                yield request

        return proceed(details, kept())

    intercept_unary_unary = _one  # type: ignore[assignment]  # the base class names what a call returns
    intercept_unary_stream = _one  # type: ignore[assignment]  # likewise
    intercept_stream_unary = _many  # type: ignore[assignment]  # likewise
    intercept_stream_stream = _many  # type: ignore[assignment]  # likewise


@contextmanager
def recording() -> Iterator[Recorded]:
    """Record the requests of every blocking client that is opened in the block."""
    recorded, connect = Recorded(), grpc.secure_channel

    def connect_recorded(*arguments: Any, **more: Any) -> grpc.Channel:
        return grpc.intercept_channel(connect(*arguments, **more), recorded)

    grpc.secure_channel = connect_recorded
    try:
        yield recorded
    finally:
        grpc.secure_channel = connect
