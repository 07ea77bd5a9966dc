"""A registry and two witnesses, each a program of its own: what anyone reads is cosigned, and goes on without one."""

from __future__ import annotations

import ssl
import urllib.request
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from client_sdk.checkpoints import VerifierKey
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_address
from client_sdk.testing.programs import Programs, Server
from tests.client_sdk.sdk_samples import default_report
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

WITNESSES = ("one", "two")


def read(url: str, context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(url, context=context, timeout=20) as answer:  # noqa: S310 - our own servers
        content: bytes = answer.read()
        return content


def test_what_anyone_reads_is_cosigned_by_a_quorum(tmp_path: Path) -> None:
    files, metrics = free_address(), free_address()
    policy = tmp_path / "witnesses.policy"
    policy.write_text("quorum none\n")
    environment = {
        "REGISTRY_TILES_LISTEN": files,
        "REGISTRY_METRICS_LISTEN": metrics,
        "REGISTRY_WITNESS_POLICY": str(policy),
    }
    with (
        TestRegistry(lenders=("lender-1",), auditors=(), environment=environment) as registry,
        Programs(tmp_path) as programs,
    ):
        root = registry.folder / "registry" / "public" / "trust-root.bin"
        keys: dict[str, str] = {}
        lines: list[str] = []
        for name in WITNESSES:
            address = free_address()
            init = ["credit-registry", "witness", "init", name, "--name", f"{name}.example/witness"]
            told = programs.run([*init, "--trust-root", str(root), "--listen", address])
            keys[name] = told.splitlines()[-1]
            server = Server(name, ["credit-registry", "witness", "serve", name], int(address.rpartition(":")[2]))
            programs.start(server)
            lines.append(f"witness {name} {keys[name]} http://{address}")
        policy.write_text("\n".join([*lines, "group both 1 one two", "quorum both", ""]))
        registry.stop("registry")
        registry.start_registry()

        trusted = [VerifierKey.parse(key, note.COSIGNATURE) for key in keys.values()]
        tls = ssl.create_default_context(cafile=str(registry.home("lender-1") / "tls" / "ca.pem"))
        checkpoint = partial(read, f"https://{files}/checkpoint", tls)

        def cosigners() -> list[str]:
            """Those of the newest checkpoint; there is none before a quorum has cosigned one."""
            with suppress(HTTPError):
                return cosigners_of(checkpoint())
            return []

        def cosigners_of(told: bytes) -> list[str]:
            return sorted(key.name for key in cosignatures_of(note.parse(told), trusted))

        wait_until(lambda: cosigners() == ["one.example/witness", "two.example/witness"])
        # A witness that is gone stops neither reports nor the other one.
        programs.stop("two")
        receipt = registry.client("lender-1").report(default_report(1))
        wait_until(lambda: int(checkpoint().splitlines()[1]) > receipt.index)
        assert cosigners() == ["one.example/witness"]
        told = read(f"http://{metrics}/metrics").decode()
        assert "registry_witnesses 2.0" in told
        assert "leaves" in programs.run(["credit-registry", "witness", "show", "one"])


@pytest.mark.parametrize("words", [["init", "w"], ["init", "w", "--name", "a b", "--log", "x"], ["serve", "nowhere"]])
def test_what_a_witness_lacks_is_said(words: list[str], tmp_path: Path) -> None:
    done = Programs(tmp_path).complete(["credit-registry", "witness", *words])
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "w").exists()
