"""``alerts``: the member's deliveries by webhook and by mail: list, deliver, secret."""

import base64
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.output import Json, counted, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.clock import clock_ms
from client_sdk.errors import CreditRegistryError
from client_sdk.forms import day_of, moment_text
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.alerting.delivery import Delivered
    from client_sdk.alerting.queue import AlertRequest, DeliveryQueue
    from client_sdk.alerting.settings import DeliverySettings
    from client_sdk.client import Client

__all__ = ["register"]

# Between two rounds of --follow.
_PAUSE_SECONDS = 15.0
_SHOWN = 200


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Deliveries by webhook and mail: list, deliver, secret.", no_args_is_help=True)
    app.add_typer(group, name="alerts")
    _add_list(group)
    _add_deliver(group)

    @verb(group, "secret", examples=["alerts secret https://hooks.example/alerts"])
    def secret(
        session: Run, /, *, url: Annotated[str, typer.Argument(metavar="URL", help="Of the webhook, as you gave it.")]
    ) -> None:
        """Print the secret by which the receiver of a webhook verifies your messages.

        Signatures are those of Standard Webhooks (headers webhook-id, webhook-timestamp, webhook-signature):
        HMAC-SHA256 over id, time and body. The receiver refuses other signatures and times that are more than 5 minutes
        off, and takes an id once. The secret is of this URL alone.
        """
        from client_sdk.alerting.address import webhook  # noqa: PLC0415 - loaded by this verb alone

        to = webhook(url)
        with _queue(session) as queue:
            text = "whsec_" + base64.b64encode(queue.secret_of(to.text)).decode()
        session.output.result({"secret": text}, text)


def _add_list(group: typer.Typer) -> None:
    @verb(group, "list", examples=["alerts list", "alerts list --json"])
    def list_(session: Run, /) -> None:
        """List about whom you are alerted, and the messages that wait, were delivered or given up.

        Addresses are shown by their host alone. Messages are kept for 30 days after they were delivered or given up.
        """
        from client_sdk.alerting.queue import shown_address  # noqa: PLC0415 - loaded by this verb alone

        with _queue(session) as queue:
            persons, messages = queue.persons(), queue.messages(_SHOWN)
        asked: list[dict[str, Json]] = [
            {
                "alerts": person.inquiry_id.hex(),
                "label": person.label,
                "until": person.until,
                "to": [shown_address(address) for address in person.addresses],
            }
            for person in persons
        ]
        sent: list[dict[str, Json]] = [
            {
                "message_id": message.message_id,
                "kind": message.kind,
                "label": message.label,
                "happened_at": moment_text(_time(message.happened_at)),
                "to": shown_address(message.address),
                "state": message.state,
                "failed_attempts": message.attempts,
                "failure": message.failure,
                "next_at": moment_text(_time(message.next_at)) if message.state == "WAITING" else None,
            }
            for message in messages
        ]
        told = [row | {"to": shown_address(one.address, say)} for row, one in zip(sent, messages, strict=True)]
        columns = ("kind", "label", "happened_at", "to", "state", "failed_attempts", "failure")
        session.output.result(
            {"persons": asked, "messages": sent},
            *(
                [
                    table(
                        ("alerts", "label", "until", "to"),
                        [*map(_cells, persons)],
                    )
                ]
                if asked
                else []
            ),
            say("alerts by {count}", count=counted(len(asked), "request")),
            *([table(columns, [[row[name] for name in columns] for row in told])] if sent else []),
            counted(len(sent), "message"),
        )


def _cells(person: "AlertRequest") -> tuple[str, ...]:
    from client_sdk.alerting.queue import shown_address  # noqa: PLC0415 - loaded by this verb alone

    to = ", ".join(shown_address(address, say) for address in person.addresses)
    return person.inquiry_id.hex(), person.label, person.until, to


def _add_deliver(group: typer.Typer) -> None:
    @verb(group, "deliver", examples=["alerts deliver", "alerts deliver --follow", "alerts deliver --json"])
    def deliver(
        session: Run,
        /,
        *,
        follow: Annotated[bool, typer.Option("--follow", help="Go on, every 15 seconds, until it is ended.")] = False,
    ) -> ExitCode:
        """Take the alerts that wait at the registry, and attempt every message that is due.

        A message that is not taken is attempted again after 10 seconds, 30 seconds and so on up to 6 hours, and given
        up after 7 days (alert.expired), or at once where the receiver refuses it for good (webhook.gone, mail.refused).
        Run it by a timer, or with --follow. Ends with 1 where an attempt has failed.
        """
        from client_sdk.alerting.settings import DeliverySettings  # noqa: PLC0415 - loaded by this verb alone

        config = session.config()
        settings = DeliverySettings.from_home(config.home)
        with _queue(session) as queue:
            while follow:
                try:
                    _round(session, queue, settings)
                except CreditRegistryError as error:
                    # It is tried again: the registry may come back, the member be active again, another run end.
                    session.output.tell(f"{type(error).__name__}: {error}")
                time.sleep(_PAUSE_SECONDS)
            return _round(session, queue, settings)


def _round(session: Run, queue: "DeliveryQueue", settings: "DeliverySettings") -> ExitCode:
    """Take and deliver once; where nothing can be taken, deliver what is queued."""
    from client_sdk.alerting.delivery import Deliveries  # noqa: PLC0415 - loaded by this verb alone

    away: CreditRegistryError | None = None
    # Only who speaks for persons has alerts to take.
    if queue.persons():
        try:
            with session.client() as client:
                _take(session, client, queue, settings.contact)
        except CreditRegistryError as error:
            away = error
    done = Deliveries(queue, settings).deliver()
    _tell(session, done)
    if away is not None:
        raise away
    return ExitCode.FOUND if done.failed else ExitCode.OK


def _take(session: Run, client: "Client", queue: "DeliveryQueue", contact: str) -> None:
    from client_sdk.alerting.taking import take_alerts  # noqa: PLC0415 - loaded by this verb alone

    directory, now = client.directory(), clock_ms()
    taken = take_alerts(
        client.take_alerts,
        queue,
        contact=contact,
        key_version=max(directory.state.live_subject_key_versions),
        today=day_of(now, directory.rulebook.time_zone),
        now=now,
    )
    if taken.fewer:
        session.output.tell(
            say(
                "The registry holds {held:,} of your requests for alerts, fewer than `alerts list` shows: "
                "ask for those again that are missing (`subject alerts on`).",
                held=taken.held,
            )
        )
    if taken.outdated:
        session.output.tell(
            say(
                "The subject keys have changed since {outdated} asked for alerts: ask for them again "
                "(`subject alerts on`), or records under the new keys are missed.",
                outdated=counted(taken.outdated, "person"),
            )
        )


def _tell(session: Run, done: "Delivered") -> None:
    text = say(
        "{delivered} delivered, {failed} failed, {given_up} given up",
        delivered=counted(done.delivered, "message"),
        failed=done.failed,
        given_up=done.given_up,
    )
    session.output.line(done._asdict(), text)


def _queue(session: Run) -> "DeliveryQueue":
    from client_sdk.alerting.queue import DeliveryQueue  # noqa: PLC0415 - loaded by these verbs alone

    return DeliveryQueue.of(session.config())


def _time(count: int) -> datetime:
    return datetime.fromtimestamp(count / 1_000, UTC)
