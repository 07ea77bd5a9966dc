"""Every command that the README and the members' guide show is run, in their order, in one empty folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from client_sdk.testing.ports import free_port
from tests.conftest import program
from tests.readme.readme import MEMBERS, ROOT, TEXT, blocks
from tests.support.typed_commands import TypedCommands

# The ports of the text, which may be taken on this machine.
PORTS = ("7443", "7501", "7502")
SECONDS = 600
# What a program in the background needs before the next command can talk to it.
PREAMBLE = r"""
set -euo pipefail
wait_for() { until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do kill -0 $! && sleep 0.1; done; }
"""
LISTENS_ON = {"registry": "7443", "key-service-a": "7501", "key-service-b": "7502"}


# The line that makes the commands available; it names the environment of the checkout.
SETUP = "make setup && . .venv/bin/activate"


def script(work: Path, programs: Path) -> str:
    ours = SETUP.replace("make setup", f"make setup VENV={sys.prefix}").replace(".venv/", f"{sys.prefix}/")
    text = f"{PREAMBLE}cd {ROOT}\n{ours}\ncredit-registry --version\nPATH={programs}:$PATH\ncd {work}\n"
    for block in (*blocks("sh"), *blocks("sh", MEMBERS)):
        for line in block.splitlines(keepends=True):
            text += line
            served = re.fullmatch(r"\S+ serve --home (\S+) &\n", line)
            if served:
                text += f"wait_for {LISTENS_ON[served[1]]}\n"
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    return text


def test_every_command_works_as_it_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "output"
    work = tmp_path / "work"
    work.mkdir()
    # The reader stands in the checkout.
    shutil.copytree(ROOT / "examples", work / "examples")
    # A shell that knows nothing of the environment, as a newcomer has it.
    folders = [
        folder for folder in os.environ["PATH"].split(os.pathsep) if not Path(folder, "credit-registry").exists()
    ]
    env = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV"}}
    with TypedCommands() as typed, log.open("wb") as output:
        process = subprocess.Popen(
            [program("bash"), "-c", script(work, typed.folder)],
            cwd=work,
            env={**env, "PATH": os.pathsep.join(folders)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(SECONDS)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = log.read_text(errors="replace")
    assert code == 0, said[-4000:]
    assert "BLACKLISTED" in said
    assert "VERIFIED" in said
    # What the first screen shows is what the commands print.
    (shown, *_) = blocks("text")
    assert [line for line in shown.splitlines() if line not in said.splitlines()] == []
    assert (work / "loan-4711.evidence").exists()
    assert (work / "audit.html").exists()


def test_the_line_that_makes_the_commands_available_comes_before_them() -> None:
    assert blocks("console")[0].startswith(SETUP)
    assert TEXT.index(SETUP) < TEXT.index("```sh")


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = [name for block in blocks("console") for name in re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)]
    assert shown
    assert set(shown) <= targets
