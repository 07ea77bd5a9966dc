"""Listing of logged acts in order, from any number on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.leaves import StoredAct

__all__ = ["ActPage", "Acts"]

MAX_ACTS = 1_000
# Bytes of one message.
PAGE_BYTES = 3 * 1024 * 1024


class ActPage(NamedTuple):
    """Some acts in order.

    Attributes:
        acts: with number, index and leaf.
        more: whether others follow.
    """

    acts: list[StoredAct]
    more: bool


class Acts:
    """The use case.

    Args:
        ledger: whose acts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list_from(self, number: int) -> ActPage:
        """Return acts from that number on, at most 1,000 and as many as go into one message."""
        with self._ledger.recent() as view:
            found = view.acts(number, MAX_ACTS)
            newest = view.directory.state.act_number
        page: list[StoredAct] = []
        length = 0
        for act in found:
            length += len(act.leaf)
            if page and length > PAGE_BYTES:
                break
            page.append(act)
        return ActPage(page, bool(page) and page[-1].number < newest)
