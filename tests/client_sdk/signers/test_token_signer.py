"""Keys in a real PKCS#11 token (SoftHSM) sign, and stay there."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.keys import verify
from client_sdk.signing import open_signer
from tests.support.devices import MODULE, PIN, make_token_key

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.signing import SecretPrompt

pytestmark = pytest.mark.token


def test_a_key_of_a_token_signs_what_its_public_key_verifies(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    signer = open_signer(make_token_key(token, "report"), tmp_path, pin)
    for message in (b"", b"message", bytes(300_000)):
        verify(signer.public_key.raw, message, signer.sign(message))


def test_a_pin_is_asked_for_once_whatever_number_of_keys_a_process_uses(token: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def pin(uri: str) -> bytes:
        asked.append(uri)
        return PIN.encode()

    report, inquire = make_token_key(token, "report"), make_token_key(token, "inquire", key_id="02")
    signers = [open_signer(uri, tmp_path, pin) for uri in (report, inquire, report)]
    assert asked == [report]
    assert signers[0].public_key == signers[2].public_key != signers[1].public_key


def test_a_file_of_mode_0600_may_hold_the_pin(token: str, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    uri = f"{make_token_key(token, 'report')}&pin-source=file:{file}"
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="its mode must be 0600"):
        open_signer(uri, tmp_path)
    file.chmod(0o600)
    signer = open_signer(uri, tmp_path)
    verify(signer.public_key.raw, b"message", signer.sign(b"message"))


def test_a_wrong_pin_is_tried_once_and_shown_nowhere(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    named = make_token_key(token, "report")
    tried: list[str] = []

    def wrong(uri: str) -> bytes:
        tried.append(uri)
        return b"97531"

    with pytest.raises(ConfigError, match="wrong PIN") as refused:
        open_signer(named, tmp_path, wrong)
    assert tried == [named]
    assert "97531" not in str(refused.value)
    assert open_signer(named, tmp_path, pin).sign(b"message")


def test_a_pin_that_the_token_has_refused_never_reaches_it_again(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    report, inquire = make_token_key(token, "report"), make_token_key(token, "inquire", key_id="02")
    file = tmp_path / "pin"
    file.touch(0o600)
    file.write_text("97531\n")
    with pytest.raises(ConfigError, match="wrong PIN"):
        open_signer(f"{report}&pin-source=file:{file}", tmp_path)
    for uri in (report, inquire):
        with pytest.raises(ConfigError, match="has refused this PIN, and it is not tried again") as refused:
            open_signer(f"{uri}&pin-source=file:{file}", tmp_path)
        assert "97531" not in str(refused.value)
    with pytest.raises(ConfigError, match="wrong PIN"):
        open_signer(report, tmp_path, lambda _: b"86420")
    assert open_signer(inquire, tmp_path, pin).sign(b"message")


@pytest.mark.parametrize("given", [b"", b"\xff\xfe", b"9" * 300])
def test_what_can_be_no_pin_never_reaches_the_token(token: str, tmp_path: Path, given: bytes) -> None:
    with pytest.raises(ConfigError, match="a PIN is one line"):
        open_signer(make_token_key(token, "report"), tmp_path, lambda _: given)


def test_what_cannot_be_found_is_told_by_name(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    make_token_key(token, "report")
    missing = {
        f"pkcs11:token={token};object=other?module-path={MODULE}": "the token has no such key",
        f"pkcs11:token=none-such;object=report?module-path={MODULE}": "no such token",
        f"pkcs11:token={token};object=report?module-path={tmp_path}/none.so": "there is no PKCS#11 library",
        f"pkcs11:token={token};object=report": "name the PKCS#11 library",
    }
    for uri, message in missing.items():
        with pytest.raises(ConfigError, match=message):
            open_signer(uri, tmp_path, pin)
    other = tmp_path / "other.so"
    other.write_text("no library")
    with pytest.raises(ConfigError, match="OS exception while loading"):
        open_signer(f"pkcs11:token={token};object=report?module-path={other}", tmp_path, pin)


def test_a_pin_that_is_not_given_is_asked_for(token: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wants a PIN, and it was not given"):
        open_signer(make_token_key(token, "report"), tmp_path)


def test_a_key_of_another_kind_is_refused(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    with pytest.raises(ConfigError, match="no such key"):
        open_signer(make_token_key(token, "ecdsa", "EC:prime256v1"), tmp_path, pin)


def test_several_keys_of_one_label_are_told_apart_by_id(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    uri = make_token_key(token, "report")
    make_token_key(token, "report", key_id="02")
    with pytest.raises(ConfigError, match="several such keys: name one by id="):
        open_signer(uri, tmp_path, pin)
    assert open_signer(uri.replace("?", ";id=%02?"), tmp_path, pin).sign(b"message")


def test_threads_sign_with_one_token_at_once(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    signers = [
        open_signer(make_token_key(token, label, key_id=number), tmp_path, pin)
        for label, number in (("report", "01"), ("inquire", "02"))
    ]
    wrong: list[object] = []

    def sign(number: int) -> None:
        signer = signers[number % 2]
        for turn in range(50):
            message = f"{number}.{turn}".encode()
            try:
                verify(signer.public_key.raw, message, signer.sign(message))
            except Exception as error:  # noqa: BLE001 - shown below
                wrong.append(error)

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_child_of_fork_logs_in_by_itself(token: str, tmp_path: Path, pin: SecretPrompt) -> None:
    uri = make_token_key(token, "report")
    key = open_signer(uri, tmp_path, pin).public_key.raw
    child = os.fork()
    if child == 0:
        code = 1
        try:
            verify(key, b"message", open_signer(uri, tmp_path, pin).sign(b"message"))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    verify(key, b"message", open_signer(uri, tmp_path, pin).sign(b"message"))
