"""Checking submissions in processes of their own, so that a streamed batch takes more than one processor.

    with CheckingProcesses(count) as processes:
        checked = processes.check(peer, now, directory, chunk)     None: the caller checks the chunk itself

The processes are started by the first chunk, take chunks once they are ready, and end with the server, however it ends.
One that dies or does not answer is replaced at the next chunk.
"""

from __future__ import annotations

import pickle
import threading
import time
from typing import TYPE_CHECKING, Self

from client_sdk._helper_process import HelperProcess
from registry_server.rpc.checking_process import ChunkRequest

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.usecases.submit import Checked

__all__ = ["CheckingProcesses"]

# A chunk takes some hundredths of a second; on a machine that is short of processors, some tenths.
ANSWER_SECONDS = 10.0
STOP_SECONDS = 5.0
# How long a chunk waits for a process to be free before its own thread checks it.
WAIT_SECONDS = 1.0
# After one that could not be started or died, the next is not started before that many seconds.
RETRY_SECONDS = 1.0


class _Process(HelperProcess):
    """One process; used by one thread at a time."""

    def __init__(self) -> None:
        super().__init__("registry_server.rpc.checking_process", answer_seconds=ANSWER_SECONDS, settings="REGISTRY_")
        self._directory: Directory | None = None

    def check(self, peer: str, now: int, directory: Directory, chunk: bytes) -> tuple[Checked, ...] | None:
        """Return the result of each submission; None where the process gives none.

        Raises:
            EOFError: it has ended.
            OSError: likewise, or it does not answer in time.
        """
        known = self._directory is directory
        request = ChunkRequest(peer, now, b"" if known else pickle.dumps(directory, -1), chunk)
        answer = self.ask(pickle.dumps(request, -1))
        if not answer:
            return None
        self._directory = directory
        checked: tuple[Checked, ...] = pickle.loads(answer)  # noqa: S301 - from our own process
        return checked


class CheckingProcesses:
    """The processes; thread-safe.

    Args:
        count: how many; 0 for none.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._changed = threading.Condition()
        self._idle: list[_Process] = []
        self._working = 0
        # Those that start, wait or work.
        self._alive = 0
        self._retry_at = 0.0
        self._closed = False
        self._starting: dict[threading.Thread, _Process | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """Whether any process takes chunks, now or after the one that it works on."""
        return bool(self._idle or self._working)

    def start(self) -> None:
        """See to it that all processes are there or on their way; does not wait for them."""
        with self._changed:
            while not self._closed and self._alive < self.count and time.monotonic() >= self._retry_at:
                self._alive += 1
                thread = threading.Thread(target=self._start_one, name="checking-process-start", daemon=True)
                self._starting[thread] = None
                thread.start()

    def check(self, peer: str, now: int, directory: Directory, chunk: bytes) -> tuple[Checked, ...] | None:
        """Return the result of each submission of a chunk; None where the caller must check it itself.

        Args:
            peer: institution id of the caller.
            now: when it came in, ms.
            directory: after the newest act.
            chunk: serialised BatchChunk.
        """
        process = self._take()
        if process is None:
            return None
        try:
            checked = process.check(peer, now, directory, chunk)
        except Exception:  # noqa: BLE001 - whatever it answers or does not, the chunk is checked by the caller
            self._lose(process)
            return None
        except BaseException:
            self._lose(process)
            raise
        self._put_back(process)
        return checked

    def close(self) -> None:
        """End all processes; one that works, after its chunk."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            starting = dict(self._starting)
            self._changed.notify_all()
        for process in idle:
            process.stop()
        for thread, process_ in starting.items():
            if process_ is not None:
                process_.kill()
            thread.join(STOP_SECONDS)

    def _take(self) -> _Process | None:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._closed or not self._working, WAIT_SECONDS)
            if not self._idle:
                return None
            self._working += 1
            return self._idle.pop()

    def _put_back(self, process: _Process) -> None:
        with self._changed:
            self._working -= 1
        self._add(process)

    def _lose(self, process: _Process) -> None:
        with self._changed:
            self._working -= 1
        self._forget()
        process.kill()
        process.stop()

    def _add(self, process: _Process) -> None:
        with self._changed:
            if not self._closed:
                self._idle.append(process)
                self._changed.notify()
                return
        process.stop()

    def _forget(self) -> None:
        with self._changed:
            self._alive -= 1
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._changed.notify_all()

    def _start_one(self) -> None:
        thread = threading.current_thread()
        process = None
        try:
            process = _Process()
            with self._changed:
                self._starting[thread] = process
                if self._closed:
                    process.kill()
            process.await_ready()
            self._add(process)
        except Exception:  # noqa: BLE001 - without it the server's own threads check
            self._forget()
            if process is not None:
                process.kill()
                process.stop()
        finally:
            with self._changed:
                del self._starting[thread]
