"""Items that come page by page, each page by a flow of its own; what they come from is closed with the iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from client_sdk._steps.driver import run, run_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from client_sdk._steps.driver import Flow

__all__ = ["Pages", "each_of_pages", "each_of_pages_async"]

R_co = TypeVar("R_co", covariant=True)


class Pages(Protocol[R_co]):
    """Where pages come from."""

    def next(self) -> Flow[tuple[R_co, ...] | None]:
        """Return the items of the next page; None after the last."""
        ...

    def close(self) -> None:
        """Give up what is open."""
        ...


def each_of_pages(owned: Callable[[Flow[Any]], Flow[Any]], pages: Pages[R_co]) -> Iterator[R_co]:
    """Yield each item of pages, in this thread.

    Args:
        owned: runs a flow as long as its client is open.
        pages: whose ``next`` gives the items of a page, or None after the last; closed with the iterator.
    """
    try:
        while (page := run(owned(pages.next()))) is not None:
            yield from page
    finally:
        pages.close()


async def each_of_pages_async(owned: Callable[[Flow[Any]], Flow[Any]], pages: Pages[R_co]) -> AsyncIterator[R_co]:
    """Yield each item of pages, in the event loop; arguments as for ``each_of_pages``."""
    try:
        while (page := await run_async(owned(pages.next()))) is not None:
            for item in page:
                yield item
    finally:
        pages.close()
