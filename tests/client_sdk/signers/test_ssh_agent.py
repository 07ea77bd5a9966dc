"""Keys of a real ssh-agent sign, and an agent that is away, lies or hangs up is told as such."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.keys import verify
from client_sdk.signers import ssh_agent
from client_sdk.signing import open_signer
from tests.support.devices import forget_agent_keys, make_agent_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def test_a_key_of_an_agent_signs_what_its_public_key_verifies(agent: str, tmp_path: Path) -> None:
    assert agent
    make_agent_key(tmp_path, "first")
    signer = open_signer(make_agent_key(tmp_path, "second"), tmp_path)
    for message in (b"", b"message", bytes(200_000)):
        verify(signer.public_key.raw, message, signer.sign(message))
    with pytest.raises(ConfigError, match="signs at most"):
        signer.sign(bytes(300_000))


def test_what_an_agent_does_not_have_is_told_by_name(agent: str, tmp_path: Path) -> None:
    assert agent
    with pytest.raises(ConfigError, match="has no key SHA256:"):
        open_signer("ssh-agent:SHA256:unknown", tmp_path)
    with pytest.raises(ConfigError, match="fingerprint that `ssh-add -l` prints"):
        open_signer("ssh-agent:MD5:aa:bb", tmp_path)
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        open_signer(make_agent_key(tmp_path, "ecdsa", "ecdsa"), tmp_path)
    signer = open_signer(make_agent_key(tmp_path, "report"), tmp_path)
    forget_agent_keys()
    with pytest.raises(ConfigError, match="is the key still in it"):
        signer.sign(b"message")


def test_an_agent_that_is_away_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(ConfigError, match="SSH_AUTH_SOCK names no socket"):
        open_signer("ssh-agent:SHA256:any", tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be asked"):
        open_signer("ssh-agent:SHA256:any", tmp_path)


def answering(path: Path, answers: Iterable[bytes]) -> None:
    """Serve an agent that says what it is given, one answer a connection, whatever is asked."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(1_000)
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "ended the connection"),
        (b"\x00\x00", "ended the connection"),
        (bytes(4), "a message of 0 bytes"),
        (b"\xff\xff\xff\xff", "a message of 4,294,967,295 bytes"),
        (b"\x00\x00\x00\x01\x05", "does not list its keys"),
        (b"\x00\x00\x00\x01\x63", "another message"),
        (b"\x00\x00\x00\x01\x0c", "cut off"),
        (b"\x00\x00\x00\x05\x0c\x00\x00\x00\x01", "cut off"),
        (b"\x00\x00\x00\x05\x0c\xff\xff\xff\xff", "4,294,967,295 keys"),
        (b"\x00\x00\x00\x09\x0c\x00\x00\x00\x01\xff\xff\xff\xff", "cut off"),
    ],
)
def test_odd_answers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, message: str) -> None:
    answering(tmp_path / "agent", [answer])
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with pytest.raises(ConfigError, match=message):
        open_signer("ssh-agent:SHA256:any", tmp_path)


def test_a_signature_of_another_key_never_leaves(agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert agent
    signer = open_signer(make_agent_key(tmp_path, "report"), tmp_path)
    field = b"\x00\x00\x00\x0bssh-ed25519" + b"\x00\x00\x00\x40" + bytes(64)
    body = b"\x0e" + len(field).to_bytes(4, "big") + field
    answering(tmp_path / "liar", [len(body).to_bytes(4, "big") + body])
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "liar"))
    with pytest.raises(ConfigError, match="signed with another key"):
        signer.sign(b"message")


def test_an_agent_that_never_answers_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_agent, "_SECONDS", 0.2)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with server:
        server.bind(str(tmp_path / "silent"))
        server.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "silent"))
        with pytest.raises(ConfigError, match="did not answer in time"):
            open_signer("ssh-agent:SHA256:any", tmp_path)
