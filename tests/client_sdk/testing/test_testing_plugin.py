"""The fixtures for pytest: a registry and clients without an import, and nothing loaded where no test asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "client_sdk.testing.plugin"
README = (ROOT / "README.md").read_text()


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as an integrator does, with the plugin that an installation would have named to it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider", *words]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "proto" / "gen")))
    env = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)


def write(folder: Path, name: str, lines: Sequence[str]) -> None:
    (folder / name).write_text("\n".join([*lines, ""]))


def test_an_installation_names_the_plugin_to_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"credit_registry": PLUGIN}


def test_the_example_of_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python test_[a-z_]+\.py\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_approval.py").write_text(example)
    ended = run_pytest(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


def test_one_registry_serves_all_tests_with_what_a_project_overrides(tmp_path: Path) -> None:
    write(
        tmp_path,
        "conftest.py",
        [
            "import pytest",
            "@pytest.fixture(scope='session')",
            "def credit_registry_options():",
            "    return {'name': 'mine', 'key_services': ('only',)}",
        ],
    )
    write(
        tmp_path,
        "test_registry.py",
        [
            "seen = set()",
            "def test_first(credit_registry, credit_registry_lender):",
            "    seen.add(credit_registry.process_id('registry'))",
            "    assert [len(credit_registry_lender.status().key_services), credit_registry.name] == [1, 'mine']",
            "def test_second(credit_registry, credit_registry_asker):",
            "    assert seen == {credit_registry.process_id('registry')}",
            "    assert credit_registry_asker.config.institution == 'lender-2'",
        ],
    )
    ended = run_pytest(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout


def test_nothing_is_loaded_where_no_test_asks_for_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        "test_other.py",
        [
            "import json, pathlib, sys",
            "def test_other():",
            "    pathlib.Path('loaded.json').write_text(json.dumps(sorted(sys.modules)))",
        ],
    )
    assert run_pytest(tmp_path).returncode == 0
    loaded = json.loads((tmp_path / "loaded.json").read_text())
    ours = {name for name in loaded if name.partition(".")[0] in {"client_sdk", "registry_server", "creditregistry"}}
    assert ours == {"client_sdk", "client_sdk._version", "client_sdk.testing", PLUGIN}
    assert {name.partition(".")[0] for name in loaded} & {"cryptography", "google", "grpc", "nacl", "voprf"} == set()
