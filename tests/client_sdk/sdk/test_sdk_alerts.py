"""Alerts through the SDK against a real registry: for whom they are made, and that no answer invents what was asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import alerts_pb2

from client_sdk import AsyncClient, Client
from client_sdk._protocol.alerts import read_alerts
from client_sdk.errors import NotPermittedError, PreflightError, VerificationError
from client_sdk.kernel.formats.words import Role
from client_sdk.models import AlertReason, AlertsAsked, Purpose, written_consent
from tests.client_sdk.sdk_samples import default_report, person, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"you may ask about me", given_on=date(2025, 1, 1))
UNTIL = datetime.now(UTC).date() + timedelta(90)
OFFICE = "alert-office"


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config(OFFICE)) as client:
        yield client


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


def test_a_person_is_alerted_until_it_is_ended(office: Client, lender: Client) -> None:
    asked = office.alerts_on(person(8131), mandate=request_of(person(8131)), officer="desk-1", until=UNTIL)
    assert (asked.until, asked.subject_key_version) == (UNTIL, 1)
    assert office.take_alerts().watched == 1
    lender.check(person(8131), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-1")
    lender.report(default_report(8131))
    page = office.take_alerts()
    assert [(alert.inquiry_id, alert.reason) for alert in page.alerts] == [
        (asked.inquiry_id, AlertReason.ACCESS),
        (asked.inquiry_id, AlertReason.NEW_RECORD),
    ]
    assert office.take_alerts([alert.alert_id for alert in page.alerts]).alerts == ()
    # An alert is when the report of the person says that it was asked about, and itself no report.
    report = office.subject_report(person(8131), mandate=request_of(person(8131)), officer="desk-1")
    assert [one.received_at for one in report.asked if one.asker == "lender-1"] == [page.alerts[0].happened_at]
    assert [one.alerts_until for one in report.asked if one.asker == OFFICE] == [None, UNTIL]
    assert office.alerts_off(asked.inquiry_id)
    lender.check(person(8131), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-1")
    assert office.take_alerts().alerts == ()


def test_alerts_are_kept_before_they_are_asked_for(office: Client) -> None:
    watched = office.take_alerts().watched
    kept: list[AlertsAsked] = []

    def crash(asked: AlertsAsked) -> None:
        kept.append(asked)
        raise OSError("no room is left")

    with pytest.raises(OSError, match="no room"):
        office.alerts_on(person(8133), mandate=request_of(person(8133)), officer="desk-1", until=UNTIL, keep=crash)
    assert office.take_alerts().watched == watched
    asked = office.alerts_on(
        person(8133), mandate=request_of(person(8133)), officer="desk-1", until=UNTIL, keep=kept.append
    )
    assert kept[1:] == [asked]
    assert office.alerts_off(asked.inquiry_id)


def test_only_who_speaks_for_persons_is_alerted(office: Client, lender: Client, registry: TestRegistry) -> None:
    with pytest.raises(PreflightError) as refused:
        lender.alerts_on(person(8132), mandate=request_of(person(8132)), officer="clerk-1", until=UNTIL)
    assert refused.value.violations[0].rule == "inquiry.purpose"
    with pytest.raises(NotPermittedError):
        lender.take_alerts()
    with pytest.raises(PreflightError) as late:
        office.alerts_on(person(8132), mandate=request_of(person(8132)), officer="desk-1", until=UNTIL + timedelta(300))
    assert late.value.violations[0].rule == "alerts.until"

    async def ended() -> bool:
        async with AsyncClient(registry.config(OFFICE)) as client:
            asked = await client.alerts_on(
                person(8132), mandate=request_of(person(8132)), officer="desk-1", until=UNTIL
            )
            assert (await client.take_alerts()).alerts == ()
            return await client.alerts_off(asked.inquiry_id)

    assert asyncio.run(ended())


def test_alerts_that_are_not_in_their_form_are_refused() -> None:
    access = alerts_pb2.ALERT_REASON_ACCESS
    right = alerts_pb2.Alert(alert_id=bytes(16), inquiry_id=bytes(16), reason=access, happened_at=1)
    assert len(read_alerts(alerts_pb2.TakeAlertsResponse(alerts=[right])).alerts) == 1
    wrong = [
        [alerts_pb2.Alert(alert_id=b"short", inquiry_id=bytes(16), reason=access)],
        [alerts_pb2.Alert(alert_id=bytes(16), reason=access)],
        [alerts_pb2.Alert(alert_id=bytes(16), inquiry_id=bytes(16))],
        [right, right],
    ]
    for alerts in wrong:
        with pytest.raises(VerificationError):
            read_alerts(alerts_pb2.TakeAlertsResponse(alerts=alerts))
