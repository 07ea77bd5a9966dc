"""Flows, the steps that they yield, and the two drivers that run them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from client_sdk._transport.channels import error_of_call

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias

    from client_sdk.errors import CreditRegistryError

__all__ = ["Flow", "Step", "is_in_place", "run", "run_async"]

R = TypeVar("R")

_IN_PLACE: ContextVar[bool] = ContextVar("in_place", default=False)

Flow: TypeAlias = "Generator[Step, Any, R]"


class Step(ABC):
    """Something to wait for, and the two ways to wait for it."""

    @abstractmethod
    def block(self) -> object:
        """Wait in this thread, and return the result."""

    @abstractmethod
    async def wait(self) -> object:
        """Wait in the event loop, and return the result."""


def run(flow: Flow[R]) -> R:
    """Run a flow in this thread, and return or raise what it does."""
    try:
        step = next(flow)
        while True:
            try:
                result = step.block()
            except grpc.RpcError as error:
                step = flow.throw(_meaning(error))
            except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value


def is_in_place() -> bool:
    """Whether the flow of this task does in the event loop itself what it would do beside it."""
    return _IN_PLACE.get()


async def run_async(flow: Flow[R], *, in_place: bool = False) -> R:
    """Run a flow in the event loop, and return or raise what it does.

    Args:
        flow: to be run.
        in_place: whether the loop does itself what else would be done in threads beside it.
    """
    if in_place:
        before = _IN_PLACE.set(True)
        try:
            return await run_async(flow)
        finally:
            _IN_PLACE.reset(before)
    try:
        step = next(flow)
        while True:
            try:
                result = await step.wait()
            except grpc.RpcError as error:
                step = flow.throw(_meaning(error))
            except BaseException as error:  # noqa: BLE001 - the flow decides what it means
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as end:
        value: R = end.value
        return value


def _meaning(error: grpc.RpcError) -> CreditRegistryError:
    """Return the SDK's error for a call that failed."""
    meant = error_of_call(error)
    meant.__cause__ = error
    return meant
