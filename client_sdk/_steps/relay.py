"""Running a generator that yields requests and is sent answers, and knows nothing of steps, as a flow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from client_sdk._steps.work import beside
from client_sdk.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from client_sdk._steps.driver import Flow

__all__ = ["relay"]

R = TypeVar("R")
Q = TypeVar("Q")
A = TypeVar("A")


class _Next(NamedTuple):
    """What a generator of requests has yielded, or else returned."""

    requests: tuple[Any, ...]
    result: Any


def relay(requests: Generator[Q, A, R], reply: Callable[[Q], Flow[A]]) -> Flow[R]:
    """Run a generator that yields requests and is sent their answers; it computes beside the loop.

    Args:
        requests: what the registry refuses, or does not answer, is thrown into it.
        reply: makes the flow that gets the answer to a request.
    """
    step = yield from beside(partial(_advance, requests, None))
    while step.requests:
        received: A | CreditRegistryError
        try:
            received = yield from reply(step.requests[0])
        except CreditRegistryError as error:
            received = error
        step = yield from beside(partial(_advance, requests, received))
    result: R = step.result
    return result


def _advance(requests: Generator[Any, Any, Any], received: object) -> _Next:
    try:
        request = requests.throw(received) if isinstance(received, CreditRegistryError) else requests.send(received)
    except StopIteration as end:
        return _Next((), end.value)
    return _Next((request,), None)
