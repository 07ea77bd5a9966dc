"""Backups: one moment of a database that goes on, whole or not at all, and nothing that was changed is believed."""

from __future__ import annotations

import io
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.testing.programs import Programs
from registry_server.cli.main import app
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.container import BackupReader
from registry_server.operating.backup.keys import make_keys, read_public_key, read_secret_key
from registry_server.operating.backup.making import backups_in, make_backup, show_backup
from registry_server.serving.files import FileError
from registry_server.storage import schema, wholesale
from registry_server.storage.unit_of_work import Database
from tests.support.closing_home import ClosingHome
from tests.support.registers import ORIGIN, register_path
from tests.support.registry_world import accept
from tests.support.served import module

if TYPE_CHECKING:
    from registry_server.storage.driver import Value

PASSPHRASE = b"correct horse battery"


@pytest.fixture
def kept(tmp_path: Path, database_url: str) -> ClosingHome:
    """A registry with two records and an inquiry."""
    kept = ClosingHome(tmp_path, database_url)
    with kept.ledger() as ledger:
        accept(ledger, kept.world.report("lender-1", "one"), kept.world.report("lender-1", "two"))
        ledger.record_inquiries([kept.world.inquiry("lender-2", "asked", opening=b"opening")]).result()
    return kept


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return make_keys(tmp_path / "backup-key", None)


def through_kills(url: str, folder: Path, *words: str) -> list[str]:
    command = module("tests.support.killed", url, str(folder), "2", *words)
    done = Programs(Path.cwd()).complete(command)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def read(path: Path, secret: Path) -> dict[str, list[tuple[Value, ...]]]:
    rows: dict[str, list[tuple[Value, ...]]] = {}
    with path.open("rb") as file:
        for table, page in BackupReader(file, path, read_secret_key(secret, None)).pages():
            rows.setdefault(table.name, []).extend(page)
    return rows


