"""Flows, the steps that they yield, and the two drivers that run them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from client_sdk._transport.channels import error_of_call

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias

    from client_sdk.errors import CreditRegistryError

__all__ = ["Flow", "Step", "run", "run_async"]

R = TypeVar("R")

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


async def run_async(flow: Flow[R]) -> R:
    """Run a flow in the event loop, and return or raise what it does."""
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
