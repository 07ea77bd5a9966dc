"""The end of a key service: its keys go only after the registry's data, by acts that it has followed itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from client_sdk.following import DirectoryFollower, KeptDirectory
from client_sdk.kernel.ledger.destruction import DestroyedRows, Destruction, destruction_file
from registry_server.serving.files import write_secret
from registry_server.subject_key_service import SetupError, setup
from registry_server.subject_key_service.destroying import destroy_keys
from registry_server.subject_key_service.request_log import RequestLog
from registry_server.subject_key_service.settings import KeyServiceFolder, make_settings
from tests.client_sdk.following.test_following_core import run
from tests.support.closing_lies import closing
from tests.support.handmade_log import DAY_MS
from tests.support.logbook import Logbook, LogbookRegistry
from tests.support.needles import Needles

if TYPE_CHECKING:
    from pathlib import Path


class Crash(BaseException):
    """The end of the process."""


def crash(_: str) -> None:
    raise Crash


def installed(tmp_path: Path, log: Logbook, database_url: str = "") -> KeyServiceFolder:
    """A key service with keys, a log of requests and a trust root."""
    folder = KeyServiceFolder(tmp_path / "key-service-a")
    values = {"name": "key-service-a", "url": "a.example:443", "listen": "127.0.0.1:0", "database_url": database_url}
    settings = make_settings(values)
    setup.create(folder, settings, ())
    write_secret(folder.trust_root, log.trust_root.encode())
    RequestLog(folder.database_url(settings)).close()
    return folder


def follow(folder: KeyServiceFolder, log: Logbook) -> None:
    follower = DirectoryFollower(log.trust_root)
    KeptDirectory(folder.directory).keep(follower, run(follower, LogbookRegistry(log)))


def certificate(log: Logbook, act: int) -> bytes:
    root, rows = log.trust_root, (DestroyedRows("records", 1),)
    said = Destruction(root.registry, root.genesis, act, log.logged_at + 9 * DAY_MS, rows, b"")
    return destruction_file(said, log.closing_proof(act), log.log_signer)


def test_keys_are_destroyed_through_crashes_and_nothing_of_them_is_left(
    tmp_path: Path, database_kind: str, request: pytest.FixtureRequest
) -> None:
    log, url = Logbook(), ""
    if database_kind == "postgresql":
        url = request.getfixturevalue("empty_database_url")
    folder = installed(tmp_path, log, url)
    seeds, tls = (folder.keys / "1.key").read_bytes(), (folder.tls / "key.pem").read_bytes()
    act = log.act(closing(log))
    log.head()
    follow(folder, log)
    later = log.logged_at + 9 * DAY_MS
    # Written down, log dropped, seed and TLS key destroyed.
    for _ in range(4):
        with pytest.raises(Crash):
            destroy_keys(folder, certificate(log, act), crash, later)
    report = destroy_keys(folder, certificate(log, act), crash, later)
    assert report == json.loads(folder.destruction.read_bytes())
    needles = Needles()
    needles.add("seed", seeds)
    needles.add("TLS key", tls.splitlines()[1])
    left = [path.read_bytes() for path in folder.home.rglob("*") if path.is_file()]
    assert left
    assert not any(needles.found(data) for data in left)
    assert not list(folder.home.glob("requests.sqlite*"))
    if url:
        engine = create_engine(url, poolclass=NullPool)
        assert inspect(engine).get_table_names() == []
        engine.dispose()


def test_keys_stay_while_a_process_serves_with_them(tmp_path: Path) -> None:
    log = Logbook()
    folder = installed(tmp_path, log)
    act = log.act(closing(log))
    log.head()
    follow(folder, log)
    with folder.sole_use(), pytest.raises(SetupError, match="is in use: stop the process"):
        destroy_keys(folder, certificate(log, act), crash, log.logged_at + 9 * DAY_MS)
    assert (folder.keys / "1.key").exists()
    assert not folder.destruction.exists()


def test_keys_stay_while_the_service_has_not_seen_the_registry_close(tmp_path: Path) -> None:
    log = Logbook()
    folder = installed(tmp_path, log)
    follow(folder, log)
    act = log.act(closing(log))
    log.head()
    data, later = certificate(log, act), log.logged_at + 9 * DAY_MS
    # The certificate verifies, but the act is one that the log's key alone could have made up.
    with pytest.raises(SetupError, match="followed no act"):
        destroy_keys(folder, data, crash, later)
    follow(folder, log)
    with pytest.raises(SetupError, match="is open until"):
        destroy_keys(folder, data, crash, log.logged_at)
    second = log.act(closing(log, 30))
    log.head()
    follow(folder, log)
    with pytest.raises(SetupError, match=f"at leaf {second}"):
        destroy_keys(folder, data, crash, later)
    assert (folder.keys / "1.key").exists()
    assert not folder.destruction.exists()
