"""Rounds of a follower over a channel to the registry, blocking and for asyncio."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
from creditregistry.v1 import proposal_pb2, transparency_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

from client_sdk._transport.channels import error_of_call
from client_sdk.errors import ConfigError, CreditRegistryError
from client_sdk.following.kept import KeptDirectory
from client_sdk.following.log_memory import ContradictionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.following.core import DirectoryFollower, DirectoryView, Request

__all__ = ["AioDirectoryFeed", "DirectoryFeed"]


class _Keeping:
    """Common part of the blocking and the asyncio feed."""

    def __init__(self, follower: DirectoryFollower, path: Path | None) -> None:
        self.follower = follower
        self._kept = None if path is None else KeptDirectory(path)
        if self._kept is not None:
            self._kept.restore(follower)
        # What the file holds, as far as this process has read or written it.
        self._note = b"" if follower.view is None else follower.view.note

    def _keep(self, view: DirectoryView) -> None:
        if self._kept is None or self._note == view.note:
            return
        self._kept.keep(self.follower, view)
        self._note = view.note

    @contextmanager
    def _proving(self) -> Iterator[None]:
        """Keep the proof where the log has contradicted itself."""
        try:
            yield
        except ContradictionError as error:
            if self._kept is not None:
                try:
                    self._kept.keep_contradiction(error)
                except ConfigError as unkept:
                    error.add_note(str(unkept))
            raise


class DirectoryFeed(_Keeping):
    """Keeps a follower up to date over a channel that blocks; for any number of threads.

    Args:
        follower: takes up at once what the file holds.
        channel: to the registry; whoever opened it closes it.
        path: file in which the directory is kept; None keeps it in memory only.

    Raises:
        ConfigError: the file is damaged, or of another registry.
    """

    def __init__(self, follower: DirectoryFollower, channel: grpc.Channel, path: Path | None = None) -> None:
        super().__init__(follower, path)
        self._transparency = TransparencyServiceStub(channel)
        self._directory = DirectoryServiceStub(channel)
        self._turn = threading.Lock()

    def refresh(self) -> DirectoryView:
        """Run one round.

        Raises:
            TransportError: the registry does not answer.
            RefusedError: it refuses.
            VerificationError: an answer does not verify, or an act is withheld.
            ContradictionError: the log went back or split in two.
            ConfigError: the file cannot be written; the follower knows the directory, and the next round tries again.
        """
        with self._turn, self._proving():
            view = self._round()
            self._keep(view)
            return view

    def _round(self) -> DirectoryView:
        steps = self.follower.advance()
        try:
            request = next(steps)
            while True:
                try:
                    response = self._ask(request)
                except grpc.RpcError as error:
                    request = steps.throw(error_of_call(error))
                else:
                    request = steps.send(response)
        except StopIteration as end:
            view: DirectoryView = end.value
            return view

    def _ask(self, request: Request) -> transparency_pb2.GetDirectoryProofResponse | proposal_pb2.ListActsResponse:
        if isinstance(request, proposal_pb2.ListActsRequest):
            return self._directory.ListActs(request)
        return self._transparency.GetDirectoryProof(_timed(request))


class AioDirectoryFeed(_Keeping):
    """Keeps a follower up to date over a channel for asyncio.

    Args:
        follower: takes up at once what the file holds.
        channel: to the registry; whoever opened it closes it.
        path: file in which the directory is kept; None keeps it in memory only.

    Raises:
        ConfigError: the file is damaged, or of another registry.
    """

    def __init__(self, follower: DirectoryFollower, channel: grpc.aio.Channel, path: Path | None = None) -> None:
        super().__init__(follower, path)
        self._transparency = TransparencyServiceStub(channel)
        self._directory = DirectoryServiceStub(channel)
        self._turn = asyncio.Lock()

    async def refresh(self) -> DirectoryView:
        """Run one round.

        Raises:
            TransportError: the registry does not answer.
            RefusedError: it refuses.
            VerificationError: an answer does not verify, or an act is withheld.
            ContradictionError: the log went back or split in two.
            ConfigError: the file cannot be written; the follower knows the directory, and the next round tries again.
        """
        async with self._turn:
            with self._proving():
                view = await self._round()
            # Written to the disk, therefore beside the loop.
            await asyncio.to_thread(self._keep, view)
            return view

    async def follow(self, every_seconds: float, report: Callable[[CreditRegistryError | None], None]) -> None:
        """Run a round every so many seconds until the task is cancelled.

        Args:
            every_seconds: from the end of a round to the start of the next.
            report: told after each round what went wrong, None for nothing.
        """
        while True:
            problem: CreditRegistryError | None = None
            try:
                await self.refresh()
            except CreditRegistryError as error:
                problem = error
            report(problem)
            await asyncio.sleep(every_seconds)

    async def _round(self) -> DirectoryView:
        steps = self.follower.advance()
        try:
            request = next(steps)
            while True:
                try:
                    response = await self._ask(request)
                except grpc.RpcError as error:
                    request = steps.throw(error_of_call(error))
                else:
                    request = steps.send(response)
        except StopIteration as end:
            view: DirectoryView = end.value
            return view

    async def _ask(
        self, request: Request
    ) -> transparency_pb2.GetDirectoryProofResponse | proposal_pb2.ListActsResponse:
        if isinstance(request, proposal_pb2.ListActsRequest):
            return await self._directory.ListActs(request)
        return await self._transparency.GetDirectoryProof(_timed(request))


def _timed(request: transparency_pb2.GetDirectoryProofRequest) -> transparency_pb2.GetDirectoryProofRequest:
    """Tell this machine's clock: a registry that has just started holds its own against it."""
    request.sent_at = time.time_ns() // 1_000_000
    return request
