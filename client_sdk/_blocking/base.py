"""Runner of the flows of a member for a blocking client."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from client_sdk._member import Member
from client_sdk._steps import each_of_pages, run
from client_sdk._transport.mode import BLOCKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk._steps import Flow, Pages
    from client_sdk.config import ClientConfig

__all__ = ["FlowRunner"]

R = TypeVar("R")


class FlowRunner:
    """Runs flows in the caller's thread.

    Args:
        config: of the member.

    Raises:
        ConfigError: as for ``Client``.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._member = Member(config, BLOCKING)

    def _run(self, flow: Flow[R]) -> R:
        return run(self._member.owned(flow))

    def _pages(self, pages: Pages[R]) -> Iterator[R]:
        return each_of_pages(self._member.owned, pages)
