"""The guide to work on a Dask cluster: its commands and its program are run, with the settings that it shows."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from distributed import Security

from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_port
from tests.client_sdk.cli.command_samples import DIGEST, id_number
from tests.client_sdk.sdk_samples import default_report
from tests.conftest import program
from tests.readme.readme import blocks
from tests.support.typed_commands import TypedCommands

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "dask.md").read_text()
SECONDS = 300
_PREAMBLE = r"""
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
wait_for() { until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do kill -0 $! || exit 98; sleep 0.1; done; }
"""


def settings(folder: Path) -> str:
    """Write certificates where the guide has them, below a folder; return its settings."""
    made = Security.temporary()
    for name, content in {
        "ca.pem": made.tls_ca_file,
        "key.pem": made.tls_client_key,
        "cert.pem": made.tls_client_cert,
    }.items():
        (folder / name).write_text(content)
    (shown,) = blocks("yaml", TEXT)
    return shown.replace("/etc/dask", str(folder))


def script(folder: Path, programs: Path) -> str:
    """The commands of the guide, then its program."""
    (commands,), (code,) = blocks("sh", TEXT), blocks("python", TEXT)
    port = str(free_port())
    text = f"{_PREAMBLE}PATH={shlex.quote(str(programs))}:{shlex.quote(str(Path(sys.executable).parent))}:$PATH\n"
    for line in commands.splitlines(keepends=True):
        text += line
        if line.startswith("dask scheduler"):
            text += "wait_for 8786\n"
    (folder / "program.py").write_text(f"{code}assert report.clean\nassert report.signatures\n".replace("8786", port))
    text += f"rm -r auditor/audit\n{shlex.quote(sys.executable)} program.py\n"
    return re.sub(r"\b8786\b", port, text)


def test_every_command_works_as_it_is_shown(tmp_path: Path) -> None:
    log, dask = tmp_path / "output", tmp_path / "dask"
    dask.mkdir()
    (dask / "dask.yaml").write_text(settings(dask))
    with TestRegistry() as running, TypedCommands() as typed, log.open("wb") as output:
        work = tmp_path / "work"
        work.mkdir()
        for name in ("lender-1", "auditor"):
            (work / name).symlink_to(running.home(name))
        (work / "registry").symlink_to(running.registry_home)
        with running.client("lender-2") as other:
            other.report(default_report(1))
        (work / "customers.csv").write_text(
            "id_type,id_number,reference,consent_form,consent_date,consent_digest\n"
            f"CN_RESIDENT_ID,{id_number(1)},A,WRITTEN,2025-01-01,{DIGEST}\n"
        )
        env = {**os.environ, "DASK_CONFIG": str(dask), "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(
            [program("bash"), "-c", script(work, typed.folder)],
            cwd=work,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert code == 0, log.read_text()
