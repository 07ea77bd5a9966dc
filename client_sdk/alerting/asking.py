"""Asking for alerts about a person: where messages go is checked and kept before the registry knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.alerting.address import mailbox, webhook
from client_sdk.alerting.posting import refuse_inward
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.errors import PreflightError, RefusedError
from client_sdk.kernel.formats.lasting_text import holds_long_number
from client_sdk.kernel.formats.readable import Flaw, flaw_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from client_sdk.alerting.address import Address
    from client_sdk.alerting.queue import DeliveryQueue
    from client_sdk.models.alert import AlertsAsked

__all__ = ["addresses_of", "ask_for_alerts", "label_flaw"]

# Characters of a label.
_MOST_LABEL = 64


def label_flaw(label: str) -> Flaw | None:
    """Return why a text is no name of a case, which lists show; None for one that is, and for an empty one."""
    if flaw := flaw_of(label):
        return flaw
    if len(label) > _MOST_LABEL:
        return Flaw("label.length", got=f"{len(label)} characters", want=f"at most {_MOST_LABEL} characters")
    if holds_long_number(label):
        want = "a name of the case, such as case-17"
        return Flaw("label.number", got="what looks like an identity number", want=want)
    return None


def addresses_of(home: Path, webhooks: Iterable[str], mails: Iterable[str]) -> list[Address]:
    """Return where messages go, each address once.

    Raises:
        ConfigError: an address is none, or a webhook leads inward.
    """
    hooks = [webhook(url) for url in webhooks]
    networks = DeliverySettings.from_home(home).networks
    for hook in hooks:
        refuse_inward(hook, networks)
    return list(dict.fromkeys([*hooks, *map(mailbox, mails)]))


def ask_for_alerts(
    queue: DeliveryQueue,
    ask: Callable[[Callable[[AlertsAsked], None]], AlertsAsked],
    label: str,
    to: list[Address],
) -> AlertsAsked:
    """Ask for alerts; of an attempt that gave none, nothing is kept.

    Args:
        queue: of the member.
        ask: ``Client.alerts_on`` with all but ``keep``, which it is called with.
        label: the member's own name of the case.
        to: where messages go.

    Raises:
        CreditRegistryError: as ``Client.alerts_on``.
    """
    begun: list[bytes] = []

    def keep(asked: AlertsAsked) -> None:
        # Before the registry knows of it: a crash leaves no alerts that nobody here can end.
        queue.add_request(asked, label, to)
        begun.append(asked.inquiry_id)

    try:
        asked = ask(keep)
    except (PreflightError, RefusedError):
        _remove(queue, begun)
        raise
    _remove(queue, begun[:-1])
    return asked


def _remove(queue: DeliveryQueue, refused: list[bytes]) -> None:
    for inquiry_id in refused:
        queue.remove_request(inquiry_id)
