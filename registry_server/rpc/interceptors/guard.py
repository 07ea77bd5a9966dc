"""The interceptor around every method: identity, permission, size, deadline, errors, log and metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from registry_server.errors import Reason, Refusal, RegistryError
from registry_server.rpc.interceptors.call import Call, enter_call
from registry_server.rpc.interceptors.identity import peer_of
from registry_server.rpc.interceptors.observation import OK
from registry_server.rpc.interceptors.status import status_code, trailing_metadata
from registry_server.rpc.permissions import HEALTH, HEALTH_CHECK
from registry_server.usecases.failures import is_foreseen, refusal_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from google.protobuf.message import Message

    from client_sdk.ledger.holder import Peer
    from registry_server.rpc.interceptors.authorization import Authorizer
    from registry_server.rpc.interceptors.deadlines import Deadlines
    from registry_server.rpc.interceptors.observation import Observer

    # What gRPC's handlers are for a server of asyncio; its stubs describe those of threads.
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]
    Parse: TypeAlias = Callable[[bytes], Message]
    Encode: TypeAlias = Callable[[Message], bytes]
    Unary: TypeAlias = Callable[[Message, Context], Awaitable[Message]]
    Streaming: TypeAlias = Callable[[Message, Context], AsyncIterator[Message]]
    Exchange: TypeAlias = Callable[[AsyncIterator[Message], Context], AsyncIterator[Message]]

__all__ = ["MAX_MESSAGE_BYTES", "Guard"]

Q = TypeVar("Q")
R = TypeVar("R")

# The longest message that is read or written: a chunk of 256 submissions, a page of an answer.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_CANCELLED = "CANCELLED"
_TOO_LATE = Refusal(Reason.DEADLINE_EXCEEDED, "deadline", "deadline.maximum", want="an answer within the limit")


class Guard(grpc.aio.ServerInterceptor):
    """Wraps the handlers of all services.

    Args:
        authorizer: whether a caller may.
        deadlines: for how long.
        observer: notes how calls end.
    """

    def __init__(self, authorizer: Authorizer, deadlines: Deadlines, observer: Observer) -> None:
        self._authorizer = authorizer
        self._deadlines = deadlines
        self._observer = observer
        self._wrapped: dict[str, object] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Q, R] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Q, R] | None:
        """Return the guarded handler of a method; None for one that no service has."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            # Asked every second: whether it is answered is decided by ``admit_to_health``, and nothing is noted.
            self._wrapped[method] = handler if method in HEALTH else self._wrap(method, handler)
        return cast("grpc.RpcMethodHandler[Q, R]", self._wrapped[method])

    async def admit_to_health(self, context: Context) -> None:
        """Abort a question about the server's health whose caller may not ask it."""
        try:
            await _admit(self._authorizer, HEALTH_CHECK, peer_of(context.auth_context()))
        except Exception as error:  # noqa: BLE001 - told as what it is, or as INTERNAL
            refusal, call = refusal_of(error), Call(HEALTH_CHECK)
            await context.abort(status_code(refusal), refusal.entry.text, trailing_metadata(refusal, call.request_id))

    def _wrap(self, method: str, handler: grpc.RpcMethodHandler[Q, R]) -> object:
        # Requests come as bytes, so that their size is checked before anything is made of them.
        parse, encode = cast("Parse", handler.request_deserializer), cast("Encode", handler.response_serializer)
        if handler.request_streaming:
            return self._wrap_exchange(method, cast("Exchange", handler.stream_stream), parse, encode)
        if handler.response_streaming:
            return self._wrap_stream(method, cast("Streaming", handler.unary_stream), parse, encode)
        respond = cast("Unary", handler.unary_unary)

        async def guarded(request: bytes, context: Context) -> Message:
            async with self._guarding(method, context, streaming=False):
                return await respond(_parsed(parse, request), context)

        return grpc.unary_unary_rpc_method_handler(guarded, None, encode)

    def _wrap_exchange(self, method: str, exchange: Exchange, parse: Parse, encode: Encode) -> object:
        async def exchanging(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Message]:
            async with self._guarding(method, context, streaming=True) as guarding:
                async for message in exchange(_each_parsed(parse, requests, guarding), context):
                    guarding.check()
                    yield message

        return grpc.stream_stream_rpc_method_handler(exchanging, None, encode)

    def _wrap_stream(self, method: str, stream: Streaming, parse: Parse, encode: Encode) -> object:
        async def streaming(request: bytes, context: Context) -> AsyncIterator[Message]:
            async with self._guarding(method, context, streaming=True) as guarding:
                async for message in stream(_parsed(parse, request), context):
                    guarding.check()
                    yield message

        return grpc.unary_stream_rpc_method_handler(streaming, None, encode)

    def _guarding(self, method: str, context: Context, *, streaming: bool) -> _Guarding:
        return _Guarding(self._authorizer, self._deadlines, self._observer, method, context, streaming=streaming)


