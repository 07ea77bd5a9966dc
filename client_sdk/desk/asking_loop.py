"""Checks of programs, put by an event loop in a thread of its own.

A check computes for three milliseconds between three calls. With a thread for each check, much of its time goes to the
changes from one thread to another; here all that are under way have one thread, and the loop that serves HTTP waits
neither for them nor for the disk.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from client_sdk.aio import AsyncClient
from client_sdk.desk.journal import DeskAct
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from client_sdk.config import ClientConfig
    from client_sdk.desk.journal import ActEntry, Journal
    from client_sdk.models import Answer, Consent, Identity, Purpose

__all__ = ["AskingLoop"]

# That write a line of the journal each, or wait until another one has written it.
_JOURNAL_THREADS = 32
# Checks under way when the desk ends, each of which the SDK's deadlines end.
_CLOSE_SECONDS = 10.0


class AskingLoop:
    """The loop; its thread begins when it is opened, or with the first check.

    Args:
        config: of the member.
        journal: of the desk.
    """

    def __init__(self, config: ClientConfig, journal: Journal) -> None:
        self._config, self._journal = config, journal
        self._writers = ThreadPoolExecutor(_JOURNAL_THREADS, "desk-journal")
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: AsyncClient | None = None
        self._is_closed = False

    def open(self) -> None:
        """Open its client, so that errors are shown, and a secret of a key is asked for, where the desk is started.

        Raises:
            ConfigError: as ``AsyncClient``.
        """

        async def opened() -> None:
            self._asker()

        asyncio.run_coroutine_threadsafe(opened(), self._running()).result()

    async def check(
        self, who: str, identity: Identity, *, purpose: Purpose, consent: Consent, officer: str, about: Sequence[str]
    ) -> Answer:
        """Ask about one person, as an act in the journal; to be awaited in any event loop.

        Args:
            who: acts, as the journal names it.
            identity: of the person.
            purpose: of the inquiry.
            consent: of the person.
            officer: who asks.
            about: for the journal.

        Raises:
            CreditRegistryError: as ``AsyncClient.check``; or the journal cannot be written.
        """
        loop = self._running()
        asked = self._check(who, identity, purpose, consent, officer, list(about))
        running = asyncio.run_coroutine_threadsafe(asked, loop)
        # Where nobody waits for the answer any more, the act goes on to its end.
        return await asyncio.shield(asyncio.wrap_future(running))

    def close(self) -> None:
        """End the loop, and wait some seconds for the checks that are under way; those that last longer fail."""
        with self._turn:
            self._is_closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._end(), loop).result(2 * _CLOSE_SECONDS)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_CLOSE_SECONDS)
            if not thread.is_alive():
                loop.close()
        self._writers.shutdown(wait=True)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._turn:
            if self._is_closed:
                raise ConfigError("the desk is ending")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="desk-asking", daemon=True)
                self._thread.start()
            return self._loop

    async def _check(
        self, who: str, identity: Identity, purpose: Purpose, consent: Consent, officer: str, about: list[str]
    ) -> Answer:
        async with self._act(who, about, purpose.name) as entry:
            answer = await self._asker().check(identity, purpose=purpose, consent=consent, officer=officer)
            if answer.inquiry_id:
                entry.about.append(answer.inquiry_id.hex())
        return answer

    def _asker(self) -> AsyncClient:
        if self._client is None:
            self._client = AsyncClient(self._config, in_place=True)
        return self._client

    @asynccontextmanager
    async def _act(self, who: str, about: list[str], reason: str) -> AsyncIterator[ActEntry]:
        """Write to the journal as ``Journal.act`` does, each line in a thread that waits for the disk."""
        loop, journal = asyncio.get_running_loop(), self._journal
        begin = partial(journal.begin, who, DeskAct.ASK, about=about, reason=reason)
        entry = await loop.run_in_executor(self._writers, begin)
        try:
            yield entry
        except BaseException as error:
            await loop.run_in_executor(self._writers, journal.end, entry, error)
            raise
        await loop.run_in_executor(self._writers, journal.end, entry)

    async def _end(self) -> None:
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
