"""``subject alerts``: alerts about a person, by webhook and by mail: on, off."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.consent_input import consent_as_options
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.mandate_input import MandateDateOption, MandateDigestOption, MandateFileOption, read_mandate
from client_sdk.cli.ui.options import (
    IdentityFileOption,
    IdTypeOption,
    IssuingStateOption,
    OfficerOption,
    day,
    inquiry_id,
)
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.clock import clock_ms
from client_sdk.forms import day_of
from client_sdk.models import IdType
from client_sdk.texts import N_, recognised, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk.alerting.address import Address
    from client_sdk.models import AlertsAsked

__all__ = ["add_alerts"]

_USUAL = timedelta(365)
_NO_MAIL_SERVER = N_("  mail waits until alerts.toml names a mail server")

WebhookOption = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Where messages are posted, https; may be repeated.", show_default=False),
]
MailOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ADDRESS", help="Where messages are mailed; may be repeated.", show_default=False),
]
UntilOption = Annotated[
    date | None,
    typer.Option(parser=day, metavar="YYYY-MM-DD", help="Last day; in a year if left out.", show_default=False),
]
LabelOption = Annotated[
    str, typer.Option(metavar="TEXT", help="Your own name of the case, for `alerts list`; no identity number.")
]


def add_alerts(group: typer.Typer) -> None:
    """Add the verbs."""
    alerts = typer.Typer(cls=Verbs, help="Alerts about a person: on, off.", no_args_is_help=True)
    group.add_typer(alerts, name="alerts")

    @verb(
        alerts,
        "on",
        examples=[
            "subject alerts on --mandate-date 2026-04-01 --mandate-file m.pdf --officer desk-1 --mail a@b.example",
            "subject alerts on … --identity-file number.txt --webhook https://hooks.example/alerts --label case-17",
        ],
    )
    def on(
        session: Run,
        /,
        *,
        officer: OfficerOption,
        mandate_date: MandateDateOption,
        mandate_file: MandateFileOption = None,
        mandate_digest: MandateDigestOption = None,
        webhook: WebhookOption = None,
        mail: MailOption = None,
        until: UntilOption = None,
        label: LabelOption = "",
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> None:
        """Alert a person of each inquiry about the person, and of each new record.

        For a REPRESENTATIVE, under a request that the person signed. The registry learns no address: they stay in
        alerts.sqlite in your home (mode 0600), and `alerts deliver` sends. A message holds no fact: it says that
        something happened and whom to ask (`contact` in alerts.toml).
        """
        from client_sdk.alerting.settings import DeliverySettings  # noqa: PLC0415 - loaded by this verb alone

        to = _addresses(session, webhook or (), mail or ())
        server = DeliverySettings.from_home(session.config().home).mail
        _check_label(label)
        mandate = read_mandate(mandate_date, mandate_digest, mandate_file)
        identity = read_identity(session, identity_file, id_type, issuing_state)
        with session.client() as client, consent_as_options("mandate"):
            last = until or day_of(clock_ms(), client.directory().rulebook.time_zone) + _USUAL
            asked = _ask(
                session,
                lambda keep: client.alerts_on(identity, mandate=mandate, officer=officer, until=last, keep=keep),
                label,
                to,
            )
        session.output.result(
            asked.to_dict(),
            say("The person is alerted from now on; run `alerts deliver --follow`."),
            pairs([("  alerts", asked.inquiry_id.hex()), ("  until", asked.until), ("  addresses", len(to))]),
            *([say(_NO_MAIL_SERVER)] if mail and server is None else []),
            *([say("  the receiver verifies messages by the secret: `alerts secret URL`")] if webhook else []),
        )

    @verb(alerts, "off", examples=["subject alerts off 0123456789abcdef0123456789abcdef"])
    def off(
        session: Run,
        /,
        *,
        alerts: Annotated[
            bytes,
            typer.Argument(parser=inquiry_id, metavar="ALERTS", help="As `alerts on` and `alerts list` show it."),
        ],
    ) -> None:
        """End alerts about a person, and delete the addresses and every message about the person."""
        from client_sdk.alerting.queue import DeliveryQueue  # noqa: PLC0415 - loaded by this verb alone

        with DeliveryQueue.of(session.config()) as queue, session.client() as client:
            ended = client.alerts_off(alerts)
            known = queue.remove_request(alerts)
        if not (ended or known):
            raise UsageError(say("{alerts}: no such alerts", alerts=alerts.hex()), say("`alerts list` shows them."))
        session.output.result(
            {"ended": True}, say("The person is not alerted any more, and the addresses are deleted.")
        )


def _check_label(label: str) -> None:
    """Check that lists can show a label.

    Raises:
        UsageError: it is too long, is not read as it was written, or looks like an identity number.
    """
    from client_sdk.alerting.asking import label_flaw  # noqa: PLC0415 - loaded by this verb alone

    if flaw := label_flaw(label):
        raise UsageError(say("--label: got {got}", got=recognised(flaw.got)), recognised(flaw.want))


def _addresses(session: Run, webhooks: "Sequence[str]", mails: "Sequence[str]") -> "list[Address]":
    """Return where messages go.

    Raises:
        UsageError: nowhere.
        ConfigError: an address is none, or a webhook leads inward.
    """
    from client_sdk.alerting.asking import addresses_of  # noqa: PLC0415 - loaded by this verb alone

    to = addresses_of(session.config().home, webhooks, mails)
    if not to:
        raise UsageError(say("no recipient was given"), say("give --webhook with a URL, or --mail with an address."))
    return to


def _ask(
    session: Run, ask: "Callable[[Callable[[AlertsAsked], None]], AlertsAsked]", label: str, to: "list[Address]"
) -> "AlertsAsked":
    from client_sdk.alerting.asking import ask_for_alerts  # noqa: PLC0415 - loaded by this verb alone
    from client_sdk.alerting.queue import DeliveryQueue  # noqa: PLC0415 - likewise

    with DeliveryQueue.of(session.config()) as queue:
        return ask_for_alerts(queue, ask, label, to)
