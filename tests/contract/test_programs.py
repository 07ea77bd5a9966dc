"""The three installed programs: versions, homes, and what they say where the packages of the server are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from client_sdk._version import __version__

PROGRAMS = ("credit-registry", "registry-server", "subject-key-service")


def run(words: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=120, env={**os.environ, **more})


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_tells_its_version(program: str) -> None:
    ended = run([str(Path(sys.executable).with_name(program)), "--version"])
    assert ended.stdout == f"{program} {__version__}\n"
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("entry", "program", "missing", "words"),
    [
        ("registry_server", "registry-server", "prometheus_client", ["serve", "--home", "registry"]),
        ("registry_server", "registry-server", "sqlalchemy", ["db", "current", "--home", "registry"]),
        ("registry_server", "registry-server", "typer", ["--help"]),
        ("subject_key_service", "subject-key-service", "structlog", ["--help"]),
    ],
)
def test_without_the_server_s_packages_it_says_what_to_install(
    entry: str, program: str, missing: str, words: list[str]
) -> None:
    lines = ["import sys", f"sys.modules[{missing!r}] = None", f"from registry_server.entry import {entry}"]
    ended = run([sys.executable, "-c", "\n".join([*lines, f"{entry}()"]), *words])
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith(f"{program}: {missing}")
    assert 'pip install "credit-registry[server]"' in ended.stderr


def test_the_home_of_a_server_is_read_from_its_environment(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text('registry = "example"')
    program = Path(sys.executable)
    ended = run([str(program.with_name("registry-server")), "db", "current"], REGISTRY_HOME=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (0, "none\n"), ended.stderr
    named = run([str(program.with_name("subject-key-service")), "status"], KEY_SERVICE_HOME=str(tmp_path / "none"))
    assert named.returncode == 2
    assert str(tmp_path / "none") in named.stderr
