"""The command registry-server: a registry founded, served and examined by its own program."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import transparency_pb2
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from client_sdk.home import create_home
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Role
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.signing import create_certificate_request, create_tls_key
from client_sdk.testing.ports import free_address
from client_sdk.testing.programs import Programs
from registry_server.serving.database_url import WANTED
from registry_server.storage.tls_keys import certificates_of, changed_since
from registry_server.storage.unit_of_work import Database
from registry_server.subject_key_service import setup
from registry_server.subject_key_service.settings import KeyServiceFolder, make_settings
from tests.support.dask_cluster import dask_cluster
from tests.support.production import USCC
from tests.support.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = "registry-server"
ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")


def run(*words: str | Path, expected: int = 0) -> str:
    """Run the program; return what it wrote."""
    done = Programs(Path.cwd()).complete([PROGRAM, *map(str, words)])
    assert done.returncode == expected, done.stderr + done.stdout
    return done.stdout if expected in {0, 1} else done.stderr


class Site:
    """The folders of those who found a registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "registry"
        self.database: tuple[str, ...] = ()
        self.administrators: tuple[str, ...] = ADMINISTRATORS
        # Limits that differ from those of the rulebook that ships.
        self.limits: dict[str, object] = {}
        for name in ADMINISTRATORS:
            create_home(
                folder / name,
                institution=name,
                registry="127.0.0.1:7443",
                name="example",
                licence_number=USCC,
                display_name=name,
                roles=(Role.ADMINISTRATOR,),
            )
        self.key_services = [self._key_service(name) for name in ("key-service-a", "key-service-b")]

    def _key_service(self, name: str) -> Path:
        settings = make_settings({"name": name, "url": f"{name}.example:443", "listen": "127.0.0.1:0"})
        return setup.create(KeyServiceFolder(self.folder / name), settings, ())

    def words(self, *, threshold: int = 2) -> list[str | Path]:
        enrolments = [self.folder / name / f"{name}.enrolment.json" for name in self.administrators]
        words: list[str | Path] = ["init", "--home", self.home, "--registry", "example", "--listen", "127.0.0.1:0"]
        for path in enrolments:
            words += ["--administrator", path]
        for path in self.key_services:
            words += ["--key-service", path]
        if self.limits:
            limits = self.folder / "rulebook.json"
            limits.write_text(json.dumps(self.limits))
            words += ["--rulebook", limits]
        return [*words, "--threshold", str(threshold), *self.database]

    def approve(self, *names: str) -> None:
        genesis = self.home / "genesis.act"
        file = ActFile.parse(genesis.read_bytes())
        for name in names:
            file = file.approve(Ed25519Signer.from_pkcs8_pem((self.folder / name / "keys/administer.pem").read_bytes()))
        genesis.write_bytes(file.encode())

    def found(self) -> str:
        """Found the registry; return the fingerprint."""
        run(*self.words())
        self.approve("admin-1", "admin-3")
        return run("init", "--home", self.home, "--finish").splitlines()[-1]

    def credentials(self, name: str) -> grpc.ChannelCredentials:
        key = (self.folder / name / "tls" / "key.pem").read_bytes()
        certificate = (self.home / "public" / "certificates" / f"{name}.pem").read_bytes()
        return grpc.ssl_channel_credentials((self.home / "public" / "ca.pem").read_bytes(), key, certificate)

    @contextmanager
    def served(self, *words: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, Served]]:
        """Serve; yield the address that the ready line names."""
        with serving(self.folder, [PROGRAM, "serve", "--home", str(self.home), *words], environment) as served:
            (address,) = served.wait_for(r"^example ready on (127\.0\.0\.1:\d+)$")
            yield address, served


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_registry_is_founded_served_and_examined(site: Site) -> None:
    fingerprint = site.found()
    public = site.home / "public"
    root = TrustRoot.parse((public / "trust-root.bin").read_bytes())
    assert root.fingerprint == fingerprint
    assert tuple(root.administrators) == ADMINISTRATORS
    certificates = sorted(path.stem for path in (public / "certificates").iterdir())
    assert certificates == [*ADMINISTRATORS, "key-service-a", "key-service-b"]
    metrics = free_address()
    with site.served("--metrics", metrics) as (address, served):
        with grpc.secure_channel(address, site.credentials("admin-2")) as channel:
            answer = TransparencyServiceStub(channel).GetCheckpoint(transparency_pb2.GetCheckpointRequest())
            assert answer.checkpoint.startswith(b"example/log/1\n2\n")
            status = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status
            assert status == health_pb2.HealthCheckResponse.SERVING
        with urllib.request.urlopen(f"http://{metrics}/metrics") as page:
            shown = page.read().decode()
        assert "registry_log_leaves 2.0" in shown
        assert "process_cpu_seconds_total" in shown
        ends = float(shown.partition("\nregistry_certificate_expires_timestamp_seconds ")[2].partition("\n")[0])
        assert 300 < (ends - time.time()) / 86_400 < 400
        for path in ("healthz", "readyz"):
            with urllib.request.urlopen(f"http://{metrics}/{path}") as page:
                assert page.status == 200
        assert (
            'registry_calls_total{method="/creditregistry.v1.TransparencyService/GetCheckpoint",reason="OK"}' in shown
        )
        # fsck looks while the server serves, and a second server is refused.
        assert run("fsck", "--home", site.home).endswith(" leaves, 0 records, 0 live, 0 inquiries: clean\n")
        mirror = site.folder / "mirror"
        assert run("tiles", "export", "--home", site.home, mirror) == f"{mirror}: 2 leaves, 2 files written\n"
        assert "served by another process" in run("serve", "--home", site.home, expected=2)
        assert served.stop() == 0
    calls = [json.loads(line) for line in served.said.splitlines() if line.startswith("{")]
    (call,) = [line for line in calls if line["event"] == "call"]
    assert set(call) == {"event", "level", "timestamp", "method", "institution", "reason", "milliseconds", "request_id"}
    assert (call["institution"], call["reason"]) == ("admin-2", "OK")
    shown = run("fsck", "--home", site.home, "--json")
    assert json.loads(shown) == {
        "leaves": 2,
        "records": 0,
        "live": 0,
        "inquiries": 0,
        "clean": True,
        "counts": {},
        "findings": [],
    }


