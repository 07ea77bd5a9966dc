"""A folder of SoftHSM tokens for this process, which reads where it is once; and an ssh-agent for each test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.devices import PIN, make_token, start_agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.signing import SecretPrompt


# A library of PKCS#11 sees the tokens that there were when it was loaded: enough for every test of this process.
_TOKENS = tuple(f"token-{number:02}" for number in range(1, 17))


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """Labels of empty tokens that this process has not logged in to."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    for label in _TOKENS:
        make_token(label)
    yield iter(_TOKENS)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def token(tokens: Iterator[str]) -> str:
    """The label of an empty token."""
    return next(tokens)


@pytest.fixture
def pin() -> SecretPrompt:
    return lambda _: PIN.encode()


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The socket of a running ssh-agent without keys."""
    running = start_agent()
    monkeypatch.setenv("SSH_AUTH_SOCK", running.socket)
    yield running.socket
    running.stop()
