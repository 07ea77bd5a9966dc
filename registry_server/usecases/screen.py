"""Screenings: pages of the map by prefix under one signed inquiry (proto/README.md 6 and 9).

The first call keeps the inquiry, durably, and takes the newest commit, from which all of its pages are served. What is
kept meanwhile is the top of that commit's map, and in memory those of its blocks that later commits replace: no lock
waits for a caller. Where memory does not suffice for that, the screening is over.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_page import ENTRY_BYTES, MAX_PAGE_DEPTH, page_depth
from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.rules.consent import check_consent_terms
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.map_cache import BlockGoneError
from registry_server.usecases.asking import SignedInquiry, check_asker, check_inquiry, check_whole, own_inquiry
from registry_server.usecases.proofs import ProvedHead, head_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.kernel.formats.map_page import MapPage
    from client_sdk.kernel.ledger.inquiry import Inquiry, Screening
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.map_block import Blocks
    from registry_server.sequencing.map_tree import MapTree

__all__ = ["KEPT_MS", "MAX_PREFIXES", "ReceivedScreening", "ScreenedPages", "Screens"]

# Pages of one call, and their bytes together; a single page may have half a MiB.
MAX_PREFIXES = 16
_ANSWER_BYTES = 1024 * 1024
# How long the pages of one screening may be taken, and how many screenings are kept: of one institution, and of all.
KEPT_MS = 30 * 60_000
_KEPT_EACH = 2
_KEPT_IN_ALL = 32
# A page may be taken again where its answer was lost, so many times in all.
_TIMES = 4
# How far the depth may lie from the one that suits the size of the map: it grows and shrinks, and pages that were made
# large on purpose can be split.
_SHALLOWER = 1
_DEEPER = 3


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ReceivedScreening(SignedInquiry):
    """A signed screening as it came.

    Attributes:
        prefixes: of the pages that are wanted now, ascending.
    """

    prefixes: tuple[int, ...]


class ScreenedPages(NamedTuple):
    """Pages of the map of one HEAD, with their prefixes."""

    head: ProvedHead
    pages: tuple[tuple[int, MapPage], ...]


class Screens:
    """The use case. Thread-safe.

    Args:
        ledger: where inquiries are kept, and whose map is shown.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._shelf = _Shelf()

    def pages(self, asked: ReceivedScreening) -> ScreenedPages:
        """Return the first of the pages that are wanted, as many as fit into an answer.

        Raises:
            FormatError: inquiry, opening or prefixes are not in their form.
            RuleError: the asker may not ask, or its persons of today are used up.
            RegistryError: the inquiry is not in order, its pages are used up, or its HEAD is kept no longer.
            StorageError: the database failed; the same call may be made again.
            ClockError: what time it is is not known.
        """
        check_whole(self._ledger)
        now = self._ledger.clock()
        opened = self._shelf.take(asked, now)
        if opened is None:
            if asked.at_size:
                raise _gone(asked)
            opened = self._open(asked, now)
        elif asked.at_size not in (0, opened.size):
            raise _gone(asked)
        # Of an asker who was suspended meanwhile nothing more is answered.
        check_asker(asked, self._ledger.directory, None)
        try:
            with self._ledger.map_blocks() as blocks:
                return opened.pages(asked.prefixes, blocks)
        except BlockGoneError:
            if self._ledger.size == opened.size:
                raise
            raise _gone(asked) from None

    def _open(self, asked: ReceivedScreening, now: int) -> _OpenScreening:
        """Keep a screening that begins, whatever becomes of it, and return what its pages are served from.

        Raises:
            Exception: as ``pages``.
        """
        with self._ledger.held_view(KEPT_MS / 1000) as view:
            head, directory, size = head_of(view), view.directory, view.size
            tree, entries = view.map_tree, view.head.entry_count
        inquiry = own_inquiry(asked, directory)
        try:
            check_asker(asked, directory, None)
            check_inquiry(inquiry, directory, now)
            versions = directory.state.live_subject_key_versions
            asked.opening.check(inquiry, versions)
            today = day_of(now, directory.rulebook.time_zone)
            check_consent_terms(inquiry.consent_terms, inquiry.purpose, directory.rulebook, today=today)
            screening = _screening(inquiry, entries, len(versions))
            _check_prefixes(asked.prefixes, screening)
        except (FormatError, RuleError, RegistryError) as error:
            (refused,) = self._ledger.record_inquiries([asked.item(inquiry, error)]).result()
            if not refused.kept and refused.refusal is not None:
                raise refused.refusal from error
            raise
        (kept,) = self._ledger.record_inquiries([asked.item(inquiry, None)]).result()
        if kept.refusal is not None:
            raise kept.refusal
        if kept.repeated:
            # Its pages are served by the process that took it in, and from one HEAD alone.
            raise _gone(asked)
        return self._shelf.put(asked, _OpenScreening(head, size, tree, screening), now)


