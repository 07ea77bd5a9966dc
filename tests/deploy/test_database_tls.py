"""TLS between the machines of a database: certificates are made, shown and verified by the programs that use them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from client_sdk.testing.ports import free_port, listens
from tests.postgres_server import UNPRIVILEGED, UNPRIVILEGED_ID, postgres_server
from tests.support.pooler import STOP_SECONDS
from tests.support.standby import Server
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDER = "/etc/credit-registry/database"
FILES = {f"{FOLDER}/{name}" for name in ("ca.pem", "machine.pem", "machine-key.pem")}
# The only name of this machine that every machine has.
NAME = "localhost"


def certify(folder: Path, *names: str) -> str:
    command = ["sh", str(DEPLOY / "database-certificates.sh"), str(folder), *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates") / "made"
    certify(folder, NAME)
    return folder


@pytest.fixture(scope="module")
def port(certificates: Path) -> Iterator[int]:
    """A PostgreSQL with the TLS settings of patroni.yml."""
    with postgres_server() as url:
        server, root = Server(url), Path(url.partition("host=")[2])
        for file in certificates.iterdir():
            shutil.copy(file, root)
        os.chown(root / f"{NAME}-key.pem", UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        for name in ("ca", NAME):
            (root / f"{name}.pem").chmod(0o644)
        own = {
            "ca.pem": root / "ca.pem",
            "machine.pem": root / f"{NAME}.pem",
            "machine-key.pem": root / f"{NAME}-key.pem",
        }
        given = re.findall(r"^    (ssl\w*): \"?([^\"\n]+)\"?$", (DEPLOY / "patroni.yml").read_text(), re.MULTILINE)
        settings = {name: str(own.get(value.removeprefix(f"{FOLDER}/"), value)) for name, value in given}
        assert settings["ssl"] == "on"
        listening = free_port()
        server.stop()
        server.start(listen_addresses="127.0.0.1", port=str(listening), **settings)
        yield listening


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that a user without rights can reach."""
    with tempfile.TemporaryDirectory(prefix="pooler-") as made:
        yield Path(made)


def connect(**how: object) -> str:
    """Connect, and return the version of TLS."""
    settings = {"user": "postgres", "dbname": "postgres", "connect_timeout": 20} | how
    with psycopg.connect(**settings) as connection:  # type: ignore[arg-type]  # the test names settings
        row = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    return str(row[0]) if row else ""


def test_each_machine_has_a_certificate_of_its_own_for_its_name_and_the_primarys(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    certify(folder, "db-1", "db-2")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(before) == {"ca.pem", "ca-key.pem", *(f"db-{n}{what}.pem" for n in (1, 2) for what in ("", "-key"))}
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())
    authority = x509.load_pem_x509_certificate(before["ca.pem"])
    for name in ("db-1", "db-2"):
        made = x509.load_pem_x509_certificate(before[f"{name}.pem"])
        made.verify_directly_issued_by(authority)
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [name, "primary"]
        usages = set(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        assert usages == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert "db-2.pem is there already" in certify(folder, "db-2", "db-3")
    assert {name: (folder / name).read_bytes() for name in before} == before
    x509.load_pem_x509_certificate((folder / "db-3.pem").read_bytes()).verify_directly_issued_by(authority)


def test_nothing_between_the_machines_goes_in_clear() -> None:
    etcd = dict(line.split("=", 1) for line in (DEPLOY / "etcd.env").read_text().splitlines() if line[0] != "#")
    assert all(url.startswith("https://") for name, url in etcd.items() if name.endswith("_URLS"))
    assert all(part.partition("=")[2].startswith("https://") for part in etcd["ETCD_INITIAL_CLUSTER"].split(","))
    assert etcd["ETCD_CLIENT_CERT_AUTH"] == etcd["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    patroni = (DEPLOY / "patroni.yml").read_text()
    rules = re.findall(r"^    - (host\w*) ", patroni, re.MULTILINE)
    assert rules
    assert set(rules) == {"hostssl"}
    environment = (DEPLOY / "patroni.env").read_text()
    for user in ("SUPERUSER", "REPLICATION", "REWIND"):
        assert f"PATRONI_{user}_SSLMODE=verify-full\nPATRONI_{user}_SSLROOTCERT={FOLDER}/ca.pem\n" in environment
    machines = [line for line in (DEPLOY / "haproxy.cfg").read_text().splitlines() if "check port 8008" in line]
    assert all(line.rstrip().endswith(f"verifyhost db-{number}") for number, line in enumerate(machines, 1))
    for name in ("etcd.env", "patroni.yml", "patroni.env", "haproxy.cfg", "pgbouncer.ini"):
        named = set(re.findall(rf"{FOLDER}/[a-z.-]+", (DEPLOY / name).read_text()))
        assert named
        assert named <= FILES


def test_postgresql_shows_its_certificate_and_clients_refuse_another_one(
    port: int, certificates: Path, tmp_path: Path
) -> None:
    trusted = {"port": port, "sslmode": "verify-full", "sslrootcert": str(certificates / "ca.pem")}
    assert connect(host=NAME, **trusted) == "TLSv1.3"
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        connect(host="127.0.0.1", **trusted)
    certify(tmp_path / "others")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(host=NAME, **{**trusted, "sslrootcert": str(tmp_path / "others" / "ca.pem")})


@pytest.mark.parametrize("authority", ["its own", "another"])
def test_pgbouncer_verifies_the_primary_with_the_settings_of_the_file(
    port: int, certificates: Path, folder: Path, tmp_path: Path, authority: str
) -> None:
    certify(tmp_path / "others")
    shutil.copy((certificates if authority == "its own" else tmp_path / "others") / "ca.pem", folder)
    (folder / "ca.pem").chmod(0o644)
    (folder / "users.txt").write_text('"postgres" ""\n')
    listening = free_port()
    text = (DEPLOY / "pgbouncer.ini").read_text().replace(FOLDER, str(folder))
    for before, after in {
        "registry = host=primary port=5000 dbname=registry": f"postgres = host={NAME} port={port} dbname=postgres",
        "listen_port = 6432": f"listen_port = {listening}",
        "auth_type = scram-sha-256": "auth_type = trust",
        "/etc/pgbouncer/userlist.txt": f"{folder}/users.txt",
    }.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "pooler.ini").write_text(f"{text}\nlogfile = {folder}/log\n")
    for path in (folder, *folder.iterdir()):
        os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    process = subprocess.Popen([*UNPRIVILEGED, program, "--quiet", str(folder / "pooler.ini")], cwd="/")
    try:
        wait_until(lambda: listens(listening) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        if authority == "its own":
            assert connect(host="127.0.0.1", port=listening) == "TLSv1.3"
        else:
            # It tries again and again, and lets the client wait.
            with pytest.raises(psycopg.OperationalError):
                connect(host="127.0.0.1", port=listening, options="", connect_timeout=2)
            wait_until(lambda: "certificate verify failed" in (folder / "log").read_text())
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
