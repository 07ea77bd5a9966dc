"""Calls that gRPC does not end: they are given up, and neither their thread nor their connection holds anybody up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from client_sdk._transport import call_threads, deadlines, watched, watched_aio
from client_sdk._transport.call_threads import CallThreads
from client_sdk._transport.channels import Deadlines, TlsMaterial, error_of_call
from client_sdk._transport.owner import Owner
from client_sdk._transport.watched import WatchedChannel
from client_sdk._transport.watched_aio import WatchedAioChannel
from client_sdk.errors import ConfigError, DeadlineExceededError
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SHORT = Deadlines(unary=0.2, stream=0.2)
LONG = Deadlines(unary=60.0, stream=60.0)
# What the connections of these tests show.
NOTHING = TlsMaterial(b"", b"", b"")
# In which whatever is given up after a fraction of a second has ended, however slow the machine.
SOON = 30.0


class Silent(grpc.GenericRpcHandler):
    """Takes every call, sends headers, and then nothing for ever."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self._open = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method.endswith("Unary"):
            return grpc.unary_unary_rpc_method_handler(lambda _request, context: self.hold(context))
        return grpc.unary_stream_rpc_method_handler(lambda _request, context: iter([b"first", self.hold(context)]))

    def hold(self, context: grpc.ServicerContext) -> bytes:
        context.add_callback(self.ended.set)
        context.send_initial_metadata(())
        self.begun.set()
        self._open.wait(SOON)
        return b""

    def let_go(self) -> None:
        self._open.set()


@pytest.fixture
def silent() -> Iterator[Silent]:
    handler = Silent()
    yield handler
    handler.let_go()


@pytest.fixture
def target(silent: Silent) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([silent])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    silent.let_go()
    server.stop(grace=None).wait()


