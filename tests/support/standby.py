"""A real hot standby of a PostgreSQL server of the tests, and what befalls either of them."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.postgres_server import prepared_folder, run
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "standby"]


class Server:
    """A server that listens on a socket file in its folder.

    Args:
        url: of one of its databases.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._root = Path(str(make_url(url).query["host"]))
        self._data = self._root / "data"

    def stop(self) -> None:
        """Let it end at once, without a last word to anybody."""
        self._control("--mode=immediate", "stop")

    def start(self, **settings: str) -> None:
        """Start it with the settings that it had, and others before them."""
        _, *given = self._command()
        changed = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        options = shlex.join([*given[given.index(str(self._data)) + 1 :], *changed])
        self._control("--log", self._root / "log", "--options", options, "start")

    def started(self) -> None:
        """Start it unless it runs."""
        if not (self._data / "postmaster.pid").exists():
            self.start()

    def promote(self) -> None:
        """Let a standby take writes of its own."""
        self._control("promote")

    def ask(self, question: str) -> object:
        """Return what one statement answers."""
        engine = create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            answer: object = connection.execute(text(question)).scalar()
        engine.dispose()
        return answer

    def pause(self) -> None:
        """Let a standby show nothing newer."""
        self.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        """Let it go on."""
        self.ask("SELECT pg_wal_replay_resume()")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let all its processes stand still: it keeps its connections, and answers nothing."""
        parent = int((self._data / "postmaster.pid").read_text().split()[0])
        of_parent = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        processes = [parent, *(int(word) for word in of_parent.split())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def catch_up(self, primary: Server) -> None:
        """Wait until a standby shows all that the primary has."""
        newest = primary.ask("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{newest}'::pg_lsn") is True)

    def _command(self) -> list[str]:
        """Return what the server was last started with."""
        return shlex.split((self._data / "postmaster.opts").read_text())

    def _control(self, *arguments: str | Path) -> None:
        program = Path(self._command()[0]).with_name("pg_ctl")
        run([program, "--pgdata", self._data, "--wait", "--timeout=60", *arguments])


@contextmanager
def standby(url: str) -> Iterator[Server]:
    """Copy the server of a URL and follow it while the block lasts; yield the same database there."""
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
            yield Server(followed.render_as_string(hide_password=False))
        finally:
            if (data / "postmaster.pid").exists():
                run([*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(root, ignore_errors=True)
