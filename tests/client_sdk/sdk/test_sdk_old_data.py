"""A registry that is put back to yesterday: it refuses to serve, and where it is made to, everybody is told (P6)."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client_sdk import Client
from client_sdk.errors import RollbackError, UnavailableError
from client_sdk.models import Purpose, Verdict, written_consent
from client_sdk.testing import TestRegistry
from client_sdk.testing.programs import Programs
from registry_server.storage.register import FileRegister
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report, person
from tests.support import served
from tests.support.command import Command
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_SERVICES = ("key-service-a", "key-service-b")
CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture
def registry() -> Iterator[TestRegistry]:
    with TestRegistry(auditors=()) as running:
        yield running


def run(program: str, *words: str | Path, expected: int) -> str:
    """Run a program of an operator; return all that it wrote."""
    done = Programs(Path.cwd()).complete([program, *map(str, words)])
    assert done.returncode == expected, done.stderr + done.stdout
    return done.stdout + done.stderr


def database_files(registry: TestRegistry) -> list[Path]:
    return sorted(registry.registry_home.glob("registry.sqlite*"))


def keep(registry: TestRegistry) -> Path:
    """Copy the database of a registry that is stopped."""
    folder = registry.folder / "yesterday"
    folder.mkdir()
    for path in database_files(registry):
        shutil.copy(path, folder)
    return folder


def put_back(registry: TestRegistry, folder: Path) -> None:
    """Put a copy in the place of the database."""
    for path in database_files(registry):
        path.unlink()
    for path in folder.iterdir():
        shutil.copy(path, registry.registry_home)


def verify_log(registry: TestRegistry) -> None:
    register = FileRegister(registry.registry_home / "register" / "checkpoint", f"{registry.name}/log/1")
    with Database(f"sqlite:///{registry.registry_home / 'registry.sqlite'}", serving=False) as database:
        assert fsck(database, register).findings == []


def ask(client: Client, number: int) -> Verdict:
    answer = client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    if answer.failure is not None:
        assert answer.failure.rule in {"log.rollback", "log.fork"}
    return answer.verdict


def has_followed(registry: TestRegistry, service: str, size: int) -> bool:
    shown = run("subject-key-service", "status", "--home", registry.folder / service, "--json", expected=0)
    return int(json.loads(shown).get("size", 0)) >= size


def test_p6_yesterdays_database_is_refused_and_if_it_is_served_all_the_same_everybody_is_told(
    registry: TestRegistry, tmp_path: Path
) -> None:
    lost = go_back_to_yesterday(registry)
    check_that_it_is_refused(registry.registry_home)
    confirm_what_is_there(registry.registry_home)
    registry.start_registry()
    for service in KEY_SERVICES:
        forget_in_key_service(registry, service, lost)
    check_that_the_lender_is_told(registry)
    check_that_the_others_go_on(registry)
    check_that_two_histories_are_proved(registry, tmp_path)
    check_that_members_find_out_by_comparing(registry, tmp_path)
    check_that_the_lender_starts_anew(registry)
    registry.stop("registry")
    verify_log(registry)


def go_back_to_yesterday(registry: TestRegistry) -> int:
    """Put the database back to before a report; return the size that was signed last."""
    with Client(registry.config("lender-1")) as lender:
        lender.report(default_report(800))
    registry.stop("registry")
    yesterday = keep(registry)
    registry.start_registry()
    with Client(registry.config("lender-1")) as lender:
        lost = lender.report(default_report(801)).size
    for service in KEY_SERVICES:
        wait_until(partial(has_followed, registry, service, lost))
        registry.stop(service)
    registry.stop("registry")
    put_back(registry, yesterday)
    return lost


def check_that_it_is_refused(home: Path) -> None:
    told = run("registry-server", "serve", "--home", home, expected=3)
    assert "REGISTER_AHEAD" in told
    assert "Put the newest database back" in told
    assert "Traceback" not in told
    assert "REGISTER at register: register.below" in run("registry-server", "fsck", "--home", home, expected=1)
    assert "REGISTER_AHEAD" in run("registry-server", "register", "show", "--home", home, expected=1)


def confirm_what_is_there(home: Path) -> None:
    """Let the register hold what the database does, which takes the very words."""
    told = run("registry-server", "register", "reset", "--home", home, expected=1)
    assert "is gone, although its sender holds a signed receipt" in told
    confirmed = told.split()[-1]
    run("registry-server", "register", "reset", "--home", home, "--confirm", f"1{confirmed}", expected=2)
    run("registry-server", "serve", "--home", home, expected=3)
    run("registry-server", "register", "reset", "--home", home, "--confirm", confirmed, expected=0)
    shown = json.loads(run("registry-server", "register", "show", "--home", home, "--json", expected=0))
    assert shown["registered"] == shown["database"]


def forget_in_key_service(registry: TestRegistry, service: str, lost: int) -> None:
    """A key service that saw the newer log needs the word of its own operator."""
    folder = registry.folder / service
    held = run("subject-key-service", "directory", "forget", "--home", folder, expected=1).split()[-1]
    assert int(held.partition(":")[0]) >= lost
    run("subject-key-service", "directory", "forget", "--home", folder, "--confirm", "2:AAAA", expected=2)
    run("subject-key-service", "directory", "forget", "--home", folder, "--confirm", held, expected=0)
    registry.start_key_service(service)
    wait_until(partial(has_followed, registry, service, 2))


def check_that_the_lender_is_told(registry: TestRegistry) -> None:
    """Whoever holds a receipt that was rolled back is told, whatever it calls, although nothing was reported since."""
    with Client(registry.config("lender-1")) as lender:
        for call in (lender.status, lambda: lender.report(default_report(802)), lambda: ask(lender, 801)):
            # By and by the heartbeats of the other history make it as long as the lost one.
            with pytest.raises(RollbackError, match=r"rollback|fork|consistency"):
                call()
    assert Command(registry.home("lender-1"))("status", code=4).reason == "UNVERIFIABLE"


def check_that_the_others_go_on(registry: TestRegistry) -> None:
    """Who has seen nothing newer is told nothing: the log that it sees is one."""
    with Client(registry.config("lender-2")) as other:
        assert ask(other, 801) is Verdict.CLEAR
        for number in (803, 804, 805):
            other.report(default_report(number))
        assert ask(other, 803) is Verdict.LISTED


def check_that_two_histories_are_proved(registry: TestRegistry, tmp_path: Path) -> None:
    """Once the log has grown differently, its signatures prove it."""
    home = registry.home("lender-1")
    Command(home)("status", code=4)
    (proof,) = home.glob("state/contradiction-*.proof")
    root = ("--trust-root", str(registry.trust_root))
    nobody = Command(tmp_path / "nobody")
    assert "has signed a tree of" in nobody("verify", *root, str(proof), code=6).content["proves"]
    spoilt = tmp_path / "spoilt.proof"
    spoilt.write_bytes(proof.read_bytes().replace(b"root ", b"root A", 1))
    nobody("verify", *root, str(spoilt), code=1)
    # Told again, it is the same file.
    Command(home)("status", code=4)
    assert proof.exists()


def check_that_members_find_out_by_comparing(registry: TestRegistry, tmp_path: Path) -> None:
    one, two = tmp_path / "lender-1.note", tmp_path / "lender-2.note"
    lender_2, nobody = Command(registry.home("lender-2")), Command(tmp_path / "nobody")
    Command(registry.home("lender-1"))("checkpoint", "save", str(one))
    lender_2("checkpoint", "save", str(two))
    assert lender_2("compare", str(one), code=6).content["misbehaviour"] is True
    # A proof stops every call of its home, whichever program has found it.
    assert lender_2("status", code=4).reason == "UNVERIFIABLE"
    assert lender_2("compare", str(two)).content["one_log"] is True
    root = ("--trust-root", str(registry.trust_root), "--offline")
    assert nobody("compare", *root, str(one), str(two), code=4).content["one_log"] is None
    nobody("compare", *root, str(two), str(two))
    lender_2("compare", str(registry.trust_root), code=2)


def check_that_the_lender_starts_anew(registry: TestRegistry) -> None:
    """Told why by the operator, the member takes the log up anew."""
    lender = Command(registry.home("lender-1"))
    short = lender("checkpoint", "show").content["confirmation"]
    lender("checkpoint", "forget", "--confirm", "5:AAAA", code=5)
    kept = lender("checkpoint", "forget", "--confirm", short).content["kept"]
    assert Path(kept).read_bytes()
    lender("status")
    with Client(registry.config("lender-1")) as client:
        client.report(default_report(801))
        assert ask(client, 801) is Verdict.LISTED


@contextmanager
def second_server(registry: TestRegistry) -> Iterator[tuple[str, served.Served]]:
    """Serve a copy of the whole registry beside it, on the same register."""
    home = registry.folder / "copy"
    shutil.copytree(registry.registry_home, home)
    register = registry.registry_home / "register" / "checkpoint"
    settings = home / "registry.toml"
    text = settings.read_text().replace('# register_file = "register/checkpoint"', f'register_file = "{register}"')
    assert str(register) in text
    settings.write_text(text)
    command = ["registry-server", "serve", "--home", str(home), "--listen", "127.0.0.1:0"]
    with served.serving(home, command) as second:
        (address,) = second.wait_for(r" ready on (127\.0\.0\.1:\d+)$")
        yield address, second


def serving(registry: TestRegistry, address: str) -> bool:
    config = registry.config("lender-1")
    credentials = grpc.ssl_channel_credentials(
        config.tls_ca.read_bytes(), config.tls_key.read_bytes(), config.tls_certificate.read_bytes()
    )
    with grpc.secure_channel(address, credentials) as channel:
        told = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    return bool(told.status == health_pb2.HealthCheckResponse.SERVING)


def key_services_follow(registry: TestRegistry) -> bool:
    """Whether both answer: one that was started a moment ago has not read the directory yet."""
    with Client(registry.config("lender-1")) as lender:
        return all(service.reachable for service in lender.status().key_services)


def test_p6_a_copy_that_is_served_beside_the_original_stops_by_itself(registry: TestRegistry) -> None:
    wait_until(lambda: key_services_follow(registry))
    registry.stop("registry")
    with second_server(registry) as (address, second):
        registry.start_registry()
        assert serving(registry, address)
        wait_until(lambda: key_services_follow(registry))
        with Client(registry.config("lender-1")) as lender:
            lender.report(default_report(810))
        wait_until(lambda: not serving(registry, address))
        with Client(replace(registry.config("lender-2"), registry=address)) as other:
            with pytest.raises(UnavailableError) as refused:
                other.report(default_report(811))
            assert refused.value.reason == "REGISTER_AHEAD"
        assert serving(registry, registry.address)
        assert "REGISTER_AHEAD" in second.said
        assert "what_to_do" in second.said
    with Client(registry.config("lender-2")) as other:
        other.report(default_report(811))
    registry.stop("registry")
    verify_log(registry)
