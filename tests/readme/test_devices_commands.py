"""Every command of the guide to keys in devices is run, in one empty folder, with a token and an agent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from tests.conftest import program
from tests.readme.readme import ROOT, blocks
from tests.support.devices import MODULE, start_agent

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = (ROOT / "docs" / "devices.md").read_text()
SECONDS = 120


@pytest.fixture
def agent() -> Iterator[str]:
    running = start_agent()
    yield running.socket
    running.stop()


@pytest.mark.token
def test_every_command_of_the_guide_works_as_it_is_shown(tmp_path: Path, agent: str) -> None:
    (tmp_path / "tokens").mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    work = tmp_path / "work"
    work.mkdir()
    env = {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "SOFTHSM2_CONF": str(settings),
        "SSH_AUTH_SOCK": agent,
        "MODULE": MODULE,
    }
    script = "\n".join(("set -euo pipefail", *blocks("sh", GUIDE)))
    done = subprocess.run(
        [program("bash"), "-c", script],
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for institution, keys in (("lender-1", 2), ("admin-1", 1)):
        assert not list((work / institution / "keys").glob("*"))
        file = EnrolmentFile.parse((work / institution / f"{institution}.enrolment.json").read_bytes())
        assert len(file.enrolment.keys) == keys
