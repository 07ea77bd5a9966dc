"""What is installed: the SDK alone brings nothing of the server, and the wheel holds what it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does it."""
    return unpacked(tmp_path_factory.mktemp("wheel"), "standard")


def unpacked(folder: Path, version: str) -> Path:
    """Build the wheel, as it is or for an editable installation, and unpack it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", f"wheel:{version}", "--directory", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (file,) = folder.glob("credit_registry-*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_the_packages_their_types_and_the_licence(wheel: Path) -> None:
    for package in ("client_sdk", "registry_server", "creditregistry"):
        assert (wheel / package / "py.typed").is_file()
    assert list(wheel.glob("*.dist-info/licenses/LICENSE"))
    tops = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"client_sdk", "registry_server", "creditregistry"}


@pytest.mark.parametrize("place", ["wheel", "checkout"])
def test_tables_are_made_beside_another_package_named_migrations(place: str, wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "application" / "migrations"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('this is another package')")
    if place == "checkout":
        site, package = unpacked(tmp_path, "editable"), ROOT
        assert [path.suffix for path in site.iterdir() if path.is_file()] == [".pth"]
    else:
        site = package = wheel
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "registry.toml").write_text('registry = "example"')
    lines = [
        "import os, pathlib, site, sys",
        f"site.addsitedir({str(site)!r})",
        "import registry_server",
        f"assert pathlib.Path(registry_server.__file__).is_relative_to({str(package)!r}), registry_server.__file__",
        "from registry_server.cli import main",
        "main()",
    ]
    paths = [str(other.parent), *([str(wheel)] if place == "wheel" else [])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}

    def run(verb: str) -> str:
        command = [sys.executable, "-c", "\n".join(lines), "db", verb, "--home", str(tmp_path / "home")]
        ended = subprocess.run(command, capture_output=True, check=False, text=True, env=env, cwd=tmp_path, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    assert run("current") == "none"
    made = run("upgrade")
    assert made != "none"
    assert run("current") == made


def test_the_version_is_the_changelog_s() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    source = (ROOT / configured["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    version = re.search(r'__version__ = "([^"]+)"', source)
    assert version is not None
    assert metadata.version("credit-registry") == version.group(1)
    assert version.group(1) in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_locked_package_has_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "deploy/requirements.lock", "proto/tools.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        for requirement in re.split(r"\n(?=[a-z])", text)[1:]:
            assert "--hash=sha256:" in requirement, requirement.splitlines()[0]
