"""The operator's checklist: what it passes, what it warns of, and what it fails once real persons are in it."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from registry_server.operating.doctor import Grade, examine
from registry_server.sequencing.clock import SystemClocks
from registry_server.settings import load_settings
from tests.registry_server.cli.test_cli_registry_server import Site, run

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = (
    *("licence", "region", "protection", "assessment", "keys", "database", "administrators", "register", "backup"),
    *("room", "clock", "certificates", "witnesses"),
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.found()
    return site


def ready(site: Site, **changes: str) -> None:
    """Give the settings of a registry with real persons, some of them changed."""
    (site.home / "backup-done").touch()
    values = {
        "production": "true",
        "licence": '"11000012026-征信"',
        "storage_region": '"CN-BJ"',
        "protection_level": "3",
        "impact_assessment_on": f'"{datetime.now(UTC).date() - timedelta(days=400)}"',
        "backup_marker": '"backup-done"',
    } | changes
    path = site.home / "registry.toml"
    lines = [line for line in path.read_text().splitlines() if line.partition(" ")[0] not in values]
    path.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in values.items()), ""]))


def grades(site: Site) -> dict[str, Grade]:
    """What the checks say; the worst of each."""
    order = list(Grade)
    found: dict[str, Grade] = {}
    for item in examine(load_settings(site.home)):
        found[item.check] = max(item.grade, found.get(item.check, Grade.PASS), key=order.index)
        assert item.advice or item.grade is Grade.PASS
    return found


def test_a_registry_of_invented_persons_is_warned_and_not_failed(site: Site) -> None:
    told = run("doctor", "--home", site.home)
    assert re.search(r"^WARN  licence: none$", told, re.MULTILINE)
    assert "0 FAIL" in told
    shown = json.loads(run("doctor", "--home", site.home, "--json"))
    assert list(dict.fromkeys(item["check"] for item in shown["checks"])) == list(CHECKS)
    assert shown["counts"]["FAIL"] == 0


def test_a_registry_of_real_persons_needs_what_the_law_asks_for(site: Site) -> None:
    ready(site)
    found = grades(site)
    assert Grade.FAIL not in found.values()
    passed = ("licence", "region", "protection", "assessment", "database", "administrators", "backup", "certificates")
    assert {name: found[name] for name in passed} == dict.fromkeys(passed, Grade.PASS)


@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [
        ("storage_region", '"SG"', "region"),
        ("protection_level", "2", "protection"),
        ("impact_assessment_on", '"2020-02-29"', "assessment"),
        ("impact_assessment_on", '"2199-01-01"', "assessment"),
        ("backup_marker", '""', "backup"),
        ("backup_marker", '"never"', "backup"),
    ],
)
def test_what_is_missing_fails(site: Site, setting: str, value: str, check: str) -> None:
    ready(site, **{setting: value})
    found = grades(site)
    assert {name for name, grade in found.items() if grade is Grade.FAIL} == {check}
    run("doctor", "--home", site.home, expected=1)


@pytest.mark.parametrize(("setting", "value"), [("licence", '""'), ("storage_region", '""')])
def test_a_registry_of_real_persons_does_not_start_without_licence_or_region(
    site: Site, setting: str, value: str
) -> None:
    ready(site, **{setting: value})
    told = run("serve", "--home", site.home, expected=2)
    assert "production needs licence and storage_region" in told


@pytest.mark.parametrize(
    ("setting", "value"),
    [("licence", '"<none>"'), ("licence", '" 11"'), ("storage_region", '"China"'), ("protection_level", "6")],
)
def test_a_setting_of_another_form_is_named(site: Site, setting: str, value: str) -> None:
    ready(site, **{setting: value})
    assert setting in run("doctor", "--home", site.home, expected=2)


def test_an_old_backup_is_warned_of_and_fails_after_a_week(site: Site) -> None:
    ready(site)
    for days, grade in ((0.5, Grade.PASS), (2, Grade.WARN), (8, Grade.FAIL), (-1, Grade.FAIL)):
        then = time.time() - days * 86_400
        os.utime(site.home / "backup-done", (then, then))
        assert grades(site)["backup"] is grade


def test_a_check_that_cannot_look_hides_no_other(site: Site) -> None:
    """A key that others can read, and a database that is gone: all checks are told all the same."""
    (site.home / "log-key.pem").chmod(0o644)
    (site.home / "registry.sqlite").rename(site.home / "elsewhere")
    found = grades(site)
    assert set(found) == set(CHECKS)
    failed = {name for name, grade in found.items() if grade is Grade.FAIL}
    assert failed == {"region", "keys", "database", "administrators", "register", "clock"}


def test_a_lost_register_and_a_clock_that_is_behind_fail(site: Site) -> None:
    (site.home / "register" / "checkpoint").unlink()

    class Behind(SystemClocks):
        def wall(self) -> int:
            return super().wall() - 3_600_000

    found = {item.check: item.grade for item in examine(load_settings(site.home), Behind())}
    assert (found["register"], found["clock"]) == (Grade.FAIL, Grade.FAIL)


def test_a_registry_on_either_database_is_examined(tmp_path: Path, empty_database_url: str, database_kind: str) -> None:
    site = Site(tmp_path)
    if database_kind == "postgresql":
        site.database = ("--database-url", empty_database_url)
    site.found()
    (told,) = [item.found for item in examine(load_settings(site.home)) if item.check == "database"]
    assert told.startswith("PostgreSQL" if database_kind == "postgresql" else "SQLite")
