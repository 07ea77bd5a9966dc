"""The operator's checklist: what it passes, what it warns of, and what it fails once real persons are in it."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from client_sdk.kernel.formats.act import InstitutionBody, ReviewBody, RulebookBody
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.rules.dates import day_of
from client_sdk.models.examined import Grade
from client_sdk.testing.ports import free_port
from registry_server.certificates.authority import CertificateAuthority
from registry_server.operating.backup.keys import make_keys
from registry_server.operating.backup.making import make_backup
from registry_server.operating.doctor import examine
from registry_server.operating.register import put_register, register_of, show_register
from registry_server.sequencing.clock import SystemClocks
from registry_server.sequencing.ledger import Ledger
from registry_server.settings import Settings, load_settings
from registry_server.storage.register import FileRegister
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.replays import Replays
from registry_server.usecases.status import ServingStatus
from tests.conftest import postgres_database
from tests.postgres_server import postgres_server
from tests.registry_server.cli.test_cli_registry_server import Site, run
from tests.registry_server.usecases.test_usecases_replays import LINES, enrol_auditors, name_auditors, newest
from tests.support.handmade_log import REGISTRY
from tests.support.production import PRODUCTION, REVIEW, USCC
from tests.support.registry_world import DAY_MS, World
from tests.support.standby import standby

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = (
    *("licence", "rulebook", "members", "reviews", "region", "protection", "assessment", "keys", "database", "records"),
    *("standby", "administrators", "register", "backup", "room", "clock", "certificates", "witnesses"),
    "auditors",
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.found()
    return site


@pytest.fixture
def real(tmp_path: Path) -> Site:
    """A registry whose rulebook is one for production."""
    site = Site(tmp_path)
    site.limits = {"review_days": 365}
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


def test_witnesses_that_members_demand_must_be_fed(tmp_path: Path) -> None:
    keys = [VerifierKey.cosigner(f"w{number}.example", bytes([number]) * 32).text() for number in (1, 2)]
    quorum = [*(f"witness w{number} {key}" for number, key in enumerate(keys, 1)), "group both 2 w1 w2", "quorum both"]
    site = Site(tmp_path)
    site.limits = {"witness_quorum": quorum}
    site.found()
    assert grades(site)["witnesses"] is Grade.FAIL
    with (site.home / "registry.toml").open("a") as settings:
        settings.write('witness_policy = "witnesses.policy"\n')
    policy = site.home / "witnesses.policy"
    # Of those that are fed each is asked: nobody listens there.
    for fed, grade in ((quorum[:1], Grade.FAIL), (quorum[:2], Grade.WARN)):
        lines = [f"{line} https://127.0.0.1:{free_port()}" for line in fed]
        policy.write_text("\n".join([*lines, "quorum w1", ""]))
        assert grades(site)["witnesses"] is grade


def test_a_registry_of_real_persons_needs_what_the_law_asks_for(real: Site) -> None:
    ready(real)
    found = grades(real)
    assert Grade.FAIL not in found.values()
    by_law = ("licence", "rulebook", "members", "reviews", "region", "protection", "assessment")
    passed = (*by_law, "database", "administrators", "backup", "certificates")
    assert {name: found[name] for name in passed} == dict.fromkeys(passed, Grade.PASS)


@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [
        ("storage_region", '"SG"', "region"),
        ("storage_region", '"CN-HK"', "region"),
        ("protection_level", "2", "protection"),
        ("impact_assessment_on", '"2020-02-29"', "assessment"),
        ("impact_assessment_on", '"2199-01-01"', "assessment"),
        ("backup_marker", '""', "backup"),
        ("backup_marker", '"never"', "backup"),
    ],
)
def test_what_is_missing_fails(real: Site, setting: str, value: str, check: str) -> None:
    ready(real, **{setting: value})
    found = grades(real)
    assert {name for name, grade in found.items() if grade is Grade.FAIL} == {check}


def test_a_registry_of_real_persons_does_not_start_without_licence_region_or_assessment(real: Site) -> None:
    for setting, value, told in (
        ("licence", '""', "production needs licence"),
        ("licence", '"not-yet"', "which has digits"),
        ("storage_region", '""', "production needs storage_region"),
        ("storage_region", '"SG"', "data is stored and processed there"),
        ("impact_assessment_on", '""', "impact_assessment_on"),
        ("impact_assessment_on", '"2199-01-01"', "which is still to come"),
        ("production", "false", "real persons are in the registry; set production"),
    ):
        ready(real, **{setting: value})
        assert told in run("serve", "--home", real.home, expected=2), setting
    ready(real, storage_region='"SG"')
    run("doctor", "--home", real.home, expected=1)


def test_a_rulebook_for_invented_persons_fails_where_real_ones_are(site: Site) -> None:
    ready(site)
    assert [name for name, grade in grades(site).items() if grade is Grade.FAIL] == ["rulebook"]


def test_licences_and_reviews_of_members_are_looked_at(tmp_path: Path, database_url: str) -> None:
    """A registry that takes in real persons after it enrolled lenders without licence and review."""
    world, days = World(), timedelta(1)
    today = datetime.fromtimestamp(world.clock() / 1_000, UTC).date()
    settings = Settings(home=tmp_path, registry=REGISTRY, database_url=SecretStr(database_url))

    def told(check: str) -> list[tuple[Grade, str]]:
        return [(item.grade, item.found) for item in examine(settings, world.clock) if item.check == check]

    with world.ledger(database_url) as ledger:
        assert told("reviews") == [(Grade.PASS, "0 current")]
        world.decide(ledger, RulebookBody(replace(PRODUCTION, review_days=60)))
        world.decide(ledger, ReviewBody("lender-1", replace(REVIEW, reviewed_on=today)))
        new = world.enrolment("lender-9", (Role.LENDER,), KeyUsage.REPORT)
        review = replace(REVIEW, reviewed_on=today - 20 * days)
        world.decide(ledger, InstitutionBody(replace(new, licence_number=USCC, review=review)))
    ((grade, odd),) = told("members")
    assert grade is Grade.WARN
    assert "lender-1" in odd
    assert "lender-9" not in odd
    missing = (Grade.WARN, "missing: lender-2, lender-3")
    assert told("reviews") == [missing, (Grade.PASS, "2 current")]
    world.clock.now += 35 * DAY_MS
    soon = (Grade.WARN, f"2 soon too old, the first on {today + 40 * days}")
    assert told("reviews") == [missing, soon]
    world.clock.now += 10 * DAY_MS
    over = (Grade.WARN, "too old: lender-9")
    assert told("reviews") == [missing, over, (Grade.WARN, f"1 soon too old, the first on {today + 60 * days}")]
    # At 17 o'clock UTC it is the next day already, by the rulebook.
    world.clock.now += DAY_MS - world.clock.now % DAY_MS + 17 * 3_600_000
    settings = settings.model_copy(update={"impact_assessment_on": day_of(world.clock.now, "Asia/Shanghai")})
    assert [grade for grade, _ in told("assessment")] == [Grade.PASS]
    # A database in a file is looked for wherever the setting says that it is.
    beside = Grade.WARN if database_url.startswith("sqlite") else Grade.PASS
    (tmp_path / "log-key.pem").touch(mode=0o600)
    tmp_path.chmod(0o700)
    CertificateAuthority.create(tmp_path / "ca", REGISTRY, world.clock.now)
    assert [grade for grade, _ in told("keys")] == [beside]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("licence", '"<none>"'),
        ("licence", '" 11"'),
        ("storage_region", '"China"'),
        ("storage_region", '"cn-bj"'),
        ("protection_level", "6"),
    ],
)
def test_a_setting_of_another_form_is_named(site: Site, setting: str, value: str) -> None:
    ready(site, **{setting: value})
    told = run("doctor", "--home", site.home, expected=2)
    assert setting in told
    assert "HOST:PORT" not in told


def test_backups_in_the_folder_of_the_settings_are_known_by_what_they_say(site: Site) -> None:
    ready(site, backup_folder='"backups"', backup_key='"key/public.pem"')
    folder = site.home / "backups"
    folder.mkdir()
    assert grades(site)["backup"] is Grade.FAIL, "none"
    make_keys(site.home / "key", None)
    settings = load_settings(site.home)
    newest = make_backup(settings)
    assert grades(site)["backup"] is Grade.PASS
    # As old as its header says, whatever the file system does.
    old = replace(newest.header, made_at_ms=newest.header.made_at_ms - 36 * DAY_MS)
    (folder / "old.backup").write_bytes(old.encode())
    (told,) = [item for item in examine(settings) if item.check == "backup" and item.grade is Grade.FAIL]
    assert "old.backup" in told.found
    assert "35 days" in told.advice
    (folder / "of-another-log.backup").write_bytes(replace(old, origin="other/log/1").encode())
    (folder / "old.backup").unlink()
    assert grades(site)["backup"] is Grade.PASS


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
    of_database = {"rulebook", "members", "reviews", "region", "protection", "database", "administrators", "witnesses"}
    of_database |= {"auditors", "records"}
    assert failed == {*of_database, "keys", "register", "clock"}
    assert "docs/operating.md says how a lost one is restored" in run("fsck", "--home", site.home, expected=2)


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


def test_auditors_that_rebuild_the_log_must_have_done_so_lately(tmp_path: Path, database_url: str) -> None:
    world = World()
    settings = Settings(home=tmp_path, registry=REGISTRY, database_url=SecretStr(database_url))

    def told() -> tuple[Grade, str]:
        ((grade, found),) = [
            (item.grade, item.found) for item in examine(settings, world.clock) if item.check == "auditors"
        ]
        return grade, found

    with world.ledger(database_url) as ledger:
        assert told() == (Grade.WARN, "the rulebook names none that rebuild the log")
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        status = ServingStatus(ledger)
        assert told() == (Grade.FAIL, "too few have rebuilt the log and cosigned it")
        figures = status.figures()
        assert figures["registry_replayed_leaves"] == 0
        assert "registry_replayed_age_seconds" not in figures
        rebuilt = ledger.size
        Replays(ledger).publish(newest(ledger, "one", ledger.clock() // 1_000 - 3_600))
        assert told() == (Grade.PASS, f"the first {rebuilt} of {rebuilt} leaves were rebuilt, begun 1.0 hours ago")
        figures = status.figures()
        assert figures["registry_replayed_leaves"] == rebuilt
        assert 3_600 <= figures["registry_replayed_age_seconds"] <= 3_601
        world.clock.now += DAY_MS
        grade, found = told()
        assert (grade, found.endswith("begun 25.0 hours ago")) == (Grade.FAIL, True)
        for name in ("one", "two"):
            world.set_state(ledger, name, InstitutionStatus.SUSPENDED)
        assert told() == (Grade.FAIL, "too few of those that the rulebook names are active auditors")
        assert status.figures()["registry_replayed_leaves"] == 0
        name_auditors(world, ledger, ())
        assert "registry_replayed_leaves" not in status.figures()


def test_a_standby_that_is_read_is_held_against_the_primary(tmp_path: Path) -> None:
    with postgres_server(durable=True) as server, postgres_database(server) as url, standby(url) as following:
        site = Site(tmp_path)
        site.database = ("--database-url", url)
        site.found()
        settings = load_settings(site.home, {"database_read_url": following.url, "database_read_max_lag_seconds": 60.0})
        key = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())

        def told(settings: Settings) -> tuple[Grade, str]:
            (item,) = [item for item in examine(settings) if item.check == "standby"]
            assert item.advice or item.grade is Grade.PASS
            return item.grade, item.found

        assert told(settings) == (Grade.PASS, "holds all that the primary does")
        at_once = load_settings(site.home, {"database_read_url": following.url, "database_read_max_lag_seconds": 0.0})
        following.pause()
        with Database(url, serving=False) as database, Ledger.open(database, register_of(settings), key) as ledger:
            ledger.heartbeat(at_once=True).result()
        grade, found = told(at_once)
        assert (grade, found.partition(";")[0]) == (Grade.WARN, "1 leaves behind")
        following.resume()
        following.promote()
        copied = FileRegister(tmp_path / "elsewhere", settings.log_origin)
        held = register_of(settings).read()
        assert held is not None
        copied.create(held)
        with Database(following.url, serving=False) as database, Ledger.open(database, copied, key) as fork:
            fork.heartbeat(at_once=True).result()
        assert told(settings) == (Grade.FAIL, "it holds another history than the primary")
        following.stop()
        assert told(settings)[0] is Grade.WARN


def test_a_register_on_the_server_of_the_database_is_warned_of(tmp_path: Path) -> None:
    """Whatever the addresses are: what loses that server, or puts it back, would do so with both."""
    with postgres_server() as server, postgres_database(server) as url, postgres_database(server) as beside:
        site = Site(tmp_path)
        site.database = ("--database-url", url)
        site.found()
        elsewhere = f"sqlite:///{tmp_path / 'register.sqlite'}"
        for register_url, grade in ((beside, Grade.WARN), (elsewhere, Grade.PASS)):
            settings = load_settings(site.home, {"register_url": register_url})
            put_register(settings, show_register(settings).confirmation)
            (item,) = [item for item in examine(settings) if item.check == "register"]
            assert item.grade is grade
            assert ("on the server of the database" in item.found) is (grade is Grade.WARN)
