"""A certificate for servers on this machine, and the settings that trust it."""

from __future__ import annotations

import ssl
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from client_sdk.alerting.settings import DeliverySettings
from tests.support.hooks import server_context
from tests.support.tls import Authority

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tls_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="session")
def server_tls(tls_folder: Path) -> ssl.SSLContext:
    return server_context(Authority().server(), tls_folder)


@pytest.fixture
def settings(tls_folder: Path, server_tls: ssl.SSLContext) -> DeliverySettings:
    """Those of a member whose webhooks may lead to this machine."""
    assert isinstance(server_tls, ssl.SSLContext)
    return DeliverySettings(
        contact="Consumer desk", ca_file=tls_folder / "ca.pem", networks=(ip_network("127.0.0.0/8"),)
    )