def test_a_registry_on_postgresql_is_founded_and_served(
    tmp_path: Path, site: Site, empty_database_url: str, database_kind: str
) -> None:
    del tmp_path
    if database_kind == "postgresql":
        site.database = ("--database-url", empty_database_url)
    site.found()
    with site.served() as (address, _), grpc.secure_channel(address, site.credentials("key-service-a")) as channel:
        answer = TransparencyServiceStub(channel).GetCheckpoint(transparency_pb2.GetCheckpointRequest())
        assert answer.checkpoint.startswith(b"example/log/1\n2\n")


def test_secrets_are_readable_for_nobody_else(site: Site) -> None:
    site.found()
    assert stat.S_IMODE(site.home.stat().st_mode) == 0o700
    for name in ("log-key.pem", "registry.toml", "ca/key.pem", "registry.sqlite"):
        assert stat.S_IMODE((site.home / name).stat().st_mode) == 0o600, name
    # A database that was copied here is kept private from the moment it is served.
    (site.home / "registry.sqlite").chmod(0o644)
    with site.served():
        for name in ("registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm", "tls/key.pem"):
            assert stat.S_IMODE((site.home / name).stat().st_mode) == 0o600, name


def test_what_others_can_read_is_not_served(site: Site) -> None:
    site.found()
    for name, mode in ((".", 0o755), ("log-key.pem", 0o640), ("ca/key.pem", 0o604)):
        path = site.home / name
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        told = run("serve", "--home", site.home, expected=2)
        assert f"chmod {before:o} {path}" in told, told
        path.chmod(before)


def test_a_folder_that_is_open_to_others_is_taken_only_where_it_is_empty(site: Site) -> None:
    site.home.mkdir(mode=0o755)
    kept = site.home / "not-ours"
    kept.touch()
    assert "not empty" in run(*site.words(), expected=2)
    assert stat.S_IMODE(site.home.stat().st_mode) == 0o755
    assert [*site.home.iterdir()] == [kept]
    kept.unlink()
    run(*site.words())
    assert stat.S_IMODE(site.home.stat().st_mode) == 0o700


def test_the_threshold_must_approve_the_genesis(site: Site) -> None:
    run(*site.words())
    finish = ("init", "--home", site.home, "--finish")
    assert "ACT_THRESHOLD at approvals" in run(*finish, expected=2)
    site.approve("admin-2")
    assert "got 1, want 2" in run(*finish, expected=2)
    assert "no genesis" in run("serve", "--home", site.home, expected=2)
    site.approve("admin-1")
    first = run(*finish)
    # Again it changes nothing: the vouch of an administrator has given its certificate.
    handed_out = site.home / "public" / "certificates"
    given = {path.name: path.read_bytes() for path in handed_out.glob("admin-*.pem")}
    assert run(*finish).splitlines()[-1] == first.splitlines()[-1]
    assert {path.name: path.read_bytes() for path in handed_out.glob("admin-*.pem")} == given
    with Database(f"sqlite:///{site.home / 'registry.sqlite'}", serving=False) as database, database.snapshot() as work:
        on_record = {(key.institution, key.first_issued_at == key.last_issued_at) for key in changed_since(work, 0)}
        carried_by = {one.carried_by for name in ADMINISTRATORS for one in certificates_of(work, name, 9)}
    assert (on_record, carried_by) == ({(name, True) for name in ADMINISTRATORS}, {""})


