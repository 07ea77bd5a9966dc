"""The health service asks its registry again and again, and leaves no question behind."""

from __future__ import annotations

import asyncio
import threading

from registry_server.rpc.health import Health, Probes

WAIT_SECONDS = 60


async def test_a_question_under_way_is_answered_before_it_ends() -> None:
    begun, answer = threading.Semaphore(0), threading.Event()
    answers = iter((True,))

    def ask() -> None:
        begun.release()
        assert next(answers, False) or answer.wait(WAIT_SECONDS)

    health = Health(Probes(ask, lambda: None, 0.001))
    await health.start()
    for _ in range(2):
        assert await asyncio.to_thread(begun.acquire, timeout=WAIT_SECONDS)
    await health.stop()
    ended = asyncio.create_task(health.ended())
    await asyncio.sleep(0)
    assert not ended.done()
    answer.set()
    await ended
