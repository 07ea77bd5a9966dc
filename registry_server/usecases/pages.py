"""Further pages of long answers, kept in memory for some minutes so that all pages rest on one HEAD."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.moment import span
from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry_server.usecases.evidence import EvidencePage

__all__ = ["PageKey", "PageShelf"]

# About 250 MB at most; the oldest answers go first.
_MAX_PAGES = 64


class PageKey(NamedTuple):
    """Which page: of the answer to a signed inquiry, under one HEAD, from a person on."""

    asker: str
    inquiry_digest: bytes
    size: int
    position: int


class _KeptPage(NamedTuple):
    until: int
    page: EvidencePage


class PageShelf:
    """Keeps pages until they are too old or too many. Thread-safe.

    Args:
        kept_ms: how long.
    """

    def __init__(self, kept_ms: int) -> None:
        self._kept_ms = kept_ms
        self._lock = threading.Lock()
        self._pages: OrderedDict[PageKey, _KeptPage] = OrderedDict()

    def keep(self, asker: str, inquiry_digest: bytes, pages: Sequence[EvidencePage], now: int) -> None:
        """Keep all pages of an answer but the first, which is answered at once."""
        with self._lock:
            for page in pages[1:]:
                key = PageKey(asker, inquiry_digest, page.size, page.first_position)
                self._pages[key] = _KeptPage(now + self._kept_ms, page)
                self._pages.move_to_end(key)
            self._forget(now)

    def take(self, key: PageKey, now: int) -> EvidencePage:
        """Return a page; it may be asked for again.

        Raises:
            RegistryError: HEAD_GONE; it is kept no longer, or there never was one.
        """
        with self._lock:
            self._forget(now)
            kept = self._pages.get(key)
        if kept is None:
            want = f"the HEAD of the first page, within {span(self._kept_ms)}"
            raise RegistryError(RefusalReason.HEAD_GONE, "at_size", "page.kept", got=str(key.size), want=want)
        return kept.page

    def _forget(self, now: int) -> None:
        while self._pages and (len(self._pages) > _MAX_PAGES or next(iter(self._pages.values())).until < now):
            self._pages.popitem(last=False)
