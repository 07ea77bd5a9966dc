"""Three machines with etcd and PostgreSQL under Patroni, and the way to the primary, as deploy/ sets them up."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from tests.cluster.waiting import wait_for
from tests.postgres_server import installed_programs

if TYPE_CHECKING:
    from tests.cluster.supervised import Supervised

__all__ = ["DEPLOY", "NODES", "PROGRAMS", "Databases", "Health"]

DEPLOY = Path(__file__).parents[2] / "deploy"
# Name and address of each machine; the names are those of deploy/.
NODES = {"db-1": "127.0.0.11", "db-2": "127.0.0.12", "db-3": "127.0.0.13"}
# Debian's packages, by the program that shows whether one is there.
PROGRAMS = {"etcd": "etcd-server", "patroni": "patroni", "haproxy": "haproxy", "pgbouncer": "pgbouncer"}
# Where deploy/ puts the certificates of a machine.
_CERTIFICATES = "/etc/credit-registry/database"
# None leaves these namespaces.
_PASSWORD = "of-this-run"
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
_START_SECONDS = 60.0
_ASK_SECONDS = 2.0
_FOUND = (
    f"CREATE ROLE registry LOGIN PASSWORD '{_PASSWORD}'",
    "CREATE DATABASE registry OWNER registry ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    "REVOKE ALL ON DATABASE registry FROM PUBLIC",
)


class Health(NamedTuple):
    """The cluster as Patroni sees it.

    Attributes:
        leader: the machine of the primary; empty where there is none.
        synchronous: that of the synchronous standby; empty likewise.
        streaming: how many standbys follow.
    """

    leader: str
    synchronous: str
    streaming: int

    @property
    def whole(self) -> bool:
        """Whether a primary has two standbys, one of them synchronous."""
        return bool(self.leader and self.synchronous) and self.streaming == len(NODES) - 1


class Databases:
    """The machines; each of their programs can be killed and started again.

    Args:
        supervised: runs the programs.
        disk: for their data.
    """

    def __init__(self, supervised: Supervised, disk: Path) -> None:
        self._supervised = supervised
        self._disk = disk
        self._bin = installed_programs() / "bin"
        self.password_file = disk / "pgpass"
        self._certificates = disk / "certificates"
        verified = f"&sslmode=verify-full&sslrootcert={self._certificates / 'ca.pem'}"
        hosts = verified + "".join(f"&host={node}:5432" for node in NODES)
        self.direct_url = f"postgresql+psycopg://registry@/registry?target_session_attrs=read-write{hosts}"
        self.standby_url = f"postgresql+psycopg://registry@/registry?target_session_attrs=prefer-standby{hosts}"
        self.pooled_url = "postgresql+psycopg://registry@127.0.0.1:6432/registry?pooler=transaction"

    def start(self) -> None:
        """Start all, make the registry's empty database, and wait until every commit reaches a standby.

        Raises:
            TimeoutError: it takes too long.
        """
        self.password_file.write_text(f"*:*:*:registry:{_PASSWORD}\n")
        self.password_file.chmod(0o600)
        self._certify()
        for node in NODES:
            self.start_etcd(node)
        wait_for(lambda: bool(self.etcd_leader()), "etcd has no leader", _START_SECONDS)
        for node in NODES:
            self.start_patroni(node)
        wait_for(lambda: self.health().whole, "Patroni has no primary with two standbys", _START_SECONDS)
        with psycopg.connect(
            f"host={self.health().leader} user=postgres password={_PASSWORD} sslmode=verify-full "
            f"sslrootcert={self._certificates / 'ca.pem'}",
            autocommit=True,
        ) as made:
            for statement in _FOUND:
                made.execute(statement.encode())
        self._start_proxies()

    def start_node(self, node: str) -> None:
        """Start what a machine runs."""
        self.start_etcd(node)
        self.start_patroni(node)

    def kill_node(self, node: str) -> None:
        """End all that a machine runs, at once."""
        self.kill_etcd(node)
        self.kill_patroni(node)

    def kill_patroni(self, node: str) -> None:
        """Kill a machine's Patroni and PostgreSQL."""
        self._supervised.kill(f"patroni-{node}")
        self.kill_postgres(node)

    def kill_postgres(self, node: str) -> None:
        """Kill the first process of a machine's PostgreSQL, at which its others end."""
        file = self._data(node) / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(file.read_text().split()[0]), signal.SIGKILL)

    def kill_etcd(self, node: str) -> None:
        """Kill a machine's etcd."""
        self._supervised.kill(f"etcd-{node}")

    def start_etcd(self, node: str) -> None:
        """Start a machine's etcd, with what it has kept."""
        settings = self._environment("etcd.env", node)
        settings["ETCD_DATA_DIR"] = str(self._folder(f"etcd-{node}"))
        self._supervised.start(f"etcd-{node}", (*_AS_POSTGRES, "etcd"), settings)

    def start_patroni(self, node: str) -> None:
        """Start a machine's Patroni, which sees to its PostgreSQL."""
        settings = self._environment("patroni.env", node)
        settings |= {name: _PASSWORD for name in settings if name.endswith("_PASSWORD")}
        settings["PATRONI_POSTGRESQL_DATA_DIR"] = str(self._data(node))
        settings["PATRONI_POSTGRESQL_PGPASS"] = str(self._folder(f"postgres-{node}") / "pgpass")
        settings["PATRONI_POSTGRESQL_BIN_DIR"] = str(self._bin)
        command = (*_AS_POSTGRES, "patroni", str(self._shown("patroni.yml", node)))
        self._supervised.start(f"patroni-{node}", command, settings)

    def switch_over(self) -> bool:
        """Have the synchronous standby become primary, as an operator does before work on a machine.

        Returns:
            Whether Patroni does; it does not while it is not sure of the standby.
        """
        health = self.health()
        wanted = {"leader": health.leader, "candidate": health.synchronous}
        try:
            self._ask(f"https://{health.leader}:8008/switchover", wanted, seconds=_START_SECONDS)
        except urllib.error.HTTPError:
            return False
        return True

    def health(self) -> Health:
        """Ask the machines, one after the other, how the cluster is."""
        for node in NODES:
            with contextlib.suppress(OSError):
                members = self._ask(f"https://{node}:8008/cluster")["members"]
                roles = {member["role"]: member["name"] for member in members if member["state"] in _GOING}
                following = sum(member["role"] != "leader" and member["state"] in _GOING for member in members)
                return Health(roles.get("leader", ""), roles.get("sync_standby", ""), following)
        return Health("", "", 0)

    def etcd_leader(self) -> str:
        """Return the machine whose etcd leads; empty where none does."""
        for node in NODES:
            with contextlib.suppress(OSError):
                told = self._ask(f"https://{node}:2379/v3/maintenance/status", {})
                if told.get("leader", "0") == told["header"]["member_id"]:
                    return node
        return ""

    def _start_proxies(self) -> None:
        haproxy = ("haproxy", "-db", "-f", str(self._shown("haproxy.cfg", "db-1")))
        self._supervised.start("haproxy", haproxy, dict(os.environ))
        users = Path("/etc/pgbouncer/userlist.txt")
        users.write_text(f'"registry" "{_PASSWORD}"\n')
        pgbouncer = (*_AS_POSTGRES, shutil.which("pgbouncer") or "/usr/sbin/pgbouncer")
        self._supervised.start("pgbouncer", (*pgbouncer, str(self._shown("pgbouncer.ini", "db-1"))), dict(os.environ))
        wait_for(self._reaches_primary, "no primary is reached through PgBouncer and HAProxy", _START_SECONDS)

    def _reaches_primary(self) -> bool:
        way = f"host=127.0.0.1 port=6432 dbname=registry user=registry password={_PASSWORD} connect_timeout=2"
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(way):
            return True
        return False

    def _data(self, node: str) -> Path:
        return self._folder(f"postgres-{node}") / "data"

    def _folder(self, name: str) -> Path:
        """Return a folder of the database's user."""
        folder = self._disk / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            shutil.chown(folder, "postgres", "postgres")
        return folder

    def _shown(self, name: str, node: str) -> Path:
        """Return a copy of a file of deploy/ that the database's user can read, wherever the checkout lies."""
        copy = self._disk / f"{node}-{name}"
        if not copy.exists():
            copy.write_text(self._of_machine((DEPLOY / name).read_text(), node))
        return copy

    def _certify(self) -> None:
        """Make the certificates of the machines, and give each its own, as deploy/ says."""
        made = self._disk / "authority"
        command = ("sh", str(DEPLOY / "database-certificates.sh"), str(made), *NODES)
        subprocess.run(command, check=True, capture_output=True, timeout=_START_SECONDS)
        self._certificates.mkdir()
        shutil.copy(made / "ca.pem", self._certificates)
        for node in NODES:
            own = self._folder(f"certificates-{node}")
            for name, file in {"ca": "ca", "machine": node, "machine-key": f"{node}-key"}.items():
                shutil.copy(made / f"{file}.pem", own / f"{name}.pem")
                shutil.chown(own / f"{name}.pem", "postgres", "postgres")
        # What the registry, PgBouncer and we ourselves trust is no secret.
        (self._certificates / "ca.pem").chmod(0o644)
        self._tls = ssl.create_default_context(cafile=str(self._certificates / "ca.pem"))
        self._tls.load_cert_chain(made / "db-1.pem", made / "db-1-key.pem")

    def _of_machine(self, text: str, node: str) -> str:
        """Return settings with the folder of a machine's certificates: here all machines share their files."""
        return text.replace(_CERTIFICATES, str(self._disk / f"certificates-{node}"))

    def _environment(self, file: str, node: str) -> dict[str, str]:
        """Return a file of deploy/, which is that of db-1, as it is on another machine of these."""
        lines = self._of_machine((DEPLOY / file).read_text(), node).splitlines()
        read = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        all_nodes = read.get("ETCD_INITIAL_CLUSTER")
        moved = {name: value.replace("db-1", node).replace("192.0.2.11", NODES[node]) for name, value in read.items()}
        if all_nodes is not None:
            moved["ETCD_INITIAL_CLUSTER"] = all_nodes
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **moved}

    def _ask(self, url: str, body: object = None, *, seconds: float = _ASK_SECONDS) -> Any:
        """Return what a machine answers over HTTPS: JSON, or the text of it."""
        data = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, kind)  # noqa: S310 - of these namespaces
        login = base64.b64encode(f"operator:{_PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=seconds, context=self._tls) as answer:  # noqa: S310 - likewise
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else text.decode()


# States of a PostgreSQL that serves or follows; Patroni 3.0 calls both running, later ones the second streaming.
_GOING = ("running", "streaming")
