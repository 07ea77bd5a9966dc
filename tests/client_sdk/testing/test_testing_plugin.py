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

import pytest

from client_sdk.errors import ConfigError
from client_sdk.testing import TestRegistry, invented_person, overdue_report, plugin

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "client_sdk.testing.plugin"
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "testing.md").read_text()


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


def test_the_examples_of_the_guide_run_as_they_stand(tmp_path: Path) -> None:
    examples = re.findall(r"^```python (\w+\.py)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in examples] == ["test_decisions.py", "conftest.py"]
    for name, text in examples:
        (tmp_path / name).write_text(text)
    # The members that the options add are there too.
    write(
        tmp_path,
        "test_members.py",
        [
            "def test_members(credit_registry):",
            "    for member in ('lender-3', 'office'):",
            "        with credit_registry.client(member) as client:",
            "            assert client.status().institution == member",
        ],
    )
    ended = run_pytest(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "4 passed" in ended.stdout


def test_the_fixtures_and_methods_of_the_guide_are_those_of_the_code() -> None:
    fixtures = re.findall(r"^\| `(credit_registry\w*)` \|", GUIDE, re.MULTILINE)
    assert sorted(fixtures) == sorted(set(plugin.__all__) - {"Options"})
    table = GUIDE.partition("| method | does |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)[(`]", table)) - {"registry"}
    assert named <= {*dir(TestRegistry), "folder"}
    assert {"client", "async_client", "home", "enrol", "stop", "start_desks", "folder"} <= named


def test_invented_persons_and_reports_are_refused_out_of_range() -> None:
    assert invented_person(36_000).number[6:10] == "1898"
    for number in (0, 36_001):
        with pytest.raises(ConfigError, match="want 1 to 36000"):
            invented_person(number)
    with pytest.raises(ConfigError, match="days_past_due: want 2 to 3650"):
        overdue_report(invented_person(1), days_past_due=1)


def test_an_overdue_report_is_lawful_however_long_it_lasts(tmp_path: Path) -> None:
    days = (2, 29, 60, 365, 1_800)
    with TestRegistry(folder=tmp_path / "registry") as registry, registry.client("lender-1") as client:
        reports = [overdue_report(invented_person(10 + n), days_past_due=n) for n in days]
        assert client.preflight(reports).violations == ()
        assert client.report_many(reports).accepted == len(days)
        size = client.status().size
    # The next one goes on from the folder, with a member more.
    with TestRegistry(folder=tmp_path / "registry", lenders=("lender-1", "lender-9")) as registry:
        with registry.client("lender-9") as client:
            assert client.status().size > size
        with registry.client("lender-1") as client:
            assert len(list(client.records())) == len(days)


def test_a_folder_of_another_registry_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text('{"name": "other", "ports": {}}')
    with pytest.raises(ConfigError, match="founding was interrupted"):
        TestRegistry(folder=tmp_path)
    (tmp_path / "founded").touch()
    with pytest.raises(ConfigError, match="holds the registry other with"):
        TestRegistry(folder=tmp_path)


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
