"""The command with which a newcomer begins starts a sandbox, as the README shows it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from client_sdk.testing.ports import listens
from client_sdk.testing.site import Site
from tests.readme.readme import blocks
from tests.support.sandbox import ENDS, started_sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_command_starts_a_sandbox_and_leaves_nothing(tmp_path: Path) -> None:
    shown = [line for block in blocks("console") for line in block.splitlines() if line.startswith("credit-registry")]
    (command,) = [shlex.split(line, comments=True) for line in shown]
    assert command[:2] == ["credit-registry", "sandbox"]
    with started_sandbox(tmp_path / "temporary", *command[2:]) as running:
        running.await_said(ENDS)
        assert running.folder.is_relative_to(tmp_path)
        ports = [*running.ports, *Site.load(running.folder).ports.values()]
        assert all(map(listens, ports))
        assert running.end() == 0
    assert running.said.endswith("Everything was stopped and deleted.\n")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not any(map(listens, ports))
