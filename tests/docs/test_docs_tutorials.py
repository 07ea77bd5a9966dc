"""Every command of the four tutorials is run in one sandbox, in the order of the menu, as the text shows it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import program
from tests.readme.readme import ROOT, blocks
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 300
COMMAND = str(Path(sys.executable).with_name("credit-registry"))
TUTORIALS = ("lender", "auditor", "administrator", "representative")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the examples, in which a sandbox runs."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(ROOT / "examples", folder / "examples")
    said = folder / "said"
    with said.open("wb") as output:
        sandbox = subprocess.Popen(
            [COMMAND, "sandbox", "--keep", "try"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "Ctrl-C ends it." in said.read_text() or sandbox.poll() is not None, said.read_text)
        assert sandbox.poll() is None, said.read_text()
        yield folder
    finally:
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(SECONDS)


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_command_of_a_tutorial_works_as_it_is_shown(work: Path, name: str) -> None:
    text = (ROOT / "docs" / "tutorials" / f"{name}.md").read_text()
    done = subprocess.run(
        [program("bash"), "-c", "\n".join(("set -euo pipefail", *blocks("sh", text)))],
        cwd=work,
        env={**os.environ, "PATH": os.pathsep.join((str(Path(COMMAND).parent), os.environ["PATH"]))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # What the text says that a reader will see.
    for word in {
        "lender": ("LISTED", "BLACKLISTED", "VERIFIED", "corrected"),
        "auditor": ("Nothing was found",),
        "administrator": ("lender-3", "becomes: suspended"),
        "representative": ("free of charge",),
    }[name]:
        assert word in done.stdout + done.stderr, word
