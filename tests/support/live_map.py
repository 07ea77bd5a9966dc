"""The whole map as a dictionary, for small logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.live_set import subject_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.live_set import Bound


def map_entries(directory: Directory, bound: Iterable[Bound]) -> Mapping[bytes, bytes]:
    """Return every entry of the map: subjects, institutions, the registry."""
    return {**subject_entries(bound), **directory.map_entries()}
