"""Certificates that are renewed while clients run: registry and key services are shown the new ones at once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from cryptography import x509

from client_sdk import Client, Purpose, Verdict, written_consent
from client_sdk._transport import tls as tls_module
from client_sdk._transport.channels import TlsMaterial
from client_sdk.acts import TlsKeyBody
from client_sdk.aio import AsyncClient
from client_sdk.errors import RefusedError
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import KeyUsage, KeyUse
from client_sdk.key_client import KeyClient
from tests.client_sdk.sdk_samples import person
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from client_sdk import ClientConfig
    from client_sdk.acts import Directory
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


def hash_of(config: ClientConfig) -> bytes:
    return spki_hash(x509.load_pem_x509_certificates(config.tls_certificate.read_bytes())[0].public_key())


def is_clear(client: Client) -> bool:
    answer = client.check(person(800), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    return answer.verdict is Verdict.CLEAR


async def is_clear_in_a_loop(client: AsyncClient) -> bool:
    answer = await client.check(person(800), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    return answer.verdict is Verdict.CLEAR


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except RefusedError as error:
        return error.reason == "TLS_KEY_REVOKED"
    return False


class Old:
    """The TLS key that a member had, with a client that still shows it."""

    def __init__(self, config: ClientConfig, folder: Path) -> None:
        self.spki_hash = hash_of(config)
        self._config = replace(config, home=shutil.copytree(config.home, folder / "copy of the home"))
        self._tls = TlsMaterial.from_folder(config.tls_key.parent)

    def end(self, registry: TestRegistry, directory: Directory) -> None:
        """Let the administrators end it, and wait until registry and key services refuse it."""
        body = TlsKeyBody(self._config.institution, self.spki_hash, "theft")
        if not registry.client("admin-1").propose(body).logged:
            second = registry.client("admin-2")
            (waiting,) = second.proposals()
            second.approve(waiting)
        with Client(self._config) as client:
            wait_until(lambda: is_refused(client.status))
        signers = {KeyUse.INQUIRE: self._config.signer(KeyUsage.INQUIRE)}
        with KeyClient(self._config.institution, signers, self._tls) as keys:
            wait_until(lambda: all("TLS_KEY_REVOKED" in status.problem for status in keys.statuses(directory)))


def test_a_client_takes_what_another_one_has_renewed(
    registry: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", 0.0)
    registry.enrol("lender-renewing")
    config = registry.config("lender-renewing")
    old = Old(config, tmp_path)
    with Client(config) as running:
        assert is_clear(running)
        with Client(config) as other:
            other.renew_certificate(new_key=True)
        old.end(registry, running.directory())
        assert is_clear(running)


async def test_a_client_for_asyncio_takes_what_another_one_has_renewed(
    registry: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", 0.0)
    registry.enrol("lender-renewing-in-a-loop")
    config = registry.config("lender-renewing-in-a-loop")
    old = Old(config, tmp_path)
    async with AsyncClient(config) as running:
        assert await is_clear_in_a_loop(running)
        with Client(config) as other:
            other.renew_certificate(new_key=True)
        old.end(registry, await running.directory())
        assert await is_clear_in_a_loop(running)


def test_a_client_shows_at_once_what_it_has_renewed_itself(
    registry: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", 3_600.0)
    registry.enrol("lender-at-once")
    config = registry.config("lender-at-once")
    with Client(config) as client:
        assert is_clear(client)
        before = hash_of(config)
        client.renew_certificate(new_key=True)
        client.revoke_tls_key(before)
        assert is_clear(client)
        assert client.status().institution == "lender-at-once"


async def test_a_client_for_asyncio_shows_at_once_what_it_has_renewed_itself(
    registry: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", 3_600.0)
    registry.enrol("lender-at-once-in-a-loop")
    config = registry.config("lender-at-once-in-a-loop")
    async with AsyncClient(config) as client:
        assert await is_clear_in_a_loop(client)
        before = hash_of(config)
        await client.renew_certificate(new_key=True)
        await client.revoke_tls_key(before)
        assert await is_clear_in_a_loop(client)
        assert (await client.status()).institution == "lender-at-once-in-a-loop"
