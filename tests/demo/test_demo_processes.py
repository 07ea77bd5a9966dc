"""Services of the demo: what they say when they fail, and that nothing is left running."""

from __future__ import annotations

import os
import signal
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from demo.processes import ServiceError, Services, free_port, interruptible

if TYPE_CHECKING:
    from pathlib import Path

# A program that listens and says by a file that it was asked to stop.
LISTENER = """
import signal, socket, sys
from pathlib import Path
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("here", flush=True)
signal.sigwait({signal.SIGTERM})
Path(sys.argv[2]).write_text("stopped")
"""
PYTHON = "python"


def listener(services: Services, folder: Path, name: str) -> Path:
    port, told = free_port(), folder / f"{name}.stopped"
    services.start(name, [PYTHON, "-c", LISTENER, str(port), str(told)], folder / f"{name}.log", port)
    return told


def test_services_are_stopped_when_the_block_ends(tmp_path: Path) -> None:
    with Services() as services:
        told = [listener(services, tmp_path, name) for name in ("one", "two")]
        services.check()
    assert [path.read_text() for path in told] == ["stopped", "stopped"]
    assert (tmp_path / "one.log").read_text() == "here\n"


def test_services_are_stopped_when_something_fails(tmp_path: Path) -> None:
    told: list[Path] = []

    def fail() -> None:
        with Services() as services:
            told.append(listener(services, tmp_path, "one"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert told[0].read_text() == "stopped"


def test_sigterm_stops_them_too(tmp_path: Path) -> None:
    told: list[Path] = []

    def terminated() -> None:
        with interruptible(), Services() as services:
            told.append(listener(services, tmp_path, "one"))
            Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
            services.wait()

    with pytest.raises(KeyboardInterrupt):
        terminated()
    assert told[0].read_text() == "stopped"


def test_a_service_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    with Services() as services, pytest.raises(ServiceError, match=r"(?s)one ended with 7.*one\.log.*cannot do it"):
        services.start(
            "one", [PYTHON, "-c", "print('cannot do it'); raise SystemExit(7)"], tmp_path / "one.log", free_port()
        )


def test_a_service_that_ends_later_is_noticed(tmp_path: Path) -> None:
    script = LISTENER.replace("signal.sigwait({signal.SIGTERM})", "listener.accept()")
    with Services() as services:
        port = free_port()
        services.start("one", [PYTHON, "-c", script, str(port), str(tmp_path / "told")], tmp_path / "one.log", port)
        with pytest.raises(ServiceError, match="one ended with 0"):
            services.wait()
