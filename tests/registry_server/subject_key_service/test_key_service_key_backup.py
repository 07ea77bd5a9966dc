"""Backups of a key service: all that it needs to serve comes back, under a passphrase and never in clear."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client_sdk.testing.programs import Programs
from registry_server.serving.files import FileError
from registry_server.subject_key_service import SetupError, setup
from registry_server.subject_key_service.commands import app
from registry_server.subject_key_service.key_backup import back_up_keys, restore_keys, show_key_backup
from registry_server.subject_key_service.keys import EvaluationKeys
from registry_server.subject_key_service.settings import KeyServiceFolder, make_settings, read_settings
from tests.support.needles import Needles
from tests.support.served import module


class Kept:
    """A key service with two keys, its backup, and the passphrase."""

    def __init__(self, folder: Path) -> None:
        self.folder = KeyServiceFolder(folder / "service")
        self.passphrase = folder / "passphrase"
        self.passphrase.write_bytes(b"correct horse battery\n")
        self.passphrase.chmod(0o600)
        settings = make_settings({"name": "key-service-a", "url": "a.example:443", "listen": "127.0.0.1:0"})
        setup.create(self.folder, settings)
        setup.add_version(self.folder)
        self.file = folder / "key-service-a.backup"
        back_up_keys(self.folder, self.file, self.passphrase)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("kept"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_restored_key_service_has_every_file_that_it_needs_and_the_backup_shows_no_key(
    kept: Kept, tmp_path: Path
) -> None:
    needles = Needles()
    for path in kept.folder.keys.iterdir():
        needles.add(path.name, path.read_bytes())
    assert needles.found(kept.file.read_bytes()) == set()
    assert kept.file.stat().st_mode & 0o777 == 0o600
    restored = KeyServiceFolder(tmp_path / "restored")
    words = ["key", "restore", "--home", str(restored.home), str(kept.file), "--passphrase-file", str(kept.passphrase)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.exception
    assert files_of(restored.home) == files_of(kept.folder.home)
    assert {path.stat().st_mode & 0o777 for path in restored.home.rglob("*") if path.is_file()} == {0o600}
    assert EvaluationKeys.load(restored.keys).seeds() == EvaluationKeys.load(kept.folder.keys).seeds()
    assert read_settings(restored) == read_settings(kept.folder)
    shown = CliRunner().invoke(app, ["key", "show-backup", str(kept.file)]).stdout
    assert shown.splitlines()[0] == "name: key-service-a"
    assert all(f"key: {key.hex()}" in shown for key in EvaluationKeys.load(restored.keys).seeds())


def test_another_passphrase_a_changed_file_and_other_keys_are_refused(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="exists"):
        back_up_keys(kept.folder, kept.file, kept.passphrase)
    wrong, data = tmp_path / "wrong", kept.file.read_bytes()
    wrong.write_bytes(b"another passphrase")
    wrong.chmod(0o600)
    bent = tmp_path / "bent"
    new = KeyServiceFolder(tmp_path / "new")
    with pytest.raises(SetupError, match="wrong passphrase"):
        restore_keys(new, kept.file, wrong)
    bent.write_bytes(data.replace(b"key-service-a", b"key-service-b"))
    with pytest.raises(SetupError, match="wrong passphrase, or the file was damaged"):
        restore_keys(new, bent, kept.passphrase)
    bent.write_bytes(b"creditregistry/key-service-backup/v1\n{}\n")
    with pytest.raises(SetupError, match="is no backup"):
        restore_keys(new, bent, kept.passphrase)
    # What moves a terminal's cursor, and a pipe on which nobody writes.
    bent.write_bytes(data.replace(b"key-service-a", rb"key\u001b[2J", 1))
    with pytest.raises(SetupError, match="is no backup"):
        show_key_backup(bent)
    bent.unlink()
    os.mkfifo(bent)
    with pytest.raises(SetupError, match="no regular file"):
        show_key_backup(bent)
    assert not new.home.exists()
    shutil.copytree(kept.folder.home, new.home)
    (new.keys / "2.key").chmod(0o600)
    (new.keys / "2.key").write_bytes(bytes(32))
    with pytest.raises(SetupError, match=r"2\.key is another file already"):
        restore_keys(new, kept.file, kept.passphrase)
    wrong.chmod(0o644)
    with pytest.raises(FileError, match="readable for others"):
        restore_keys(new, kept.file, wrong)
    wrong.write_bytes(b"short")
    wrong.chmod(0o600)
    with pytest.raises(SetupError, match="12 to 1,023 bytes"):
        restore_keys(new, kept.file, wrong)


def test_a_restore_that_is_killed_at_any_step_is_finished_by_the_next_one(kept: Kept, tmp_path: Path) -> None:
    home = tmp_path / "restored"
    words = ("key", "restore", "--home", str(home), str(kept.file), "--passphrase-file", str(kept.passphrase))
    done = Programs(Path.cwd()).complete(module("tests.support.killed", "", str(home), "12", *words))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 1
    found = {name: data for name, data in files_of(home).items() if not Path(name).name.startswith(".")}
    assert found == files_of(kept.folder.home)
