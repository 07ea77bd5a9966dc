"""``init`` makes a home whose enrolment file administrators can use, and says what to back up."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from client_sdk.cli import app
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import KeyUsage, Role, TlsKeyAction
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from tests.support.command import Command
from tests.support.tls import Authority


def init_words(role: str = "LENDER", institution: str = "lender-1") -> tuple[str, ...]:
    return (
        *("init", "--institution", institution, "--name", "一号银行", "--licence", "L-1", "--role", role),
        *("--registry", "registry.example:7443", "--registry-name", "example"),
    )


@pytest.mark.parametrize(
    ("role", "usages"),
    [
        ("lender", {KeyUsage.REPORT, KeyUsage.INQUIRE}),
        ("AUDITOR", {KeyUsage.AUDIT}),
        ("ADMINISTRATOR", {KeyUsage.ADMINISTER}),
    ],
)
def test_a_home_has_a_key_for_each_thing_its_role_signs(tmp_path: Path, role: str, usages: set[KeyUsage]) -> None:
    home = tmp_path / "home"
    told = Command(home)(*init_words(role)).content
    file = EnrolmentFile.parse((home / "lender-1.enrolment.json").read_bytes())
    assert {grant.usage for grant in file.enrolment.keys} == usages
    assert file.enrolment.roles == (Role[role.upper()],)
    claim, request = file.vouch.claim, x509.load_pem_x509_csr(file.csr)
    assert (claim.institution, claim.action) == ("lender-1", TlsKeyAction.VOUCH)
    assert claim.spki_hash == spki_hash(request.public_key())
    assert file.vouch.key_id in {grant.key_id for grant in file.enrolment.keys}
    assert (told["record_id_secret"] is not None) is (role == "lender")


def test_nobody_else_may_read_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Command(home)(*init_words())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    private = [*(home / "keys").iterdir(), home / "tls" / "key.pem", home / "record-id.secret", home / "config.toml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_what_must_be_backed_up_is_said(tmp_path: Path) -> None:
    said = Command(tmp_path / "home").said(*init_words()).out
    assert "BACK UP NOW" in said
    assert str(tmp_path / "home" / "keys") in said
    assert "record-id.secret" in said


def test_a_next_step_reaches_the_home_that_was_named(tmp_path: Path) -> None:
    home = tmp_path / "home 1"
    here = f"credit-registry --home '{home}'"
    command = Command(home)
    assert f"{here} trust fetch" in command.said(*init_words()).out
    told = " ".join(command.said("key", "add", "--usage", "REPORT").out.split())
    assert "credit-registry --home DIR act propose key --grant lender-1.report-2.key.json" in told
    assert f"{here} key use --usage REPORT keys/report-2.pem" in told
    told = command.said("certificate", "request", "--out", str(tmp_path / "r.json")).out
    assert "credit-registry --home DIR certificate issue --request r.json" in told


def test_a_certificate_of_another_and_a_wrong_passphrase_say_what_to_do(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.ca)
    Command(other)(*init_words(institution="lender-2"))
    file = EnrolmentFile.parse((other / "lender-2.enrolment.json").read_bytes())
    (tmp_path / "other.pem").write_bytes(authority.certify(file.csr))
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("correct horse battery staple")
    Command(home)(*init_words(), "--passphrase-file", str(secret))
    secret.write_text("another horse battery staple")
    for name in ("ca.pem", "other.pem"):
        refused = Command(home)(
            "certificate", "install", str(tmp_path / name), "--ca", str(tmp_path / "ca.pem"), code=5
        )
        assert "certificate request --out FILE" in refused.content["error"]["hint"]
    env = {"CREDIT_REGISTRY_PASSPHRASE_FILE": str(secret)}
    words = ["--home", str(home), "--json", "certificate", "request", "--out", str(tmp_path / "r.json")]
    told = json.loads(CliRunner().invoke(app, words, env=env).stdout)["error"]
    assert "wrong passphrase" in told["message"]
    assert told["hint"].startswith("type it again")


def test_a_name_that_no_witness_can_have_is_named_as_the_option(tmp_path: Path) -> None:
    ended = Command(tmp_path)("witness", "init", str(tmp_path / "w"), "--name", "lender 1", code=2)
    assert ended.content["error"]["message"].startswith("--name: ")


def test_a_home_that_nobody_named_is_told(tmp_path: Path) -> None:
    env = {"CREDIT_REGISTRY_HOME": "", "XDG_CONFIG_HOME": str(tmp_path)}
    done = CliRunner().invoke(app, init_words(), env=env)
    assert done.exit_code == 0
    told = " ".join(done.stderr.split())
    assert "No --home and no CREDIT_REGISTRY_HOME: the home is made in" in told
    assert (tmp_path / "credit-registry" / "config.toml").exists()


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Command(home)(*init_words())
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    ended = Command(home)(*init_words(), code=5)
    assert ended.reason == "CONFIG"
    assert "init" not in ended.content["error"]["hint"]
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("institution", ["Lender", "-x", "a" * 65])
def test_an_id_of_a_wrong_form_is_refused(tmp_path: Path, institution: str) -> None:
    words = [word if word != "lender-1" else institution for word in init_words()]
    words = [
        f"--institution={institution}" if word == "--institution" else word for word in words if word != institution
    ]
    assert Command(tmp_path / "home")(*words, code=2).reason == "USAGE"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("option", "wrong", "want"),
    [
        ("--role", "BANK", "want one of LENDER, AUDITOR, ADMINISTRATOR"),
        ("--registry", "registry.example", "want HOST:PORT"),
        ("--registry-name", "an example", "want letters, digits"),
        ("--name", "two\nlines", "want no control characters, no line breaks"),
        ("--name", "First\ufe0fLender", "want characters that are seen, got"),
        ("--name", "First \U0001fae8 Lender", "want characters that Unicode 14.0 assigns, got"),
        ("--name", "First\u2028Lender", "want no control characters, no line breaks"),
        ("--licence", "\x07", "want no control characters, no line breaks"),
    ],
)
def test_an_option_of_a_wrong_form_is_named_with_what_it_takes(
    tmp_path: Path, option: str, wrong: str, want: str
) -> None:
    words = list(init_words())
    words[words.index(option) + 1] = wrong
    error = Command(tmp_path / "home")(*words, code=2).content["error"]
    assert error["message"].startswith(f"{option}: {want}")
    assert not (tmp_path / "home").exists()


def test_questions_leave_the_one_document_of_json_as_it_is(tmp_path: Path) -> None:
    words = list(init_words())
    del words[words.index("--name") : words.index("--name") + 2]
    program = str(Path(sys.executable).with_name("credit-registry"))
    leader, follower = pty.openpty()
    os.write(leader, b"First Lender\n")
    command = [program, "--json", "--home", str(tmp_path / "home"), *words]
    ended = subprocess.run(command, stdin=follower, capture_output=True, check=True, timeout=120)
    os.close(follower)
    os.close(leader)
    assert json.loads(ended.stdout)["institution"] == "lender-1"
    assert "Name of the institution" in ended.stderr.decode()


def test_each_question_is_asked_again_until_its_answer_has_the_right_form(tmp_path: Path) -> None:
    typed = [
        ("Institution id", "lender 9", "lender-9"),
        ("Name of the institution", "\x16\x07", "Ninth Lender"),
        ("Number of its licence", "\x16\x07", "L-9"),
        ("Role", "BANK", "lender"),
        ("Address of the registry", "nowhere", "127.0.0.1:7443"),
        ("Name of the registry", "an example", "example"),
    ]
    words = [str(Path(sys.executable).with_name("credit-registry")), "--home", str(tmp_path / "home"), "init"]
    leader, follower = pty.openpty()
    with subprocess.Popen(words, stdin=follower, stdout=follower, stderr=follower, close_fds=True) as running:
        os.close(follower)
        shown = ""

        def wait_for(text: str) -> None:
            nonlocal shown
            while text not in shown:
                ready, _, _ = select.select([leader], [], [], 60)
                assert ready, shown
                shown += os.read(leader, 4096).decode()
            shown = shown.partition(text)[2]

        for question, wrong, right in typed:
            wait_for(question)
            os.write(leader, f"{wrong}\n".encode())
            wait_for("Error: want")
            wait_for(question)
            os.write(leader, f"{right}\n".encode())
        wait_for("BACK UP NOW")
        wait_for(f"credit-registry --home {tmp_path / 'home'} status")
        assert running.wait(timeout=60) == 0
    os.close(leader)
    file = EnrolmentFile.parse((tmp_path / "home" / "lender-9.enrolment.json").read_bytes())
    assert file.enrolment.name == "Ninth Lender"


def test_a_folder_that_is_open_to_others_is_taken_only_where_it_is_empty(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    kept = home / "not-ours"
    kept.touch()
    refused = Command(home)(*init_words(), code=None)
    assert refused.code != 0
    assert "not empty" in str(refused.content["error"])
    assert [*home.iterdir()] == [kept]
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    kept.unlink()
    Command(home)(*init_words())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
