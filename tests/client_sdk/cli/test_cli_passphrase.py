"""Private keys with a passphrase: made by init, asked for once a run, changed and taken off again."""

from __future__ import annotations

import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, ClientConfig
from client_sdk.auditing.auditor import Auditor
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.passphrase import PASSPHRASE_VARIABLE, is_encrypted
from tests.client_sdk.cli.command_samples import ASKING, id_number
from tests.client_sdk.cli.test_cli_init import init_words
from tests.support.command import Command
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

SECONDS = 60
OLD, NEW = "correct horse battery", "staple 短语 of the desk"


def file_with(folder: Path, passphrase: str, mode: int = 0o600) -> Path:
    file = folder / f"passphrase-{len(list(folder.glob('passphrase-*')))}"
    file.write_text(f"{passphrase}\n", "utf-8")
    file.chmod(mode)
    return file


def key_files(home: Path) -> list[Path]:
    return sorted([*(home / "keys").glob("*.pem"), *(home / "tls").glob("*key.pem")])


def encrypted(home: Path) -> set[bool]:
    return {is_encrypted(path.read_bytes()) for path in key_files(home)}


@pytest.fixture
def home(registry: TestRegistry, tmp_path: Path) -> Path:
    """A copy of a lender's home whose keys have the passphrase OLD."""
    home = tmp_path / "home"
    shutil.copytree(registry.home("lender-1"), home)
    Command(home)("key", "passphrase", "--new-passphrase-file", str(file_with(tmp_path, OLD)))
    return home