class _OpenScreening:
    """A screening that has begun. Thread-safe."""

    def __init__(self, head: ProvedHead, size: int, tree: MapTree, screening: Screening) -> None:
        self.size = size
        self._head = head
        self._tree = tree
        self._screening = screening
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    def pages(self, prefixes: Sequence[int], blocks: Blocks) -> ScreenedPages:
        """Return the first pages of those wanted.

        Raises:
            BlockGoneError: a block of the map is kept no longer.
            FormatError: a prefix is none of this depth, or they do not ascend.
            RegistryError: they are more than the inquiry declares, were taken too often, or one is too large.
        """
        _check_prefixes(prefixes, self._screening)
        try:
            pages = tuple(self._fitting(prefixes, blocks))
        except FormatError as error:
            reason = RefusalReason.DEPTH_INVALID
            raise RegistryError(reason, "prefixes", error.rule, got=error.got, want=error.want) from error
        self._count([prefix for prefix, _ in pages])
        return ScreenedPages(self._head, pages)

    def _fitting(self, prefixes: Sequence[int], blocks: Blocks) -> Iterator[tuple[int, MapPage]]:
        left = _ANSWER_BYTES
        for prefix in prefixes:
            page = self._tree.page(prefix, self._screening.depth, blocks)
            left -= len(page.entries) + ENTRY_BYTES * page.depth
            if left < 0 and prefix != prefixes[0]:
                return
            yield prefix, page

    def _count(self, prefixes: Sequence[int]) -> None:
        most = self._screening.pages
        with self._lock:
            fresh = sum(1 for prefix in prefixes if prefix not in self._taken)
            if len(self._taken) + fresh > most:
                got, want = f"{len(self._taken) + fresh} pages", f"at most {most}, as the inquiry declares"
                raise RegistryError(RefusalReason.PAGES_EXCEEDED, "prefixes", "screening.pages", got=got, want=want)
            if any(self._taken[prefix] >= _TIMES for prefix in prefixes):
                got, want = f"a page for the {_TIMES + 1}th time", f"each page at most {_TIMES} times"
                raise RegistryError(RefusalReason.PAGES_EXCEEDED, "prefixes", "screening.again", got=got, want=want)
            self._taken.update(prefixes)


class _KeptScreening(NamedTuple):
    until: int
    opened: _OpenScreening


class _Shelf:
    """Screenings that have begun, by asker and digest, until they are too old or too many. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, bytes], _KeptScreening] = OrderedDict()

    def take(self, asked: SignedInquiry, now: int) -> _OpenScreening | None:
        """Return a screening that has begun; None where it is not kept."""
        with self._lock:
            self._forget(now)
            kept = self._kept.get((asked.peer, asked.digest))
        return None if kept is None else kept.opened

    def put(self, asked: SignedInquiry, opened: _OpenScreening, now: int) -> _OpenScreening:
        """Keep a screening in place of the oldest of its asker, or of all, where there are too many."""
        with self._lock:
            own = [key for key in self._kept if key[0] == asked.peer]
            for key in own[: len(own) - _KEPT_EACH + 1]:
                del self._kept[key]
            self._kept[asked.peer, asked.digest] = _KeptScreening(now + KEPT_MS, opened)
            self._forget(now)
        return opened

    def _forget(self, now: int) -> None:
        while self._kept and (len(self._kept) > _KEPT_IN_ALL or next(iter(self._kept.values())).until < now):
            self._kept.popitem(last=False)


def _screening(inquiry: Inquiry, entries: int, versions: int) -> Screening:
    """Return which pages an inquiry asks for, if they suit the registry.

    Args:
        inquiry: of the asker.
        entries: of the map.
        versions: of the subject keys that are live: so many keys has a person.

    Raises:
        FormatError: it is no screening, or asks for more pages than its persons can be in.
        RegistryError: DEPTH_INVALID.
    """
    screening = inquiry.screening
    if screening is None:
        raise FormatError("inquiry", "screening.present", want="a screening")
    if screening.pages > screening.persons * versions:
        want = f"at most {screening.persons * versions}, one for each person and version of the subject keys"
        raise FormatError("inquiry.screening", "screening.pages", got=str(screening.pages), want=want)
    right = page_depth(entries)
    first, last = max(1, right - _SHALLOWER), min(right + _DEEPER, MAX_PAGE_DEPTH)
    if not first <= screening.depth <= last:
        got, want = str(screening.depth), f"{first} to {last} for a map of this size"
        raise RegistryError(
            RefusalReason.DEPTH_INVALID, "inquiry.screening.depth", "screening.depth", got=got, want=want
        )
    return screening


def _check_prefixes(prefixes: Sequence[int], screening: Screening) -> None:
    if not 0 < len(prefixes) <= MAX_PREFIXES:
        raise FormatError("prefixes", "screening.prefixes", got=str(len(prefixes)), want=f"1 to {MAX_PREFIXES}")
    if list(prefixes) != sorted(set(prefixes)):
        raise FormatError("prefixes", "screening.order", want="ascending, without repetition")
    # The first bit of every subject's key is 0; the other half is the directory, which has proofs of its own.
    if prefixes[-1] >> (screening.depth - 1):
        want = f"below {1 << (screening.depth - 1)} at depth {screening.depth}"
        raise FormatError("prefixes", "screening.prefix", got="a higher one", want=want)


def _gone(asked: SignedInquiry) -> RegistryError:
    want = f"the HEAD of the first answer, within {span(KEPT_MS)}; sign a new screening"
    return RegistryError(RefusalReason.HEAD_GONE, "at_size", "page.kept", got=str(asked.at_size), want=want)
