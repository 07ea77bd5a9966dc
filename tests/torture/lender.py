"""A lender that reports and asks until a file is there: python -m tests.torture.lender HOME JOURNAL STOP FIRST [PAUSE]

Each report has a number, and is of a debt of its own. What is sent is noted before, what is acknowledged after; a
report whose answer was lost, to a kill of the registry or of this process, is sent again as it was. PAUSE is in
seconds, between two rounds.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from client_sdk import Client, ClientConfig, CreditRegistryError, Purpose, Verdict
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.models import written_consent
from tests.client_sdk.sdk_samples import default_facts, default_report, person
from tests.torture.journal import Journal, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.models import DefaultReport

__all__ = ["FINISH_SECONDS", "LENDERS", "first_of", "report_of"]

LENDERS = ("lender-1", "lender-2", "lender-3", "lender-4")

# At the end, what is uncertain is cleared up in this time.
FINISH_SECONDS = 120.0
_BATCH = 20
_PAUSE_SECONDS = 0.05
# One of so many rounds reports a batch, one of so many asks.
_EACH_BATCH, _EACH_CHECK = 3, 4
# Reports that a lender may send, whatever is done for how long: no debt may be another lender's as well.
_REPORTS = 1_000_000
# Persons of all lenders together, each with a debt to one of them after the other.
_PERSONS = 36_000


def first_of(lender: str) -> int:
    """Return the number of a lender's first report."""
    return 1 + _REPORTS * LENDERS.index(lender)


def report_of(number: int) -> DefaultReport:
    """Return the report of a number."""
    return default_report(_borrower(number), reference=f"loan-{number}", facts=default_facts(contract=f"HT-{number}"))


def _borrower(number: int) -> int:
    return 1 + number % _PERSONS


class Lender:
    """Reports one debt after the other.

    Args:
        client: of the lender.
        journal: of what it has done before.
        stop: once this file is there, nothing new is begun.
        first: number of its first report.
        pause: seconds between two rounds.
    """

    def __init__(self, client: Client, journal: Journal, stop: Path, first: int, pause: float) -> None:
        self._client = client
        self._journal = journal
        self._stop = stop
        self._pause = pause
        self._next = max(journal.sent, default=first - 1) + 1
        self._random = Random(self._next)

    def work(self) -> None:
        """Report and ask until it is stopped, and then until nothing is uncertain."""
        while not self._stop.exists() or self._journal.uncertain:
            if not self._journal.uncertain:
                count = _BATCH if self._random.randrange(_EACH_BATCH) == 0 else 1
                self._journal.note_sent(range(self._next, self._next + count))
                self._next += count
            numbers = self._journal.uncertain
            self._attempt(self._report_one if len(numbers) == 1 else self._report_many, numbers)
            if self._journal.acknowledged and self._random.randrange(_EACH_CHECK) == 0:
                self._attempt(self._ask, [self._random.choice(sorted(self._journal.acknowledged))])
            time.sleep(self._pause)

    def _attempt(self, what: Callable[[list[int]], None], numbers: list[int]) -> None:
        """Do something that a kill may interrupt."""
        try:
            what(numbers)
        except CreditRegistryError as error:
            if getattr(error, "retryable", False):
                self._journal.note_error(type(error).__name__)
                print(error, flush=True)
            else:
                self._journal.complain(f"{type(error).__name__}: {error}")
            time.sleep(_PAUSE_SECONDS)

    def _report_one(self, numbers: list[int]) -> None:
        receipt = self._client.report(report_of(numbers[0]))
        told = Told(receipt.index, leaf_hash(receipt.leaf).hex())
        self._journal.note_acknowledged(numbers, receipt=told, repeated=receipt.repeated)

    def _report_many(self, numbers: list[int]) -> None:
        done = self._client.report_many(report_of(number) for number in numbers)
        if done.complete:
            self._journal.note_acknowledged(numbers, repeated=done.repeated)
        else:
            self._journal.complain(f"{len(numbers)} reports: {done.rejected} {done.notes}")

    def _ask(self, numbers: list[int]) -> None:
        given = written_consent(document=b"consent", given_on=datetime.now(UTC).date() - timedelta(days=1))
        asked = person(_borrower(numbers[0]))
        answer = self._client.check(asked, purpose=Purpose.LOAN_APPROVAL, consent=given, officer="clerk-7")
        if answer.verdict is not Verdict.LISTED:
            self._journal.complain(f"{answer.verdict} about a person whose report was acknowledged")


def main() -> None:
    """Work until the file is there."""
    home, journal, stop, first, *pause = sys.argv[1:]
    with Client(ClientConfig.from_home(home)) as client:
        Lender(client, Journal.reopen(Path(journal)), Path(stop), int(first), float(*pause)).work()


if __name__ == "__main__":
    main()
