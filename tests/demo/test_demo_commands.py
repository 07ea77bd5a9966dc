"""Commands of the demo: entered as if they had been typed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from client_sdk import __version__
from demo.commands import CommandError, run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_command_gives_its_output(tmp_path: Path) -> None:
    assert run(["credit-registry", "--version"], tmp_path) == f"credit-registry {__version__}\n"


def test_a_command_runs_in_its_folder(tmp_path: Path) -> None:
    command = ["subject-key-service", "init", "--home", "service", "--name", "service", "--url", "127.0.0.1:7501"]
    assert "service/service.key-service.json" in run(command, tmp_path)
    assert (tmp_path / "service" / "service.key-service.json").exists()


def test_a_command_that_fails_says_how(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"(?s)verify missing\.evidence.*ended with 2, not 0.*there is no file"):
        run(["credit-registry", "verify", "missing.evidence", "--trust-root", "missing"], tmp_path)


def test_a_command_may_be_meant_to_fail(tmp_path: Path) -> None:
    assert run(["registry-server", "fsck", "--home", "nowhere"], tmp_path, expected=2) == ""
    with pytest.raises(CommandError, match="ended with 0, not 2"):
        run(["registry-server", "version"], tmp_path, expected=2)


def test_many_run_side_by_side_and_each_has_its_own_output(tmp_path: Path) -> None:
    commands = [("registry-server", "version"), ("credit-registry", "--version")] * 6
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda command: run(command, tmp_path), commands))
    assert said == [f"{__version__}\n", f"credit-registry {__version__}\n"] * 6
