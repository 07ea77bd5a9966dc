"""What is installed: the SDK alone brings nothing of the server, and the wheel holds what it should."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER_ONLY = {"sqlalchemy", "alembic", "psycopg", "psycopg_binary", "pydantic_settings", "structlog"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def requirements(distribution: str) -> set[str]:
    """Name what a distribution requires when nothing optional is asked for."""
    wanted = [line for line in metadata.requires(distribution) or [] if "extra ==" not in line]
    return {normalised(match.group()) for line in wanted if (match := re.match(r"[\w.-]+", line))}


def test_the_sdk_installs_nothing_that_only_the_server_needs() -> None:
    reached: set[str] = set()
    waiting = requirements("credit-registry")
    while waiting:
        name = waiting.pop()
        reached.add(name)
        try:
            waiting |= requirements(name) - reached
        except metadata.PackageNotFoundError:
            continue  # a requirement of another platform or of an older Python
    assert {"grpcio", "cryptography", "pynacl"} <= reached
    assert reached & SERVER_ONLY == set()


def test_importing_the_sdk_loads_nothing_of_the_server() -> None:
    program = (
        "import client_sdk, json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(json.loads(result.stdout))
    assert "client_sdk" in loaded
    assert loaded & (SERVER_ONLY | {"registry_server"}) == set()


def test_the_wheel_holds_the_packages_their_types_and_the_licence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("credit_registry-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("client_sdk", "registry_server", "creditregistry"):
        assert f"{package}/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops <= {"client_sdk", "registry_server", "creditregistry", "migrations"}


def test_the_version_is_the_changelog_s() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    source = (ROOT / configured["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    version = re.search(r'__version__ = "([^"]+)"', source)
    assert version is not None
    assert metadata.version("credit-registry") == version.group(1)
    assert version.group(1) in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_locked_package_has_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "proto/tools.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        for requirement in re.split(r"\n(?=[a-z])", text)[1:]:
            assert "--hash=sha256:" in requirement, requirement.splitlines()[0]
