"""The command: a key service is made, installed, served, looked at and stopped as its operator does it."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

import pytest

from client_sdk._transport.channels import channel
from client_sdk.errors import ConfigError, KeyServiceError
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.key_client import KeyClient
from client_sdk.testing.ports import free_address
from registry_server.serving.files import FileError
from registry_server.subject_key_service import SetupError, commands
from registry_server.subject_key_service.server import serve_until_signal
from registry_server.subject_key_service.settings import KeyServiceFolder, read_settings
from tests.support.handmade_log import signer
from tests.support.key_services import WAIT_SECONDS, wait_until_followed, wait_until_healthy
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.tls import Authority
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.formats.keys import Signer

PROGRAM = Path(sys.executable).with_name("subject-key-service")
INPUTS = [f"person {number}".encode() for number in range(200)]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str


class Command(Protocol):
    """Runs a command in this process and checks its exit status."""

    def __call__(self, *arguments: str | Path, status: int = 0) -> Said: ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*arguments: str | Path, status: int = 0) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            commands.run([str(argument) for argument in arguments])
        said = Said(*capsys.readouterr())
        assert ended.value.code == status, said.err
        return said

    return command


def init(run: Command, home: Path, name: str = "key-service-a") -> KeyServiceFile:
    run("init", "--home", home, "--name", name, "--url", free_address(), "--poll-seconds", "0.05")
    return KeyServiceFile.parse((home / f"{name}.key-service.json").read_bytes())


def install(run: Command, home: Path, given: KeyServiceFile, authority: Authority, log: Logbook, registry: str) -> str:
    files = {
        "certificate": authority.certify(given.csr),
        "ca": authority.ca,
        "trust-root": log.trust_root.encode(),
    }
    arguments: list[str | Path] = []
    for name, data in files.items():
        path = home.parent / f"{name}.file"
        path.write_bytes(data)
        arguments += [f"--{name}", path]
    return run("install", "--home", home, *arguments, "--registry", registry).out


@contextmanager
def served(home: Path, errors: int | IO[str] = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """The program while it serves; it has printed its line."""
    command: list[str | Path] = [PROGRAM, "serve", "--home", home]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " ready on " in line
            yield process
        finally:
            process.kill()


@pytest.fixture
def home(run: Command, tmp_path: Path, authority: Authority) -> Iterator[tuple[Path, KeyServiceFile, Logbook]]:
    folder = tmp_path / "key-service-a"
    given = init(run, folder)
    log = Logbook(services=[given.service])
    with serve(LogbookRegistry(log), authority.server()) as registry:
        install(run, folder, given, authority, log, registry)
        yield folder, given, log


def test_init_makes_a_folder_that_only_its_owner_reads(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "key-service-a"
    given = init(run, folder)
    assert given.name == "key-service-a"
    assert folder.stat().st_mode & 0o777 == 0o700
    for secret in ("keys/1.key", "tls/key.pem"):
        assert (folder / secret).stat().st_mode & 0o777 == 0o600
    assert given.csr.startswith(b"-----BEGIN CERTIFICATE REQUEST-----")


def test_init_never_replaces_a_key_service(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "key-service-a"
    init(run, folder)
    before = (folder / "keys" / "1.key").read_bytes()
    again = run("init", "--home", folder, "--name", "b", "--url", "127.0.0.1:1", status=2)
    assert "already" in again.err
    assert (folder / "keys" / "1.key").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [("Key Service", "127.0.0.1:7101", "--name"), ("a", "nowhere", "url"), ("", "127.0.0.1:7101", "name")],
)
def test_init_refuses_names_and_addresses_that_are_none(
    run: Command, tmp_path: Path, name: str, url: str, said: str
) -> None:
    done = run("init", "--home", tmp_path / "new", "--name", name, "--url", url, status=2)
    assert said in done.err
    assert not (tmp_path / "new" / "service.toml").exists()


def test_install_shows_the_fingerprint_and_status_repeats_it(
    run: Command, home: tuple[Path, KeyServiceFile, Logbook]
) -> None:
    folder, file, log = home
    shown = json.loads(run("status", "--home", folder, "--json").out)
    assert shown["installed"]
    assert shown["public_keys"] == [file.service.public_key.hex()]
    assert f"public keys: {file.service.public_key.hex()}\n" in run("status", "--home", folder).out
    assert shown["fingerprint"] == log.trust_root.fingerprint
    assert shown["directory_age_seconds"] is None


def test_install_refuses_a_certificate_of_another_key(run: Command, tmp_path: Path, authority: Authority) -> None:
    one, other = init(run, tmp_path / "one"), init(run, tmp_path / "other", "other")
    log = Logbook(services=[one.service])
    files = {"certificate": authority.certify(other.csr), "ca": authority.ca, "trust-root": log.trust_root.encode()}
    arguments: list[str | Path] = []
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        arguments += [f"--{name}", tmp_path / name]
    done = run("install", "--home", tmp_path / "one", *arguments, "--registry", "127.0.0.1:1", status=2)
    assert "--certificate: for creditregistry:key-service:other (want " in done.err


def test_serve_answers_and_ends_at_sigterm_with_status_0(
    run: Command, home: tuple[Path, KeyServiceFile, Logbook], authority: Authority
) -> None:
    folder, given, log = home
    tls = authority.member("lender-1")
    signers: dict[KeyUse, Signer] = {KeyUse.REPORT: signer("lender-1 REPORT")}
    with served(folder) as process:
        with channel(given.service.url, tls) as link:
            wait_until_healthy(link)
        with KeyClient("lender-1", signers, tls) as client:
            found = client.evaluate(log.state.directory, INPUTS, KeyUse.REPORT, Purpose.REPORTING)
        assert len({outputs[1] for outputs in found}) == len(INPUTS)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines] == ["serving", "call", "stopped"]
    assert (lines[1]["institution"], lines[1]["purpose"], lines[1]["reason"]) == ("lender-1", "REPORTING", "OK")
    assert lines[1]["elements"] == len(INPUTS)
    shown = json.loads(run("status", "--home", folder, "--json").out)
    assert shown["served_versions"] == [1]
    assert shown["size"] == len(log.leaves)


def test_after_a_kill_the_log_knows_every_answered_request(
    home: tuple[Path, KeyServiceFile, Logbook], authority: Authority
) -> None:
    folder, given, log = home
    tls = authority.member("lender-1")
    signers: dict[KeyUse, Signer] = {KeyUse.REPORT: signer("lender-1 REPORT")}
    with KeyClient("lender-1", signers, tls) as client:
        with served(folder) as process:
            with channel(given.service.url, tls) as link:
                wait_until_healthy(link)
            before = client.evaluate(log.state.directory, INPUTS, KeyUse.REPORT, Purpose.REPORTING)
            process.kill()
        with served(folder):
            with channel(given.service.url, tls) as link:
                wait_until_healthy(link)
            assert client.evaluate(log.state.directory, INPUTS, KeyUse.REPORT, Purpose.REPORTING) == before
            [status] = client.statuses(log.state.directory)
    limit = log.state.directory.rulebook.daily_report_evaluations
    assert status.report_quota_left == limit - 2 * len(INPUTS)


def test_the_processes_of_a_killed_service_end_too(
    home: tuple[Path, KeyServiceFile, Logbook], authority: Authority
) -> None:
    folder, given, log = home
    tls = authority.member("lender-1")
    signers: dict[KeyUse, Signer] = {KeyUse.REPORT: signer("lender-1 REPORT")}
    with served(folder) as process:
        with channel(given.service.url, tls) as link:
            wait_until_healthy(link)
        with KeyClient("lender-1", signers, tls) as client:
            client.evaluate(log.state.directory, INPUTS, KeyUse.REPORT, Purpose.REPORTING)
        process.kill()
        # Standard error is closed only when the last process that has it is gone.
        process.communicate(timeout=WAIT_SECONDS)


def evaluates(client: KeyClient, log: Logbook) -> str:
    """Ask for something new; say with which reason it was refused, nothing where it was answered."""
    try:
        client.evaluate(log.state.directory, INPUTS[:3], KeyUse.REPORT, Purpose.REPORTING)
    except KeyServiceError as error:
        return error.reason
    return ""


def test_a_full_disk_is_told_and_the_service_goes_on(
    run: Command, home: tuple[Path, KeyServiceFile, Logbook], authority: Authority
) -> None:
    folder, given, log = home
    tls = authority.member("lender-1")
    signers: dict[KeyUse, Signer] = {KeyUse.REPORT: signer("lender-1 REPORT")}
    # Nor can a line of its log be written, from the first one on.
    with (
        Path("/dev/full").open("w") as full,
        served(folder, full) as process,
        channel(given.service.url, tls) as link,
        KeyClient("lender-1", signers, tls) as client,
    ):
        wait_until_healthy(link)
        assert evaluates(client, log) == ""
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
        log.commit()
        # What it follows is known to it, though it cannot be kept.
        wait_until_followed(link, log.logged_at)
        for _ in range(3):
            assert evaluates(client, log) == "STORAGE_UNAVAILABLE"
        assert process.poll() is None
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert evaluates(client, log) == ""
        wait_until(lambda: json.loads(run("status", "--home", folder, "--json").out)["size"] == len(log.leaves))
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_SECONDS)
        assert process.returncode == 0


def test_a_start_on_a_full_disk_is_refused_in_one_line(home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, _, _ = home
    serve_ = f"ulimit -f 0 && exec {PROGRAM} serve --home {folder}"
    ended = subprocess.run(["/bin/sh", "-c", serve_], capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-2]
    assert last.startswith("subject-key-service: the log of requests cannot be opened")
    assert "Traceback" not in ended.stderr
    with served(folder):
        pass


def test_a_second_service_of_the_same_folder_or_address_is_refused(home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, given, _ = home
    with served(folder), pytest.raises(SetupError, match="is in use"):
        start(folder)
    host, _, port = given.service.url.rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(SetupError, match="taken"):
        start(folder)


def test_serve_says_what_is_missing(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "key-service-a"
    assert "service.toml" in run("serve", "--home", folder, status=2).err
    init(run, folder)
    with pytest.raises(SetupError, match="no registry is set"):
        start(folder)


def start(folder: Path) -> None:
    """Begin to serve, for a folder that is not in order."""
    asyncio.run(serve_until_signal(KeyServiceFolder(folder), read_settings(KeyServiceFolder(folder)), print))


def test_a_key_that_others_can_read_is_refused(home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, _, _ = home
    (folder / "keys" / "1.key").chmod(0o644)
    with pytest.raises(FileError, match="0600"):
        start(folder)


def test_a_damaged_key_is_refused_and_not_shown(home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, _, _ = home
    (folder / "keys" / "1.key").write_bytes(b"secret" * 3)
    with pytest.raises(SetupError, match="18 bytes") as caught:
        start(folder)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["trust-root.bin", "tls/ca.pem", "keys/1.key"])
def test_a_file_that_is_gone(home: tuple[Path, KeyServiceFile, Logbook], name: str) -> None:
    folder, _, _ = home
    (folder / name).unlink()
    with pytest.raises((SetupError, FileError, ConfigError)):
        start(folder)


@pytest.mark.parametrize("content", [b"name = ", b"unknown = 1\n", b"\xff\xfe"])
def test_settings_that_are_not_in_order(
    run: Command, home: tuple[Path, KeyServiceFile, Logbook], content: bytes
) -> None:
    folder, _, _ = home
    (folder / "service.toml").write_bytes(content)
    assert run("serve", "--home", folder, status=2).err.startswith("subject-key-service: ")


def test_install_refuses_what_is_no_database_and_changes_nothing(
    run: Command, home: tuple[Path, KeyServiceFile, Logbook]
) -> None:
    folder, _, _ = home
    before = {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    arguments: list[str | Path] = ["--certificate", folder / "tls/certificate.pem", "--ca", folder / "tls/ca.pem"]
    arguments += ["--trust-root", folder / "trust-root.bin", "--registry", "127.0.0.1:1"]
    said = run("install", "--home", folder, *arguments, "--database-url", "mysql://u@h/x", status=2)
    assert said.err.startswith("subject-key-service: --database-url: ")
    said = run("install", "--home", folder, *arguments, "--database-url", "postgresql+psycopg://u:hidden@h/x", status=2)
    assert "PGPASSFILE" in said.err
    assert "hidden" not in said.err
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()} == before


def test_a_database_that_does_not_open(home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, _, _ = home
    (folder / "requests.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(SetupError, match="log of requests"):
        start(folder)


def test_a_further_key_has_a_file_of_its_own(run: Command, home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, given, _ = home
    said = run("key", "add-version", "--home", folder).out
    path = folder / "key-service-a-2.key-service.json"
    assert str(path) in said
    newer = KeyServiceFile.parse(path.read_bytes())
    assert newer.service.url == given.service.url
    assert newer.service.public_key != given.service.public_key
    assert (folder / "keys" / "2.key").stat().st_mode & 0o777 == 0o600


def test_metrics_are_served_and_name_nobody(home: tuple[Path, KeyServiceFile, Logbook], authority: Authority) -> None:
    import http.client

    folder, given, log = home
    address = free_address()
    with (folder / "service.toml").open("a") as file:
        file.write(f'metrics_listen = "{address}"\n')
    tls = authority.member("lender-1")
    signers: dict[KeyUse, Signer] = {KeyUse.INQUIRE: signer("lender-1 INQUIRE")}
    with served(folder):
        with channel(given.service.url, tls) as link:
            wait_until_healthy(link)
        with KeyClient("lender-1", signers, tls) as client:
            client.evaluate(log.state.directory, INPUTS[:3], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
        connection = http.client.HTTPConnection(address, timeout=WAIT_SECONDS)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        for path in ("/healthz", "/readyz"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()
    assert "process_cpu_seconds_total" in text
    assert "key_service_certificate_expires_timestamp_seconds" in text
    method = "/creditregistry.v1.SubjectKeyService/Evaluate"
    assert f'key_service_calls_total{{method="{method}",reason="OK"}} 1.0' in text
    assert 'key_service_elements_total{use="INQUIRE"} 3.0' in text
    assert "lender" not in text


@pytest.mark.parametrize("command", ["init", "install", "serve", "status"])
def test_every_command_explains_itself(run: Command, command: str) -> None:
    assert "--home" in run(command, "--help").out


def test_nobody_else_may_read_a_key_service(run: Command, home: tuple[Path, KeyServiceFile, Logbook]) -> None:
    folder, _, _ = home
    with served(folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"requests.sqlite", "service.toml", "1.key", "key.pem"}
        assert {path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077} == set()
    for name, mode in ((".", 0o755), ("tls/key.pem", 0o644), ("keys/1.key", 0o640)):
        path = folder / name
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        assert "readable for others" in run("serve", "--home", folder, status=2).err
        path.chmod(before)


def test_a_folder_that_is_open_to_others_is_taken_only_where_it_is_empty(run: Command, tmp_path: Path) -> None:
    folder = tmp_path / "key-service-b"
    folder.mkdir(mode=0o755)
    (folder / "not-ours").touch()
    words = ("init", "--home", folder, "--name", "key-service-b", "--url", "127.0.0.1:7001")
    assert "not empty" in run(*words, status=2).err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    (folder / "not-ours").unlink()
    run(*words)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