class Deaf:
    """gRPC's own channel, but calls have no deadline, as if gRPC ignored the one that they are given."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        self._channel = channel
        self.close = channel.close

    def unary_unary(self, *args: object, **kwargs: object) -> Callable[..., object]:
        return partial(self._without_deadline, self._channel.unary_unary(*args, **kwargs))  # type: ignore[arg-type]  # passed on as they are

    def unary_stream(self, *args: object, **kwargs: object) -> Callable[..., object]:
        return partial(self._without_deadline, self._channel.unary_stream(*args, **kwargs))  # type: ignore[arg-type]  # passed on as they are

    @staticmethod
    def _without_deadline(
        make: Callable[[object], object], request: object, timeout: float, metadata: object = None
    ) -> object:
        assert timeout > 0
        assert metadata is None
        return make(request)


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deadlines, watched, watched_aio):
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.2)


@contextmanager
def given_up() -> Iterator[None]:
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert isinstance(error_of_call(caught.value), DeadlineExceededError)


def watching(bare: Deaf | grpc.Channel, deadlines: Deadlines) -> WatchedChannel:
    return WatchedChannel(NOTHING, lambda _address, _tls: bare, deadlines, ["one"])  # type: ignore[arg-type,return-value]  # all that is called


def watching_aio(bare: Deaf | grpc.aio.Channel, deadlines: Deadlines) -> WatchedAioChannel:
    return WatchedAioChannel(NOTHING, lambda _address, _tls: bare, deadlines, Owner.of_running_loop(), ["one"])  # type: ignore[arg-type,return-value]  # all that is called


def blocking(target: str) -> WatchedChannel:
    return watching(Deaf(grpc.insecure_channel(target)), SHORT)


def for_asyncio(target: str) -> WatchedAioChannel:
    return watching_aio(Deaf(grpc.aio.insecure_channel(target)), SHORT)


def test_a_call_that_never_ends_is_given_up(target: str) -> None:
    with blocking(target) as link, given_up():
        link.unary_unary("/tests.Silent/Unary")(b"")


def test_a_stream_that_never_ends_is_given_up_and_cancelled(target: str, silent: Silent) -> None:
    with blocking(target) as link:
        stream = link.unary_stream("/tests.Silent/Stream")(b"")
        with given_up():
            list(stream)
        assert silent.ended.wait(SOON)


async def test_a_call_for_asyncio_that_never_ends_is_given_up(target: str) -> None:
    async with for_asyncio(target) as link:
        with given_up():
            await link.unary_unary("/tests.Silent/Unary")(b"")


async def test_a_stream_for_asyncio_that_never_ends_is_given_up_and_cancelled(target: str, silent: Silent) -> None:
    async with for_asyncio(target) as link:
        with given_up():
            assert [item async for item in link.unary_stream("/tests.Silent/Stream")(b"")]
        assert await asyncio.to_thread(silent.ended.wait, SOON)


async def test_a_cancelled_task_cancels_its_call(target: str, silent: Silent) -> None:
    async with watching_aio(grpc.aio.insecure_channel(target), LONG) as link:
        messages = link.unary_stream("/tests.Silent/Stream")(b"")
        task = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert messages.cancel() is False


def test_a_stream_may_be_cancelled_from_another_thread(target: str, silent: Silent) -> None:
    with watching(grpc.insecure_channel(target), LONG) as link, ThreadPoolExecutor(1) as pool:
        stream = link.unary_stream("/tests.Silent/Stream")(b"")
        reading = pool.submit(list, stream)
        wait_until(reading.running)
        stream.cancel()
        with pytest.raises(grpc.RpcError):
            reading.result(SOON)


def test_a_channel_that_cannot_be_closed_is_left(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "CLOSE_SECONDS", 0.2)
    never = threading.Event()
    bare = Deaf(grpc.insecure_channel(target))
    really = bare.close
    bare.close = lambda: never.wait(SOON) and None  # type: ignore[assignment]  # closes nothing
    link = watching(bare, SHORT)
    link.close()
    assert not never.is_set()
    never.set()
    really()


def test_calls_beyond_the_limit_wait_and_those_given_up_are_never_made() -> None:
    threads, turn, made = CallThreads(2), threading.Event(), []
    stuck = [threads.start(lambda: turn.wait(SOON), SOON) for _ in range(2)]
    late = threads.start(lambda: made.append("late"), 0.1)
    with given_up():
        late.result()
    patient = threads.start(lambda: made.append("patient"), SOON)
    turn.set()
    assert all(job.result() for job in stuck)
    patient.result()
    assert made == ["patient"]
    threads.close()


def test_threads_are_used_again_and_end_when_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_threads, "IDLE_SECONDS", 0.05)
    threads = CallThreads(10)
    used = {threads.start(threading.get_ident, SOON).result()}
    wait_until(lambda: threads._threads == 0)
    monkeypatch.setattr(call_threads, "IDLE_SECONDS", SOON)
    for _ in range(50):
        used.add(threads.start(threading.get_ident, SOON).result())
        wait_until(lambda: threads._idle == 1)
    assert threads._threads == 1
    threads.close()
    wait_until(lambda: threads._threads == 0)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def test_no_interrupt_takes_a_thread_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # Threads that end at once, so that nearly each call begins one.
    monkeypatch.setattr(call_threads, "IDLE_SECONDS", 0.0)
    threads, before = CallThreads(2), signal.signal(signal.SIGALRM, interrupt)
    try:
        for step in range(1_000):
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, (step % 200 + 1) * 2e-6)
                threads.start(lambda: 1, SOON).result()
                # Those that come later than the call come here; a longer sleep could begin just after its interrupt.
                wait_until(lambda: False)
    finally:
        signal.signal(signal.SIGALRM, before)
    both = threading.Barrier(2)
    together = [threads.start(partial(both.wait, SOON), SOON) for _ in range(2)]
    assert sorted(job.result() for job in together) == [0, 1]
    threads.close()
    wait_until(lambda: threads._threads == 0)


def test_what_a_call_raises_is_raised_where_it_is_waited_for() -> None:
    threads = CallThreads(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            threads.start(lambda: 1 // 0, SOON).result()
    threads.close()


def test_a_closed_channel_says_so(target: str) -> None:
    link = watching(grpc.insecure_channel(target), LONG)
    unary, stream = link.unary_unary("/tests.Silent/Unary"), link.unary_stream("/tests.Silent/Stream")
    link.close()
    link.close()
    for call in (unary, stream):
        with pytest.raises(ConfigError, match="closed"):
            call(b"")


def test_without_an_event_loop_there_is_no_channel_for_asyncio() -> None:
    with pytest.raises(ConfigError, match="no event loop"):
        Owner.of_running_loop()


@pytest.mark.parametrize("kind", ["Unary", "Stream"])
async def test_a_call_under_way_on_a_channel_that_is_closed_is_told_so(target: str, silent: Silent, kind: str) -> None:
    link = watching_aio(grpc.aio.insecure_channel(target), LONG)

    async def call() -> None:
        if kind == "Unary":
            await link.unary_unary("/tests.Silent/Unary")(b"")
        else:
            assert [item async for item in link.unary_stream("/tests.Silent/Stream")(b"")]

    task = asyncio.create_task(call())
    assert await asyncio.to_thread(silent.begun.wait, SOON)
    await link.close()
    with pytest.raises(ConfigError, match="closed"):
        await task


def test_a_call_under_way_in_another_thread_ends_with_its_channel(target: str, silent: Silent) -> None:
    link = watching(grpc.insecure_channel(target), LONG)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(link.unary_unary("/tests.Silent/Unary"), b"")
        assert silent.begun.wait(SOON)
        link.close()
        with pytest.raises(grpc.RpcError):
            waiting.result(SOON)
