"""Runs a command of the operator again and again, killed at its next step each time, until one run ends by itself.

python -m tests.support.killed SQLITE_OR_POSTGRES_URL FOLDER STRIDE WORDS ...       of registry-server
python -m tests.support.killed "" FOLDER STRIDE WORDS ...                           of subject-key-service

A step is a file that is opened, linked, renamed or removed in the folder, and a commit of a database. After each kill a
line tells what is there: the files of the folder that have a name, and whether the database has a log, and a clean one.
With a stride above 1 not at each step, but at the first, and then so many further on each time.
The last line is how often the command was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import script
from sqlalchemy import Engine, event, make_url

from registry_server.cli.main import app as registry
from registry_server.operating import fsck as operating_fsck
from registry_server.operating.backup import making
from registry_server.storage import head, migrations
from registry_server.storage.sqlite_file import is_missing
from registry_server.storage.unit_of_work import Database
from registry_server.subject_key_service.commands import app as key_service
from registry_server.usecases.fsck.check import fsck

if TYPE_CHECKING:
    from typer import Typer

_FILES = {"open", "os.link", "os.remove", "os.rename"}
# What the commands load when they are called, loaded once for all runs.
_LOADED = (making, operating_fsck, script)


def main(url: str, folder: str, stride: str, *words: str) -> None:
    """Kill a command at its first step, at its second one and so on."""
    for step in count(1, int(stride)):
        child = os.fork()
        if not child:
            _run(step, folder, words, registry if url else key_service)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            sys.stdout.write(json.dumps(_state(url, Path(folder))) + "\n")
            continue
        if status:
            raise SystemExit(f"the command ended with {os.waitstatus_to_exitcode(status)} at step {step}")
        sys.stdout.write(f"{step // int(stride)}\n")
        return


def _run(step: int, folder: str, words: tuple[str, ...], app: Typer) -> None:
    left = [step]

    def pass_one(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name in _FILES and any(isinstance(item, str | Path) and folder in str(item) for item in arguments):
            pass_one()

    sys.addaudithook(hook)
    event.listen(Engine, "commit", pass_one)
    code = 1
    try:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
        app(list(words), standalone_mode=False)
        code = 0
    except BaseException:  # noqa: BLE001 - told to the parent
        traceback.print_exc()
    finally:
        os._exit(code)


def _state(url: str, folder: Path) -> dict[str, object]:
    """What a killed command has left."""
    files = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if not url or is_missing(make_url(url)) or not migrations.current(url):
        return {"files": files, "leaves": 0, "clean": True}
    with Database(url, serving=False) as database:
        with database.snapshot() as work:
            row = head.read(work)
        clean = row is None or fsck(database).clean
        return {"files": files, "leaves": 0 if row is None else row.size, "clean": clean}


if __name__ == "__main__":
    main(*sys.argv[1:])
