"""``init`` makes a home whose enrolment file administrators can use, and says what to back up."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import KeyUsage, Role, TlsKeyAction
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Command(home)(*init_words())
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    ended = Command(home)(*init_words(), code=5)
    assert ended.reason == "CONFIG"
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("institution", ["Lender", "-x", "a" * 65])
def test_an_id_of_a_wrong_form_is_refused(tmp_path: Path, institution: str) -> None:
    words = [word if word != "lender-1" else institution for word in init_words()]
    words = [
        f"--institution={institution}" if word == "--institution" else word for word in words if word != institution
    ]
    assert Command(tmp_path / "home")(*words, code=5).reason == "CONFIG"


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
