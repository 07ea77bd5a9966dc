"""A client's view of the log over its channel: the directory followed, and every checkpoint proved to continue it.

``Following`` is for blocking calls, ``AioFollowing`` for asyncio; both drive the same generators.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

from client_sdk._protocol.proving import step
from client_sdk._transport.calling import calling
from client_sdk.errors import CreditRegistryError
from client_sdk.following import AioDirectoryFeed, ContradictionError, DirectoryFeed

if TYPE_CHECKING:
    import grpc
    from creditregistry.v1 import transparency_pb2

    from client_sdk._session import Session
    from client_sdk.following import Proving
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["AioFollowing", "Following"]


class Following:
    """Follows a registry for one client; for any number of threads.

    Args:
        session: of the client.
        channel: to the registry; the client closes it.

    Raises:
        ConfigError: what is kept of the directory is damaged.
    """

    def __init__(self, session: Session, channel: grpc.Channel) -> None:
        self._session = session
        self._transparency = TransparencyServiceStub(channel)
        self._feed = DirectoryFeed(session.follower, channel, session.config.state_folder / "directory")

    def directory(self) -> Directory:
        """Return the directory, at most a minute old; what was signed for this home since is proved first."""
        if self._session.due:
            return self.refresh()
        self.prove(self._session.proving())
        return self._session.follower.directory

    def refresh(self, *, at_any_time: bool = False) -> Directory:
        """Follow the directory now, and prove its checkpoint and those of receipts.

        Args:
            at_any_time: whatever the time of its HEAD; for administrators who correct the log's time.

        Raises:
            RollbackError: the log went back or split in two.
            CreditRegistryError: the registry is away, refuses, or proves nothing.
        """
        try:
            self._feed.refresh()
        except ContradictionError as error:
            self.prove(self._session.newest.expose(error))
        self.prove(self._session.proving_round())
        return self._session.followed(at_any_time=at_any_time)

    def prove(self, steps: Proving) -> None:
        """Ask the registry for the proofs that are wanted."""
        request = step(steps, None)
        while request is not None:
            answer: transparency_pb2.GetCheckpointResponse | CreditRegistryError
            try:
                with calling():
                    answer = self._transparency.GetCheckpoint(request)
            except CreditRegistryError as error:
                answer = error
            request = step(steps, answer)


class AioFollowing:
    """Follows a registry for one client of asyncio; arguments and errors as for ``Following``."""

    def __init__(self, session: Session, channel: grpc.aio.Channel) -> None:
        self._session = session
        self._transparency = TransparencyServiceStub(channel)
        self._feed = AioDirectoryFeed(session.follower, channel, session.config.state_folder / "directory")

    async def directory(self) -> Directory:
        """Return the directory, at most a minute old; what was signed for this home since is proved first."""
        if self._session.due:
            return await self.refresh()
        await self.prove(self._session.proving())
        return self._session.follower.directory

    async def refresh(self, *, at_any_time: bool = False) -> Directory:
        """Follow the directory now, and prove its checkpoint and those of receipts; see ``Following.refresh``."""
        try:
            await self._feed.refresh()
        except ContradictionError as error:
            await self.prove(self._session.newest.expose(error))
        await self.prove(self._session.proving_round())
        return self._session.followed(at_any_time=at_any_time)

    async def prove(self, steps: Proving) -> None:
        """Ask the registry for the proofs that are wanted; what is proved is written beside the loop."""
        request = await asyncio.to_thread(step, steps, None)
        while request is not None:
            answer: transparency_pb2.GetCheckpointResponse | CreditRegistryError
            try:
                with calling():
                    answer = await self._transparency.GetCheckpoint(request)
            except CreditRegistryError as error:
                answer = error
            request = await asyncio.to_thread(step, steps, answer)
