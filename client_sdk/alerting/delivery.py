"""Delivering what is due: attempts with back-off, until a message is delivered or given up by a named rule."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from client_sdk.alerting.address import Webhook
from client_sdk.alerting.failure import DeliveryError
from client_sdk.alerting.mailing import mail, send
from client_sdk.alerting.posting import post, sign
from client_sdk.alerting.queue import DELIVERED, WAITING
from client_sdk.clock import clock_ms
from client_sdk.errors import DeliveryQueueError
from client_sdk.kernel.formats.moment import DAY_MS, HOUR_MS, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from client_sdk.alerting.queue import DeliveryQueue, QueuedMessage
    from client_sdk.alerting.settings import DeliverySettings

__all__ = ["Delivered", "Deliveries", "alone", "next_pause"]

# After this long without success a message is given up.
KEEP_TRYING_MS = 7 * DAY_MS
_FIRST_PAUSE_MS = 10_000
_LONGEST_PAUSE_MS = 6 * HOUR_MS
_FACTOR = 3
# Attempts beside each other, each to another address.
_WORKERS = 8
_DUE_AT_ONCE = 512
# How long one address may take in one round: what is left of it is due in the next one, after all others.
_ADDRESS_SECONDS = 20.0
EXPIRED = "alert.expired"


class Delivered(NamedTuple):
    """Result of one round: messages delivered, attempts that failed, messages given up."""

    delivered: int
    failed: int
    given_up: int


class _Attempt(NamedTuple):
    message: QueuedMessage
    failure: DeliveryError | None


def next_pause(attempts: int, chance: float) -> int:
    """Return how long to wait after an attempt has failed, ms: three times as long after each, six hours at most.

    Args:
        attempts: how many have failed.
        chance: from 0 to 1; spreads the pause from three quarters to five quarters, so that not all try at once.
    """
    pause: int = min(_FIRST_PAUSE_MS * _FACTOR ** min(attempts - 1, 20), _LONGEST_PAUSE_MS)
    return round(pause * (0.75 + chance / 2))


@contextmanager
def alone(queue: DeliveryQueue) -> Iterator[None]:
    """Keep other processes from delivering the same queue.

    Raises:
        DeliveryQueueError: another one delivers it.
    """
    lock = FileLock(f"{queue.path}.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise DeliveryQueueError(f"{queue.path} is being delivered by another process") from None
    try:
        yield
    finally:
        lock.release()


class Deliveries:
    """Delivers the messages of a queue.

    Args:
        queue: of the member.
        settings: of its deliveries.
        clock: returns ms since 1970 UTC.
        chance: returns a number from 0 to 1.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        settings: DeliverySettings,
        clock: Callable[[], int] = clock_ms,
        chance: Callable[[], float] = lambda: secrets.randbelow(1_000) / 1_000,
    ) -> None:
        self._queue = queue
        self._settings = settings
        self._clock = clock
        self._chance = chance

    def deliver(self) -> Delivered:
        """Attempt each message that is due once; after a failure the others to the same address wait with it.

        Each result is settled as soon as it is known: a process that dies repeats one message an address at most.

        Raises:
            ConfigError: the settings are not in order.
            DeliveryQueueError: the queue failed or cannot be written, and nothing more is sent; or another process
                delivers it.
        """
        delivered = failed = given_up = 0
        with alone(self._queue):
            self._queue.check_writable()
            for message, failure in self._attempts():
                if failure is None:
                    self._queue.settle(message, DELIVERED, "", self._clock())
                    delivered += 1
                    continue
                failed += 1
                given_up += self._settle_failure(message, failure)
            self._queue.forget(self._clock())
        return Delivered(delivered, failed, given_up)

    def _attempts(self) -> Iterator[_Attempt]:
        """Yield the attempts of what is due as they end, those to different addresses beside each other."""
        by_address: dict[str, list[QueuedMessage]] = {}
        for message in self._queue.due(self._clock(), _DUE_AT_ONCE):
            by_address.setdefault(message.address, []).append(message)
        ended: SimpleQueue[_Attempt | None] = SimpleQueue()
        stopped = Event()
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="deliveries") as workers:
            for messages in by_address.values():
                workers.submit(self._attempt_all, messages, ended, stopped)
            running = len(by_address)
            try:
                while running:
                    attempt = ended.get()
                    if attempt is None:
                        running -= 1
                    else:
                        yield attempt
            finally:
                stopped.set()

    def _settle_failure(self, message: QueuedMessage, failure: DeliveryError) -> bool:
        """Note a failure; return whether the message is given up."""
        now, last = self._clock(), message.made_at + KEEP_TRYING_MS
        if failure.final or now >= last:
            self._queue.settle(message, failure.rule if failure.final else EXPIRED, failure.rule, now)
            return True
        next_at = min(now + next_pause(message.attempts + 1, self._chance()), last)
        self._queue.settle(message, WAITING, failure.rule, next_at)
        self._queue.postpone(message.address, next_at)
        return False

    def _attempt_all(
        self, messages: Sequence[QueuedMessage], ended: SimpleQueue[_Attempt | None], stopped: Event
    ) -> None:
        """Attempt messages to one address in order, up to the first failure that is not of one message alone.

        Args:
            messages: to the address.
            ended: takes each attempt, and None after the last one.
            stopped: set where nobody takes them any more.
        """
        until = time.monotonic() + _ADDRESS_SECONDS
        try:
            for message in messages:
                if stopped.is_set() or time.monotonic() > until:
                    return
                failure = self._failure_of(message)
                ended.put(_Attempt(message, failure))
                if failure is not None and not failure.final:
                    return
        finally:
            ended.put(None)

    def _failure_of(self, message: QueuedMessage) -> DeliveryError | None:
        """Attempt a message; return why it failed."""
        try:
            self._attempt(message)
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - what was sent before it must be settled; its text may hold anything
            return DeliveryError("delivery.failed", type(error).__name__)
        return None

    def _attempt(self, message: QueuedMessage) -> None:
        to, now = message.to, self._clock()
        if isinstance(to, Webhook):
            secret = self._queue.secret_of(to.text)
            post(to, sign(secret, message.message_id, now // 1_000, message.body), self._settings)
            return
        happened_at, registry = moment(message.happened_at), self._queue.registry
        send(mail(to, message.message_id, happened_at, registry, moment(now), self._settings), self._settings)