class _Guarding:
    """What is around one call: a block that it is served in.

    A class: a generator with a decorator does the same at twice the price, some thousand times a second.
    """

    __slots__ = (
        *("_authorizer", "_call", "_context", "_deadlines", "_method", "_observer", "_peer", "_streaming", "_timeout"),
    )

    def __init__(
        self,
        authorizer: Authorizer,
        deadlines: Deadlines,
        observer: Observer,
        method: str,
        context: Context,
        *,
        streaming: bool,
    ) -> None:
        self._authorizer = authorizer
        self._deadlines = deadlines
        self._observer = observer
        self._method = method
        self._context = context
        self._streaming = streaming
        self._call = enter_call(method)
        self._timeout: asyncio.Timeout | None = None
        self._peer: Peer | None = None

    def check(self) -> None:
        """Refuse to go on with a stream whose caller may not call it any more."""
        if self._peer is not None:
            self._authorizer.check(self._method, self._peer)

    async def __aenter__(self) -> Self:
        self._observer.begin()
        try:
            self._peer = peer_of(self._context.auth_context())
            self._call.holder = self._peer.holder
            self._call.vouched = await _admit(self._authorizer, self._method, self._peer)
            limit = self._deadlines.limit(self._context.time_remaining(), streaming=self._streaming)
            if limit is not None:
                self._timeout = asyncio.timeout(limit)
                await self._timeout.__aenter__()
        except BaseException as error:
            await self._end(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timeout is not None:
            try:
                await self._timeout.__aexit__(kind, error, trace)
            except TimeoutError as late:
                error = late
        await self._end(error)

    async def _end(self, error: BaseException | None) -> None:
        """Note how the call ended, and tell its caller of an error in the catalogue's words."""
        if not isinstance(error, Exception):
            self._observer.end(self._call, OK if error is None else _CANCELLED)
            return
        refusal = _TOO_LATE if isinstance(error, TimeoutError) else refusal_of(error)
        if not is_foreseen(refusal):
            self._observer.failed(self._call, error)
        self._observer.end(self._call, refusal.reason)
        # gRPC raises out of here.
        await self._context.abort(
            status_code(refusal), refusal.entry.text, trailing_metadata(refusal, self._call.request_id)
        )


async def _admit(authorizer: Authorizer, method: str, peer: Peer) -> bool:
    """Let a call through, and return whether its caller's TLS key is vouched for; raises as ``Authorizer.check``."""
    if not authorizer.is_current(method, peer):
        await asyncio.to_thread(authorizer.refresh)
    return authorizer.check(method, peer)


def _parsed(parse: Parse, data: bytes) -> Message:
    if len(data) > MAX_MESSAGE_BYTES:
        got, want = f"{len(data)} bytes", f"at most {MAX_MESSAGE_BYTES} bytes"
        raise RegistryError(Reason.SIZE_LIMIT, "message", "message.size", got=got, want=want)
    try:
        return parse(data)
    except DecodeError:
        raise RegistryError(Reason.MALFORMED, "message", "message.protobuf", want="a message of the contract") from None


async def _each_parsed(parse: Parse, requests: AsyncIterator[bytes], guarding: _Guarding) -> AsyncIterator[Message]:
    async for data in requests:
        guarding.check()
        yield _parsed(parse, data)
