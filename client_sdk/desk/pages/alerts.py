"""Alerts about persons: who is alerted and what was sent, asking for them under a signed request, and ending them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.alerting.queue import DELIVERED, WAITING, shown_address
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import FieldError, day_of_form, read_all
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.person import FORM_BYTES, REQUEST_AGAIN, report_gone, request_of_form
from client_sdk.desk.person_acts import AlertRecipients, begin_alerts, end_alerts, queue_of, recipients_of
from client_sdk.desk.person_form import (
    person_of_form,
    report_of_form,
    shown_number,
    type_choices,
    wrong_identity,
)
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import FormatError, PreflightError, RefusedError, RuleError
from client_sdk.models import Purpose, SubjectReport

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.alerting.queue import QueuedMessage

__all__ = ["PAGES"]

_MOST_MESSAGES = 100
_USUAL = timedelta(365)
_ID = 32
_AGAIN = (*REQUEST_AGAIN, "report", "mail", "webhook", "until", "label")
_KINDS = {"alert.access": N_("another institution asked"), "alert.new-record": N_("a new record")}
_STATES = {WAITING: N_("waiting"), DELIVERED: N_("delivered")}


def _listed(visit: Visit) -> Response:
    """Show about whom the member is alerted, and the messages that wait or were sent; no address in full."""
    settings = DeliverySettings.from_home(visit.desk.config.home)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_ALERTS), queue_of(visit.desk.config) as queue:
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


def _form(visit: Visit) -> Response:
    return _asked(visit, {})


def _form_of_report(visit: Visit) -> Response:
    """Show the form for the person of a report that is kept, under the same request."""
    if visit.kept(SubjectReport) is None:
        return report_gone(visit)
    return _asked(visit, {"report": str(visit.path["key"])})


def _on(visit: Visit) -> Response:
    """Ask for alerts; the addresses stay on this machine."""
    report = report_of_form(visit)
    try:
        identity, request, recipients = read_all(
            lambda: person_of_form(visit),
            lambda: request_of_form(visit) if report is None else report.mandate,
            lambda: _recipients(visit),
        )
        with visit.desk.journal.act(visit.user.name, DeskAct.ALERTS_ON, reason=Purpose.SUBJECT_ACCESS.name) as entry:
            asked = begin_alerts(visit.desk, entry, identity, request, visit.user.name, recipients)
    except FieldError as error:
        return _asked(visit, _given(visit), wrong=error.said(visit.say))
    except (PreflightError, RefusedError, RuleError) as error:
        return _asked(visit, _given(visit), broken=broken_rules(error, visit.say))
    except FormatError as error:
        return _asked(visit, _given(visit), wrong=wrong_identity(error, visit))
    told = visit.say("The person is alerted until {day}.", day=asked.until.isoformat())
    return visit.go("/alerts", told)


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


def _given(visit: Visit) -> dict[str, str]:
    return {name: visit.form.text(name) for name in _AGAIN}


def _asked(
    visit: Visit, given: dict[str, str], *, wrong: dict[str, str] | None = None, broken: list[str] | None = None
) -> Response:
    today = date.today()  # noqa: DTZ011 - the day of this machine, as the person who types sees it
    report = visit.desk.kept.find(visit.key, given.get("report", ""), SubjectReport)
    identity = None if report is None else report.answer.identity
    return visit.show(
        "alerts_asked.html.j2",
        status=422 if wrong or broken else 200,
        given={name: given.get(name, "") for name in _AGAIN} | {"until": given.get("until") or str(today + _USUAL)},
        person="" if identity is None else shown_number(identity, visit.language, visit.say),
        types=type_choices(visit),
        mails=DeliverySettings.from_home(visit.desk.config.home).mail is not None,
        today=today.isoformat(),
        wrong=wrong or {},
        broken=broken or [],
    )


PAGES = (
    DeskPage("GET", "/alerts", Right.READ, _listed),
    DeskPage("GET", "/alerts/on", Right.ACT, _form),
    DeskPage("GET", "/person/{key}/alerts", Right.ACT, _form_of_report),
    DeskPage("POST", "/alerts/on", Right.ACT, _on, FORM_BYTES),
    DeskPage("POST", "/alerts/{key}/off", Right.ACT, _off),
)
