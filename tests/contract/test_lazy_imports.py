"""Starting the command, and importing the SDK, loads nothing that is not needed yet."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from client_sdk.testing.forking import PROGRAMS
from client_sdk.testing.programs import Programs

if TYPE_CHECKING:
    from pathlib import Path

# What a registry is served with, and some of what founds and examines one.
OF_A_SERVER = {"alembic", "creditregistry", "cryptography", "google", "grpc", "prometheus_client"}
HEAVY = {"cryptography", "google", "grpc", "nacl", "rich", "voprf", "creditregistry", "jinja2"}
_LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def loaded_by(program: str) -> set[str]:
    """Names of all modules that a program has loaded when it ends."""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    return set(json.loads(ended.stderr.splitlines()[-1]))


def loaded_by_command(*words: str, program: str = "credit-registry") -> set[str]:
    """The same for a command with these words."""
    module, _, name = PROGRAMS[program].partition(":")
    lines = [
        "import sys",
        f"sys.argv = [{program!r}, *{list(words)!r}]",
        f"from {module} import {name} as main",
        "try: main()",
        "except SystemExit: pass",
    ]
    return loaded_by("\n".join([*lines, _LOADED]))


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_of_the_program_loads_no_verb_and_no_library_of_one(word: str) -> None:
    loaded = loaded_by_command(word)
    assert tops(loaded) & HEAVY == set()
    assert {name for name in loaded if name.startswith("client_sdk.kernel")} == set()
    assert {name for name in loaded if name.startswith("client_sdk.cli.verbs.")} == {"client_sdk.cli.verbs.table"}


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        (("status", "--help"), {"status"}),
        (("trust", "fetch", "--help"), {"trust"}),
        (("act", "--help"), {"act", "act.group"}),
        (("act", "list", "--help"), {"act", "act.group", "act.list", "act.rendering", "act.rendering_members"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_help_of_a_verb_loads_that_verb_alone(words: tuple[str, ...], modules: set[str]) -> None:
    before = "client_sdk.cli.verbs."
    loaded = {name.removeprefix(before) for name in loaded_by_command(*words) if name.startswith(before)}
    assert loaded == modules | {"table"}


def test_importing_the_sdk_loads_no_library_until_a_name_is_used() -> None:
    assert tops(loaded_by(f"import client_sdk; {_LOADED}")) & HEAVY == set()
    assert "grpc" in tops(loaded_by(f"from client_sdk import Client; {_LOADED}"))


@pytest.mark.parametrize("word", ["--help", "--version", "version"])
def test_help_of_the_operators_program_loads_no_library_of_a_server(word: str) -> None:
    loaded = loaded_by_command(word, program="registry-server")
    assert tops(loaded) & (OF_A_SERVER | {"sqlalchemy"}) == set()
    assert {name for name in loaded if name.startswith(("client_sdk.kernel", "registry_server.settings"))} == set()


@pytest.mark.parametrize("words", [("db", "current"), ("clock", "confirm")], ids=" ".join)
def test_a_short_command_of_an_operator_loads_what_its_task_needs(words: tuple[str, ...], tmp_path: Path) -> None:
    home = tmp_path / "registry"
    home.mkdir()
    (home / "registry.toml").write_text('registry = "example"')
    Programs(tmp_path).run(["registry-server", "db", "upgrade", "--home", str(home)])
    loaded = loaded_by_command(*words, "--home", str(home), program="registry-server")
    assert "sqlalchemy" in tops(loaded)
    assert tops(loaded) & OF_A_SERVER == set()
    assert {"registry_server.app", "registry_server.rpc", "registry_server.usecases.founding"} & loaded == set()
