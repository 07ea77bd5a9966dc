"""Slips at the commands of both servers: the option or file, what was got and wanted, and what to do are told."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from registry_server.cli.main import main
from registry_server.subject_key_service import commands
from tests.registry_server.cli.test_cli_registry_server import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Told = Callable[..., str]

URL = ("--name", "key-service-a", "--url", "127.0.0.1:7501")


@pytest.fixture
def key_service(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run ``subject-key-service``; return what it tells on its way out."""

    def command(*words: str | Path, status: int = 2) -> str:
        with pytest.raises(SystemExit) as ended:
            commands.run([str(word) for word in words])
        told = capsys.readouterr().err
        assert ended.value.code == status, told
        return told

    return command


@pytest.fixture
def registry(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Run ``registry-server``; return what it tells on its way out."""
    umask = os.umask(0o077)

    def command(*words: str | Path, status: int = 2) -> str:
        monkeypatch.setattr(sys, "argv", ["registry-server", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code == status, said
        return said.err if status else said.out + said.err

    yield command
    # The program sets its own.
    os.umask(umask)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (("--name", "key service", "--url", "127.0.0.1:7501"), "--name: want 1 to 64 lower-case letters"),
        (("--name", "a", "--url", "127.0.0.1"), "--url: want HOST:PORT, such as 127.0.0.1:7443 (got no port)"),
        (("--name", "a", "--url", "https://a.example:1"), "--url: want HOST:PORT, such as 127.0.0.1:7443 (got a URL"),
        (("--name", "a", "--url", "a.example:0"), "--url: want the port at which members reach it (got 0)"),
        ((*URL, "--listen", "localhost:99999"), "--listen: want HOST:PORT, such as 127.0.0.1:7443 (got a port above"),
        ((*URL, "--listen", "[::1:7501"), "--listen: want HOST:PORT, such as 127.0.0.1:7443 (got no host name"),
        ((*URL, "--poll-seconds", "500"), "--poll-seconds: Input should be less than or equal to 120"),
    ],
)
def test_an_option_of_a_new_key_service_is_named(
    key_service: Told, tmp_path: Path, words: tuple[str, ...], want: str
) -> None:
    told = key_service("init", "--home", tmp_path / "new", *words)
    assert told.startswith(f"subject-key-service: {want}")
    assert told.splitlines()[-1] == "What to do: correct what is named, and run the same command again."
    assert not (tmp_path / "new").exists()


def test_a_folder_without_a_key_service_and_one_that_is_not_installed(key_service: Told, tmp_path: Path) -> None:
    for command in ("serve", "status"):
        told = key_service(command, "--home", tmp_path / "nosuch")
        assert "nosuch/service.toml cannot be read" in told
        assert "What to do: name the folder of a key service by --home" in told
    key_service("init", "--home", tmp_path / "a", *URL, status=0)
    assert "What to do: run `subject-key-service install`" in key_service("serve", "--home", tmp_path / "a")
    assert "What to do: name a new folder" in key_service("init", "--home", tmp_path / "a", *URL)
    settings = tmp_path / "a" / "service.toml"
    settings.write_text(settings.read_text() + 'lisen = "127.0.0.1:1"\n')
    told = key_service("status", "--home", tmp_path / "a")
    assert told.startswith(f"subject-key-service: {settings}: lisen: unknown setting, the nearest one is listen\n")


def test_files_that_a_key_service_cannot_install_are_named(key_service: Told, site: Site) -> None:
    site.found()
    home, public = site.folder / "key-service-a", site.home / "public"
    files = {
        "--certificate": public / "certificates" / "key-service-a.pem",
        "--ca": public / "ca.pem",
        "--trust-root": public / "trust-root.bin",
    }
    wrong = {
        "--trust-root": public / "ca.pem",
        "--certificate": public / "certificates" / "key-service-b.pem",
        "--ca": public / "certificates" / "key-service-b.pem",
    }
    for option in files:
        given = [word for pair in (files | {option: wrong[option]}).items() for word in pair]
        told = key_service("install", "--home", home, *given, "--registry", "127.0.0.1:1")
        assert told.startswith("subject-key-service: --" if option == "--ca" else f"subject-key-service: {option}: ")
        assert "\nWhat to do: give " in told
    given = [word for pair in files.items() for word in pair]
    told = key_service("install", "--home", home, *given, "--registry", "127.0.0.1")
    assert told.startswith("subject-key-service: --registry: want HOST:PORT")


@pytest.mark.parametrize("address", ["localhost:99999", "127.0.0.1", "https://127.0.0.1:7443"])
def test_a_wrong_address_leaves_no_folder(registry: Told, site: Site, address: str) -> None:
    told = registry(*site.words(), "--listen", address)
    assert told.startswith("registry-server: the command line: listen: want HOST:PORT, such as 127.0.0.1:7443 (got ")
    assert not site.home.exists()


def test_files_of_founders_are_named_and_nothing_stays_behind(registry: Told, site: Site) -> None:
    administrator = site.folder / "admin-1" / "admin-1.enrolment.json"
    service = site.key_services[0]
    told = registry(*site.words(), "--key-service", administrator)
    assert told.startswith(
        f"registry-server: --key-service {administrator}: creditregistry key-service: file.form (got "
    )
    assert "(got creditregistry enrolment v1, want creditregistry key-service v1)" in told
    told = registry(*site.words(), "--administrator", administrator)
    assert told.startswith(f"registry-server: --administrator {administrator}: of admin-1, as {administrator} is\n")
    told = registry(*site.words(), "--key-service", service)
    assert told.startswith(f"registry-server: --key-service {service}: of key-service-a, as {service} is\n")
    told = registry(*site.words(), "--registry", "exampel")
    assert "KEY_NOT_POSSESSED" in told
    assert "compare --registry with the `--registry-name`" in told
    assert "What to do: give --administrator for each" in registry(*site.words(threshold=5))
    told = registry("init", "--home", site.home, "--registry", "example")
    assert told.startswith("registry-server: init without --administrator, --key-service\nWhat to do: ")
    assert not site.home.exists()


def test_what_was_in_the_folder_stays_where_founding_fails(registry: Told, site: Site) -> None:
    site.home.mkdir(mode=0o700)
    (site.home / "notes.txt").write_text("ours")
    registry(*site.words(), "--registry", "exampel")
    assert [path.name for path in site.home.iterdir()] == ["notes.txt"]


def test_a_registry_on_its_way_says_how_far_it_is(registry: Told, site: Site) -> None:
    site.home = site.folder / "reg 2"
    del site.key_services[1]
    told = registry(*site.words(), status=0)
    assert f"then: registry-server init --home '{site.home}' --finish" in told
    assert "remark: with one key service alone" in told
    told = registry("init", "--home", site.home, "--finish")
    assert "(got 0, want 2)" in told
    assert "What to do: let as many administrators as are wanted run `credit-registry --home THEIRS act approve" in told
    told = registry(*site.words())
    assert "a registry whose genesis act is not logged yet\nWhat to do: let its administrators approve" in told
    assert "delete the folder" in told
    site.approve("admin-1", "admin-2")
    registry("init", "--home", site.home, "--finish", status=0)
    assert "the folder holds a registry\nWhat to do: name a new folder by --home." in registry(*site.words())
    enrolment = site.folder / "admin-1" / "admin-1.enrolment.json"
    told = registry("certify", "--home", site.home, enrolment)
    assert told.startswith(f"registry-server: FILE {enrolment}: creditregistry key-service: file.form (got ")
    settings = site.home / "registry.toml"
    settings.write_text(settings.read_text() + 'lisen = "127.0.0.1:1"\n')
    told = registry("fsck", "--home", site.home)
    assert told.startswith(f"registry-server: {settings}: lisen: unknown setting, the nearest one is listen\n")
    assert "What to do: name the registry's folder" in registry("fsck", "--home", site.folder / "nosuch")
