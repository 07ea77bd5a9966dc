"""Places: how many calls and streams each holder of a certificate may have under way, and how many messages arriving.

A limit for all members together would let one of them use it up. A place is taken before the first byte of a message
is read and given back when the call ends. Used from one event loop only, so nothing is locked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.holder import Holder

__all__ = ["Limits", "Places"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each holder of a certificate.

    Attributes:
        calls: single calls under way.
        streams: streams under way.
        arriving: requests of single calls that are read at the same time; further ones wait their turn.
    """

    calls: int = 128
    streams: int = 8
    arriving: int = 16


class Places:
    """Counts what is under way, by holder.

    Args:
        limits: of each holder.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken: Counter[tuple[Holder, bool]] = Counter()
        self._arriving: dict[Holder, asyncio.Semaphore] = {}

    def take(self, holder: Holder, *, streaming: bool) -> None:
        """Take a place for a call or a stream; each one taken must be given back.

        Raises:
            RegistryError: TOO_MANY_CALLS; all places of the holder are taken.
        """
        kind, most = ("streams", self._limits.streams) if streaming else ("calls", self._limits.calls)
        if self._taken[holder, streaming] >= most:
            raise RegistryError(
                RefusalReason.TOO_MANY_CALLS, "", f"{kind}.concurrent", want=f"at most {most} under way"
            )
        self._taken[holder, streaming] += 1

    def give_back(self, holder: Holder, *, streaming: bool) -> None:
        """Give a place back."""
        self._taken[holder, streaming] -= 1
        if not self._taken[holder, streaming]:
            del self._taken[holder, streaming]
        if (holder, True) not in self._taken and (holder, False) not in self._taken:
            self._arriving.pop(holder, None)

    def arriving(self, holder: Holder) -> asyncio.Semaphore:
        """Return what is held while a request of the holder is read; the holder has a place."""
        turns = self._arriving.get(holder)
        if turns is None:
            turns = self._arriving[holder] = asyncio.Semaphore(self._limits.arriving)
        return turns
