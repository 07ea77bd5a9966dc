"""Observers of calls: each is told the method of a call and how it ended, never what it holds.

Where the logger ``client_sdk`` is at level DEBUG, each call is one line of the log.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    Metadata: TypeAlias = tuple[tuple[str, str], ...]

__all__ = ["CallObserver", "Observation", "ObservedCall", "begin", "observe", "operating", "stop_observing"]

_log = logging.getLogger("client_sdk.calls")


class ObservedCall(Protocol):
    """One call, as one observer keeps it.

    Attributes:
        metadata: that is sent with the call, such as the context of a trace.
    """

    metadata: Metadata

    def ended(self, error: BaseException | None) -> None:
        """Take note that the call has ended; called once, in any thread.

        Args:
            error: with which it ended; None where it was answered, or was given up by the caller.
        """
        ...


class CallObserver(Protocol):
    """Something that keeps figures, traces or a log of calls."""

    def begin(self, method: str) -> ObservedCall:
        """Take note of a call that begins.

        Args:
            method: full name, ``/package.Service/Method``.
        """
        ...

    def operating(self, name: str) -> AbstractContextManager[object]:
        """Return the context of the calls that one method of a client makes.

        Args:
            name: of the client's method.
        """
        ...


class _LoggedCall:
    """A call whose end is a line of the log."""

    def __init__(self, method: str) -> None:
        self.metadata: Metadata = ()
        self._method = method
        self._began = time.perf_counter()

    def ended(self, error: BaseException | None) -> None:
        outcome = "OK" if error is None else type(error).__name__
        _log.debug("%s %s %.1f ms", self._method, outcome, (time.perf_counter() - self._began) * 1_000)


class Observation:
    """One call, for all observers.

    Args:
        calls: one an observer.
    """

    __slots__ = ("_calls", "metadata")

    def __init__(self, calls: list[ObservedCall]) -> None:
        self._calls = calls
        self.metadata: Metadata | None = tuple(pair for call in calls for pair in call.metadata) or None

    def end(self, error: BaseException | None = None) -> None:
        """Tell the observers how the call ended; what is told later is passed over. Arguments as for ``ended``."""
        while True:
            try:
                # In one step: a call may end in one thread while another one gives it up.
                call = self._calls.pop()
            except IndexError:
                return
            call.ended(error)


_observers: list[CallObserver] = []


def observe(observer: CallObserver) -> None:
    """Have an observer told of all calls of this process that begin from now on."""
    _observers.append(observer)


def stop_observing(observer: CallObserver) -> None:
    """Tell an observer of no further calls."""
    if observer in _observers:
        _observers.remove(observer)


def begin(method: str) -> Observation:
    """Tell all observers that a call begins, in the thread of its caller."""
    calls: list[ObservedCall] = [observer.begin(method) for observer in _observers]
    if _log.isEnabledFor(logging.DEBUG):
        calls.append(_LoggedCall(method))
    return Observation(calls)


@contextmanager
def operating(name: str) -> Iterator[None]:
    """Tell all observers that the calls of one method of a client follow.

    Args:
        name: of the client's method.
    """
    with ExitStack() as stack:
        for observer in _observers:
            stack.enter_context(observer.operating(name))
        yield
