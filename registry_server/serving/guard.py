"""The interceptor around every method: identity, permission, deadline, place, size, errors, log and metrics.

gRPC reads the request of a single call before it calls the handler, and only a handler sees who calls. Therefore every
method is served by a handler for streams, which on the wire is the same: it reads its request when it asks for it, and
the guard asks only after permission was given and a place taken.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from client_sdk.kernel.formats.complaint import Complaint
from registry_server.errors import RefusalReason, RegistryError
from registry_server.serving.call import enter_call
from registry_server.serving.identity import peer_of
from registry_server.serving.observation import OK
from registry_server.serving.status import status_code, trailing_metadata

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
    from types import TracebackType

    from google.protobuf.message import Message

    from client_sdk.kernel.ledger.holder import Holder, Peer
    from registry_server.serving.catalogue import Catalogue
    from registry_server.serving.deadlines import CallDeadlines
    from registry_server.serving.observation import Observer
    from registry_server.serving.places import Places

    # What gRPC's handlers are for a server of asyncio; its stubs describe those of threads.
    Context: TypeAlias = grpc.aio.ServicerContext[bytes, bytes]
    Parse: TypeAlias = Callable[[bytes], Message]
    Encode: TypeAlias = Callable[[Message], bytes]
    Unary: TypeAlias = Callable[[Message, Context], Awaitable[Message]]
    Streaming: TypeAlias = Callable[[Message, Context], AsyncGenerator[Message, None]]
    Exchange: TypeAlias = Callable[[AsyncIterator[Message], Context], AsyncGenerator[Message, None]]

__all__ = ["HEALTH_METHODS", "Guard", "Rules"]

Q = TypeVar("Q")
R = TypeVar("R")

# Called every second by monitoring: guarded like all methods, but logged only if they fail.
HEALTH_METHODS: frozenset[str] = frozenset(("/grpc.health.v1.Health/Check",))
# A stream that each client could hold open for ever. Not served at all (UNIMPLEMENTED), on which clients of gRPC that
# check health by themselves take the server for healthy, as the protocol says. The library does not serve the list.
_NOT_SERVED = frozenset(("/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List"))
# A client that cancels at once looks, for a moment, like one that has sent nothing.
_CANCELLED_WITHIN_SECONDS = 0.05
_CANCELLED = "CANCELLED"
_TOO_LATE = Complaint(
    RefusalReason.DEADLINE_EXCEEDED, "deadline", "deadline.maximum", want="an answer within the limit"
)


class Admission(Protocol):
    """Authorization by method and client certificate, before the request is read."""

    def is_current(self, method: str, peer: Peer) -> bool:
        """Whether what is known in memory is enough to judge a call; else ``refresh`` comes first."""
        ...

    def refresh(self) -> None:
        """Bring what is known up to date; may block, and is called in a thread."""
        ...

    def check(self, method: str, peer: Peer) -> bool:
        """Raise where the caller may not; return whether the caller's TLS key is vouched for."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Configuration of a server's guard.

    Attributes:
        admission: decides by method and caller alone who may call.
        places: of each holder.
        deadlines: of calls and streams.
        catalogue: gRPC status and public message of each reason.
        observer: notes how calls end.
        default_bytes: of a request, where ``request_bytes`` has no row for the method.
        request_bytes: of the longest request, by method.
    """

    admission: Admission
    places: Places
    deadlines: CallDeadlines
    catalogue: Catalogue
    observer: Observer
    default_bytes: int
    request_bytes: Mapping[str, int] = field(default_factory=dict)


class Guard(grpc.aio.ServerInterceptor):
    """Wraps the handlers of all services.

    Args:
        rules: of the server.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._wrapped: dict[str, object] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Q, R] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Q, R] | None:
        """Return the guarded handler of a method; None for one that is not served."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = None if method in _NOT_SERVED else await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method, handler)
        return cast("grpc.RpcMethodHandler[Q, R]", self._wrapped[method])

    def _wrap(self, method: str, handler: grpc.RpcMethodHandler[Q, R]) -> object:
        parse, encode = cast("Parse", handler.request_deserializer), cast("Encode", handler.response_serializer)
        if handler.request_streaming:
            return self._wrap_exchange(method, cast("Exchange", handler.stream_stream), parse, encode)
        if handler.response_streaming:
            return self._wrap_stream(method, cast("Streaming", handler.unary_stream), parse, encode)
        respond = cast("Unary", handler.unary_unary)

        async def guarded(_requests: object, context: Context) -> bytes:
            async with _Guarding(self._rules, method, context, streaming=False) as guarding:
                return encode(await respond(parse(await guarding.request()), context))

        return grpc.stream_unary_rpc_method_handler(guarded)

    def _wrap_exchange(self, method: str, exchange: Exchange, parse: Parse, encode: Encode) -> object:
        async def exchanging(_requests: object, context: Context) -> None:
            async with _Guarding(self._rules, method, context, streaming=True) as guarding:
                requests = (parse(data) async for data in guarding.requests())
                await guarding.send_all(exchange(requests, context), encode)

        return grpc.stream_stream_rpc_method_handler(exchanging)

    def _wrap_stream(self, method: str, stream: Streaming, parse: Parse, encode: Encode) -> object:
        async def streaming(_requests: object, context: Context) -> None:
            async with _Guarding(self._rules, method, context, streaming=True) as guarding:
                request = parse(await guarding.request())
                await guarding.send_all(stream(request, context), encode)

        return grpc.stream_stream_rpc_method_handler(streaming)


class _Guarding:
    """Context manager around one call.

    A class: a generator with a decorator does the same at twice the price, some thousand times a second.
    """

    __slots__ = (
        "_call",
        "_context",
        "_holder",
        "_method",
        "_most",
        "_peer",
        "_rules",
        "_sending",
        "_streaming",
        "_timeout",
    )

    def __init__(self, rules: Rules, method: str, context: Context, *, streaming: bool) -> None:
        self._rules = rules
        self._method = method
        self._most = rules.request_bytes.get(method, rules.default_bytes)
        self._context = context
        self._streaming = streaming
        self._call = enter_call(method)
        # Who has taken a place; None until then.
        self._holder: Holder | None = None
        self._timeout: asyncio.Timeout | None = None
        # Who was let in; None until then.
        self._peer: Peer | None = None
        # The message of a stream that is on its way to the peer.
        self._sending: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        rules = self._rules
        rules.observer.begin(self._call, self._context.invocation_metadata)
        try:
            peer = peer_of(self._context.auth_context())
            holder = self._call.holder = peer.holder
            if not rules.admission.is_current(self._method, peer):
                await asyncio.to_thread(rules.admission.refresh)
            self._call.vouched = rules.admission.check(self._method, peer)
            self._peer = peer
            limit = rules.deadlines.limit(self._context.time_remaining(), streaming=self._streaming)
            rules.places.take(holder, streaming=self._streaming)
            self._holder = holder
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

    async def request(self) -> bytes:
        """Read the one request of a method whose request is no stream.

        Raises:
            RegistryError: MALFORMED, there is none; SIZE_LIMIT.
        """
        if self._holder is None:
            raise RuntimeError("a request is read before permission is given")
        async with self._rules.places.arriving(self._holder):
            data = await self._read()
        if data is None:
            await asyncio.sleep(_CANCELLED_WITHIN_SECONDS)
            raise RegistryError(RefusalReason.MALFORMED, "message", "message.missing", got="none", want="one message")
        return data

    async def requests(self) -> AsyncIterator[bytes]:
        """Yield the requests of a stream, each read when it is asked for.

        Raises:
            RegistryError: SIZE_LIMIT.
        """
        while (data := await self._read()) is not None:
            self._check_again()
            yield data

    async def send_all(self, messages: AsyncGenerator[Message, None], encode: Encode) -> None:
        """Send a stream; what makes its messages is closed before anything else happens, however this ends."""
        # Closed here, since an unclosed generator ends only when it is garbage-collected.
        async with aclosing(messages):
            async for message in messages:
                self._check_again()
                await self._send(encode(message))

    def _check_again(self) -> None:
        """Refuse to go on with a stream whose caller may not call it any more."""
        if self._peer is not None:
            self._rules.admission.check(self._method, peer_of(self._context.auth_context()))

    async def _send(self, message: bytes) -> None:
        """Send a message of a stream; return once the transport has room for the next.

        Raises:
            RegistryError: DEADLINE_EXCEEDED; the peer has taken nothing for too long.
        """
        self._sending = asyncio.ensure_future(self._context.write(message))
        self._sending.add_done_callback(_look_at)
        progress = self._rules.deadlines.progress
        # Not cancelled: gRPC sends no status while a message is on its way.
        done, _ = await asyncio.wait((self._sending,), timeout=progress)
        if not done:
            want = f"a message taken within {progress:g} s"
            raise RegistryError(RefusalReason.DEADLINE_EXCEEDED, "stream", "stream.progress", want=want)
        error = self._sending.exception()
        if isinstance(error, grpc.aio.BaseError):
            # The peer has gone; gRPC is about to say so.
            raise asyncio.CancelledError
        if error is not None:
            raise error

    async def _read(self) -> bytes | None:
        data = await self._context.read()
        if not isinstance(data, bytes):
            return None
        if len(data) > self._most:
            got, want = f"{len(data)} bytes", f"at most {self._most} bytes"
            raise RegistryError(RefusalReason.SIZE_LIMIT, "message", "message.size", got=got, want=want)
        return data

    async def _end(self, error: BaseException | None) -> None:
        """Note how the call ended, tell its caller of an error in the catalogue's words, and give the place back."""
        try:
            await self._tell(error)
        finally:
            if self._holder is not None:
                self._rules.places.give_back(self._holder, streaming=self._streaming)

    async def _tell(self, error: BaseException | None) -> None:
        if not isinstance(error, Exception):
            if error is not None or self._method not in HEALTH_METHODS:
                self._rules.observer.end(self._call, OK if error is None else _CANCELLED)
            else:
                self._rules.observer.pass_over(self._call)
            return
        if isinstance(error, grpc.aio.AbortError):
            # By the health service of gRPC, which knows its own words.
            self._rules.observer.end(self._call, self._context.code().name)
            return
        refusal = self._complaint_of(error)
        if refusal.reason == RefusalReason.INTERNAL:
            self._rules.observer.failed(self._call, error)
        self._rules.observer.end(self._call, refusal.reason, refusal.rule)
        entry = self._rules.catalogue.entry(refusal)
        if self._sending is not None:
            # Until the peer takes the last message or goes, only that message is held, and the place with it; it ends
            # with the connection at the latest.
            await asyncio.wait((self._sending,))
        # gRPC raises out of here.
        await self._context.abort(
            status_code(entry), entry.text, trailing_metadata(refusal, entry, self._call.request_id)
        )

    def _complaint_of(self, error: Exception) -> Complaint:
        match error:
            case TimeoutError():
                return _TOO_LATE
            case DecodeError():
                return Complaint(
                    RefusalReason.MALFORMED, "message", "message.protobuf", want="a message of the contract"
                )
            case _:
                return self._rules.catalogue.complaint_of(error)


def _look_at(sending: asyncio.Future[None]) -> None:
    """Retrieve an exception without a waiter, after the call has ended."""
    if not sending.cancelled():
        sending.exception()
