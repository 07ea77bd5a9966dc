"""Storage for what grows with the log during a replay: in memory, or where the caller has room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping

__all__ = ["MemoryStore", "StateStore"]

K = TypeVar("K", bound="int | bytes | tuple[str, bytes]")
V = TypeVar("V")


class StateStore(Protocol):
    """Makes mappings, and puts in order. Values are never None, and never changed in place.

    Keys are whole numbers, bytes, or a text with bytes, which anybody may see: they are what the log shows, and nothing
    of a person.
    """

    def mapping(self, name: str, key: type[K], value: type[V]) -> MutableMapping[K, V]:
        """Return a new, empty mapping.

        Args:
            name: of it, given once.
            key: type of its keys.
            value: type of its values.
        """
        ...

    def ascending(self, mapping: MutableMapping[K, V]) -> Iterator[tuple[K, V]]:
        """Yield the items of one of its mappings by key, ascending; the mapping is left alone meanwhile."""
        ...

    def in_order(self, items: Iterable[V], place: Callable[[V], bytes]) -> Iterator[V]:
        """Return items ascending by their places, of which nothing is seen in store; all are taken before it returns.

        Args:
            items: of which no two have the same place.
            place: of an item.
        """
        ...


class MemoryStore:
    """Keeps everything in memory."""

    def mapping(self, name: str, key: type[K], value: type[V]) -> MutableMapping[K, V]:  # noqa: ARG002 - of the protocol
        """Return a new, empty mapping."""
        return {}

    def ascending(self, mapping: MutableMapping[K, V]) -> Iterator[tuple[K, V]]:
        """Yield the items of a mapping by key, ascending."""
        for key in sorted(mapping):
            yield key, mapping[key]

    def in_order(self, items: Iterable[V], place: Callable[[V], bytes]) -> Iterator[V]:
        """Return items ascending by their places."""
        return iter(sorted(items, key=place))
