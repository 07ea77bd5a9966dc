"""Programs that are started again where they end by themselves, as systemd does with ``Restart=on-failure``."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Supervised"]

# Seconds.
_LOOK = 1.0
_STOP = 30.0


class _Wanted(NamedTuple):
    command: Sequence[str]
    environment: Mapping[str, str]


class Supervised:
    """Programs by their names; a context, which ends them.

    Args:
        folder: for what each of them writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted: dict[str, _Wanted] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.kill(*self._wanted)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program, and again whenever it ends by itself."""
        with self._lock:
            self._wanted[name] = _Wanted(command, environment)
            self._launch(name)

    def kill(self, *names: str) -> None:
        """End programs at once; they stay ended."""
        with self._lock:
            ended = [self._running.pop(name) for name in names if self._wanted.pop(name, None)]
            for process in ended:
                process.kill()
            for process in ended:
                process.wait(_STOP)

    def _launch(self, name: str) -> None:
        wanted = self._wanted[name]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                wanted.command, env=wanted.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            with self._lock:
                for name in [name for name, process in self._running.items() if process.poll() is not None]:
                    self._launch(name)
