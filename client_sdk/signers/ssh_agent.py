"""Signers over Ed25519 keys of a running ssh-agent (draft-ietf-sshm-ssh-agent), by two of its messages.

    ssh-agent:SHA256:fjfuZ3j...        the fingerprint, as `ssh-add -l` prints it

The agent is the one that SSH_AUTH_SOCK names. Each request has a connection of its own and an end.
"""

from __future__ import annotations

import os
import socket
from base64 import b64encode
from hashlib import sha256
from time import monotonic

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import SignatureError
from client_sdk.kernel.formats.keys import ED25519, PUBLIC_KEY_BYTES, PublicKey, verify

__all__ = ["SshAgentSigner", "open_ssh_agent_signer"]

SOCKET_VARIABLE = "SSH_AUTH_SOCK"
# The longest message of OpenSSH's agent.
_MAX_MESSAGE = 256 * 1_024
_MOST_KEYS = 2_048
# An agent may ask a person before it signs (`ssh-add -c`).
_SECONDS = 60.0
_KEY_TYPE = b"ssh-ed25519"
_FAILURE = 5
_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14


class _Fields:
    """Reads the fields of a message in turn."""

    def __init__(self, message: bytes) -> None:
        self._rest = message

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        taken, self._rest = self._rest[:length], self._rest[length:]
        if len(taken) != length:
            raise ConfigError("the ssh-agent answered with a message that is cut off")
        return taken

    def number(self) -> int:
        """Return the next 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next byte string with its length before it."""
        return self.take(self.number())


class SshAgentSigner:
    """A signer over an Ed25519 key of an ssh-agent."""

    __slots__ = ("_blob", "_fingerprint", "_public_key")

    def __init__(self, blob: bytes, fingerprint: str) -> None:
        fields = _Fields(blob)
        if fields.string() != _KEY_TYPE or len(raw := fields.string()) != PUBLIC_KEY_BYTES:
            raise ConfigError(f"the key {fingerprint} of the ssh-agent is no Ed25519 key")
        self._blob = blob
        self._fingerprint = fingerprint
        self._public_key = PublicKey(ED25519, raw)

    @property
    def public_key(self) -> PublicKey:
        """The key under which the signatures verify."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Return the agent's 64-byte signature over exactly these bytes, verified under the public key.

        Raises:
            ConfigError: the agent is away, has lost the key, refuses, or the message is too long for it.
        """
        request = bytes([_SIGN_REQUEST]) + _string(self._blob) + _string(message) + bytes(4)
        answer = _ask(request, _SIGN_RESPONSE)
        if answer is None:
            raise ConfigError(f"the ssh-agent does not sign with {self._fingerprint}: is the key still in it?")
        signed = _Fields(_Fields(answer).string())
        kind, signature = signed.string(), signed.string()
        if kind != _KEY_TYPE:
            raise ConfigError(f"the ssh-agent made no Ed25519 signature with {self._fingerprint}")
        try:
            verify(self._public_key.raw, message, signature)
        except SignatureError:
            raise ConfigError(f"the ssh-agent signed with another key than {self._fingerprint}") from None
        return signature


def open_ssh_agent_signer(uri: str) -> SshAgentSigner:
    """Return the signer of a URI.

    Args:
        uri: ``ssh-agent:`` and the fingerprint as ``ssh-add -l`` prints it.

    Raises:
        ConfigError: no agent can be reached, or it has no such Ed25519 key.
    """
    fingerprint = uri.removeprefix("ssh-agent:").rstrip("=")
    if not fingerprint.startswith("SHA256:"):
        raise ConfigError("key URI: want ssh-agent:SHA256:..., the fingerprint that `ssh-add -l` prints")
    answer = _ask(bytes([_REQUEST_IDENTITIES]), _IDENTITIES)
    if answer is None:
        raise ConfigError("the ssh-agent does not list its keys")
    fields = _Fields(answer)
    count = fields.number()
    if count > _MOST_KEYS:
        raise ConfigError(f"the ssh-agent has {count:,} keys; at most {_MOST_KEYS:,} are looked through")
    for _ in range(count):
        blob, _comment = fields.string(), fields.string()
        if f"SHA256:{b64encode(sha256(blob).digest()).decode().rstrip('=')}" == fingerprint:
            return SshAgentSigner(blob, fingerprint)
    raise ConfigError(f"the ssh-agent has no key {fingerprint}: `ssh-add -l` lists those that it has")


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _ask(request: bytes, want: int) -> bytes | None:
    """Return the agent's answer to a request, without its type; None where it refuses.

    Raises:
        ConfigError: there is no agent, it does not answer in time, or its answer is no such message.
    """
    path = os.environ.get(SOCKET_VARIABLE)
    if not path or not hasattr(socket, "AF_UNIX"):
        raise ConfigError(f"no ssh-agent: {SOCKET_VARIABLE} names no socket (`eval $(ssh-agent)` starts one)")
    if len(request) > _MAX_MESSAGE:
        raise ConfigError(f"an ssh-agent signs at most {_MAX_MESSAGE:,} bytes: this takes a key in a file or a token")
    end = monotonic() + _SECONDS
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(path)
            connection.sendall(_string(request))
            length = int.from_bytes(_received(connection, 4, end), "big")
            if not 0 < length <= _MAX_MESSAGE:
                raise ConfigError(f"the ssh-agent answered with a message of {length:,} bytes")
            answer = _received(connection, length, end)
    except OSError as error:
        if error.strerror:
            raise ConfigError(f"the ssh-agent cannot be asked: {error.strerror}") from None
        raise ConfigError("the ssh-agent did not answer in time") from None
    if answer[0] not in (want, _FAILURE):
        raise ConfigError("the ssh-agent answered with another message")
    return answer[1:] if answer[0] == want else None


def _received(connection: socket.socket, length: int, end: float) -> bytes:
    data = bytearray()
    while len(data) < length:
        connection.settimeout(max(end - monotonic(), 0.001))
        part = connection.recv(length - len(data))
        if not part:
            raise ConfigError("the ssh-agent ended the connection")
        data += part
    return bytes(data)
