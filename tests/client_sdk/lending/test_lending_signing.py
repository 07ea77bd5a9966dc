"""One signature for many statements of a portfolio: few are made, each row is proved alone, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk._steps import run
from client_sdk.errors import UnavailableError
from client_sdk.kernel.formats.batch_signature import BatchSignature, verify_statement
from client_sdk.kernel.formats.statement import Statement
from client_sdk.lending import signing
from client_sdk.lending.batch import BatchReporter
from client_sdk.lending.outbox import Outbox
from client_sdk.models import BatchReport, Phase, Progress, Report
from tests.client_sdk.lending.naive_registry import LENDER, REGISTRY, NaiveLink, NaiveRegistry
from tests.client_sdk.sdk_samples import default_report, history, suit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECRET = bytes(range(32))
PORTFOLIO = [row for number in range(1, 31) for row in history(number, cured=number % 2 == 0)]


@pytest.fixture
def registry() -> NaiveRegistry:
    return NaiveRegistry()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def report(
    registry: NaiveRegistry,
    path: Path,
    reports: Iterable[Report],
    *,
    progress: list[Progress] | None = None,
    one_signature: bool = True,
) -> BatchReport:
    with Outbox(path, REGISTRY, LENDER) as outbox:
        reporter = BatchReporter(
            NaiveLink(registry), outbox, registry.issuer, SECRET, registry.preflight, registry.log_key, 120.0
        )
        told = None if progress is None else progress.append
        return run(reporter.report(reports, told, one_signature=one_signature))


def signatures(registry: NaiveRegistry) -> list[bytes]:
    """The signature of each statement that was logged; each verifies by itself."""
    found = []
    for _, leaf in registry.leaves.values():
        verify_statement(Statement.parse(leaf.payload), leaf.payload, registry.signer.public_key.raw, leaf.signature)
        found.append(leaf.signature)
    return found


def test_a_portfolio_goes_under_one_signature_and_each_row_has_its_receipt(registry: NaiveRegistry, path: Path) -> None:
    done = report(registry, path, PORTFOLIO)
    assert (done.accepted, done.signatures) == (len(PORTFOLIO), 1)
    carried = [BatchSignature.parse(signature) for signature in signatures(registry)]
    assert {one.signature for one in carried} == {carried[0].signature}
    assert sorted(one.index for one in carried) == list(range(len(PORTFOLIO)))
    with Outbox(path, REGISTRY, LENDER) as outbox:
        assert outbox.pending() == []
        for key, version in registry.leaves:
            assert outbox.receipt(key.issuer, key.record_id, version) is not None


def test_without_asking_each_statement_has_a_signature_of_its_own(registry: NaiveRegistry, path: Path) -> None:
    done = report(registry, path, PORTFOLIO, one_signature=False)
    assert done.signatures == done.accepted == len(PORTFOLIO)
    assert {len(signature) for signature in signatures(registry)} == {64}


def test_a_single_row_is_signed_by_itself(registry: NaiveRegistry, path: Path) -> None:
    assert report(registry, path, [default_report(1)]).signatures == 1
    assert [len(signature) for signature in signatures(registry)] == [64]


def test_nothing_new_makes_no_signature(registry: NaiveRegistry, path: Path) -> None:
    report(registry, path, PORTFOLIO)
    again = report(registry, path, PORTFOLIO)
    assert (again.accepted, again.repeated, again.signatures) == (0, len(PORTFOLIO), 0)
    assert report(registry, path, []).signatures == 0


def test_suits_go_with_the_defaults_on_which_they_rest(registry: NaiveRegistry, path: Path) -> None:
    rows = [row for number in range(1, 9) for row in suit(number)]
    done = report(registry, path, rows)
    assert (done.accepted, done.signatures) == (len(rows), 1)
    signatures(registry)


def test_a_signature_is_made_once_enough_statements_wait_for_it(
    registry: NaiveRegistry, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "STATEMENTS_OF_A_SIGNATURE", 20)
    monkeypatch.setattr("client_sdk.lending.batch.BLOCK_RECORDS", 4)
    progress: list[Progress] = []
    done = report(registry, path, PORTFOLIO, progress=progress)
    assert done.accepted == len(PORTFOLIO)
    batches = {BatchSignature.parse(signature).signature for signature in signatures(registry)}
    assert 1 < len(batches) == done.signatures <= len(PORTFOLIO) // 20 + 1
    assert [step.phase for step in progress][-1] is Phase.DONE
    assert [step.done for step in progress] == sorted(step.done for step in progress)


def test_what_is_signed_together_is_sent_block_by_block_with_its_progress(
    registry: NaiveRegistry, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client_sdk.lending.batch.BLOCK_RECORDS", 3)
    progress: list[Progress] = []
    assert report(registry, path, PORTFOLIO, progress=progress).signatures == 1
    assert len({step.done for step in progress}) > 5


@pytest.mark.parametrize("lost", [False, True])
def test_an_interrupted_call_is_resumed_byte_for_byte(registry: NaiveRegistry, path: Path, *, lost: bool) -> None:
    registry.answers_left, registry.lose_answer = 0, lost
    with pytest.raises(UnavailableError):
        report(registry, path, PORTFOLIO)
    with Outbox(path, REGISTRY, LENDER) as outbox:
        waiting = {item.submission for item in outbox.pending()}
    assert len(waiting) == len(PORTFOLIO)
    registry.answers_left = None
    done = report(registry, path, PORTFOLIO)
    assert done.accepted + done.repeated == len(PORTFOLIO)
    assert done.signatures == 0
    assert len({BatchSignature.parse(signature).signature for signature in signatures(registry)}) == 1


def test_a_refused_row_takes_no_other_with_it(registry: NaiveRegistry, path: Path) -> None:
    taken = default_report(1)
    report(registry, path, [taken])
    other = default_report(1, reference="another reference of the same debt")
    done = report(registry, path, [other, *history(2, cured=True), default_report(3)])
    assert (done.rejected_rows, done.signatures) == (1, 1)
    assert done.accepted == len(history(2, cured=True)) + 1
