"""A run that is asked to end: what it started is stopped."""

from __future__ import annotations

import os
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from client_sdk.testing.interrupting import interruptible
from client_sdk.testing.ports import free_port
from client_sdk.testing.programs import Programs, Server

if TYPE_CHECKING:
    from pathlib import Path

# A program that listens and says by a file that it was asked to stop.
LISTENER = """
import signal, socket, sys
from pathlib import Path
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
signal.sigwait({signal.SIGTERM})
Path(sys.argv[2]).write_text("stopped")
"""


def test_sigterm_ends_it_as_an_interrupt_does(tmp_path: Path) -> None:
    told, port = tmp_path / "stopped", free_port()

    def terminated() -> None:
        with interruptible(), Programs(tmp_path) as programs:
            programs.start(Server("one", [sys.executable, "-c", LISTENER, str(port), str(told)], port))
            Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
            programs.wait()

    with pytest.raises(KeyboardInterrupt):
        terminated()
    assert told.read_text() == "stopped"


def test_what_ends_a_run_is_not_interrupted_itself() -> None:
    ended = []

    def interrupted() -> None:
        with interruptible():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.raise_signal(number)
                    ended.append(number)

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(ended) == 3
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
