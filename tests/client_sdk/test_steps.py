"""Flows do the same in both modes: results, errors, order, and what happens to what runs beside them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import grpc
import pytest

from client_sdk._steps import (
    Call,
    Stoppable,
    alone,
    answer,
    beside,
    each_async,
    message,
    pause,
    relay,
    run,
    run_async,
    together,
)
from client_sdk.errors import InvalidError, TransportError, UnavailableError
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from client_sdk._steps import Flow

R = TypeVar("R")
SECONDS = 30.0


class Drive(Protocol):
    def __call__(self, flow: Flow[R], /) -> R: ...


def run_in_a_loop(flow: Flow[R]) -> R:
    return asyncio.run(run_async(flow))


both = pytest.mark.parametrize("drive", [run, run_in_a_loop], ids=["blocking", "asyncio"])


def fail(error: BaseException) -> NoReturn:
    raise error


async def test_items_are_made_beside_the_loop_and_yielded_up_to_the_one_that_fails() -> None:
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for number in range(600):
            threads.add(threading.get_ident())
            yield number
        raise InvalidError("NO_MORE")

    def flow() -> Flow[Iterator[int]]:
        yield from ()
        return items()

    found: list[int] = []

    async def take() -> None:
        async for item in each_async(flow()):
            found.append(item)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(InvalidError, match="NO_MORE"):
        await take()
    assert found == list(range(600))
    assert threading.get_ident() not in threads


@both
def test_a_flow_gets_results_and_returns_its_own(drive: Drive) -> None:
    def flow() -> Flow[list[int]]:
        first = yield from beside(lambda: 1)
        yield from pause(0.0)
        second = yield from beside(lambda: first + 1)
        return [first, second]

    assert drive(flow()) == [1, 2]


@both
def test_a_flow_that_waits_for_nothing_returns(drive: Drive) -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "done"

    assert drive(flow()) == "done"


@both
def test_an_error_is_thrown_into_the_flow(drive: Drive) -> None:
    def flow() -> Flow[str]:
        try:
            yield from beside(partial(fail, KeyError("lost")))
        except KeyError as error:
            return f"got {error}"
        return "none"

    assert drive(flow()) == "got 'lost'"
    with pytest.raises(KeyError, match="lost"):
        drive(beside(partial(fail, KeyError("lost"))))


@both
def test_what_a_work_raises_to_end_an_iteration_ends_no_flow(drive: Drive) -> None:
    with pytest.raises(RuntimeError):
        drive(beside(partial(fail, StopIteration("not the end"))))


class _Broken:
    """A call that fails as gRPC's do, in both modes."""

    def result(self) -> object:
        raise grpc.RpcError

    def __await__(self) -> Generator[None, None, object]:
        yield from ()
        raise grpc.RpcError

    def __next__(self) -> object:
        raise grpc.RpcError

    async def __anext__(self) -> object:
        raise grpc.RpcError

    def cancel(self) -> None:
        """There is nothing to cancel."""


@both
@pytest.mark.parametrize("wait", [answer, message])
def test_an_error_of_grpc_reaches_the_flow_as_one_of_the_sdk(
    drive: Drive, wait: Callable[[Call[str]], Flow[str | None]]
) -> None:
    with pytest.raises(TransportError) as caught:
        drive(wait(Call(_Broken())))
    assert isinstance(caught.value.__cause__, grpc.RpcError)


@both
def test_flows_together_all_end_before_an_error_of_one_is_raised(drive: Drive) -> None:
    failed, ended = threading.Event(), threading.Event()

    def failing() -> Flow[None]:
        try:
            yield from beside(partial(fail, UnavailableError("away")))
        finally:
            failed.set()

    def lasting() -> Flow[None]:
        assert (yield from beside(partial(failed.wait, SECONDS)))
        yield from pause(0.0)
        ended.set()

    with pytest.raises(UnavailableError):
        drive(together(lasting(), failing()))
    assert ended.is_set()


@both
def test_flows_together_run_at_once_and_give_their_results_in_order(drive: Drive) -> None:
    barrier = threading.Barrier(3, timeout=SECONDS)

    def flow(number: int) -> Flow[int]:
        yield from beside(barrier.wait)
        return number

    assert drive(together(*map(flow, range(3)))) == [0, 1, 2]


def test_a_lock_is_held_for_a_flow_and_given_back_after_an_error() -> None:
    lock = threading.Lock()
    assert run(alone(lock, beside(lock.locked)))
    with pytest.raises(UnavailableError):
        run(alone(lock, beside(partial(fail, UnavailableError("away")))))
    assert not lock.locked()


async def test_a_lock_of_asyncio_lets_other_tasks_wait_for_their_turn() -> None:
    lock, under_way, most = asyncio.Lock(), 0, 0

    def flow() -> Flow[None]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        yield from pause(0.0)
        under_way -= 1

    await asyncio.gather(*(run_async(alone(lock, flow())) for _ in range(5)))
    assert most == 1
    assert not lock.locked()


async def test_work_beside_the_loop_is_in_another_thread_and_keeps_the_context() -> None:
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("set")
    found = await run_async(beside(lambda: (threading.get_ident(), variable.get())))
    assert found[0] != threading.get_ident()
    assert found[1] == "set"


async def test_a_cancelled_task_hears_of_it_only_after_its_work_has_ended() -> None:
    begun, go_on, order = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        assert go_on.wait(SECONDS)
        order.append("work")

    def flow() -> Flow[None]:
        try:
            yield from together(beside(work), pause(SECONDS))
        finally:
            order.append("flow")

    task = asyncio.create_task(run_async(flow()))
    assert await asyncio.to_thread(begun.wait, SECONDS)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert order == ["work", "flow"]


async def test_work_that_never_ends_is_stopped_with_the_task() -> None:
    def endless() -> Iterator[int]:
        while True:
            begun.set()
            yield 1

    begun = threading.Event()
    items = Stoppable(endless())
    task = asyncio.create_task(run_async(beside(partial(sum, items), items.stop)))
    assert await asyncio.to_thread(begun.wait, SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(
        wait_until, lambda: not any(thread.name.startswith("beside") for thread in threading.enumerate())
    )


def test_an_interrupt_reaches_the_flow() -> None:
    def flow() -> Flow[str]:
        try:
            yield from beside(partial(fail, KeyboardInterrupt()))
        except KeyboardInterrupt:
            return "interrupted"
        return "none"

    assert run(flow()) == "interrupted"


class _Interrupted(_Broken):
    """A call during which the keyboard interrupts."""

    def __init__(self) -> None:
        self.cancelled = False

    def result(self) -> object:
        raise KeyboardInterrupt

    def cancel(self) -> None:
        self.cancelled = True


def test_a_call_ends_with_the_wait_for_its_answer() -> None:
    handle = _Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(answer(Call(handle)))
    assert handle.cancelled


@both
def test_a_generator_of_requests_is_sent_answers_and_refusals(drive: Drive) -> None:
    def requests() -> Generator[int, int, list[str]]:
        found = [f"{(yield 1)}"]
        try:
            yield 2
        except InvalidError as error:
            found.append(error.reason)
        return found

    def reply(request: int) -> Flow[int]:
        return beside(lambda: request * 10 if request == 1 else fail(InvalidError("REFUSED")))

    assert drive(relay(requests(), reply)) == ["10", "REFUSED"]


@both
def test_a_refusal_that_a_generator_of_requests_does_not_take_ends_both(drive: Drive) -> None:
    def requests() -> Generator[int, int, None]:
        yield 1

    with pytest.raises(UnavailableError):
        drive(relay(requests(), lambda _: beside(partial(fail, UnavailableError("away")))))
