"""A process that has loaded the programs of the registry, and forks one that runs a command for each request.

Most of the time that a short command takes is Python's imports; here they are paid for once. Everything else is as if
the command had been typed: its arguments, folder, environment, output and exit code. Requests and reports are JSON
objects, one a line, on the socket that is the standard input:

    {"start": 7, "command": [..], "folder": "..", "input": "..", "output": "..", "errors": "..", "environment": {..},
     "behind_ns": 0}
    {"signal": 15, "program": 7}
    {"load": "client_sdk.desk.serving"}     loaded besides, before the next fork
                                        {"ready": true}                      everything is loaded
                                        {"program": 7, "pid": 4711}          it runs
                                        {"program": 7, "code": 0}            it has ended; -9: by signal 9

At the end of the input all programs that still run are stopped.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROGRAMS", "main"]

# As they are installed; test_programs holds them against the project's file.
PROGRAMS = {
    "credit-registry": "client_sdk.cli:main",
    "registry-server": "registry_server.entry:registry_server",
    "subject-key-service": "registry_server.entry:subject_key_service",
}
# What the programs import only when they need it, with all that is below.
_LOADED = (
    "alembic.command",
    "client_sdk.cli.app",
    "client_sdk.client",
    "registry_server.app",
    "registry_server.cli",
    "registry_server.operating.clock",
    "registry_server.operating.failures",
    "registry_server.operating.founding",
    "registry_server.operating.fsck",
    "registry_server.operating.tables",
    "registry_server.subject_key_service.cli",
    "registry_server.subject_key_service.commands",
    "registry_server.subject_key_service.server",
)
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 0.02
_LINE_BYTES = 65_536
# Of prctl(2).
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load the programs, and fork until the input ends; in a forked process, run its command."""
    ending = _Ending()
    _load(*_LOADED)
    with socket.socket(fileno=os.dup(0)) as connection:
        request = _Forks(connection).serve()
    if request is not None:
        with ending:
            _run(request)


def _load(*modules: str) -> None:
    for module in modules:
        importlib.import_module(module)
    # The collector would otherwise write to what all processes share.
    gc.freeze()


class _Ending:
    """Ends a forked process once its command has: without taking apart what was loaded, which takes longer than most.

    It is registered before anything is loaded, so that it runs after everything that is to be done at the end.
    """

    def __init__(self) -> None:
        self._code: int | None = None
        atexit.register(self._end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        code = error.code if isinstance(error, SystemExit) else int(error is not None)
        self._code = code if isinstance(code, int) else int(code is not None)

    def _end(self) -> None:
        if self._code is not None:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(self._code)


class _Forks:
    """The programs that were started, by the number that the parent gave them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._running: dict[int, int] = {}
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno())

    def serve(self) -> Mapping[str, Any] | None:
        """Take requests until there are no more; return, in a forked process, the request that it is for."""
        self._tell(ready=True)
        given, ours = b"", os.getpid()
        while True:
            readable, _, _ = select.select([self._connection, self._woken], [], [])
            if self._woken in readable:
                self._woken.recv(_LINE_BYTES)
                self._tell_ended()
            if self._connection not in readable:
                continue
            data = self._connection.recv(_LINE_BYTES)
            if not data:
                self._stop()
                return None
            *lines, given = (given + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if "load" in request:
                    _load(request["load"])
                elif "signal" in request:
                    self._send_signal(request["program"], request["signal"])
                elif self._fork(request["start"]):
                    return {**request, "parent": ours}

    def _fork(self, number: int) -> bool:
        """Fork; return whether this is the new process."""
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._woken.close()
            self._waker.close()
            return True
        self._running[number] = pid
        self._tell(program=number, pid=pid)
        return False

    def _send_signal(self, number: int, signal_number: int) -> None:
        # Its number is not given to another process before its end was noticed here.
        if number in self._running:
            os.kill(self._running[number], signal_number)

    def _tell_ended(self) -> None:
        for number, pid in list(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._running[number]
                self._tell(program=number, code=os.waitstatus_to_exitcode(status))

    def _stop(self) -> None:
        """Stop all programs, in order if they end in time."""
        for number in self._running:
            self._send_signal(number, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            self._tell_ended()
        for number in self._running:
            self._send_signal(number, signal.SIGKILL)

    def _tell(self, **report: object) -> None:
        # The parent may have ended already.
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(report).encode() + b"\n")


def _run(request: Mapping[str, Any]) -> None:
    """Become a command of ours, a module of this Python, or any other program."""
    # A session of its own: an interrupt from the keyboard reaches only those that wait for it.
    os.setsid()
    _end_with_parent(request["parent"])
    os.chdir(request["folder"])
    _redirect(0, request["input"], os.O_RDONLY)
    _redirect(1, request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if request["errors"] == request["output"]:
        os.dup2(1, 2)
    else:
        _redirect(2, request["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    # The streams that Python opened at its start know another kind of file.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["behind_ns"]:
        _set_clock_back(request["behind_ns"])
    command = request["command"]
    if command[:2] == [sys.executable, "-m"]:
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
        return
    program = PROGRAMS.get(command[0])
    if program is None:
        try:
            os.execvp(command[0], command)  # noqa: S606 - words, not a line for a shell
        except OSError as error:
            sys.exit(f"{command[0]}: {error.strerror}")
    sys.argv = command
    sys.exit(pkgutil.resolve_name(program)())


def _end_with_parent(parent: int) -> None:
    """Have this process asked to end when its parent does, also where that is killed; Linux alone can."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the process that starts programs has ended")


def _set_clock_back(nanoseconds: int) -> None:
    """Have this process read the machine's clocks as they were so long ago.

    The wall clock and the one that never steps go together, so that a registry whose next process reads the right time
    sees that time has passed, not that its clock was set. The certificates of TLS are held against the true time.
    """
    wall, others = time.time_ns, time.clock_gettime_ns
    vars(time).update(time_ns=lambda: wall() - nanoseconds, clock_gettime_ns=lambda clock: others(clock) - nanoseconds)
    # The machine's time synchronisation vouches for the true time.
    importlib.import_module("registry_server.sequencing.clock").SystemClocks.synchronised = lambda _: None


def _redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)
