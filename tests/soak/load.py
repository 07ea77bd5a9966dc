"""Load of a mixed kind: reports one by one and in batches, and checks, by lenders in threads of this process."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from client_sdk import CreditRegistryError, Purpose
from client_sdk.models import written_consent
from tests.client_sdk.sdk_samples import default_facts, default_report, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk import Client
    from client_sdk.models import DefaultReport

__all__ = ["Call", "Load"]

_BATCH = 20
# Of each round of calls.
_MIX = ("report", "check", "report", "check", "check", "batch")
# Seconds within which a call that is due is begun, or the load is behind.
_LOOK = 0.01


class Call(NamedTuple):
    """One call.

    Attributes:
        kind: report, batch or check.
        ended: when, in seconds of the monotonic clock.
        seconds: that it took, from when it was due.
        error: its class, or nothing.
    """

    kind: str
    ended: float
    seconds: float
    error: str


class Load:
    """Lenders that call, as fast as they can or at a pace.

    Args:
        clients: of lenders; each is used by one thread at a time.
        persons: numbers of persons, each lender's own.
    """

    def __init__(self, clients: list[Client], persons: int) -> None:
        self._lenders = [_Lender(client, 1 + persons * place, persons) for place, client in enumerate(clients)]
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def take(self) -> list[Call]:
        """Return the calls that have ended since the last time."""
        with self._lock:
            taken, self._calls = self._calls, []
        return taken

    def run(self, seconds: float, rate: float = 0.0) -> Iterator[None]:
        """Call for so long; yields about every second.

        Args:
            seconds: how long.
            rate: calls a second of all lenders; 0 for as many as they can.
        """
        ends = time.monotonic() + seconds
        due = _Pace(rate) if rate else None
        threads = [threading.Thread(target=self._work, args=(lender, ends, due)) for lender in self._lenders]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(1.0)
            yield
        for thread in threads:
            thread.join()

    def _work(self, lender: _Lender, ends: float, due: _Pace | None) -> None:
        while (at := due.next() if due else time.monotonic()) < ends:
            while (wait := at - time.monotonic()) > 0:
                time.sleep(min(wait, _LOOK))
            kind, error = lender.next_kind(), ""
            try:
                lender.call(kind)
            except Exception as failed:  # noqa: BLE001 - whatever it was, it counts, and the lender goes on
                error = type(failed).__name__
            now = time.monotonic()
            with self._lock:
                self._calls.append(Call(kind, now, now - at, error))


class _Pace:
    """The times at which calls are due, handed out to threads."""

    def __init__(self, rate: float) -> None:
        self._lock = threading.Lock()
        self._gap = 1 / rate
        self._next = time.monotonic()

    def next(self) -> float:
        with self._lock:
            self._next += self._gap
            return self._next


class _Lender:
    """What one lender does next."""

    def __init__(self, client: Client, first: int, persons: int) -> None:
        self._client = client
        self._first = first
        self._persons = persons
        self._sent = 0
        self._random = Random(first)
        self._kinds = itertools.cycle(_MIX)
        given = datetime.now(UTC).date() - timedelta(days=1)
        self._consent = written_consent(document=b"consent", given_on=given)

    def next_kind(self) -> str:
        return next(self._kinds)

    def call(self, kind: str) -> None:
        made: dict[str, Callable[[], object]] = {"report": self._report, "batch": self._batch, "check": self._check}
        made[kind]()

    def _next(self) -> DefaultReport:
        """A report about the next person; after the last one further versions come of what was reported."""
        turn, place = divmod(self._sent, self._persons)
        self._sent += 1
        number = self._first + place
        return default_report(number, facts=default_facts(contract=f"HT-{number}", principal=120_000 + turn))

    def _report(self) -> None:
        self._client.report(self._next())

    def _batch(self) -> None:
        done = self._client.report_many([self._next() for _ in range(_BATCH)])
        if not done.complete:
            raise CreditRegistryError(f"{done.rejected_rows} rows were rejected")

    def _check(self) -> None:
        asked = person(self._first + self._random.randrange(self._persons))
        self._client.check(asked, purpose=Purpose.LOAN_APPROVAL, consent=self._consent, officer="clerk-7")
