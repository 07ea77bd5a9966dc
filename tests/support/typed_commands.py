"""The programs of the registry for a shell, each run in a process that is forked from one that has loaded them.

A text with a hundred commands takes most of its time to import the same modules a hundred times. In the folder
``TypedCommands.folder``, to be put in front of a shell's path, stand programs of the same names that have the command
run by the loader of ``client_sdk.testing``, with the shell's folder, environment, input, output, signals and exit code.
That the programs themselves start, as they are installed, is shown by ``test_programs``.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from client_sdk.testing.forking import PROGRAMS
from client_sdk.testing.loader import loader

if TYPE_CHECKING:
    from client_sdk.testing.loader import Forked

__all__ = ["TypedCommands"]

# Runs without the modules of its installation, in a hundredth of a second.
_PROGRAM = """#!{python} -IS
import json, os, signal, socket, sys

with socket.socket(socket.AF_UNIX) as connection, connection.makefile("r") as answers:
    connection.connect({address!r})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: connection.sendall(b"%d\\n" % number))
    words = [{name!r}, *sys.argv[1:]]
    asked = dict(command=words, folder=os.getcwd(), environment=dict(os.environ), pid=os.getpid())
    connection.sendall(json.dumps(asked).encode() + b"\\n")
    code = int(answers.readline() or 255)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class TypedCommands:
    """Used as a context; at its end the commands that still run are killed.

    Attributes:
        folder: holds the programs.
    """

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="credit-registry-")
        self.folder = Path(self._temporary.name)
        address = str(self.folder / "loader")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen()
        for name in PROGRAMS:
            path = self.folder / name
            path.write_text(_PROGRAM.format(python=sys.executable, address=address, name=name))
            path.chmod(0o700)
        self._runs: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="typed-commands", daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for run in self._runs:
            run.join()
        self._temporary.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            run = threading.Thread(target=self._run, args=(connection,), name="typed-command", daemon=True)
            self._runs.append(run)
            run.start()

    @staticmethod
    def _run(connection: socket.socket) -> None:
        """Run one command, and pass on the signals that its program gets; kill it where that program was killed."""
        with connection, connection.makefile("r") as sent:
            asked = json.loads(sent.readline())
            given, output, errors = (f"/proc/{asked['pid']}/fd/{number}" for number in range(3))
            forked = loader().fork(
                asked["command"],
                Path(asked["folder"]),
                Path(output),
                Path(errors),
                asked["environment"],
                given=given,
            )
            threading.Thread(target=_tell_end, args=(forked, connection), daemon=True).start()
            for number in sent:
                loader().send_signal(forked, signal.Signals(int(number)))
            loader().send_signal(forked, signal.SIGKILL)
            forked.ended.wait()


def _tell_end(forked: Forked, connection: socket.socket) -> None:
    forked.ended.wait()
    with contextlib.suppress(OSError):
        connection.sendall(f"{forked.code}\n".encode())
