"""The operator's guide: every command that it shows is run, and its metrics are those that the servers export."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from client_sdk.auditing.auditor import Auditor
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_port, listens
from registry_server.settings import SETTINGS_FILE, settings_toml
from tests.client_sdk.sdk_samples import default_report
from tests.conftest import program
from tests.postgres_server import installed_programs, postgres_server
from tests.support.command import Command
from tests.support.typed_commands import TypedCommands
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operating.md").read_text()
BEFORE, REST = TEXT.split("## When the disk is lost")
DRILL, AFTER = REST.split("## After a restore")
SERVICE = "key-service-a"
SECONDS = 300

# Blocks may be indented: they belong to the steps of a list.
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_METRIC = re.compile(r"`((?:registry|key_service|process)_[a-z_]+)`")
_SERVE = re.compile(r"\S+ serve --home (\S+) &")
_CONFIRM = "--confirm SIZE:ROOT"
_PREAMBLE = r"""
set -uo pipefail
ends_with() { local want=$1 got=0; shift; "$@" || got=$?
  [ "$got" = "$want" ] || { echo "ended with $got, want $want: $*"; exit 99; }; }
wait_for() { until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do kill -0 $! || exit 98; sleep 0.1; done; }
"""


def blocks(text: str, language: str) -> list[str]:
    """The blocks of a language, in order, without their indentation."""
    return [
        "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        for indent, found, body in _BLOCK.findall(text)
        if found == language
    ]


def script(lines: list[str], ports: dict[str, int]) -> str:
    """The commands, each held against the status that the guide tells of it, 0 where it tells none."""
    text, before = _PREAMBLE, ""
    for line in lines:
        command, _, told = line.partition("#")
        want = told.strip().removeprefix("ends with ") or "0"
        if _CONFIRM in command:
            # What a person copies from the command before.
            text += f"CONFIRM=$({{ {before}; }} 2>&1 | grep -oE '[0-9]+:[0-9A-Za-z+/=]{{40,}}' | tail -n 1)\n"
            command = command.replace("SIZE:ROOT", '"$CONFIRM"')
        served = _SERVE.match(command)
        text += f"{command}\nwait_for {ports[served[1]]}\n" if served else f"ends_with {want} {command}\n"
        before = command
    return text


def commands(text: str, language: str) -> list[str]:
    joined = "".join(blocks(text, language)).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip()]


def run(text: str, folder: Path, **environment: str) -> str:
    """Run a script in a session of its own, which ends with it; return what it said."""
    log = folder / "output"
    folders = (str(Path(sys.executable).parent), str(installed_programs() / "bin"), os.environ["PATH"])
    with TypedCommands() as typed, log.open("wb") as output:
        process = subprocess.Popen(
            [program("bash"), "-c", text],
            cwd=folder,
            env={**os.environ, "PATH": os.pathsep.join((str(typed.folder), *folders)), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(SECONDS)
        finally:
            # Servers in the background may have ended already.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = log.read_text(errors="replace")
    assert code == 0, said[-4000:]
    return said


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[TestRegistry]:
    metrics = f"127.0.0.1:{free_port()}"
    with TestRegistry(
        folder=tmp_path / "work", key_services=(SERVICE,), environment={"REGISTRY_METRICS_LISTEN": metrics}
    ) as running:
        yield running


def families(address: str) -> set[str]:
    """The metrics that a server exports; of a counter without the time at which it began."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as answer:
        names = re.findall(r"^# HELP (\S+)", answer.read().decode(), re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


def rebuild(registry: TestRegistry, policy: Path) -> None:
    """Have the auditor rebuild the log, with a key that the administrators name: some figures are of that alone."""
    auditor, proposer, approver = (Command(registry.home(name)) for name in ("auditor", "admin-1", "admin-2"))
    policy.write_text(f"{auditor('key', 'replay').content['line']}\nquorum auditor\n")
    proposed = proposer("act", "propose", "rulebook", "--replay-quorum", str(policy), "--yes").content
    approver("act", "approve", proposed["id"], "--yes")
    auditor("audit", "--cosign", "--jobs", "1")


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_every_metric_of_the_guide_is_exported_and_every_exported_one_is_in_it(
    tmp_path: Path, database_url: str
) -> None:
    of_registry, of_service = (f"127.0.0.1:{free_port()}" for _ in range(2))
    (tmp_path / "witnesses").write_text("quorum none\n")
    environment = {
        "REGISTRY_METRICS_LISTEN": of_registry,
        "REGISTRY_WITNESS_POLICY": str(tmp_path / "witnesses"),
        "REGISTRY_DATABASE_URL": database_url,
        "REGISTRY_DATABASE_READ_URL": database_url,
    }
    with TestRegistry(key_services=(SERVICE,), environment=environment) as running:
        running.stop(SERVICE)
        settings = running.folder / SERVICE / "service.toml"
        written = [line for line in settings.read_text().splitlines() if "metrics_listen" not in line]
        settings.write_text("\n".join([*written, f'metrics_listen = "{of_service}"', ""]))
        running.start_key_service(SERVICE)
        rebuild(running, tmp_path / "auditors.policy")
        exported = families(of_registry) | families(of_service)
        for probe in ("healthz", "readyz"):
            with urllib.request.urlopen(f"http://{of_registry}/{probe}", timeout=60) as answer:
                assert answer.status == 200
    assert set(_METRIC.findall(TEXT)) == exported


def test_every_command_works_as_it_is_shown(registry: TestRegistry, tmp_path: Path) -> None:
    work = registry.folder
    shutil.copy(ROOT / "examples" / "portfolio.csv", work)
    ports = {name: int(registry.address_of(name).rpartition(":")[2]) for name in ("registry", SERVICE)}
    for name in ports:
        registry.stop(name)
    said = run(script(commands(BEFORE, "sh"), ports), work, REGISTRY=registry.address)
    assert "clean" in said
    registry.start_registry()
    registry.start_key_service(SERVICE)
    # What is lost: reported after the backup, and seen by the member.
    with registry.client("lender-1") as client:
        # A key service refuses all until it has followed the directory again.
        wait_until(lambda: all(service.reachable for service in client.status().key_services))
        client.report(default_report(1))
    for name in ports:
        registry.stop(name)
    # By a timer, after the backup and before the disk is lost.
    run(script(["registry-server tiles export --home registry mirror"], ports), work)
    said = run(script(commands(DRILL, "sh"), ports), work)
    assert "leaves restored, and everything verified" in said
    assert "1 record sent once more: the registry holds 1" in said
    assert "clean" in said
    # What the script started ends with it.
    wait_until(lambda: not listens(ports["registry"]))
    registry.start_registry()
    registry.start_key_service(SERVICE)
    assert Auditor.from_home(registry.home("auditor")).audit().findings == ()
    with registry.client("lender-1") as client:
        wait_until(lambda: all(service.reachable for service in client.status().key_services))
        assert len(list(client.records())) == 1
        client.report(default_report(2))
    for name in ports:
        registry.stop(name)
    said = run(script(commands(AFTER, "sh"), ports), work)
    assert "register.below" in said
    assert "accepted" in said


def test_every_statement_and_command_for_postgresql_works_as_it_is_shown(tmp_path: Path) -> None:
    home = tmp_path / "registry"
    home.mkdir(mode=0o700)
    (home / SETTINGS_FILE).write_text(settings_toml({"registry": "example"}))
    (statements,) = blocks(TEXT, "sql")
    with postgres_server() as url:
        host = str(make_url(url).query["host"])
        with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
            for statement in statements.split(";"):
                connection.execute(statement.encode())
        lines = [re.sub(r"@db\.example/registry", f"@/registry?host={host}", line) for line in commands(TEXT, "bash")]
        assert any("?host=" in line for line in lines)
        quoted = [re.sub(r"(\S+\?host=\S+)", r"'\1'", line) for line in lines]
        run(script(quoted, {}), tmp_path)
    assert (tmp_path / "registry.dump").stat().st_size > 0


def test_every_section_and_file_that_is_linked_exists() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    files = [link.partition("#")[0] for link in links if not link.startswith(("#", "http"))]
    assert [file for file in files if not (ROOT / "docs" / file).exists()] == []
