"""The member's checklist: what is right passes, and each thing that is wrong is named with what to do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk import doctor
from client_sdk.config import ClientConfig
from client_sdk.doctor import examine
from client_sdk.models import Role
from client_sdk.models.examined import Examined, Grade
from client_sdk.signing import write_private
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_port
from tests.support.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def registry() -> Iterator[TestRegistry]:
    with TestRegistry(representatives=("office",)) as running:
        yield running


@pytest.fixture
def home(registry: TestRegistry, tmp_path: Path) -> Path:
    """A copy of a lender's home, to be broken."""
    shutil.copytree(registry.home("lender-1"), tmp_path / "lender-1")
    return tmp_path / "lender-1"


def failing(home: Path) -> list[Examined]:
    return [item for item in examine(ClientConfig.from_home(home)) if item.grade is Grade.FAIL]


def graded(home: Path, check: str) -> list[tuple[Grade, str]]:
    return [(item.grade, item.found) for item in examine(ClientConfig.from_home(home)) if item.check == check]


@pytest.mark.parametrize("member", ["lender-1", "auditor", "admin-1", "office"])
def test_a_home_that_is_in_order_passes_but_for_witnesses_and_auditors(registry: TestRegistry, member: str) -> None:
    examined = examine(registry.config(member))
    assert [(item.check, item.grade) for item in examined if item.grade is not Grade.PASS] == [
        ("witnesses", Grade.WARN),
        ("auditors", Grade.WARN),
    ]
    assert {"files", "keys", "certificate", "registry", "membership", "clock", "key-services"} <= {
        item.check for item in examined
    }


def test_a_role_of_the_settings_that_the_directory_does_not_know_is_named(registry: TestRegistry, home: Path) -> None:
    config = registry.config("office")
    for other in (replace(config, role=None), replace(ClientConfig.from_home(home), role=Role.REPRESENTATIVE)):
        (found,) = [item for item in examine(other) if item.grade is Grade.WARN and item.check == "membership"]
        assert "another role" in found.found
        assert "config.toml" in found.advice


def test_the_command_ends_with_1_where_a_check_fails(home: Path) -> None:
    run = Command(home)
    run("doctor", code=0)
    (home / "record-id.secret").chmod(0o644)
    ended = run.said("doctor", code=1)
    assert "record-id.secret has mode 0644" in ended.out
    assert f"chmod 0600 {home / 'record-id.secret'}" in ended.out
    content = run("doctor", code=1).content
    assert content["counts"]["FAIL"] >= 1
    assert {"check", "grade", "found", "advice"} == set(content["checks"][0])


def test_a_key_that_is_missing_or_that_nobody_granted_is_named(registry: TestRegistry, home: Path) -> None:
    key = home / "keys" / "inquire.pem"
    stored = key.read_bytes()
    key.unlink()
    assert any("inquire.pem" in item.found for item in failing(home))
    key.unlink(missing_ok=True)
    write_private(key, (registry.home("lender-2") / "keys" / "inquire.pem").read_bytes())
    assert [item.found for item in failing(home)] == ["the directory does not know the inquire key of this home"]
    key.unlink()
    write_private(key, stored)
    assert failing(home) == []


def test_a_certificate_of_another_member_or_near_its_end_is_named(
    registry: TestRegistry, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_CERTIFICATE_SOON", timedelta(days=100_000))
    ((grade, found),) = graded(home, "certificate")
    assert grade is Grade.WARN
    assert found.startswith("ends in ")
    for name in ("key.pem", "certificate.pem"):
        shutil.copy(registry.home("lender-2") / "tls" / name, home / "tls" / name)
    assert any(item.found == "it is for lender-2, and this home is that of lender-1" for item in failing(home))
    (home / "tls" / "certificate.pem").unlink()
    assert any(item.check == "certificate" for item in failing(home))


def test_what_a_dead_registry_hides_is_told_once_for_each_check(registry: TestRegistry, home: Path) -> None:
    away = replace(ClientConfig.from_home(home), registry=f"127.0.0.1:{free_port()}", deadline=2.0)
    found = {item.check: item.grade for item in examine(away)}
    assert {check for check, grade in found.items() if grade is Grade.FAIL} == {
        *("keys", "registry", "membership", "clock", "witnesses", "auditors", "key-services"),
    }
    assert found["files"] is found["certificate"] is found["trust-root"] is Grade.PASS
    both = replace(ClientConfig.from_home(home), registry=f"{registry.address},127.0.0.1:{free_port()}", deadline=2.0)
    assert [item.grade for item in examine(both) if item.check == "registry"] == [Grade.PASS, Grade.WARN]


def test_a_key_service_that_is_away_is_named(registry: TestRegistry, home: Path) -> None:
    registry.stop("key-service-b")
    try:
        (item,) = failing(home)
        assert registry.address_of("key-service-b") in item.found
    finally:
        registry.start_key_service("key-service-b")


def test_a_clock_that_is_off_is_called_a_clock(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        off = timedelta()

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # as it is called here
            del tz
            return datetime.now(UTC) + cls.off

    monkeypatch.setattr(doctor, "datetime", Late)
    for minutes, grade in ((4, Grade.WARN), (6, Grade.FAIL), (-4, Grade.WARN), (-6, Grade.FAIL), (0, Grade.PASS)):
        Late.off = timedelta(minutes=minutes)
        ((found, text),) = graded(home, "clock")
        assert found is grade, text


def test_a_proof_of_misbehaviour_in_the_home_fails(home: Path) -> None:
    proof = home / "state" / "contradiction-1.proof"
    write_private(proof, b"x")
    assert any(str(proof) in item.found for item in failing(home))


def test_a_full_disk_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, grade in (("_ROOM_LITTLE_BYTES", Grade.WARN), ("_ROOM_NONE_BYTES", Grade.FAIL)):
        monkeypatch.setattr(doctor, limit, 2**62)
        assert [found for found, _ in graded(home, "room")] == [grade]
