"""A real PgBouncer in transaction mode, with fewer sessions than its clients have connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from client_sdk.testing.ports import free_port, listens
from tests.postgres_server import UNPRIVILEGED, UNPRIVILEGED_ID
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSIONS = 3
STOP_SECONDS = 20


@contextmanager
def pooler(url: str, *, ignore: str = "") -> Iterator[str]:
    """Run a pooler before the database of a URL; yield the same URL through it, without a word about poolers.

    Args:
        url: of a database.
        ignore: startup parameter that the pooler drops in silence; it refuses those that it does not know.
    """
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.fail("no pgbouncer on this machine; .ci/run installs it")
    server = make_url(url)
    host = server.query.get("host") or server.host
    reached = {"host": host, "port": server.port, "user": server.username, "password": server.password}
    target = " ".join(f"{name}={value}" for name, value in reached.items() if value)
    with tempfile.TemporaryDirectory(prefix="pooler-") as root:
        folder = Path(root)
        port = free_port()
        (folder / "users.txt").write_text(f'"{server.username}" ""\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": folder / "users.txt",
            "pool_mode": "transaction",
            "default_pool_size": SESSIONS,
            "ignore_startup_parameters": ignore,
            "logfile": folder / "log",
        }
        lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
        (folder / "pooler.ini").write_text(f"[databases]\n* = {target}\n[pgbouncer]\n{lines}\n")
        as_root = os.geteuid() == 0
        if as_root:
            for path in (folder, *folder.iterdir()):
                os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        command = [*(UNPRIVILEGED if as_root else ()), program, "--quiet", str(folder / "pooler.ini")]
        process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield server.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
