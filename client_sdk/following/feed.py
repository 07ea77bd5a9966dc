"""Rounds of a follower over a channel to the registry, blocking and for asyncio."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import proposal_pb2

from client_sdk._steps import alone, ask, beside, relay, run, run_async
from client_sdk._transport.services import Services
from client_sdk.clock import clock_ms
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.following.kept import KeptDirectory
from client_sdk.following.log_memory import ContradictionError
from client_sdk.following.newest import NewestCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc
    from creditregistry.v1 import transparency_pb2

    from client_sdk._steps import Flow
    from client_sdk._transport.mode import Lock
    from client_sdk.following.core import DirectoryFollower, DirectoryView, Request, Response

__all__ = ["AioDirectoryFeed", "DirectoryFeed", "DirectoryKeeper", "Rounds"]


class DirectoryKeeper:
    """A follower with the file in which its directory is kept.

    Args:
        follower: takes up at once what the file holds.
        path: of the file, whose folder exists; None keeps the directory in memory only.

    Attributes:
        newest: keeps beside the file what proves that the log has contradicted itself; None where nothing is kept.

    Raises:
        ConfigError: the file is damaged, or of another registry.
    """

    def __init__(self, follower: DirectoryFollower, path: Path | None) -> None:
        self.follower = follower
        self.newest = (
            None if path is None else NewestCheckpoint(path.with_name("checkpoint"), follower.trust_root.log_key)
        )
        self._kept = None if path is None else KeptDirectory(path)
        if self._kept is not None:
            self._kept.restore(follower)
        # What the file holds, as far as this process has read or written it.
        self._note = b"" if follower.view is None else follower.view.note

    def keep(self, view: DirectoryView) -> None:
        """Write a view into the file, unless it or a later one is there.

        Raises:
            ConfigError: the file cannot be written.
        """
        if self._kept is None or self._note == view.note:
            return
        self._kept.keep(self.follower, view)
        self._note = view.note


class Rounds:
    """Rounds of a follower, one at a time, as flows.

    Args:
        keeper: the follower, and its file.
        services: of the registry.
        turn: held for a round; of the mode in which the flows run.
    """

    def __init__(self, keeper: DirectoryKeeper, services: Services, turn: Lock) -> None:
        self.keeper = keeper
        self._services = services
        self._turn = turn

    def refresh(self) -> Flow[DirectoryView]:
        """Run one round.

        Raises:
            TransportError: the registry does not answer.
            RefusedError: it refuses.
            VerificationError: an answer does not verify, or an act is withheld.
            ContradictionError: the log went back or split in two; what shows it is kept beside the file.
            ConfigError: the file cannot be written; the follower knows the directory, and the next round tries again.
        """
        return alone(self._turn, self._round())

    def _round(self) -> Flow[DirectoryView]:
        try:
            view = yield from relay(self.keeper.follower.advance(), self._reply)
        except ContradictionError as error:
            yield from self._expose(error)
            raise
        yield from beside(partial(self.keeper.keep, view))
        return view

    def _expose(self, error: ContradictionError) -> Flow[None]:
        """Keep what shows that the log has contradicted itself, and raise the error that names the file."""
        if self.keeper.newest is None:
            return
        try:
            yield from relay(
                self.keeper.newest.expose(error),
                lambda request: ask(self._services.transparency.GetCheckpoint, request),
            )
        except ConfigError as unkept:
            error.add_note(str(unkept))

    def _reply(self, request: Request) -> Flow[Response]:
        if isinstance(request, proposal_pb2.ListActsRequest):
            return ask(self._services.directory.ListActs, request)
        return ask(self._services.transparency.GetDirectoryProof, _timed(request))


class DirectoryFeed:
    """Keeps a follower up to date over a channel that blocks; for any number of threads.

    Args:
        follower: takes up at once what the file holds.
        channel: to the registry; the caller closes it.
        path: file in which the directory is kept; None keeps it in memory only.

    Raises:
        ConfigError: the file is damaged, or of another registry.
    """

    def __init__(self, follower: DirectoryFollower, channel: grpc.Channel, path: Path | None = None) -> None:
        self.follower = follower
        self._rounds = Rounds(DirectoryKeeper(follower, path), Services(channel), threading.Lock())

    def refresh(self) -> DirectoryView:
        """Run one round; errors as for ``Rounds.refresh``."""
        return run(self._rounds.refresh())


class AioDirectoryFeed:
    """Keeps a follower up to date over a channel for asyncio; arguments and errors as for ``DirectoryFeed``."""

    def __init__(self, follower: DirectoryFollower, channel: grpc.aio.Channel, path: Path | None = None) -> None:
        self.follower = follower
        self._rounds = Rounds(DirectoryKeeper(follower, path), Services(channel), asyncio.Lock())

    async def refresh(self) -> DirectoryView:
        """Run one round; errors as for ``Rounds.refresh``."""
        return await run_async(self._rounds.refresh())

    async def follow(self, every_seconds: float, report: Callable[[CreditRegistryError | None], None]) -> None:
        """Run a round every so many seconds until the task is cancelled.

        Args:
            every_seconds: from the end of a round to the start of the next.
            report: called after each round with its error, None where it went well.
        """
        while True:
            problem: CreditRegistryError | None = None
            try:
                await self.refresh()
            except CreditRegistryError as error:
                problem = error
            report(problem)
            await asyncio.sleep(every_seconds)


def _timed(request: transparency_pb2.GetDirectoryProofRequest) -> transparency_pb2.GetDirectoryProofRequest:
    """Tell this machine's clock: a registry that has just started holds its own against it."""
    request.sent_at = clock_ms()
    return request
