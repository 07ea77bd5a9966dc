"""Four lenders reporting at once, each in a process of its own, as on machines of their own."""

from __future__ import annotations

import gzip
import multiprocessing
import signal
from dataclasses import dataclass
from queue import Empty
from typing import TYPE_CHECKING

from client_sdk.client import Client
from client_sdk.errors import CreditRegistryError
from client_sdk.invented.parties import LENDERS
from demo.recipe import portfolio
from demo.uci import parse_portfolio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess
    from multiprocessing.queues import Queue
    from pathlib import Path

    from client_sdk.models import BatchReport, Progress
    from demo.uci import Client as Borrower

__all__ = ["CrewError", "Order", "read_clients", "report_at_once"]

# Seconds between looks at who is still alive.
_LOOK = 0.5
_JOIN = 10
_GZIP = b"\x1f\x8b"


class CrewError(RuntimeError):
    """A lender could not report; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the lenders are to report.

    Attributes:
        folder: of all parties.
        data: file of the portfolio, as it is or compressed by gzip.
        limit: only the first so many clients; None for all.
    """

    folder: Path
    data: Path
    limit: int | None


@dataclass(frozen=True, slots=True)
class _Word:
    """A message of a lender's process: its progress, its result, or its error."""

    place: int
    progress: Progress | None = None
    report: BatchReport | None = None
    failure: str = ""


def read_clients(order: Order) -> tuple[bytes, list[Borrower]]:
    """Return the unpacked file and its clients.

    Raises:
        OSError: it cannot be read, or is damaged.
        PortfolioError: it is not what it should be.
    """
    data = order.data.read_bytes()
    unpacked = gzip.decompress(data) if data.startswith(_GZIP) else data
    return unpacked, parse_portfolio(unpacked, order.limit)


def report_at_once(order: Order, progress: Callable[[int, Progress], None]) -> list[BatchReport]:
    """Let every lender report its part, all at the same time.

    Args:
        order: what to report.
        progress: called with the place of a lender in the order and its progress.

    Returns:
        What became of each lender's rows, in the order of the lenders.

    Raises:
        CrewError: one could not.
    """
    context = multiprocessing.get_context("spawn")
    words: Queue[_Word] = context.Queue()
    crew = [
        context.Process(target=_report, args=(order, place, words), name=lender.name, daemon=True)
        for place, lender in enumerate(LENDERS)
    ]
    try:
        for process in crew:
            process.start()
        done = _listen(crew, words, progress)
        for process in crew:
            process.join(_JOIN)
        return done
    finally:
        for process in crew:
            if process.is_alive():
                process.terminate()


def _listen(
    crew: Sequence[BaseProcess], words: Queue[_Word], progress: Callable[[int, Progress], None]
) -> list[BatchReport]:
    done: dict[int, BatchReport] = {}
    while len(done) < len(crew):
        try:
            word = words.get(timeout=_LOOK)
        except Empty:
            _check(crew, done, words)
            continue
        if word.failure:
            raise CrewError(f"{crew[word.place].name}: {word.failure}")
        if word.report is not None:
            done[word.place] = word.report
        elif word.progress is not None:
            progress(word.place, word.progress)
    return [done[place] for place in range(len(crew))]


def _check(crew: Sequence[BaseProcess], done: dict[int, BatchReport], words: Queue[_Word]) -> None:
    """Raise if a process has ended without its last word, which may still be on its way while there are others."""
    for place, process in enumerate(crew):
        if place not in done and process.exitcode is not None and words.empty():
            raise CrewError(f"{process.name}: its process ended with {process.exitcode}")


def _report(order: Order, place: int, words: Queue[_Word]) -> None:
    """Work in a process of its own: read the file, make this lender's reports, send them."""
    # Ctrl-C is for the parent, which then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lender = LENDERS[place]
    try:
        _, clients = read_clients(order)
        reports = portfolio(clients, place, LENDERS)
        with Client.from_home(order.folder / lender.name) as client:
            report = client.report_many(reports, lambda progress: words.put(_Word(place, progress=progress)))
    except (CreditRegistryError, OSError) as error:
        words.put(_Word(place, failure=f"{type(error).__name__}: {error}"))
    else:
        words.put(_Word(place, report=report))