@pytest.fixture
def told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the environment names; it holds OLD."""
    file = file_with(tmp_path, OLD)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, str(file))
    return file


def typed(words: list[str], answers: list[str]) -> tuple[int, str]:
    """Run the command on a terminal, and type each answer once the terminal shows nothing of what is typed."""
    program = str(Path(sys.executable).with_name("credit-registry"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([program, *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    said = b""
    try:
        for answer in answers:
            wait_until(lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO)
            os.write(ours, f"{answer}\n".encode())
            # Its line was taken once the terminal is as it was, or the next question is there.
            while b"\n" not in (more := read_some(ours)):
                said += more
            said += more
        os.close(theirs)
        while more := read_some(ours):
            said += more
        return process.wait(SECONDS), said.decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_some(terminal: int) -> bytes:
    """What a terminal shows next; nothing once the program has ended."""
    ready, _, _ = select.select([terminal], [], [], SECONDS)
    assert ready
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_init_encrypts_every_key_under_a_passphrase_of_a_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = Command(home).said(*init_words(), "--passphrase-file", str(file_with(tmp_path, OLD)))
    assert PASSPHRASE_VARIABLE in said.out
    assert encrypted(home) == {True}
    assert {stat.S_IMODE(path.stat().st_mode) for path in key_files(home)} == {0o600}
    config = replace(ClientConfig.from_home(home), secret=lambda _: OLD.encode())
    assert config.signer(KeyUsage.REPORT).sign(b"message")
    assert b"BEGIN PRIVATE KEY" in config.tls_key_pem()


def test_init_asks_twice_on_a_terminal_and_shows_nothing_of_it(tmp_path: Path) -> None:
    words = ["--home", str(tmp_path / "home"), *init_words(), "--passphrase"]
    code, said = typed(words, [OLD, OLD])
    assert code == 0, said
    assert OLD not in said
    assert encrypted(tmp_path / "home") == {True}


@pytest.mark.parametrize(
    ("content", "mode"), [("short", 0o600), (OLD, 0o644), ("x" * 2000, 0o600), ("a b c d\ne f", 0o600)]
)
def test_a_file_that_holds_no_good_passphrase_is_refused_before_a_key_is_made(
    tmp_path: Path, content: str, mode: int
) -> None:
    file = file_with(tmp_path, content, mode)
    error = Command(tmp_path / "home")(*init_words(), "--passphrase-file", str(file), code=5).content["error"]
    assert content not in str(error)
    assert not (tmp_path / "home").exists()


def test_without_terminal_or_file_it_is_said_where_a_passphrase_comes_from(home: Path) -> None:
    error = Command(home)("status", code=2).content["error"]
    assert PASSPHRASE_VARIABLE in error["hint"]


def test_a_file_that_the_environment_names_opens_all_keys(home: Path, told: Path) -> None:
    assert encrypted(home) == {True}
    command = Command(home)
    assert command("status").content
    assert command(*ASKING, given=id_number(35_111)).content["verdict"] == "CLEAR"
    assert command("key", "list").content["keys"]


def test_it_is_asked_for_once_a_run(home: Path) -> None:
    code, said = typed(["--home", str(home), "key", "list"], [OLD])
    assert code == 0, said
    assert said.count("Passphrase of") == 1
    assert OLD not in said


def test_a_wrong_passphrase_is_told_as_such(home: Path, told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told.write_text("another passphrase")
    error = Command(home)("status", code=5).content["error"]
    assert "wrong passphrase" in error["message"]
    assert "another passphrase" not in str(error)


def test_further_keys_have_the_passphrase_too(home: Path, told: Path) -> None:
    command = Command(home)
    command("key", "add", "--usage", "REPORT")
    command("certificate", "request", "--new-key", "--out", str(home.parent / "request.json"))
    assert {path.name for path in key_files(home)} >= {"report-2.pem", "next-key.pem"}
    assert encrypted(home) == {True}


def test_a_certificate_is_renewed_for_a_new_key_with_the_passphrase(home: Path, told: Path) -> None:
    before = (home / "tls" / "key.pem").read_bytes()
    Command(home)("certificate", "renew", "--new-key")
    assert (home / "tls" / "key.pem").read_bytes() != before
    assert encrypted(home) == {True}
    assert Command(home)("status").content


def test_it_is_changed_and_taken_off(home: Path, told: Path, tmp_path: Path) -> None:
    command = Command(home)
    new = file_with(tmp_path, NEW)
    command("key", "passphrase", "--new-passphrase-file", str(new))
    assert "wrong passphrase" in command("status", code=5).content["error"]["message"]
    told.write_text(NEW, "utf-8")
    assert command("status").content
    command("key", "passphrase", "--remove")
    assert encrypted(home) == {False}
    told.unlink()
    assert command("status").content


def test_a_change_that_was_interrupted_is_finished_by_the_same_command(home: Path, told: Path, tmp_path: Path) -> None:
    first, *others = key_files(home)
    command, new = Command(home), str(file_with(tmp_path, NEW))
    before = {path: path.read_bytes() for path in others}
    command("key", "passphrase", "--new-passphrase-file", new)
    for path, data in before.items():
        path.write_bytes(data)
    assert first.read_bytes() not in before.values()
    command("key", "passphrase", "--new-passphrase-file", new)
    told.write_text(NEW, "utf-8")
    assert command("status").content


def test_a_first_passphrase_that_was_interrupted_is_finished_without_asking_for_another(
    home: Path, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, new = Command(home), str(file_with(tmp_path, NEW))
    command("key", "passphrase", "--remove")
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    clear = {path: path.read_bytes() for path in key_files(home)[1:]}
    command("key", "passphrase", "--new-passphrase-file", new)
    for path, data in clear.items():
        path.write_bytes(data)
    # What a killed run that takes a passphrase off leaves beside a key.
    left = [path.with_name(f".{path.name}.k3_9x.new") for path in clear]
    for path in left:
        path.write_bytes(b"a key under no passphrase")
    command("key", "passphrase", "--new-passphrase-file", new)
    assert encrypted(home) == {True}
    assert not any(path.exists() for path in left)


def test_nothing_is_written_where_one_key_cannot_be_opened(home: Path, told: Path, tmp_path: Path) -> None:
    (home / "keys" / "odd.pem").write_text("no key")
    (home / "keys" / "odd.pem").chmod(0o600)
    before = {path: path.read_bytes() for path in key_files(home)}
    new = str(file_with(tmp_path, NEW))
    assert (
        "odd.pem"
        in Command(home)("key", "passphrase", "--new-passphrase-file", new, code=5).content["error"]["message"]
    )
    assert {path: path.read_bytes() for path in key_files(home)} == before


def test_programs_give_a_passphrase_by_their_settings(
    registry: TestRegistry, home: Path, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ClientConfig.from_home(home)
    with pytest.raises(ConfigError, match="has a passphrase, and it was not given"):
        Client(config)
    with Client(replace(config, secret=lambda _: OLD.encode())) as client:
        assert client.status().key_services
    monkeypatch.setenv("CREDIT_REGISTRY_HOME", str(home))
    with Client(ClientConfig.from_env()) as client:
        assert client.status().key_services
    auditor = tmp_path / "auditor"
    shutil.copytree(registry.home("auditor"), auditor)
    Command(auditor)("key", "passphrase", "--new-passphrase-file", str(file_with(tmp_path, OLD)))
    with pytest.raises(ConfigError, match="was not given"):
        Auditor.from_home(auditor).audit()
    assert Auditor(replace(ClientConfig.from_home(auditor), secret=lambda _: OLD.encode())).audit().exit_code == 0
