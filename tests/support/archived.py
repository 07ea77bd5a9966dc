"""A PostgreSQL server that archives its write-ahead log, and is restored from it to a named moment, as operators do."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import make_url

from tests.postgres_server import prepared_folder, run
from tests.support.standby import Server
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Archived"]


class Archived:
    """A server with an archive and a base backup beside it; a context, at whose end it runs.

    Args:
        url: of one of its databases; the server is started anew.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._server = Server(url)
        # Where the server's user can write.
        self._root = Path(tempfile.mkdtemp(prefix="archived-"))
        self._programs = prepared_folder(self._root) / "bin"
        self._data, self._archive = self._root / "data", self._root / "archive"

    def __enter__(self) -> Self:
        self._archive.mkdir()
        self._give(self._archive)
        self._server.stop()
        self._server.start(archive_mode="on", archive_command=f"cp %p {self._archive}/%f")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.started()
        shutil.rmtree(self._root, ignore_errors=True)

    def back_up(self) -> None:
        """Copy the server as it is now."""
        source = f"host={self._url.query['host']} user={self._url.username}"
        copy = (self._programs / "pg_basebackup", "--pgdata", self._data, "--checkpoint=fast", "--wal-method=none")
        run([*copy, "--no-sync", "--dbname", source])

    def mark(self, moment: str) -> None:
        """Give this moment a name."""
        self._server.ask(f"SELECT pg_create_restore_point('{moment}')")

    def lose(self) -> None:
        """Let the server be lost, with all that it has logged until now in the archive."""
        newest = self._server.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((self._archive / str(newest)).exists)
        self._server.stop()

    @contextmanager
    def restored(self, moment: str) -> Iterator[str]:
        """Restore the server as it was at a moment; yield the URL of the same database there."""
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {self._archive}/%f %p'\nrecovery_target_name = '{moment}'\n")
            settings.write("recovery_target_action = 'promote'\n")
        asked = self._data / "recovery.signal"
        asked.touch()
        self._give(asked)
        control = (self._programs / "pg_ctl", "--pgdata", self._data, "--wait", "--timeout=60")
        options = f"-c listen_addresses='' -c unix_socket_directories={self._root} -c max_connections=200"
        run([*control, "--log", self._root / "log", "--options", options, "start"])
        try:
            url = self._url.set(query={"host": str(self._root)}).render_as_string(hide_password=False)
            wait_until(lambda: Server(url).ask("SELECT pg_is_in_recovery()") is False)
            yield url
        finally:
            run([*control, "--mode=immediate", "stop"])

    def _give(self, path: Path) -> None:
        """Let the server's user have what this process has made."""
        owner = self._root.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
