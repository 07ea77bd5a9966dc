"""No member, and nobody without a certificate, takes the registry or a key service down for the others."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk import Purpose, Verdict, written_consent
from client_sdk.client import Client
from client_sdk.errors import KeyServiceError, UnavailableError
from client_sdk.testing import TestRegistry
from client_sdk.testing.programs import Server
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.flood import COUNTS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
SERVICE = "key-service-a"
MOST_GROWTH_MB = 100
FEW_FILES = 1_024
PROGRAMS = Path(sys.executable).parent
LENDER = "lender-1"
ROGUE = "lender-2"
AUDITOR = "auditor"


@pytest.fixture(scope="module")
def registry() -> Iterator[TestRegistry]:
    with TestRegistry() as running:
        yield running


def memory_mb(registry: TestRegistry, program: str) -> float:
    """Resident memory of a program."""
    pages = Path(f"/proc/{registry.process_id(program)}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() / 1e6


@contextmanager
def flood(kind: str, address: str, tls: Path) -> Iterator[dict[str, int]]:
    """Attack while the block lasts; what is yielded holds afterwards how many of its calls ended, by status."""
    command = [sys.executable, "-m", "tests.support.flood", kind, address, str(tls)]
    endings: dict[str, int] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "under way\n"
            yield endings
            said, _ = process.communicate(timeout=120)
            endings |= json.loads(said) if said else {}
        finally:
            process.kill()


def reports_and_asks(client: Client, number: int) -> None:
    """What a lender does all day, through the registry and both key services."""
    client.report(default_report(number))
    for asked, verdict in ((number, Verdict.LISTED), (number + 1, Verdict.CLEAR)):
        answer = client.check(person(asked), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is verdict


def settles(registry: TestRegistry, program: str, before: float) -> None:
    """Wait until a program has given back what the attack took."""
    wait_until(
        lambda: memory_mb(registry, program) < before + MOST_GROWTH_MB,
        lambda: f"{program}: {before:.0f} MB before, {memory_mb(registry, program):.0f} MB now",
    )


@pytest.mark.parametrize(
    ("number", "kind", "who", "program", "endings"),
    [
        (50_000, "watch", ROGUE, SERVICE, {"UNIMPLEMENTED": COUNTS["watch"]}),
        (50_100, "watch", AUDITOR, "registry", {"UNIMPLEMENTED": COUNTS["watch"]}),
        (50_200, "held", ROGUE, SERVICE, {}),
        (50_300, "held", ROGUE, "registry", {}),
        (50_400, "unread", ROGUE, "registry", {}),
        (50_500, "large", AUDITOR, "registry", {"PERMISSION_DENIED": COUNTS["large"]}),
        (50_600, "large", ROGUE, "registry", {"RESOURCE_EXHAUSTED": COUNTS["large"]}),
        (50_700, "silent", ROGUE, "registry", {"CONNECTED": COUNTS["silent"]}),
        (50_800, "silent", ROGUE, SERVICE, {"CONNECTED": COUNTS["silent"]}),
    ],
)
def test_others_are_served_and_memory_comes_back(
    registry: TestRegistry, number: int, kind: str, who: str, program: str, endings: dict[str, int]
) -> None:
    with Client(registry.config(LENDER)) as known:
        reports_and_asks(known, number)
        before = memory_mb(registry, program)
        with flood(kind, registry.address_of(program), registry.home(who) / "tls") as ended:
            reports_and_asks(known, number + 10)
            # One that comes while the attack is under way.
            with Client(registry.config(LENDER)) as new:
                reports_and_asks(new, number + 20)
        for status, count in endings.items():
            # A call that was still under way when the attack ended is not among them.
            assert 0 < ended[status] <= count
            assert status != "CONNECTED" or ended[status] == count
            assert ended.keys() == endings.keys()
        settles(registry, program, before)
        reports_and_asks(known, number + 30)


def is_served(registry: TestRegistry, number: int) -> bool:
    """Whether a member that has no connection yet is served."""
    with suppress(UnavailableError, KeyServiceError), Client(registry.config(LENDER)) as new:
        reports_and_asks(new, number)
        return True
    return False


@pytest.mark.parametrize(("number", "program"), [(51_200, "registry"), (51_300, SERVICE)])
def test_ten_thousand_idle_connections_leave_those_of_members_and_end(
    registry: TestRegistry, number: int, program: str
) -> None:
    with Client(registry.config(LENDER)) as known:
        reports_and_asks(known, number)
        before = memory_mb(registry, program)
        with flood("idle", registry.address_of(program), registry.home(ROGUE) / "tls") as ended:
            reports_and_asks(known, number + 10)
            # They may take every place there is, for the seconds of a handshake.
            wait_until(lambda: is_served(registry, number + 20))
        assert ended == {"CONNECTED": COUNTS["idle"]}
        settles(registry, program, before)
        reports_and_asks(known, number + 30)


@pytest.mark.parametrize(
    ("number", "limit"),
    [(51_000, f"ulimit -S -n {FEW_FILES}"), (51_100, f"ulimit -n {FEW_FILES}")],
    ids=["the soft limit is raised", "the hard limit leaves room"],
)
def test_silent_connections_do_not_use_up_the_open_files(registry: TestRegistry, number: int, limit: str) -> None:
    registry.stop("registry")
    serve = f"{limit} && exec {PROGRAMS / 'registry-server'} serve --home {registry.registry_home}"
    port = int(registry.address.rpartition(":")[2])
    registry._programs.start(Server("registry", ["sh", "-c", serve], port))
    with Client(registry.config(LENDER)) as known:
        reports_and_asks(known, number)
        with flood("silent", registry.address, registry.home(ROGUE) / "tls"):
            # There is a connection, and the database has its files.
            reports_and_asks(known, number + 10)
            # Silent connections are closed after some seconds, and leave their places to others.
            wait_until(lambda: is_served(registry, number + 20))
