"""Keys that this process does not hold: in a token of SoftHSM, and in a running ssh-agent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "MODULE",
    "PIN",
    "Agent",
    "forget_agent_keys",
    "make_agent_key",
    "make_token",
    "make_token_key",
    "start_agent",
]

PIN = "135790"
_OFFICER_PIN = "24681012"
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
MODULE = next((place for place in _PLACES if Path(place).exists()), _PLACES[0])
_SECONDS = 60


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS).stdout


def make_token(label: str) -> None:
    """Make a token of SoftHSM, in the folder that SOFTHSM2_CONF names."""
    _run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", _OFFICER_PIN)


def make_token_key(token: str, label: str, key_type: str = "EC:edwards25519", key_id: str = "01") -> str:
    """Make a key in a token; return its URI."""
    named = ("--token-label", token, "--login", "--pin", PIN)
    _run(
        "pkcs11-tool",
        "--module",
        MODULE,
        *named,
        "--keypairgen",
        "--key-type",
        key_type,
        "--label",
        label,
        "--id",
        key_id,
    )
    return f"pkcs11:token={token};object={label}?module-path={MODULE}"


class Agent(NamedTuple):
    """A running ssh-agent."""

    socket: str
    process: int

    def stop(self) -> None:
        """End it."""
        os.kill(self.process, signal.SIGTERM)


def start_agent() -> Agent:
    """Start an agent without keys."""
    said = _run("ssh-agent", "-s")
    found = re.search(r"SSH_AUTH_SOCK=([^;]+);.*SSH_AGENT_PID=(\d+);", said, re.DOTALL)
    assert found is not None
    return Agent(found[1], int(found[2]))


def make_agent_key(folder: Path, name: str, kind: str = "ed25519") -> str:
    """Make a key, give it to the agent that SSH_AUTH_SOCK names, delete its file, and return its URI."""
    path = folder / name
    _run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path))
    _run("ssh-add", "-q", str(path))
    path.unlink()
    fingerprint = _run("ssh-keygen", "-l", "-f", f"{path}.pub").split()[1]
    return f"ssh-agent:{fingerprint}"


def forget_agent_keys() -> None:
    """Take all keys from the agent that SSH_AUTH_SOCK names."""
    _run("ssh-add", "-q", "-D")
