"""What breaks on the way: nothing is lost, nothing is doubled, and the error says which part is away (P6)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client
from client_sdk.errors import ConfigError, KeyServiceError, NotPermittedError, TransportError
from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.lending.files import read_portfolio, write_portfolio
from client_sdk.models import Phase, Purpose, Verdict, written_consent
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The moment at which the first rows are in the log, and their sender does not know it yet.
LOGGED = "LOGGED"
CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture(scope="module")
def fragile() -> Iterator[TestRegistry]:
    """A registry of this module's own, whose programs are stopped and killed."""
    with TestRegistry(lenders=("lender-1",), auditors=()) as running:
        yield running


@pytest.mark.parametrize(("number", "moment"), list(enumerate([*Phase, LOGGED])))
def test_a_lender_that_is_killed_resumes(fragile: TestRegistry, tmp_path: Path, number: int, moment: str) -> None:
    first = 1_000 + number * 100
    rows = [row for number in range(first, first + 40) for row in history(number)]
    portfolio = tmp_path / "portfolio.csv"
    write_portfolio(portfolio, rows)
    program = (
        "import sys; from client_sdk import Client; from client_sdk.lending.files import read_portfolio\n"
        "with Client.from_home(sys.argv[1]) as client:\n"
        "    tell = lambda progress: print(progress.phase, flush=True)\n"
        "    client.report_many(read_portfolio(sys.argv[2]), tell)\n"
    )
    command = [sys.executable, "-c", program, str(fragile.home("lender-1")), str(portfolio)]
    with Client(fragile.config("admin-1")) as other:
        before = other.status().size
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            if moment == LOGGED:
                wait_until(lambda: other.status().size > before)
            else:
                assert moment in (line.strip() for line in child.stdout)
            child.kill()
    with Client(fragile.config("lender-1")) as client:
        report = client.report_many(read_portfolio(portfolio))
        assert (report.accepted + report.repeated, report.rejected) == (len(rows), ())
        ids = {client.record_id(row.name) for row in rows if row.name is not None}
        assert {view.version for view in client.records(sorted(ids))} == {3}
        for record_id in ids:
            assert client.receipt(record_id, 3).version == 3


def test_a_registry_that_is_killed_comes_back_with_everything(fragile: TestRegistry) -> None:
    with Client(fragile.config("lender-1")) as client:
        receipt = client.report(default_report(2_000))
        fragile.stop("registry", kill=True)
        with (
            Client(replace(fragile.config("lender-1"), deadline=1.0)) as hasty,
            pytest.raises(TransportError) as failed,
        ):
            hasty.status()
        assert failed.value.retryable
        fragile.start_registry()
        assert client.report(default_report(2_000)).index == receipt.index
        assert client.status().size > receipt.index


def test_a_key_service_that_is_away_is_named(fragile: TestRegistry) -> None:
    fragile.stop("key-service-b")
    try:
        with Client(replace(fragile.config("lender-1"), deadline=2.0)) as client:
            with pytest.raises(KeyServiceError) as caught:
                client.check(person(2_001), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
            services = client.status().key_services
    finally:
        fragile.start_key_service("key-service-b")
    assert [service.reachable for service in services] == [True, False]
    assert caught.value.service == services[1].url


def test_a_member_is_enrolled_later_and_suspended(fragile: TestRegistry) -> None:
    fragile.enrol("lender-9")
    with Client(fragile.config("lender-9")) as client:
        answer = client.check(person(2_002), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is Verdict.CLEAR
        with Client(fragile.config("admin-1")) as first, Client(fragile.config("admin-2")) as second:
            proposed = first.propose(StateBody("lender-9", InstitutionStatus.SUSPENDED))
            assert second.approve(proposed.proposal).logged
        with pytest.raises((NotPermittedError, KeyServiceError)):
            client.check(person(2_002), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")


def test_a_program_that_cannot_start_says_why(fragile: TestRegistry) -> None:
    with pytest.raises(ConfigError, match="running already"):
        fragile.start_registry()
    fragile.stop("key-service-a")
    certificate = fragile.folder / "key-service-a" / "tls" / "certificate.pem"
    kept = certificate.read_bytes()
    certificate.unlink()
    with pytest.raises(ConfigError, match="key-service-a ended with"):
        fragile.start_key_service("key-service-a")
    fragile.stop("key-service-a")
    certificate.write_bytes(kept)
    fragile.start_key_service("key-service-a")


def test_without_the_server_it_says_what_to_install() -> None:
    program = (
        "import sys\n"
        "class Without:\n"
        "    def __init__(self, finder): self.finder = finder\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        return None if name in ('sqlalchemy', 'structlog') else self.finder.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]\n"
        "from client_sdk.testing import TestRegistry\n"
        "from client_sdk.errors import ConfigError\n"
        "try: TestRegistry()\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert "sqlalchemy, structlog, not installed here" in done.stdout
    assert 'pip install "credit-registry[server]"' in done.stdout
