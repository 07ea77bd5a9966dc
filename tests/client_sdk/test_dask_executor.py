"""Reaching a Dask cluster: only at addresses that are in order, by TLS beyond this machine, and never for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from client_sdk._shared_work import ExecutorError
from client_sdk.dask_executor import dask_executor
from client_sdk.errors import ConfigError
from client_sdk.testing.ports import free_address
from tests.support.dask_cluster import dask_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCAL = "127.0.0.1"


def reach(address: str) -> int:
    with dask_executor(address) as workers:
        return workers.submit(os.getpid).result(60)


@pytest.mark.parametrize(
    ("address", "want"),
    [
        ("", "want tls://HOST:PORT"),
        ("127.0.0.1:8786", "want tls://HOST:PORT"),
        ("ws://127.0.0.1:8786", "want tls://HOST:PORT"),
        ("inproc://127.0.0.1:8786", "want tls://HOST:PORT"),
        ("tls://", "want tls://HOST:PORT"),
        ("tls://scheduler.example", "got no port"),
        ("tcp://127.0.0.1:0", "got port 0"),
        ("tcp://scheduler.example:8786", "scheduler.example is another machine, which is reached by tls:// alone"),
        ("tcp://10.0.0.7:8786", "reached by tls:// alone"),
        ("tls://scheduler.example:8786", "want distributed.comm.tls.ca-file"),
    ],
)
def test_an_address_that_is_not_in_order_is_refused(address: str, want: str) -> None:
    with pytest.raises(ConfigError) as caught:
        reach(address)
    assert want in str(caught.value)


def test_dask_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"Dask is not installed: pip install 'credit-registry\[dask\]'"):
        reach(f"tcp://{free_address()}")


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with pytest.raises(ExecutorError, match=r"does not answer \(ConnectionRefusedError\)"):
        reach(f"tcp://{free_address()}")


@contextmanager
def listening() -> Iterator[str]:
    with socket.socket() as server:
        server.bind((LOCAL, 0))
        server.listen()
        yield f"{LOCAL}:{server.getsockname()[1]}"


def test_a_server_that_says_nothing_is_told() -> None:
    with listening() as address, pytest.raises(ExecutorError, match=r"does not answer \(TimeoutError\)"):
        reach(f"tcp://{address}")


def test_a_cluster_without_workers_is_told(tmp_path: Path) -> None:
    with (
        dask_cluster(tmp_path, workers=0) as cluster,
        pytest.raises(ExecutorError, match=r"no worker for 0\.5 seconds"),
        dask_executor(cluster.address, worker_seconds=0.5),
    ):
        pass


_REACH = """
import os, sys
from client_sdk.dask_executor import dask_executor
from client_sdk.errors import CreditRegistryError
try:
    with dask_executor(sys.argv[1]) as workers:
        print(workers.submit(os.getpid).result(60) != os.getpid())
except CreditRegistryError as error:
    print(error)
"""


def reached(address: str, settings: dict[str, str]) -> str:
    """What a program says that reaches a cluster with these settings of Dask's."""
    environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _REACH, address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


def test_a_cluster_is_reached_by_tls_with_dasks_own_settings(tmp_path: Path) -> None:
    others, ours = tmp_path / "others", tmp_path / "ours"
    others.mkdir()
    ours.mkdir()
    with dask_cluster(ours, tls=True) as cluster:
        assert cluster.address.startswith("tls://")
        assert reached(cluster.address, cluster.settings) == "True"
        with dask_cluster(others, tls=True) as another:
            told = reached(cluster.address, another.settings)
        assert "does not answer (" in told
        assert "SSL" in told
        broken = {**cluster.settings, "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(tmp_path / "none.pem")}
        assert "Dask's settings of TLS are not in order" in reached(cluster.address, broken)
