"""Settings, keys and the home folder: what is not in order is refused before anything is sent."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError
from client_sdk.home import create_home, install_certificate, install_trust_root, replay_key
from client_sdk.kernel.formats.keys import Ed25519Signer, Signer, verify
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.models import WitnessDemand
from client_sdk.signing import SecretPrompt, create_signing_key, open_signer
from tests.support.troubles import FEW_BYTES, small_files_only

ARGUMENTS: dict[str, Any] = {
    "institution": "lender-1",
    "registry": "127.0.0.1:7443",
    "name": "example",
    "licence_number": "L-1",
    "display_name": "Lender",
    "roles": (Role.LENDER,),
}


def make(home: Path, *roles: Role) -> EnrolmentFile:
    return create_home(home, **(ARGUMENTS | {"roles": roles or (Role.LENDER,)}))


def test_a_home_holds_what_a_lender_needs_and_nobody_else_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "lender-1"
    file = make(home)
    config = ClientConfig.from_home(home)
    assert (config.institution, config.registry, config.name) == ("lender-1", "127.0.0.1:7443", "example")
    assert set(config.keys) == {KeyUsage.REPORT, KeyUsage.INQUIRE}
    assert len(config.record_secret()) == 32
    for path in home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    enrolled = {grant.usage: grant.public_key for grant in file.enrolment.keys}
    assert enrolled == {usage: config.signer(usage).public_key.raw for usage in config.keys}
    assert EnrolmentFile.parse((home / "lender-1.enrolment.json").read_bytes()) == file


def test_every_key_of_a_home_that_is_named_from_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "lender-1")
    make(tmp_path / "auditor", Role.AUDITOR)
    monkeypatch.chdir(tmp_path)
    near, far = ClientConfig.from_home("lender-1"), ClientConfig.from_home(tmp_path / "lender-1")
    for usage in near.keys:
        assert near.signer(usage).public_key == far.signer(usage).public_key
    near, far = ClientConfig.from_home("auditor"), ClientConfig.from_home(tmp_path / "auditor")
    assert replay_key(near) == replay_key(near) == replay_key(far)


@pytest.mark.parametrize(
    "wrong",
    [
        {"institution": "Lender"},
        {"institution": None},
        {"registry": "nowhere"},
        {"registry": 7443},
        {"name": ""},
        {"name": "\ud800"},
        {"licence_number": ""},
        {"licence_number": 7},
        {"display_name": "Len\u202eder"},
        {"display_name": "L" * 100_000},
        {"roles": ()},
        {"roles": ("BANK",)},
    ],
    ids=str,
)
def test_a_home_that_is_refused_leaves_nothing_behind(wrong: dict[str, Any], tmp_path: Path) -> None:
    home = tmp_path / "lender-1"
    with pytest.raises(ConfigError):
        create_home(home, **(ARGUMENTS | wrong))
    assert not list(tmp_path.iterdir())
    create_home(home, **ARGUMENTS)


@pytest.mark.parametrize("taken", ["lender-1.enrolment.json", "keys/inquire.pem", "tls/key.pem", "record-id.secret"])
def test_a_file_that_is_there_is_kept_and_no_other_is_written_beside_it(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True, mode=0o700)
    (tmp_path / taken).write_bytes(b"before")
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigError, match="exists already"):
        make(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / taken]
    assert (tmp_path / taken).read_bytes() == b"before"


def test_a_disk_that_takes_no_more_leaves_no_file_of_a_home(tmp_path: Path) -> None:
    home = tmp_path / "lender-1"
    arguments = ARGUMENTS | {"display_name": "L" * FEW_BYTES}
    with small_files_only(), pytest.raises(ConfigError, match="cannot be written"):
        create_home(home, **arguments)
    assert not [path for path in home.rglob("*") if path.is_file()]
    create_home(home, **arguments)


def test_the_request_names_the_institution(tmp_path: Path) -> None:
    request = x509.load_pem_x509_csr(make(tmp_path / "home").csr)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["creditregistry:institution:lender-1"]
    assert request.subject.rfc4514_string() == "CN=lender-1"
    assert request.is_signature_valid


def test_roles_decide_the_keys(tmp_path: Path) -> None:
    make(tmp_path / "a", Role.ADMINISTRATOR)
    make(tmp_path / "b", Role.AUDITOR)
    assert set(ClientConfig.from_home(tmp_path / "a").keys) == {KeyUsage.ADMINISTER}
    auditor = ClientConfig.from_home(tmp_path / "b")
    assert set(auditor.keys) == {KeyUsage.AUDIT}
    with pytest.raises(ConfigError, match="no key for REPORT"):
        auditor.signer(KeyUsage.REPORT)
    with pytest.raises(ConfigError, match=r"record-id\.secret"):
        auditor.record_secret()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(ConfigError, match="exists already"):
        make(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "keys" / "report.pem").chmod(0o640)
    with pytest.raises(ConfigError, match="readable for others"):
        ClientConfig.from_home(tmp_path).signer(KeyUsage.REPORT)


def test_an_encrypted_key_asks_for_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    encryption = BestAvailableEncryption(b"secret")
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    asked: list[str] = []

    def passphrase(uri: str) -> bytes:
        asked.append(uri)
        return b"secret"

    signer = open_signer("file:key.pem", tmp_path, passphrase)
    verify(signer.public_key.raw, b"message", signer.sign(b"message"))
    assert asked == ["file:key.pem"]
    with pytest.raises(ConfigError, match="has a passphrase, and it was not given"):
        open_signer("file:key.pem", tmp_path)
    with pytest.raises(ConfigError, match="wrong passphrase"):
        open_signer("file:key.pem", tmp_path, lambda _: b"wrong")


def test_opening_an_encrypted_key_deletes_what_a_killed_run_left_of_it_in_clear(tmp_path: Path) -> None:
    path = tmp_path / "key[1].pem"
    create_signing_key(path, b"a passphrase")
    left, in_work, other = (tmp_path / f".{name}.new" for name in ("key[1].pem.k3_9x", "key[1].pem.k4_2z", "key.pem.k"))
    for draft in (left, in_work, other):
        create_signing_key(draft)
    os.utime(left, (1, 1))
    os.utime(other, (1, 1))
    open_signer(f"file:{path.name}", tmp_path, lambda _: b"a passphrase")
    assert not left.exists()
    assert in_work.exists()
    assert other.exists()


def test_a_further_scheme_opens_its_own_keys(tmp_path: Path) -> None:
    signer = Ed25519Signer.generate()

    def open_module(uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
        assert (uri, home, secret) == ("module:slot-1", tmp_path, None)
        return signer

    assert open_signer("module:slot-1", tmp_path, schemes={"module": open_module}) is signer
    for uri in ("module:slot-1", "keys/report.pem"):
        with pytest.raises(ConfigError, match="unknown scheme"):
            open_signer(uri, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "institution is missing"),
        ('institution = "a"\nregistry = "h:1"', "name is missing"),
        ('institution = "A"\nregistry = "h:1"\nname = "r"', "institution"),
        ('institution = "a"\nregistry = "nowhere"\nname = "r"', "host:port"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\nextra = 1', "unknown settings: extra"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\n[keys]\nsign = "file:x"', "must be report"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\n[limits]\ndeadline = "1"', "must be seconds"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\n[limits]\nmax_age = 0', "above 0"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\nwitnessed = "always"', "strict, follow_up, none"),
        ('institution = "a"\nregistry = "h:1"\nname = "r"\nrole = "LENDER"', "REPRESENTATIVE, or left out"),
        ('institution = "a"\nregistry = "h:1"\nname = "r\ufe0f"', "name: got a character that shows nothing, want"),
        ('institution = "a"\nregistry = "h:1"\nname = "r\\u2028"', "name: got a control character or a line break"),
        ('institution = "a"\nregistry = "h:1"\nname = 1', "name must be a text"),
        (
            'institution = "a"\nregistry = "h:1"\nname = "r"\n[keys]\nreport = "file:a\ufe0f"',
            "the URI of the REPORT key: got a character that shows nothing",
        ),
        ("institution =", "no TOML"),
    ],
)
def test_settings_that_are_not_in_order(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        ClientConfig.from_home(tmp_path)


def test_settings_are_written_as_they_are_read(tmp_path: Path) -> None:
    config = ClientConfig(
        institution="lender-1",
        registry="[::1]:7443",
        name='odd "name"',
        home=tmp_path,
        keys={KeyUsage.REPORT: "file:keys/report.pem"},
        max_age=60.0,
        witnessed=WitnessDemand.STRICT,
    )
    (tmp_path / "config.toml").write_text(config.to_toml())
    assert ClientConfig.from_home(tmp_path) == config
    assert config.roles == {Role.LENDER}
    speaking = replace(config, role=Role.REPRESENTATIVE)
    (tmp_path / "config.toml").write_text(speaking.to_toml())
    assert ClientConfig.from_home(tmp_path) == speaking
    assert speaking.roles == {Role.REPRESENTATIVE}


def test_the_members_guide_names_every_limit_with_what_it_is_unless_set(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml config.toml\n(.*?)```", Path("docs/members.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "config.toml").write_text('institution = "lender-1"\nregistry = "h:1"\nname = "example"\n' + block)
    unset = ClientConfig(institution="lender-1", registry="h:1", name="example", home=tmp_path)
    assert ClientConfig.from_home(tmp_path) == unset
    assert re.findall(r"^(\w+) = \d", block, re.MULTILINE) == [
        *("deadline", "batch_deadline", "max_age", "replay_max_lag")
    ]


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path)
    monkeypatch.setenv("CREDIT_REGISTRY_HOME", str(tmp_path))
    assert ClientConfig.from_env() == ClientConfig.from_home(tmp_path)
    monkeypatch.setenv("CREDIT_REGISTRY_ADDRESS", "elsewhere:1")
    assert ClientConfig.from_env().registry == "elsewhere:1"


def test_a_trust_root_needs_its_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no trust root"):
        install_trust_root(tmp_path, b"something", "00")
    assert not (tmp_path / "trust-root.bin").exists()


def test_a_certificate_is_replaced(tmp_path: Path) -> None:
    install_certificate(tmp_path, b"old", b"ca")
    install_certificate(tmp_path, b"new")
    assert (tmp_path / "tls" / "certificate.pem").read_bytes() == b"new"
    assert (tmp_path / "tls" / "ca.pem").read_bytes() == b"ca"
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["ca.pem", "certificate.pem"]
