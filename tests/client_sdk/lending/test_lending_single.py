"""One report at a time: what was signed before an interruption is sent again, byte for byte (P6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.statement import RecordEnd
from client_sdk.errors import ConflictError, PreflightError, VerificationError
from client_sdk.kernel.formats.words import Standing, WithdrawalReason
from client_sdk.lending.outbox import Outbox
from client_sdk.lending.single import Dispatch, SingleReport, ending
from tests.client_sdk.lending.naive_registry import LENDER, REGISTRY, NaiveRegistry
from tests.client_sdk.sdk_samples import default_facts, default_report, history, person, suit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.lending.signing_room import Prepared
    from client_sdk.models import Receipt, Report

SECRET = bytes(range(32))

WITHDRAWN = RecordEnd(Standing.WITHDRAWN, WithdrawalReason.ERROR)


@pytest.fixture
def registry() -> NaiveRegistry:
    return NaiveRegistry()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.sqlite", REGISTRY, LENDER) as opened:
        yield opened


def looked_up(registry: NaiveRegistry, report: Report) -> SingleReport:
    single = SingleReport(report, registry.issuer, SECRET, registry.preflight)
    while wanted := single.wanted():
        single.take(registry.held(wanted))
    return single


def prepare(registry: NaiveRegistry, report: Report) -> Prepared:
    prepared = looked_up(registry, report).work_off(registry.names([report.identity])[0])
    assert prepared is not None
    return prepared


def answer(registry: NaiveRegistry, request: pb.SubmitRequest) -> pb.SubmitResponse:
    (response,) = registry.submit([[request.submission]], 120.0)
    return pb.SubmitResponse(result=response.results[0], checkpoint=response.checkpoint)


def send(registry: NaiveRegistry, outbox: Outbox, report: Report) -> Receipt:
    dispatch = Dispatch(outbox, prepare(registry, report), registry.log_key)
    return dispatch.settle(answer(registry, dispatch.keep()))


def test_a_version_is_sent_and_its_receipt_kept(registry: NaiveRegistry, outbox: Outbox) -> None:
    receipt = send(registry, outbox, default_report(1))
    assert (receipt.version, receipt.repeated) == (1, False)
    assert outbox.pending() == []
    assert outbox.receipt(LENDER, receipt.record_id, 1) == receipt
    assert looked_up(registry, default_report(1)).work_off(registry.names([default_report(1).identity])[0]) is None


def test_what_was_signed_before_an_interruption_is_sent_instead(registry: NaiveRegistry, outbox: Outbox) -> None:
    lost = Dispatch(outbox, prepare(registry, default_report(1)), registry.log_key)
    first = lost.keep()
    again = Dispatch(outbox, prepare(registry, default_report(1)), registry.log_key)
    request = again.keep()
    assert again.replaced
    assert request.submission == first.submission
    # The registry had logged it, and only the answer was lost.
    answer(registry, first)
    receipt = again.settle(answer(registry, request))
    assert receipt.repeated
    assert outbox.pending() == []


def test_what_is_refused_for_good_is_forgotten(registry: NaiveRegistry, outbox: Outbox) -> None:
    send(registry, outbox, default_report(1, reference="other"))
    dispatch = Dispatch(outbox, prepare(registry, default_report(1)), registry.log_key)
    response = answer(registry, dispatch.keep())
    with pytest.raises(ConflictError, match="DEBT_TAKEN"):
        dispatch.settle(response)
    assert outbox.pending() == []


def test_a_receipt_that_does_not_verify_leaves_the_signed_bytes(registry: NaiveRegistry, outbox: Outbox) -> None:
    dispatch = Dispatch(outbox, prepare(registry, default_report(1)), registry.log_key)
    response = answer(registry, dispatch.keep())
    response.result.inclusion.path = bytes(32)
    with pytest.raises(VerificationError):
        dispatch.settle(response)
    response.result.outcome = pb.OUTCOME_UNSPECIFIED
    with pytest.raises(VerificationError, match="outcome"):
        dispatch.settle(response)
    assert len(outbox.pending()) == 1


def test_a_correction_needs_its_record(registry: NaiveRegistry, outbox: Outbox) -> None:
    first, second, third = history(1)
    with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
        looked_up(registry, second).check_correction()
    send(registry, outbox, first)
    looked_up(registry, second).check_correction()
    with pytest.raises(ConflictError, match="ILLEGAL_TRANSITION"):
        looked_up(registry, third).check_correction()


def test_a_record_is_ended_without_its_person(registry: NaiveRegistry, outbox: Outbox) -> None:
    receipt = send(registry, outbox, default_report(1))
    held = registry.held([receipt.record_id])
    dispatch = Dispatch(outbox, ending(registry.issuer, held, WITHDRAWN, 1_000), registry.log_key)
    assert dispatch.settle(answer(registry, dispatch.keep())).version == 2
    gone = registry.held([receipt.record_id])
    with pytest.raises(ConflictError, match="RECORD_ENDED"):
        ending(registry.issuer, gone, WITHDRAWN, 1_000)
    with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
        ending(registry.issuer, registry.held([bytes(16)]), WITHDRAWN, 1_000)


def test_a_record_ends_only_under_the_person_that_it_names(registry: NaiveRegistry, outbox: Outbox) -> None:
    report = default_report(1)
    held = registry.held([send(registry, outbox, report).record_id])
    end = replace(report, standing=Standing.WITHDRAWN, facts=None, first_day=date(2025, 3, 31))
    with pytest.raises(PreflightError, match="SUBJECT_CHANGED"):
        prepare(registry, replace(end, identity=person(2)))
    with pytest.raises(ConflictError, match="SUBJECT_CHANGED"):
        ending(registry.issuer, held, WITHDRAWN, 1_000, registry.names([person(2)])[0])
    assert ending(registry.issuer, held, WITHDRAWN, 1_000, registry.names([person(1)])[0]).version == 2
    assert prepare(registry, end).version == 2


def test_a_default_is_not_set_aside(registry: NaiveRegistry, outbox: Outbox) -> None:
    receipt = send(registry, outbox, default_report(1))
    held = registry.held([receipt.record_id])
    with pytest.raises(PreflightError, match="ILLEGAL_TRANSITION"):
        ending(registry.issuer, held, RecordEnd(Standing.SET_ASIDE), 1_000)


def test_each_step_of_a_suit_alone(registry: NaiveRegistry, outbox: Outbox) -> None:
    rows = suit(1)
    assert [send(registry, outbox, row).version for row in rows] == [1, 2, 1, 1, 2, 2, 3]
    for row in rows[-3:]:
        single = looked_up(registry, row)
        assert single.work_off(registry.names([row.identity])[0]) is None
        assert single.newest()[1] in (2, 3)


def test_a_version_that_breaks_a_rule_is_not_signed(registry: NaiveRegistry, outbox: Outbox) -> None:
    with pytest.raises(PreflightError):
        SingleReport(
            replace(default_report(1), facts=replace(default_facts(), approver="")),
            registry.issuer,
            SECRET,
            registry.preflight,
        )
    first, second, _ = history(1)
    send(registry, outbox, second)
    with pytest.raises(PreflightError, match=r"as-of\.backwards"):
        prepare(registry, first)
