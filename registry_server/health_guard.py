"""Who may ask whether a server serves: the interceptor around the health service, for registry and key services."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    # What gRPC's handlers are for a server of asyncio; its stubs describe those of threads.
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]
    Respond: TypeAlias = Callable[[Message, Context], Awaitable[Message]]
    # The health service writes its stream into the context.
    Watch: TypeAlias = Callable[[Message, "Context | _Checked"], Awaitable[None]]
    Check: TypeAlias = Callable[[Context], Awaitable[None]]

__all__ = ["HealthGuard"]

_HEALTH = "/grpc.health.v1.Health/"

Q = TypeVar("Q")
R = TypeVar("R")


class HealthGuard(grpc.aio.ServerInterceptor):
    """Checks the caller before every answer of the health service, those of a stream included; the rest passes.

    Args:
        check: aborts a call whose caller may not ask.
    """

    def __init__(self, check: Check) -> None:
        self._check = check

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Q, R] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Q, R] | None:
        """Return the guarded handler of a health method, and every other as it is."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_HEALTH):
            return handler
        return cast("grpc.RpcMethodHandler[Q, R]", self._guarded(handler))

    def _guarded(self, handler: grpc.RpcMethodHandler[Q, R]) -> object:
        parse, encode = handler.request_deserializer, handler.response_serializer
        if handler.response_streaming:
            watch = cast("Watch", handler.unary_stream)

            async def watching(request: Message, context: Context) -> None:
                await watch(request, _Checked(context, self._check))

            return grpc.unary_stream_rpc_method_handler(watching, parse, encode)
        respond = cast("Respond", handler.unary_unary)

        async def responding(request: Message, context: Context) -> Message:
            await self._check(context)
            return await respond(request, context)

        return grpc.unary_unary_rpc_method_handler(responding, parse, encode)


class _Checked:
    """A context whose caller is checked before each message that is written."""

    def __init__(self, context: Context, check: Check) -> None:
        self._context = context
        self._check = check

    async def write(self, message: Message) -> None:
        """Write a message, if its caller may still have it."""
        await self._check(self._context)
        await self._context.write(message)
