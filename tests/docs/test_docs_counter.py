"""The guide to a counter: its commands are run in its order, and what it says of the desk is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.desk.rights import DeskRole
from client_sdk.desk.settings import read_settings
from client_sdk.desk.users import UserFile
from client_sdk.models import Role
from client_sdk.testing import TestRegistry
from tests.client_sdk.cli.test_cli_passphrase import typed
from tests.client_sdk.desk.desk_forms import PASSWORD, person_at
from tests.conftest import program
from tests.readme.readme import ROOT, blocks
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    import pytest

GUIDE = (ROOT / "docs" / "counter.md").read_text("utf-8")
SECONDS = 300
TEMPLATES = ROOT / "client_sdk" / "desk" / "templates"


def test_every_command_of_the_guide_works_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestRegistry(folder=tmp_path / "all") as registry:
        home = registry.enrol("office", Role.REPRESENTATIVE)
        monkeypatch.chdir(home.parent)
        users, desk = blocks("console", GUIDE)
        for line in users.splitlines():
            code, said = typed(shlex.split(line)[1:], [PASSWORD, PASSWORD])
            assert code == 0, said
        *before, after = blocks("sh", GUIDE)
        run(before)
        roles = {name: user.role for name, user in UserFile(home).read().items()}
        assert roles == {"clara": DeskRole.OFFICER, "anna": DeskRole.ADMINISTRATOR}
        assert read_settings(home).idle_minutes == 5
        # At any free port instead of the one of the guide, which another program may have.
        assert shlex.split(desk)[:4] == ["credit-registry", "--home", "office", "desk"]
        with RunningDesk(home, tmp_path / "log") as running:
            assert person_at(running, "clara").get("/statements").status == 200
        run([after])


def run(lines: list[str]) -> None:
    """Run what the guide shows, as a shell does."""
    done = subprocess.run(
        [program("bash"), "-c", "\n".join(("set -euo pipefail", *lines))],
        env={**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_named_on_a_page_is_there() -> None:
    said = "".join(path.read_text("utf-8") for path in TEMPLATES.iterdir())
    named = re.findall(r"\*\*([^*]+)\*\*", GUIDE)
    assert len(named) >= 5
    assert [name for name in named if f'say("{name}' not in said] == []
