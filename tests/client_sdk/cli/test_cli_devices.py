"""A lender and an administrator whose signing keys never leave a token or an agent: reporting, asking, acting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client_sdk.cli.command_samples import ASKING, id_number, report_words
from tests.client_sdk.cli.test_cli_ceremony import decide, wait_until_known
from tests.support.command import Command
from tests.support.devices import PIN, make_agent_key, make_token_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.token


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    file.chmod(0o600)
    return file


def test_a_lender_signs_with_keys_that_no_file_holds(
    registry: TestRegistry,
    member: Callable[[str], Command],
    tmp_path: Path,
    number: int,
    token: str,
    agent: str,
    pin_file: Path,
) -> None:
    assert agent
    home = tmp_path / "lender-device-1"
    lender = Command(home)
    report = f"{make_token_key(token, 'report')}&pin-source=file:{pin_file}"
    inquire = make_agent_key(tmp_path, "inquire")
    words = ("--institution", "lender-device-1", "--name", "D", "--licence", "L", "--role", "LENDER")
    at = ("--registry", registry.address, "--registry-name", registry.name)
    made = lender("init", *words, *at, "--device", f"REPORT={report}", "--device", f"inquire={inquire}").content
    assert made["devices"] == {"REPORT": report, "INQUIRE": inquire}
    assert made["keys"] == []
    assert made["back_up"] == [str(home / "record-id.secret")]
    assert not list(home.glob("keys/*"))

    enrolment = str(home / "lender-device-1.enrolment.json")
    decide(member, "institution", "--enrolment", enrolment)
    certificate = str(tmp_path / "lender-device-1.pem")
    member("admin-1")("certificate", "issue", "--enrolment", enrolment, "--out", certificate)
    lender("certificate", "install", certificate)
    lender("trust", "fetch", "--fingerprint", member("admin-1")("trust", "show").content["fingerprint"])
    wait_until_known(lender)
    lender(*report_words(number), "--yes", given=id_number(number))
    assert lender(*ASKING, given=id_number(number)).content["verdict"] == "LISTED"
    used = {key["usage"]: key["used_here"] for key in lender("key", "list").content["keys"]}
    assert used == {"REPORT": True, "INQUIRE": True}


def test_an_administrator_approves_with_a_key_of_a_token(
    member: Callable[[str], Command], token: str, pin_file: Path
) -> None:
    administrator = member("admin-3")
    uri = f"{make_token_key(token, 'administer')}&pin-source=file:{pin_file}"
    added = administrator("key", "add", "--usage", "ADMINISTER", "--device", uri).content
    assert added["key"] == uri
    again = administrator("key", "add", "--usage", "ADMINISTER", "--device", uri).content
    assert again["grant"] != added["grant"]
    decide(member, "key", "--grant", added["grant"])
    administrator("key", "use", "--usage", "ADMINISTER", uri)
    proposed = member("admin-1")(
        "act", "propose", "state", "--institution", "lender-2", "--status", "SUSPENDED", "--yes"
    )
    assert administrator("act", "approve", str(proposed.content["id"]), "--yes").content["logged"]
    proposed = administrator("act", "propose", "state", "--institution", "lender-2", "--status", "ACTIVE", "--yes")
    assert member("admin-2")("act", "approve", str(proposed.content["id"]), "--yes").content["logged"]


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("REPORT", "want USAGE=URI"),
        ("AUDIT=ssh-agent:SHA256:a", "AUDIT is no usage of these roles"),
        ("REPORT=file:keys/mine.pem", "keys in files are made here"),
        ("REPORT=vault:mine", "unknown scheme: vault; want file, pkcs11, ssh-agent"),
        ("REPORT=pkcs11:token=a;object=b?module-path=/m.so&pin-value=1", "pin-value is refused"),
    ],
)
def test_a_device_that_cannot_be_used_leaves_no_home(tmp_path: Path, device: str, message: str) -> None:
    home = tmp_path / "home"
    words = ("--institution", "lender-device-2", "--name", "D", "--licence", "L", "--role", "LENDER")
    at = ("--registry", "registry.example:7443", "--registry-name", "example")
    said = Command(home).said("init", *words, *at, "--device", device, code=None)
    assert said.code != 0
    assert message in " ".join(said.err.split())
    assert not home.exists()


def test_one_key_for_two_usages_is_refused(tmp_path: Path, agent: str) -> None:
    assert agent
    uri = make_agent_key(tmp_path, "both")
    words = ("--institution", "lender-device-3", "--name", "D", "--licence", "L", "--role", "LENDER")
    at = ("--registry", "registry.example:7443", "--registry-name", "example")
    both = ("--device", f"REPORT={uri}", "--device", f"INQUIRE={uri}")
    said = Command(tmp_path / "home").said("init", *words, *at, *both, code=None)
    assert "want another key for each usage" in said.err


def test_a_pin_without_a_terminal_is_told_where_to_come_from(token: str, tmp_path: Path) -> None:
    uri = make_token_key(token, "report")
    words = ("--institution", "lender-device-4", "--name", "D", "--licence", "L", "--role", "LENDER")
    at = ("--registry", "registry.example:7443", "--registry-name", "example")
    said = Command(tmp_path / "home").said("init", *words, *at, "--device", f"REPORT={uri}", code=None)
    assert said.code == 2
    assert "pin-source=file:/PATH" in said.err
