"""What computes for long, or touches the disk, never runs in the thread of asyncio's loop."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from client_sdk import AsyncClient, Standing, written_consent
from client_sdk._protocol import arguments, evaluation, inquiry, own_record, receipt, statement
from client_sdk.kernel.formats import dsse, record_id, seal
from client_sdk.kernel.subjects import oprf, pseudonym
from client_sdk.kernel.subjects.identifiers import Identity
from client_sdk.lending import chains, comparison
from client_sdk.lending.outbox import Outbox
from client_sdk.lending.signing_room import SigningRoom
from client_sdk.lending.tally import Tally
from client_sdk.signing import read_private
from tests.client_sdk.sdk_samples import default_report, history, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
WORK: tuple[Callable[..., Any], ...] = (
    *(record_id.derive_record_id, pseudonym.derive, oprf.finalize, seal.seal_facts, seal.open_facts, dsse.sign),
    *(Identity.voprf_input, arguments.persons_of, arguments.record_ids_of),
    *(evaluation.Evaluation.asks, evaluation.Evaluation.accept, evaluation.Evaluation.outputs),
    *(inquiry.ask, inquiry.read_page, own_record.read_held, own_record.open_held, receipt.read_result),
    *(statement.sign_version, statement.sign_ending, chains.plan, comparison.compare, comparison.Lookup.wanted),
    *(SigningRoom.work_off, Tally.report, read_private),
    *(Outbox.add, Outbox.pending, Outbox.settle, Outbox.receipt, Outbox.unproved),
)
CODES: dict[CodeType, str] = {work.__code__: work.__qualname__ for work in WORK}


class Watch:
    """Counts which of the functions run, in this thread and in those that are started while it looks."""

    def __init__(self) -> None:
        self.here: Counter[str] = Counter()
        self.beside: Counter[str] = Counter()
        self._thread = threading.get_ident()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        name = CODES.get(frame.f_code) if event == "call" else None
        if name is not None:
            (self.here if threading.get_ident() == self._thread else self.beside)[name] += 1


@contextmanager
def watching() -> Iterator[Watch]:
    watch = Watch()
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield watch
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def test_work_runs_beside_the_loop(registry: TestRegistry) -> None:
    rows = [row for number in range(73_001, 73_041) for row in history(number)]
    record = default_report(73_100)
    assert record.name is not None
    asked: dict[str, Any] = {"purpose": "LOAN_APPROVAL", "consent": CONSENT, "officer": "clerk-7"}
    async with AsyncClient(registry.config("lender-1")) as client:
        own = client.record_id(record.name)
        with watching() as watch:
            done = await client.report_many(rows)
            receipt = await client.report(record)
            answers = await client.check_many([person(73_001), person(73_100)], **asked)
            held = [view async for view in client.records([own], identity=record.identity)]
            again = await client.receipt(own, 1)
            ended = await client.withdraw(own, identity=record.identity)
    assert (done.accepted, receipt.version, len(answers), again.version) == (len(rows), 1, 2, 1)
    assert [view.standing for view in held] == [Standing.OPEN]
    assert ended.version == 2
    assert watch.here == {}
    assert watch.beside.keys() == set(CODES.values())
