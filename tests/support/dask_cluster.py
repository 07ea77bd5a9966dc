"""A Dask cluster of worker processes on this machine: ``python -m tests.support.dask_cluster FOLDER WORKERS tcp|tls``.

It is a process of its own, where what Dask warns of and the threads that it leaves stay. It prints one line, the
address of its scheduler, and ends when its standard input does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import LocalCluster, Security

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WORKERS", "DaskCluster", "dask_cluster"]

WORKERS = 2
_ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 30
_LOCAL = "127.0.0.1"


class DaskCluster:
    """A running cluster.

    Attributes:
        address: of its scheduler.
        log: file of all that its processes have written.
        settings: variables of the environment by which its clients reach it.
    """

    def __init__(self, process_id: int, address: str, log: Path, settings: dict[str, str]) -> None:
        self._process_id = process_id
        self.address = address
        self.log = log
        self.settings = settings

    def kill(self) -> None:
        """End scheduler and workers by signal 9."""
        os.killpg(self._process_id, signal.SIGKILL)


@contextmanager
def dask_cluster(folder: Path, *, workers: int = WORKERS, tls: bool = False) -> Iterator[DaskCluster]:
    """Run a cluster while the block lasts.

    Args:
        folder: for its log, its certificates and what workers write.
        workers: number of worker processes.
        tls: whether it is reached by TLS.
    """
    log, settings = folder / "dask.log", _certificates(folder) if tls else {}
    environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join((str(_ROOT), str(_ROOT / "proto" / "gen")))}
    command = [sys.executable, "-m", "tests.support.dask_cluster", str(folder), str(workers), "tls" if tls else "tcp"]
    with (
        log.open("wb") as written,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env=environment,
            cwd=_ROOT,
            text=True,
            # Its processes are one group.
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, log.read_text()
            yield DaskCluster(process.pid, address, log, settings)
        finally:
            process.stdin.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _certificates(folder: Path) -> dict[str, str]:
    """Write certificates, and return the settings that name them to Dask."""
    made, beginning = Security.temporary(), "DASK_DISTRIBUTED__COMM__TLS__"
    contents = {"CA_FILE": made.tls_ca_file}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        contents |= {f"{role}__KEY": made.tls_client_key, f"{role}__CERT": made.tls_client_cert}
    settings = {}
    for setting, content in contents.items():
        path = folder / f"{setting.lower()}.pem"
        path.write_text(content)
        settings[beginning + setting] = str(path)
    return settings


def main() -> None:
    """Serve until standard input ends."""
    folder, workers, protocol = sys.argv[1:]
    with LocalCluster(
        n_workers=int(workers),
        threads_per_worker=1,
        processes=True,
        host=_LOCAL,
        protocol=protocol,
        security=Security() if protocol == "tls" else None,
        dashboard_address=f"{_LOCAL}:0",
        local_directory=folder,
        memory_limit=0,
    ) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201 - what it is run for
        sys.stdin.read()


if __name__ == "__main__":
    main()
