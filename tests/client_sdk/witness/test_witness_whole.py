"""A registry and two witnesses, each a program of its own: what anyone reads is cosigned, and goes on without one."""

from __future__ import annotations

import json
import ssl
import urllib.request
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from client_sdk.checkpoints import VerifierKey
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.models import Purpose, written_consent
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_address
from client_sdk.testing.programs import Programs, Server
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

WITNESSES = ("one", "two")
CONSENT = written_consent(document=b"signed", given_on=date(2025, 1, 2))


def read(url: str, context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(url, context=context, timeout=20) as answer:  # noqa: S310 - our own servers
        content: bytes = answer.read()
        return content


def demand(registry: TestRegistry, policy: Path, programs: Programs) -> None:
    """Have the administrators log a rulebook that names the witnesses of a policy."""

    def administrator(name: str, *words: str) -> str:
        return programs.run(["credit-registry", "--home", str(registry.home(name)), "act", *words, "--yes"])

    proposed = json.loads(administrator("admin-1", "propose", "rulebook", "--witness-quorum", str(policy), "--json"))
    administrator("admin-2", "approve", str(proposed["id"])[:12])


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
        # The administrators demand them: from then on members read in each answer how far they have come.
        demand(registry, policy, programs)
        client = registry.client("lender-1")
        client.directory()
        found = client.check(person(1), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-1")
        assert found.witnessed is not None
        assert 0 < found.witnessed.size <= found.size
        assert found.witnessed.at is not None
        # The file says it too, to its member and, by the genesis, to nobody else.
        file = found.save(tmp_path / "answer.evidence")
        home = str(registry.home("lender-1"))
        told = programs.run(["credit-registry", "--home", home, "verify", str(file)])
        assert f"{found.witnessed.size} " in told
        assert "cosigned by a quorum at" in told
        assert "cosigned" not in programs.run(["credit-registry", "verify", "--trust-root", str(root), str(file)])
        # Whoever trusts these witnesses reads it with their policy.
        trusting = ["--trust-root", str(root), "--witness-quorum", str(policy), str(file)]
        assert "cosigned by a quorum at" in programs.run(["credit-registry", "verify", *trusting])
        # Who demands it waits until witnesses have seen all that the answer rests on, and the file holds it.
        registry.client("lender-1").report(default_report(2))
        command = ["credit-registry", "--home", home, "check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-1"]
        command += ["--consent-date", "2025-01-02", "--consent-digest", "ab" * 32, "--witnessed", "strict"]
        number = tmp_path / "number.txt"
        number.write_text(person(2).number)
        told = programs.run([*command, "--identity-file", str(number), "--save", str(tmp_path / "strict.evidence")])
        assert "LISTED" in told
        assert "witnessed: all " in told
        assert "witnessed: " in programs.run(["credit-registry", "--home", home, "status"])
        # What a witness has cosigned is compared with what a member was shown.
        programs.run(["credit-registry", "witness", "show", "one", "--save", str(tmp_path / "one.note")])
        assert "ONE LOG" in programs.run(["credit-registry", "--home", home, "compare", str(tmp_path / "one.note")])
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
