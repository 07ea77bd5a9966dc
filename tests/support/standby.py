"""A real hot standby of a PostgreSQL server of the tests."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from tests.postgres_server import prepared_folder, run

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def standby(url: str) -> Iterator[str]:
    """Copy the server of a URL and follow it while the block lasts; yield the URL of the same database there."""
    primary = make_url(url)
    reached = str(primary.query.get("host") or primary.host)
    root = Path(tempfile.mkdtemp(prefix="standby-"))
    try:
        programs = prepared_folder(root) / "bin"
        data = root / "data"
        source = f"host={reached} port={primary.port or 5432} user={primary.username}"
        copy: list[str | Path] = [programs / "pg_basebackup", "--pgdata", data, "--write-recovery-conf", "--no-sync"]
        run([*copy, "--checkpoint=fast", "--wal-method=stream", "--dbname", source])
        control: list[str | Path] = [programs / "pg_ctl", "--pgdata", data, "--wait", "--timeout=60"]
        settings = {"listen_addresses": "''", "unix_socket_directories": str(root), "max_connections": "200"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        run([*control, "--log", root / "log", "--options", options, "start"])
        try:
            followed = primary.set(host=None, port=None, query={"host": str(root)})
            yield followed.render_as_string(hide_password=False)
        finally:
            run([*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(root, ignore_errors=True)
