"""What deploy/ holds: the programs that read the files take them, and they name only what there is."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.testing.ports import HOST
from client_sdk.testing.programs import Programs
from tests.deploy.test_database_tls import FOLDER, certify
from tests.docs.test_docs_operating import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
ALERTS = DEPLOY / "monitoring" / "alerts.yml"
DASHBOARD = DEPLOY / "monitoring" / "dashboard.json"
# Where the programs are installed.
OURS = Path(sys.executable).parent
SECONDS = 120

_METRIC = re.compile(r"\b(?:registry|key_service|process)_[a-z_]+")
# Parts of a histogram.
_PART = re.compile(r"_(?:bucket|sum|count)$")


def said(*command: str | Path) -> str:
    """What a program writes; it ends with status 0."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def names(expression: str) -> set[str]:
    """The metrics that an expression of Prometheus reads."""
    return {_PART.sub("", name) for name in _METRIC.findall(re.sub(r'"[^"]*"', "", expression))}


def expressions(found: Any) -> Iterator[str]:
    """All expressions of a dashboard."""
    for panel in found["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


# tests/docs holds the guide's metrics against those that running servers export.
GUIDE = names(" ".join(re.findall(r"`([a-z_]+)`", TEXT)))


def test_alerts_and_dashboard_read_metrics_that_servers_export() -> None:
    alerts = [line.split("expr:", 1)[1] for line in ALERTS.read_text().splitlines() if "expr:" in line]
    panels = list(expressions(json.loads(DASHBOARD.read_text())))
    assert len(alerts) >= 15
    assert len(panels) >= 20
    assert names(" ".join(alerts)) | names(" ".join(panels)) <= GUIDE


def test_each_metric_for_which_the_guide_tells_an_alert_has_one() -> None:
    rows = re.findall(r"^\| (`.*?) \| .* \| ([^|]*) \|$", TEXT, re.MULTILINE)
    told = {name for cell, alert in rows if alert not in {"", "–"} for name in names(cell)}
    # These are for a person to judge: what is usual differs from registry to registry.
    told -= {"registry_map_entries", "registry_acts", "registry_institutions", "key_service_elements_total"}
    told -= {"registry_witnessed_leaves", "key_service_call_seconds", "key_service_calls_running"}
    assert told <= names(ALERTS.read_text())


def test_units_start_commands_that_exist_with_options_that_they_have(tmp_path: Path) -> None:
    started, programs = set(), Programs(tmp_path)
    for path in UNITS:
        if path.suffix == ".timer":
            assert path.with_suffix(".service") in UNITS
            continue
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd's settings are as they are
        unit.read_string(path.read_text())
        command, *words = shlex.split(unit["Service"]["ExecStart"])
        options = [word for word in words if word.startswith("--")]
        verbs = [word for word in words if word.isalpha()]
        shown = programs.run((Path(command).name, *verbs, "--help"))
        assert [option for option in options if option not in shown] == []
        assert unit["Service"]["UMask"] == "0077"
        assert unit["Service"]["ProtectSystem"] == "strict"
        started.add(verbs[0])
    assert started == {"serve", "witness", "audit", "backup", "doctor", "tiles"}


@pytest.mark.deploy
def test_systemd_takes_every_unit_without_a_word(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text()
        assert unit.read_text().startswith(f"# /etc/systemd/system/{unit.name}")
        (tmp_path / unit.name).write_text(text.replace("/usr/local/bin/", f"{OURS}/"))
    assert said("systemd-analyze", "verify", *sorted(tmp_path.iterdir())) == ""
    (tmp_path / "wrong.service").write_text("[Service]\nExecStart=/bin/true\nNoNewPrivilege=yes\n")
    assert "NoNewPrivilege" in said("systemd-analyze", "verify", tmp_path / "wrong.service")


@pytest.mark.deploy
def test_prometheus_takes_alerts_and_settings() -> None:
    assert "SUCCESS" in said("promtool", "check", "config", "--lint-fatal", DEPLOY / "monitoring" / "prometheus.yml")


@pytest.mark.deploy
def test_haproxy_takes_its_settings(tmp_path: Path) -> None:
    # Names of machines of the operator's network, which are nowhere known here.
    text = re.sub(r"\b(?:balancer|db-\d|registry-\d):", f"{HOST}:", (DEPLOY / "haproxy.cfg").read_text())
    certify(tmp_path / "certificates", "db-1")
    settings = tmp_path / "haproxy.cfg"
    settings.write_text(text.replace(FOLDER, str(tmp_path / "certificates")))
    path = os.pathsep.join((os.environ["PATH"], "/usr/sbin"))
    assert said(shutil.which("haproxy", path=path) or "haproxy", "-c", "-q", "-f", settings) == ""
