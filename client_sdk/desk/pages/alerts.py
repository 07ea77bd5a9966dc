"""Alerts about persons: who is alerted and what was sent, asking for them under a signed request, and ending them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.alerting.queue import DELIVERED, WAITING, DeliveryQueue, shown_address
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.desk.form import SIGNED_BYTES
from client_sdk.desk.form_values import day_of_form, read_all
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.person_acts import AlertRecipients, begin_alerts, end_alerts, recipients_of
from client_sdk.desk.person_form import REQUEST_AGAIN, PersonForm, person_of_form, report_of_form, request_of_form
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.models import Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from client_sdk.alerting.queue import QueuedMessage

__all__ = ["PAGES"]

_MOST_MESSAGES = 100
_USUAL = timedelta(365)
_ID = 32
_KINDS = {"alert.access": N_("another institution asked"), "alert.new-record": N_("a new record")}
_STATES = {WAITING: N_("waiting"), DELIVERED: N_("delivered")}


def _listed(visit: Visit) -> Response:
    """Show about whom the member is alerted, and the messages that wait or were sent; no address in full."""
    settings = DeliverySettings.from_home(visit.desk.config.home)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_ALERTS), DeliveryQueue.of(visit.desk.config) as queue:
        persons, messages = queue.persons(), queue.messages(_MOST_MESSAGES)
    return visit.show(
        "alerts.html.j2",
        persons=[
            {
                "id": one.inquiry_id.hex(),
                "label": one.label,
                "until": one.until,
                "to": [shown_address(address, visit.say) for address in one.addresses],
            }
            for one in persons
        ],
        messages=[_message(visit, one) for one in messages],
        mails=settings.mail is not None,
        most=_MOST_MESSAGES,
    )


def _message(visit: Visit, one: QueuedMessage) -> dict[str, object]:
    return {
        "label": one.label,
        "what": visit.say(_KINDS[one.kind]) if one.kind in _KINDS else one.kind,
        "when": clock_text(datetime.fromtimestamp(one.happened_at / 1_000, UTC)),
        "to": shown_address(one.address, visit.say),
        "state": visit.say(_STATES[one.state]) if one.state in _STATES else visit.say("given up"),
        "failure": one.failure,
    }


def _on(visit: Visit) -> Response:
    """Ask for alerts; the addresses stay on this machine."""
    return _FORM.do(visit, lambda: _begin(visit))


def _begin(visit: Visit) -> Response:
    report = report_of_form(visit)
    identity, request, recipients = read_all(
        lambda: person_of_form(visit),
        lambda: request_of_form(visit) if report is None else report.mandate,
        lambda: _recipients(visit),
    )
    with visit.desk.journal.act(visit.user.name, DeskAct.ALERTS_ON, reason=Purpose.SUBJECT_ACCESS.name) as entry:
        asked = begin_alerts(visit.desk, entry, identity, request, visit.user.name, recipients)
    return visit.go("/alerts", visit.say("The person is alerted until {day}.", day=asked.until.isoformat()))


def _recipients(visit: Visit) -> AlertRecipients:
    """Return where messages go, as the form says.

    Raises:
        FieldError: nowhere, or a field is of another form.
    """
    form = visit.form
    until = day_of_form(form, "until")
    mails, webhooks = form.text("mail").split(), form.text("webhook").split()
    return recipients_of(visit.desk.config.home, mails, webhooks, until, form.text("label"))


def _off(visit: Visit) -> Response:
    """End alerts, and delete the addresses and every message about the person."""
    key = str(visit.path["key"])
    if len(key) != _ID or not set(key) <= set("0123456789abcdef"):
        return visit.show("message.html.j2", status=404, title=visit.say("Nothing is here"), text="")
    with visit.desk.journal.act(visit.user.name, DeskAct.ALERTS_OFF, about=[key]):
        ended = end_alerts(visit.desk, bytes.fromhex(key))
    told = N_("The person is not alerted any more, and the addresses are deleted.")
    return visit.go("/alerts", visit.say(told if ended else N_("These alerts had ended before.")))


def _values(visit: Visit, given: Mapping[str, str]) -> Mapping[str, object]:
    """Return what the form shows beside what was typed: a last day, where none was."""
    return {
        "given": {**given, "until": given["until"] or (visit.desk.today + _USUAL).isoformat()},
        "mails": DeliverySettings.from_home(visit.desk.config.home).mail is not None,
    }


_FORM = PersonForm("alerts_asked.html.j2", (*REQUEST_AGAIN, "report", "mail", "webhook", "until", "label"), _values)
PAGES = (
    DeskPage("GET", "/alerts", Right.READ, _listed),
    DeskPage("GET", "/alerts/on", Right.ACT, _FORM.empty),
    DeskPage("GET", "/person/{key}/alerts", Right.ACT, _FORM.of_report),
    DeskPage("POST", "/alerts/on", Right.ACT, _on, SIGNED_BYTES),
    DeskPage("POST", "/alerts/{key}/off", Right.ACT, _off),
)
