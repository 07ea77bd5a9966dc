"""Acts for a person that pages and API share: the own report, the words of a statement, alerts begun and ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.alerting.address import mailbox
from client_sdk.alerting.asking import addresses_of, ask_for_alerts, label_flaw
from client_sdk.alerting.queue import DeliveryQueue
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.texts import N_
from client_sdk.errors import ConfigError
from client_sdk.forms import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from client_sdk.alerting.address import Address
    from client_sdk.desk.desk import Desk
    from client_sdk.desk.journal import ActEntry
    from client_sdk.models import AlertsAsked, Consent, Identity, SubjectReport

__all__ = [
    "AlertRecipients",
    "begin_alerts",
    "end_alerts",
    "make_report",
    "recipients_of",
    "statement_of",
]


@dataclass(frozen=True, slots=True, repr=False)
class AlertRecipients:
    """Where messages go, until when, and under which name of the case."""

    to: list[Address]
    until: date
    label: str


def make_report(desk: Desk, entry: ActEntry, identity: Identity, request: Consent, officer: str) -> SubjectReport:
    """Make a person's own report under the person's request; the journal names its inquiry."""
    report = desk.client.subject_report(identity, mandate=request, officer=officer)
    entry.about.append(report.answer.inquiry_id.hex())
    return report


def statement_of(text: str) -> str:
    """Return the words of a statement as one line.

    Raises:
        FieldError: there are none.
    """
    words = one_line(text)
    if not words:
        raise FieldError("text", N_("Write what the person says."))
    return words


def recipients_of(
    home: Path, mails: Iterable[str], webhooks: Iterable[str], until: date, label: str
) -> AlertRecipients:
    """Return where messages go.

    Raises:
        FieldError: nowhere, or a field is of another form.
    """
    # What is wrong with the settings is no mistake of who types.
    DeliverySettings.from_home(home)
    to: list[Address] = []
    for text in mails:
        try:
            to.append(mailbox(text))
        except ConfigError:
            raise FieldError("mail", N_("Give plain addresses, such as person@mail.example.")) from None
    try:
        to += addresses_of(home, webhooks, ())
    except ConfigError:
        text = N_("Give addresses such as https://hooks.example/alerts, which lead to no machine inside.")
        raise FieldError("webhook", text) from None
    if not to:
        raise FieldError("mail", N_("Give an address for mail, or for a program: one at least."))
    if label_flaw(label):
        raise FieldError("label", N_("Name the case, such as case-17: at most 64 characters and no identity number."))
    return AlertRecipients(list(dict.fromkeys(to)), until, label)


def begin_alerts(
    desk: Desk, entry: ActEntry, identity: Identity, request: Consent, officer: str, recipients: AlertRecipients
) -> AlertsAsked:
    """Ask for alerts about a person; the addresses stay on this machine, and the journal names the inquiry."""
    with DeliveryQueue.of(desk.config) as queue:
        asked = ask_for_alerts(
            queue,
            lambda keep: desk.client.alerts_on(
                identity, mandate=request, officer=officer, until=recipients.until, keep=keep
            ),
            recipients.label,
            recipients.to,
        )
    entry.about.append(asked.inquiry_id.hex())
    return asked


def end_alerts(desk: Desk, inquiry_id: bytes) -> bool:
    """End alerts, and delete the addresses and every message about the person; return whether there were any."""
    with DeliveryQueue.of(desk.config) as queue:
        ended = desk.client.alerts_off(inquiry_id)
        known = queue.remove_request(inquiry_id)
    return ended or known
