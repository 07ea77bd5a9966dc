"""Work in parts that the processes of an executor do: bounded, in order, and either all of it or an error.

    with SharedWork(executor) as work:
        for part in parts:
            work.put("signatures of leaves 0 to 1023", verify_signatures, part, found.extend)
    # Here every part is done, and its result was taken, in the order in which the parts were put.

Any ``concurrent.futures.Executor`` will do: threads, processes, or a Dask cluster's. At most 16 parts are under way, so
that neither this process nor the executor holds more of them. Results are taken in the order of the parts, whatever the
order in which they come, so that the whole is the same as without an executor. Where a part fails, is cancelled or is
not done in time, the work ends with an error that names it: nothing is concluded from the others.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar

from client_sdk._version import __version__
from client_sdk.kernel.formats.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

__all__ = ["MAX_UNDER_WAY", "PART_SECONDS", "ExecutorError", "SharedWork", "kinds_of"]

# Parts under way; more would only pile up in memory.
MAX_UNDER_WAY = 16
# How long the oldest part may take. A part is some hundredths of a second of work: what takes so long is lost.
PART_SECONDS = 600.0
# Errors of one chain that are named.
_MOST_CAUSES = 5

P = TypeVar("P")
R = TypeVar("R")


class ExecutorError(CreditRegistryError):
    """An executor did not do its part of the work: nothing is concluded, and nothing was changed.

    Attributes:
        part: which part, e.g. ``signatures of leaves 0 to 1023``, or what of the executor was asked for.
        problem: what became of it.
    """

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(part, problem)
        self.part = part
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.part}: {self.problem}"


class SharedWork:
    """Parts of one work, from the first ``put`` to the end of the ``with`` block; used by one thread at a time.

    Args:
        executor: does the parts; None does each at once in this process.
        seconds: how long the oldest part may take.
    """

    def __init__(self, executor: Executor | None, *, seconds: float = PART_SECONDS) -> None:
        self._executor = executor
        self._seconds = seconds
        self._under_way: deque[_UnderWay] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            for part in self._under_way:
                part.cancel()
            self._under_way.clear()

    def put(self, name: str, work: Callable[[P], R], part: P, take: Callable[[R], None]) -> None:
        """Have a part done; wait for the oldest one where too many are under way.

        Args:
            name: of the part, in an error.
            work: a function that another process can import, which neither fails nor keeps anything between two calls.
            part: what it is given; it travels by pickle.
            take: is called with the result in the caller's thread, after the results of all parts before.

        Raises:
            ExecutorError: this part or an older one cannot be done.
        """
        if self._executor is None:
            take(work(part))
            return
        while len(self._under_way) >= MAX_UNDER_WAY:
            self._settle_one()
        try:
            future = self._executor.submit(_do, _SharedPart(name, __version__, work, part))
        except Exception as error:  # every executor has errors of its own
            raise ExecutorError(name, _problem(error)) from error
        self._under_way.append(_UnderWay(future.cancel, lambda: take(self._result(name, future))))

    def settle(self) -> None:
        """Wait for all parts.

        Raises:
            ExecutorError: one cannot be done.
        """
        while self._under_way:
            self._settle_one()

    def _settle_one(self) -> None:
        # One that fails stays in the queue, to be cancelled with the others.
        self._under_way[0].finish()
        self._under_way.popleft()

    def _result(self, name: str, future: Future[_DonePart[R]]) -> R:
        try:
            done = future.result(self._seconds)
        except TimeoutError as error:
            # A part that was done in time may itself have raised it.
            late = f"no worker has done it within {self._seconds:g} seconds"
            raise ExecutorError(name, _problem(error) if future.done() else late) from error
        except Exception as error:  # likewise, beside what became of a worker
            raise ExecutorError(name, _problem(error)) from error
        if done.version != __version__ or done.result is None:
            problem = f"a worker runs version {done.version} of the program, this process {__version__}"
            raise ExecutorError(name, problem)
        return done.result[0]


class _UnderWay(NamedTuple):
    cancel: Callable[[], bool]
    finish: Callable[[], None]


class _DonePart(NamedTuple, Generic[R]):
    """What comes back: the version of who did it, and the result; None where it did nothing."""

    version: str
    result: tuple[R] | None


class _SharedPart(NamedTuple, Generic[P, R]):
    """A part on its way to another process."""

    name: str
    version: str
    work: Callable[[P], R]
    part: P

    def __repr__(self) -> str:
        # An executor writes what it was given into its log where that fails.
        return f"SharedPart({self.name!r})"


def _do(part: _SharedPart[P, R]) -> _DonePart[R]:
    """Do a part, in another process; nothing where it comes from another version of the program."""
    return _DonePart(__version__, (part.work(part.part),) if part.version == __version__ else None)


def _problem(error: BaseException) -> str:
    return f"the executor failed ({kinds_of(error)})"


def kinds_of(error: BaseException) -> str:
    """Return the kinds of an error and of its causes; their texts may quote what a part was given."""
    kinds: list[str] = []
    at: BaseException | None = error
    # What begins with an underscore is the pool's way to carry a traceback.
    while at is not None and len(kinds) < _MOST_CAUSES and not type(at).__name__.startswith("_"):
        name = f" ({at.name})" if isinstance(at, ImportError) and at.name else ""
        kinds.append(f"{type(at).__name__}{name}")
        at = at.__cause__
    return " from ".join(kinds)