def test_a_backup_holds_every_row_of_one_moment_while_the_log_grows(
    kept: ClosingHome, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    secret, public = keys
    made = make_backup(kept.settings, tmp_path / "still", public)
    with Database(kept.settings.database, serving=False) as database, database.snapshot() as work:
        for table in schema.metadata.sorted_tables:
            with wholesale.pages(work, table) as pages:
                stored = [row for page in pages for row in page]
            assert sorted(map(repr, read(made.path, secret).get(table.name, []))) == sorted(map(repr, stored))
    assert made.path.stat().st_mode & 0o777 == 0o600
    with kept.ledger() as ledger:
        stop = threading.Event()

        def grow() -> None:
            number = 0
            while not stop.is_set():
                accept(ledger, kept.world.report("lender-2", f"meanwhile {number}"))
                number += 1

        growing = threading.Thread(target=grow)
        growing.start()
        try:
            moved = [make_backup(kept.settings, tmp_path / f"moving-{number}", public) for number in range(3)]
        finally:
            stop.set()
            growing.join()
    for made in moved:
        rows, frontier = read(made.path, secret), Frontier()
        frontier.extend([leaf_hash(bytes(leaf)) for _, leaf in sorted(rows["leaves"])])  # type: ignore[arg-type]  # bytes
        assert (frontier.size, frontier.root().hex()) == (made.header.size, made.header.root)
        assert len(rows["records"]) == len(rows["live_records"]) == made.rows["live_records"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_was_changed_cut_short_or_sealed_to_another_key_is_refused(
    kept: ClosingHome, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    made = make_backup(kept.settings, tmp_path / "backups", keys[1])
    data, secret = made.path.read_bytes(), read_secret_key(keys[0], None)
    begin = len(made.header.encode())

    def rows_of(changed: bytes) -> int:
        return sum(len(page) for _, page in BackupReader(io.BytesIO(changed), "it", secret).pages())

    assert rows_of(data) == sum(made.rows.values())
    places = {0, 30, begin - 3, *range(begin, begin + 110, 7), *range(begin, len(data), 997), len(data) - 1}
    for place in sorted(places):
        with pytest.raises(BackupError):
            rows_of(data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :])
        with pytest.raises(BackupError):
            rows_of(data[:place])
    with pytest.raises(BackupError):
        rows_of(data + b"\0")
    # Another time in the header would make an old backup young.
    younger = made.header.encode().replace(
        str(made.header.made_at_ms).encode(), str(made.header.made_at_ms + 1).encode()
    )
    with pytest.raises(BackupError, match="damaged"):
        rows_of(younger + data[begin:])
    # Shown without a key: neither a time without a date nor what moves a terminal's cursor.
    odd = [replace(made.header, made_at_ms=10**33), replace(made.header, newest_at_ms=-(10**17))]
    odd += [replace(made.header, registry="a\x1b[2J"), replace(made.header, root="0\n1")]
    for header in odd:
        with pytest.raises(BackupError, match="header is damaged"):
            rows_of(header.encode() + data[begin:])
    other = read_secret_key(make_keys(tmp_path / "other", None)[0], None)
    with pytest.raises(BackupError, match="give its secret key"):
        BackupReader(io.BytesIO(data), "it", other)
    assert b"lender-1" not in data[begin:]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_an_older_database_and_what_is_not_ours_are_left_alone(
    kept: ClosingHome, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    (folder / ".unfinished.backup").write_text("mine")
    with pytest.raises(FileError, match="move it away"):
        make_backup(kept.settings, folder, keys[1])
    assert (folder / ".unfinished.backup").read_text() == "mine"
    # A pipe, on which nobody writes.
    (folder / ".unfinished.backup").rename(folder / "mine")
    os.mkfifo(folder / ".unfinished.backup")
    with pytest.raises(FileError, match="no regular file"):
        make_backup(kept.settings, folder, keys[1])
    os.mkfifo(folder / "other.backup")
    with pytest.raises(FileError, match="no regular file"):
        backups_in(folder, ORIGIN)
    for path in (folder / "other.backup", folder / ".unfinished.backup"):
        path.unlink()
    (folder / "mine").rename(folder / ".unfinished.backup")
    with pytest.raises(BackupError, match=r"no public key"):
        make_backup(kept.settings, folder, keys[0])
    register = register_path(kept.settings.database)
    register.write_bytes(register.read_bytes().replace(b"\n", b"\n9", 1))
    with pytest.raises(BackupError, match="AHEAD"):
        make_backup(kept.settings, folder, keys[1])
    assert [path.name for path in folder.iterdir() if path.suffix == ".backup"] == [".unfinished.backup"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_backup_that_is_killed_at_any_step_leaves_no_file_that_looks_whole(
    kept: ClosingHome, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    words = ("backup", "make", "--home", str(kept.home), "--folder", str(folder), "--key", str(keys[1]))
    folder.mkdir(mode=0o700)
    *states, killed = through_kills(kept.settings.database, folder, *words)
    assert int(killed) > 2
    finished = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in finished:
        assert len(read(path, keys[0])["live_records"]) == 2
    assert len(json.loads(states[0])["files"]) == 0
    assert not (folder / ".unfinished.backup").exists()


def run(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, (done.stdout, done.exception)
    return done.stdout


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_the_commands_make_keys_and_backups_and_show_them_without_a_key(kept: ClosingHome, tmp_path: Path) -> None:
    folder, passphrase = tmp_path / "key", tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE + b"\n")
    passphrase.chmod(0o600)
    run("backup", "keygen", folder, code=1)
    run("backup", "keygen", folder, "--passphrase-file", passphrase)
    with pytest.raises(ConfigError, match="passphrase"):
        read_secret_key(folder / "secret.pem", None)
    assert len(read_secret_key(folder / "secret.pem", passphrase)) == 32
    words = ("backup", "make", "--home", kept.home)
    run(*words, code=1)
    made = json.loads(run(*words, "--folder", tmp_path / "backups", "--key", folder / "public.pem", "--json"))
    shown = json.loads(run("backup", "show", made["file"], "--json"))
    assert shown["origin"] == kept.settings.log_origin
    assert shown == {name: made[name] for name in shown}
    assert f"leaves: {shown['size']}\n" in run("backup", "show", made["file"])
    assert show_backup(tmp_path / "backups" / str(made["file"]).rpartition("/")[2]).size == made["size"]


def test_a_public_key_that_protects_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "public.pem"
    # 0, 1, p - 1 and a point of order 8: from each, every exchange gives zeros.
    for point in (
        bytes(32),
        (1).to_bytes(32, "little"),
        (2**255 - 20).to_bytes(32, "little"),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    ):
        key = X25519PublicKey.from_public_bytes(point)
        file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        with pytest.raises(BackupError, match="of low order"):
            read_public_key(file)


def test_a_key_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "public.pem", 0o600)
    for read in (read_public_key, lambda path: read_secret_key(path, None)):
        with pytest.raises(FileError, match="no regular file but a pipe"):
            read(tmp_path / "public.pem")
