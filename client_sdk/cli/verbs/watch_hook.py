"""``watch --webhook``: the changes of a look as messages, queued before the look is kept, and delivered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.alerting.address import webhook
from client_sdk.alerting.delivery import Deliveries
from client_sdk.alerting.posting import refuse_inward
from client_sdk.alerting.queue import DeliveryQueue
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.cli.verbs.screen_portfolio import change_contents
from client_sdk.clock import clock_ms
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.session import Run
    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.screening import WatchReport

__all__ = ["WatchHook"]

# Changes of one message.
_EACH = 1_000


class WatchHook:
    """A webhook to which changes are posted.

    Args:
        session: with the member's home.
        url: of the webhook.
        portfolio: name of the file, by which lists show the messages.

    Raises:
        ConfigError: URL or settings are not in order, or the URL points inward.
    """

    def __init__(self, session: Run, url: str, portfolio: str) -> None:
        self._session = session
        self._to = webhook(url)
        self._portfolio = portfolio
        self._config = session.config()
        self._settings = DeliverySettings.from_home(self._config.home)
        refuse_inward(self._to, self._settings.networks)

    def _open(self) -> DeliveryQueue:
        return DeliveryQueue.of(self._config)

    def put(self, rows: Sequence[CustomerRow], report: WatchReport) -> None:
        """Queue the changes of a look; none make no message."""
        changes, screening = change_contents(rows, report), report.screening
        now = clock_ms()
        with self._open() as queue:
            for start in range(0, len(changes), _EACH):
                message_id = f"msg_{screening.inquiry_id.hex()}_{start // _EACH}"
                data: dict[str, Json] = {"registry": self._config.name, "changes": list(changes[start : start + _EACH])}
                queue.add(message_id, self._to, self._portfolio, "watch.changed", screening.as_of, data, now)

    def deliver(self) -> None:
        """Attempt what is due; tell people where something was not taken, which is attempted again."""
        with self._open() as queue:
            done = Deliveries(queue, self._settings).deliver()
        if done.failed:
            self._session.output.tell(
                say("{failed} not delivered: `alerts list` says why, `alerts deliver` tries again.", failed=done.failed)
            )
