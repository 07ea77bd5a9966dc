"""Starting the command, and importing the SDK, loads nothing that is not needed yet."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"cryptography", "google", "grpc", "nacl", "rich", "voprf", "creditregistry", "jinja2"}
_LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def loaded_by(program: str) -> set[str]:
    """Names of all modules that a program has loaded when it ends."""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    return set(json.loads(ended.stderr.splitlines()[-1]))


def loaded_by_command(*words: str) -> set[str]:
    """The same for the command with these words."""
    lines = [
        "import sys",
        f"sys.argv = ['credit-registry', *{list(words)!r}]",
        "from client_sdk.cli import main",
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
        (("act", "list", "--help"), {"act", "act.group", "act.list", "act.rendering"}),
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
