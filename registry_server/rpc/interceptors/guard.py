"""The interceptor around every method: identity, permission, size, deadline, errors, log and metrics."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from registry_server.errors import Reason, Refusal, RegistryError
from registry_server.rpc.interceptors.call import enter_call
from registry_server.rpc.interceptors.identity import holder_of
from registry_server.rpc.interceptors.observation import OK
from registry_server.rpc.interceptors.status import status_code, trailing_metadata
from registry_server.rpc.permissions import ANONYMOUS
from registry_server.usecases.failures import is_foreseen, refusal_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from google.protobuf.message import Message

    from registry_server.rpc.interceptors.authorization import Authorizer
    from registry_server.rpc.interceptors.deadlines import Deadlines
    from registry_server.rpc.interceptors.observation import Observer

    # What gRPC's handlers are for a server of asyncio; its stubs describe those of threads.
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]
    Parse: TypeAlias = Callable[[bytes], Message]
    Encode: TypeAlias = Callable[[Message], bytes]
    Unary: TypeAlias = Callable[[Message, Context], Awaitable[Message]]
    Streaming: TypeAlias = Callable[[Message, Context], AsyncGenerator[Message, None]]
    Exchange: TypeAlias = Callable[[AsyncIterator[Message], Context], AsyncGenerator[Message, None]]

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
            # Whether the registry serves is asked every second, behind TLS: nothing is decided or noted.
            self._wrapped[method] = handler if method in ANONYMOUS else self._wrap(method, handler)
        return cast("grpc.RpcMethodHandler[Q, R]", self._wrapped[method])

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
        async def exchanging(requests: AsyncIterator[bytes], context: Context) -> None:
            async with self._guarding(method, context, streaming=True) as guarding:
                await guarding.send_all(exchange(_each_parsed(parse, requests), context))

        return grpc.stream_stream_rpc_method_handler(exchanging, None, encode)

    def _wrap_stream(self, method: str, stream: Streaming, parse: Parse, encode: Encode) -> object:
        async def streaming(request: bytes, context: Context) -> None:
            async with self._guarding(method, context, streaming=True) as guarding:
                await guarding.send_all(stream(_parsed(parse, request), context))

        return grpc.unary_stream_rpc_method_handler(streaming, None, encode)

    def _guarding(self, method: str, context: Context, *, streaming: bool) -> _Guarding:
        return _Guarding(self._authorizer, self._deadlines, self._observer, method, context, streaming=streaming)


class _Guarding:
    """What is around one call: a block that it is served in.

    A class: a generator with a decorator does the same at twice the price, some thousand times a second.
    """

    __slots__ = (
        "_authorizer",
        "_call",
        "_context",
        "_deadlines",
        "_method",
        "_observer",
        "_sending",
        "_streaming",
        "_timeout",
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
        self._sending: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._observer.begin()
        try:
            self._call.holder = holder_of(self._context.auth_context())
            self._authorizer.check(self._method, self._call.holder)
            limit = self._deadlines.limit(self._context.time_remaining(), streaming=self._streaming)
            if limit is not None:
                self._timeout = asyncio.timeout(limit)
                await self._timeout.__aenter__()
        except BaseException as error:
            await self._end(error)
            raise
        return self

    async def send_all(self, messages: AsyncGenerator[Message, None]) -> None:
        """Send a stream; what makes its messages is closed before anything else happens, however this ends."""
        async with aclosing(messages):
            async for message in messages:
                await self._send(message)

    async def _send(self, message: Message) -> None:
        """Send a message of a stream; return once the transport has room for the next.

        Raises:
            RegistryError: DEADLINE_EXCEEDED; the peer has taken nothing for too long.
        """
        self._sending = asyncio.ensure_future(self._context.write(message))
        self._sending.add_done_callback(_look_at)
        progress = self._deadlines.progress
        # Not cancelled: gRPC sends no status while a message is on its way.
        done, _ = await asyncio.wait((self._sending,), timeout=progress)
        if not done:
            want = f"a message taken within {progress:g} s"
            raise RegistryError(Reason.DEADLINE_EXCEEDED, "stream", "stream.progress", want=want)
        error = self._sending.exception()
        if isinstance(error, grpc.aio.BaseError):
            # The peer has gone; gRPC is about to say so.
            raise asyncio.CancelledError
        if error is not None:
            raise error

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
        if self._sending is not None:
            # Until the peer takes the last message or goes, only that message is held; the server ends it at the latest
            # with the connection.
            await asyncio.wait((self._sending,))
        # gRPC raises out of here.
        await self._context.abort(
            status_code(refusal), refusal.entry.text, trailing_metadata(refusal, self._call.request_id)
        )


def _look_at(sending: asyncio.Future[None]) -> None:
    """Look at an error that nobody waits for any more, as the call has ended."""
    if not sending.cancelled():
        sending.exception()


def _parsed(parse: Parse, data: bytes) -> Message:
    if len(data) > MAX_MESSAGE_BYTES:
        got, want = f"{len(data)} bytes", f"at most {MAX_MESSAGE_BYTES} bytes"
        raise RegistryError(Reason.SIZE_LIMIT, "message", "message.size", got=got, want=want)
    try:
        return parse(data)
    except DecodeError:
        raise RegistryError(Reason.MALFORMED, "message", "message.protobuf", want="a message of the contract") from None


async def _each_parsed(parse: Parse, requests: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    async for data in requests:
        yield _parsed(parse, data)