def test_a_founder_whose_tls_key_another_one_vouches_for_is_refused_before_a_file_is_written(site: Site) -> None:
    words = site.words()
    files = [site.folder / name / f"{name}.enrolment.json" for name in ADMINISTRATORS]
    first, second = (EnrolmentFile.parse(path.read_bytes()) for path in files[:2])
    files[0].write_bytes(replace(first, csr=second.csr).encode())
    assert "CERTIFICATE_REQUEST_INVALID" in run(*words, expected=2)
    own = create_tls_key(site.folder / "rogue.pem")
    rogue = create_certificate_request((site.folder / "rogue.pem").read_bytes(), "admin-1")
    assert own.public_key() == x509.load_pem_x509_csr(rogue).public_key()
    files[0].write_bytes(replace(first, csr=rogue).encode())
    assert "TLS_CLAIM_MISMATCH" in run(*words, expected=2)
    assert not (site.home / "log-key.pem").exists()
    files[0].write_bytes(first.encode())
    run(*words)


def test_what_cannot_be_founded_leaves_nothing_behind(site: Site) -> None:
    assert "ADMINISTRATION_INVALID" in run(*site.words(threshold=4), expected=2)
    site.administrators = ("admin-1", "admin-2")
    assert "2 of 2" in run(*site.words(), expected=2)
    site.administrators = ADMINISTRATORS
    assert "--administrator" in run("init", "--home", site.home, "--registry", "example", expected=2)
    assert not (site.home / "registry.toml").exists()
    run(*site.words())
    assert "there already" in run(*site.words(), expected=2)


def test_one_administrator_alone_makes_a_trial(site: Site) -> None:
    site.administrators = ("admin-1",)
    run(*site.words(threshold=1))
    site.approve("admin-1")
    run("init", "--home", site.home, "--finish")
    assert TrustRoot.parse((site.home / "public" / "trust-root.bin").read_bytes()).threshold == 1


def test_the_rulebook_may_differ_from_its_defaults(site: Site, tmp_path: Path) -> None:
    limits = tmp_path / "rulebook.json"
    limits.write_text('{"heartbeat_seconds": 5}')
    run(*site.words(), "--rulebook", limits)
    act = ActFile.parse((site.home / "genesis.act").read_bytes()).act
    assert act.body.rulebook.heartbeat_seconds == 5  # type: ignore[union-attr]  # a genesis
    (log_key,) = act.body.log_keys  # type: ignore[union-attr]  # as above
    assert run("log-key", "--home", site.home).split() == [log_key.public_key.hex()]
    (site.home / "log-key.pem").unlink()
    assert "no key of a log" in run("log-key", "--home", site.home, expected=2)
    limits.write_text('{"no_such_limit": 5}')
    other = Site(tmp_path / "other")
    assert "no_such_limit" in run(*other.words(), "--rulebook", limits, expected=2)
    limits.write_text("[" * 100_000)
    told = run(*other.words(), "--rulebook", limits, expected=2)
    assert told.startswith(f"registry-server: --rulebook {limits}: a JSON object of limits of the rulebook, nested too")


def test_a_registry_begins_with_the_rulebook_of_its_jurisdiction(site: Site) -> None:
    run(*site.words(), "--rulebook", "uk")
    site.approve(*site.administrators[:2])
    run("init", "--home", site.home, "--finish")
    act = ActFile.parse((site.home / "genesis.act").read_bytes()).act
    assert act.body.rulebook == Rulebook.shipped("uk")  # type: ignore[union-attr]  # a genesis
    assert "xx: neither a rulebook that ships" in run(
        *Site(site.home.parent / "b").words(), "--rulebook", "xx", expected=2
    )


def test_settings_that_are_not_in_order_are_named(site: Site) -> None:
    assert "registry.toml is missing" in run("serve", "--home", site.home, expected=2)
    site.found()
    file = site.home / "registry.toml"
    file.write_text(file.read_text() + '\nno_such_setting = "secret value"\n')
    told = run("serve", "--home", site.home, expected=2)
    assert "no_such_setting" in told
    assert "secret value" not in told


