"""Any one program is killed: a witness, a key service, the auditor, a process of the registry, a standby, the primary.

A whole registry on PostgreSQL with a streaming standby, two processes, a witness, and an auditor that cosigns.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Self

import pytest

from client_sdk import Client
from client_sdk.errors import CreditRegistryError, KeyServiceError, TransportError
from client_sdk.models import Purpose, Verdict, written_consent
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Programs
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.standing import STALE_SECONDS
from tests.client_sdk.sdk_samples import default_report, person
from tests.conftest import migrate, postgres_database
from tests.postgres_server import postgres_server
from tests.support.further_process import FurtherProcess, further_process
from tests.support.standby import Server as Postgres
from tests.support.standby import standby
from tests.support.waiting import wait_until
from tests.support.witnesses import found_witnesses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.config import ClientConfig
    from client_sdk.models import Answer

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
SICK = "key-service-b"
WITNESS, FOLLOWING = "witness", "following"
LAG_SECONDS = "5"


class Whole:
    """All programs of a registry, any of which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self.numbers = count(1)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            url = stack.enter_context(postgres_database(stack.enter_context(postgres_server(durable=True))))
            migrate(url)
            self.primary = Postgres(url)
            self.standby = stack.enter_context(standby(url))
            self._metrics, policy = free_port(), self.folder / "witness.policy"
            policy.write_text("quorum none\n")
            environment = {
                "REGISTRY_DATABASE_URL": url,
                "REGISTRY_DATABASE_READ_URL": self.standby.url,
                "REGISTRY_DATABASE_READ_MAX_LAG_SECONDS": LAG_SECONDS,
                "REGISTRY_METRICS_LISTEN": f"{HOST}:{self._metrics}",
                "REGISTRY_WITNESS_POLICY": str(policy),
            }
            self.registry = stack.enter_context(TestRegistry(folder=self.folder / "site", environment=environment))
            self.programs = stack.enter_context(Programs(self.registry.folder))
            self._make_witness(policy)
            self.further: FurtherProcess = stack.enter_context(further_process(self.registry, url))
            self._make_auditor()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.primary.started()
        self._stack.close()

    def config(self, lender: str) -> ClientConfig:
        """The settings of a lender that knows both processes."""
        own, other = self.registry.address, self.further.address
        return replace(self.registry.config(lender), registry=f"{own},{other}")

    def report(self) -> int:
        """Report a record; return its index."""
        with Client(self.config("lender-1")) as lender:
            return lender.report(default_report(next(self.numbers))).index

    def ask(self) -> Answer:
        """Ask about somebody of whom nothing is known."""
        with Client(self.config("lender-2")) as asker:
            return asker.check(person(40_000), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")

    def go_on(self) -> Answer:
        """Report and ask, both with success."""
        index = self.report()
        answer = self.ask()
        assert answer.verdict is Verdict.CLEAR
        assert answer.size > index
        return answer

    def metrics(self) -> dict[str, float]:
        """What the first process tells its operator."""
        with urllib.request.urlopen(f"http://{HOST}:{self._metrics}/metrics", timeout=60) as answer:
            lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in lines}

    def read(self) -> tuple[float, float]:
        """How many reads standby and primary have answered."""
        shown = {name: value for name, value in self.metrics().items() if name.startswith("registry_reads_total")}
        of_standby = sum(value for name, value in shown.items() if 'server="standby"' in name)
        return of_standby, sum(shown.values()) - of_standby

    def ready(self, path: str) -> bool:
        """Whether the first process says that it is."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._metrics}{path}", timeout=60):
                return True
        except urllib.error.HTTPError:
            return False

    def _make_witness(self, policy: Path) -> None:
        found = found_witnesses(self.programs, self.registry.trust_root, (WITNESS,))
        self.witness = found.servers[WITNESS]
        self.programs.start(self.witness)
        policy.write_text(found.policy)
        self.registry.stop("registry")
        self.registry.start_registry()
        self._decide("--witness-quorum", policy)

    def _make_auditor(self) -> None:
        told = self.programs.run(("credit-registry", "--json", "--home", "auditor", "key", "replay"))
        line = str(json.loads(told)["line"])
        policy = self.folder / "auditors.policy"
        name = line.split()[1]
        policy.write_text(f"{line}\nquorum {name}\n")
        self._decide("--replay-quorum", policy)
        self.start_auditor()

    def start_auditor(self) -> None:
        """Let the auditor go on."""
        words = ("credit-registry", "--home", "auditor", "audit", "--follow", "--cosign", "--every", "1", "--jobs", "1")
        self.programs.launch(FOLLOWING, words)

    def _decide(self, option: str, policy: Path) -> None:
        def administrator(name: str, *words: str) -> str:
            return self.programs.run(("credit-registry", "--home", name, "act", *words, "--yes"))

        proposed = json.loads(administrator("admin-1", "propose", "rulebook", option, str(policy), "--json"))
        administrator("admin-2", "approve", str(proposed["id"])[:12])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with Whole(tmp_path_factory.mktemp("whole")) as running:
        yield running
        with Database(running.primary.url, serving=False) as database:
            assert fsck(database).findings == []


def cosigned(answer: Answer) -> tuple[int, int]:
    """How far witness and auditor have cosigned the log, as an answer says."""
    assert answer.witnessed is not None
    assert answer.replayed is not None
    return answer.witnessed.size, answer.replayed.size


def test_a_witness_that_is_killed_stops_neither_reports_nor_checks(whole: Whole) -> None:
    wait_until(lambda: cosigned(whole.go_on())[0] > 0)
    whole.programs.stop(WITNESS, by=signal.SIGKILL)
    before = whole.go_on()
    after = whole.go_on()
    assert cosigned(after)[0] <= before.size
    whole.programs.start(whole.witness)
    wait_until(lambda: cosigned(whole.ask())[0] >= after.size)


def test_an_auditor_that_is_killed_stops_neither_reports_nor_checks(whole: Whole) -> None:
    wait_until(lambda: cosigned(whole.go_on())[1] > 0)
    whole.programs.stop(FOLLOWING, by=signal.SIGKILL)
    before = whole.go_on()
    after = whole.go_on()
    assert cosigned(after)[1] <= before.size
    assert after.replayed is not None
    assert not after.replayed.late, "what it has cosigned last is a moment old"
    whole.start_auditor()
    wait_until(lambda: cosigned(whole.ask())[1] >= after.size)


def test_a_key_service_that_is_killed_is_named_and_reports_and_checks_go_on_with_it(whole: Whole) -> None:
    whole.go_on()
    whole.registry.stop(SICK, kill=True)
    number = next(whole.numbers)
    with Client(whole.config("lender-1")) as lender:
        try:
            with pytest.raises(KeyServiceError) as failed:
                lender.report(default_report(number))
            assert failed.value.service == whole.registry.address_of(SICK)
            assert failed.value.retryable
            with pytest.raises(KeyServiceError):
                whole.ask()
            # What needs no pseudonym goes on.
            assert list(lender.records())
        finally:
            whole.registry.start_key_service(SICK)
        assert answered(lambda: lender.report(default_report(number)))
    whole.go_on()


@pytest.mark.parametrize("which", ["first", "second"])
def test_one_of_two_processes_that_is_killed_fails_no_call(whole: Whole, which: str) -> None:
    whole.go_on()
    if which == "first":
        whole.registry.stop("registry", kill=True)
    else:
        whole.further.stop(by=signal.SIGKILL)
    for _ in range(3):
        whole.go_on()
    if which == "first":
        whole.registry.start_registry()
    else:
        whole.further.start()
    whole.go_on()


def test_a_standby_that_is_killed_fails_no_call_and_is_read_again(whole: Whole) -> None:
    with Client(whole.registry.config("lender-1")) as lender:
        whole.go_on()
        before = whole.read()
        held = len(list(lender.records()))
        wait_until(lambda: len(list(lender.records())) == held and whole.read()[0] > before[0])
        whole.standby.stop()
        assert len(list(lender.records())) == held
        lender.directory()
        whole.go_on()
        told = whole.metrics()
        assert told["registry_standby_up"] == 0
        assert whole.ready("/readyz")
        assert told['registry_reads_total{reason="unreachable",server="primary"}'] > 0
        whole.standby.start()
        wait_until(lambda: whole.metrics()["registry_standby_up"] == 1)


def test_reads_outlive_the_primary_and_reports_and_checks_are_refused_until_it_is_back(whole: Whole) -> None:
    whole.go_on()
    number = next(whole.numbers)
    config = replace(whole.registry.config("lender-1"), deadline=5.0)
    with Client(config) as lender:
        held = list(lender.records())
        newest = held[-1]
        whole.standby.catch_up(whole.primary)
        whole.primary.stop()
        stopped = time.monotonic()
        for _ in range(3):
            assert list(lender.records()) == held
            assert lender.receipt(newest.record_id, newest.version).index == newest.index
            assert lender.directory().institutions
        for refused in (lambda: lender.report(default_report(number)), whole.ask):
            with pytest.raises(TransportError) as failed:
                refused()
            assert failed.value.retryable
        wait_until(lambda: not whole.ready("/readyz"))
        assert whole.ready("/readyz/reading")
        # Longer than what a process knows of its members is believed without being read again.
        wait_until(lambda: time.monotonic() > stopped + STALE_SECONDS + 1)
        assert list(lender.records()) == held
        assert whole.metrics()["registry_standby_age_seconds"] == 0
        whole.primary.start()
        wait_until(lambda: whole.ready("/readyz"))
        assert answered(lambda: lender.report(default_report(number)))
    whole.go_on()


def answered(call: object) -> bool:
    """Whether a call succeeds, after any number of refusals that say it may be repeated."""
    assert callable(call)

    def tried() -> bool:
        try:
            call()
        except CreditRegistryError as error:
            if not getattr(error, "retryable", False):
                raise
            return False
        return True

    wait_until(tried)
    return True
