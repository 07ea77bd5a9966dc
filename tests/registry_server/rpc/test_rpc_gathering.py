"""Gathering: what waits together is served together, in order, each with its own end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from registry_server.errors import RegistryError
from registry_server.rpc.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Doubling:
    """Doubles numbers, refuses negative ones, fails as a whole at a hundred; waits until it may go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        self.begun.set()
        self.go_on.wait(30)
        if 100 in numbers:
            raise OSError("all of them")
        return [ValueError(str(number)) if number < 0 else 2 * number for number in numbers]


async def gathered(gathering: Gathering[int, int], *numbers: int) -> list[int | BaseException]:
    return await asyncio.gather(*map(gathering.submit, numbers), return_exceptions=True)


async def test_what_comes_while_a_batch_is_served_is_the_next_batch(executor: ThreadPoolExecutor) -> None:
    doubling = Doubling()
    gathering: Gathering[int, int] = Gathering(doubling, executor, limit=3)
    first = asyncio.ensure_future(gathering.submit(0))
    await asyncio.to_thread(doubling.begun.wait, 30)
    rest = asyncio.ensure_future(gathered(gathering, 1, 2, 3, 4))
    await asyncio.sleep(0)
    doubling.go_on.set()
    assert await first == 0
    assert await rest == [2, 4, 6, 8]
    assert doubling.batches == [[0], [1, 2, 3], [4]]


async def test_each_item_ends_with_its_own_error(executor: ThreadPoolExecutor) -> None:
    doubling = Doubling()
    doubling.go_on.set()
    gathering: Gathering[int, int] = Gathering(doubling, executor, limit=8)
    one, wrong, three = await gathered(gathering, 1, -2, 3)
    assert (one, three) == (2, 6)
    assert isinstance(wrong, ValueError)
    assert all(isinstance(item, OSError) for item in await gathered(gathering, 100))
    assert await gathering.submit(5) == 10


async def test_whose_client_has_gone_is_not_begun(executor: ThreadPoolExecutor) -> None:
    doubling = Doubling()
    gathering: Gathering[int, int] = Gathering(doubling, executor, limit=8)
    first = asyncio.ensure_future(gathering.submit(1))
    await asyncio.to_thread(doubling.begun.wait, 30)
    gone = asyncio.ensure_future(gathering.submit(2))
    stays = asyncio.ensure_future(gathering.submit(3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    doubling.go_on.set()
    assert (await first, await stays) == (2, 6)
    assert doubling.batches == [[1], [3]]


async def test_too_many_waiting_are_refused(executor: ThreadPoolExecutor) -> None:
    doubling = Doubling()
    gathering: Gathering[int, int] = Gathering(doubling, executor, limit=1, waiting_limit=2)
    first = asyncio.ensure_future(gathering.submit(0))
    await asyncio.to_thread(doubling.begun.wait, 30)
    waiting = [asyncio.ensure_future(gathering.submit(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(RegistryError) as caught:
        await gathering.submit(3)
    assert caught.value.reason == "QUEUE_FULL"
    doubling.go_on.set()
    assert [await first, *[await item for item in waiting]] == [0, 2, 4]


async def test_an_item_that_comes_as_the_last_batch_ends_is_served(executor: ThreadPoolExecutor) -> None:
    doubling = Doubling()
    doubling.go_on.set()
    gathering: Gathering[int, int] = Gathering(doubling, executor, limit=4, linger=0)

    async def ask_again_and_again() -> list[int]:
        return [await gathering.submit(number) for number in range(1_000, 1_200)]

    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(ask_again_and_again() for _ in range(3)))
    assert answers == [[2 * number for number in range(1_000, 1_200)]] * 3