def test_a_database_that_is_none_is_named_in_one_line(site: Site) -> None:
    wrong = ("--database-url", "mysql://u@h/x")
    told = [run(*site.words(), *wrong, expected=2)]
    assert not (site.home / "registry.toml").exists()
    site.found()
    commands = (("serve",), ("fsck",), ("db", "current"), ("db", "check"), ("db", "upgrade"), ("clock", "confirm"))
    told += [run(*command, "--home", site.home, *wrong, expected=2) for command in commands]
    want = WANTED
    do = "What to do: correct what is named, and run the same command again.\n"
    assert set(told) == {f"registry-server: the command line: database_url: {want}\n{do}"}


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://u:hidden@h/x", "postgresql+psycopg://h/x?user=u&password=hidden"]
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(site: Site, url: str) -> None:
    for words in (site.words(), ["serve", "--home", site.home], ["db", "upgrade", "--home", site.home]):
        told = run(*words, "--database-url", url, expected=2)
        assert "PGPASSFILE" in told
        assert "hidden" not in told
    assert not site.home.exists()


def test_the_environment_overrides_the_file_and_the_command_line_both(site: Site) -> None:
    site.found()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = {"REGISTRY_LISTEN": address}
        refused = Programs(site.folder, environment).complete([PROGRAM, "serve", "--home", str(site.home)])
        assert refused.returncode == 2
        assert address in refused.stderr
        with site.served("--listen", "127.0.0.1:0", environment=environment) as (given, served):
            assert given != address
            assert served.stop(signal.SIGINT) == 0


def test_fsck_is_shared_with_a_cluster(site: Site, tmp_path: Path) -> None:
    site.found()
    with dask_cluster(tmp_path) as cluster:
        told = run("fsck", "--home", site.home, "--dask", cluster.address)
    assert told.endswith(" leaves, 0 records, 0 live, 0 inquiries: clean\n")
    told = run("fsck", "--home", site.home, "--dask", cluster.address, expected=2)
    assert "does not answer" in told
    assert "leave out --dask" in told
    assert "tls:// alone" in run("fsck", "--home", site.home, "--dask", "tcp://10.0.0.7:8786", expected=2)
    told = run("fsck", "--home", site.home, "--repair-derived", "--dask", cluster.address, expected=2)
    assert "--dask with --repair-derived" in told


def test_fsck_says_what_is_wrong(site: Site) -> None:
    site.found()
    engine = create_engine(f"sqlite:///{site.home / 'registry.sqlite'}", poolclass=NullPool)
    with engine.begin() as work:
        work.execute(text("UPDATE head SET entry_count = 17"))
    engine.dispose()
    shown = json.loads(run("fsck", "--home", site.home, "--json", expected=1))
    assert shown["counts"] == {"HEAD_ROW": 1}
    assert shown["findings"][0]["place"] == "head.entry_count"
    assert "HEAD_ROW at head.entry_count" in run("fsck", "--home", site.home, expected=1)


def test_a_home_that_cannot_be_written_is_called_what_it_is(site: Site) -> None:
    site.found()
    commands = (("fsck",), ("db", "current"), ("db", "check"), ("db", "upgrade"), ("register", "show"), ("serve",))
    site.home.chmod(0o500)
    try:
        told = {command: as_a_user(*command, "--home", str(site.home)) for command in commands}
    finally:
        site.home.chmod(0o700)
    for command, said in told.items():
        want = f"registry-server: the database is read-only: {site.home} cannot be written by this user: "
        assert said.startswith(want), (command, said)
        assert "run the command as the user of the registry, or copy the registry's folder" in said
        assert "gone" not in said
    # Nothing was changed: the registry is examined as before.
    assert run("fsck", "--home", site.home).endswith(": clean\n")


def as_a_user(*words: str) -> str:
    """Run the program as one whom the modes of files hold for, also where the tests run as root; return its error."""
    limits = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search"] if not os.geteuid() else []
    program = [sys.executable, "-P", "-c", "from registry_server.cli.main import main; main()", *words]
    done = subprocess.run([*limits, *program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2, done.stderr + done.stdout
    return done.stderr


def test_tables_are_upgraded_and_checked(site: Site, tmp_path: Path) -> None:
    site.found()
    version = run("db", "current", "--home", site.home).strip()
    assert run("db", "check", "--home", site.home) == f"found {version}, want {version}\n"
    other = ("--home", site.home, "--database-url", f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert run("db", "current", *other) == "none\n"
    assert run("db", "check", *other, expected=1) == f"found none, want {version}\n"
    assert run("db", "upgrade", *other).strip() == version
    assert run("db", "check", *other) == f"found {version}, want {version}\n"


def test_the_clock_is_confirmed_and_key_services_are_certified_anew(site: Site) -> None:
    site.found()
    assert run("clock", "confirm", "--home", site.home).startswith("20")
    before = (site.home / "public" / "certificates" / "key-service-a.pem").read_bytes()
    written = Path(run("certify", "--home", site.home, site.key_services[0]).strip())
    after = written.read_bytes()
    assert after != before
    first, second = (x509.load_pem_x509_certificates(pem)[0] for pem in (before, after))
    assert first.public_key() == second.public_key()
    assert run("version").strip()
