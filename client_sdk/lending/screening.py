"""One screening: customers in, what the map holds of each out; without input and output but the file beside it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.map_entry import record_part, subject_key, value_of_parts
from client_sdk.lending.screen_file import KnownCustomer, LastLook
from client_sdk.models.screening import ScreenChange, ScreenChangeKind, ScreenFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.screen_file import MapKeys, ScreenFile
    from client_sdk.models.screening import Customer

__all__ = ["NAMED_AT_ONCE", "OwnParts", "PortfolioScreen"]

# Customers whose pseudonyms are asked for together; their keys are kept before the next ones are asked for.
NAMED_AT_ONCE = 1_024
_NUMBERS = {ScreenFinding.CLEAR: 1, ScreenFinding.OWN: 2, ScreenFinding.LISTED: 3}
_LISTED = _NUMBERS[ScreenFinding.LISTED]


class OwnParts:
    """What the member's own live records add to the values of the map."""

    def __init__(self) -> None:
        self._parts: dict[bytes, list[bytes]] = {}

    def add(self, found: Iterable[HeldRecord], wanted: Mapping[bytes, bytes]) -> None:
        """Take in own records.

        Args:
            found: that the registry holds; verified.
            wanted: the keys of the map that matter.
        """
        for held in found:
            key = subject_key(held.subject) if held.subject else b""
            # The map does not hold what is hidden.
            if key in wanted and not held.hidden:
                part = record_part(held.index, held.leaf_hash, held.annotation_hash, held.opening)
                self._parts.setdefault(key, []).append(part)

    def make(self, key: bytes, value: bytes) -> bool:
        """Whether own records alone make a value of the map."""
        parts = self._parts.get(key)
        return parts is not None and value_of_parts(sorted(parts)) == value


class PortfolioScreen:
    """The customers of one screening, with their keys of the map.

    Args:
        customers: to be screened.
        file: where the keys are kept.
    """

    def __init__(self, customers: Sequence[Customer], file: ScreenFile) -> None:
        self.customers = customers
        self._file = file
        self._names = [file.name_of(customer.identity) for customer in customers]

    def unnamed(self, versions: Sequence[int]) -> list[tuple[bytes, Identity]]:
        """Return name and identity of each person whose keys under these versions of the subject keys are not known."""
        missing: dict[bytes, Identity] = {}
        for name, customer in zip(self._names, self.customers, strict=True):
            seen = self._file.get(name)
            if seen is None or [version for version, _ in seen.keys] != list(versions):
                missing.setdefault(name, customer.identity)
        return list(missing.items())

    def named(self, people: Sequence[tuple[bytes, Identity]], found: Sequence[Mapping[int, Pseudonym]]) -> None:
        """Keep the keys of persons.

        Raises:
            ConfigError: the file cannot be written.
        """
        self._file.add(
            (name, self._seen(name, tuple((version, subject_key(names[version].subject)) for version in sorted(names))))
            for (name, _), names in zip(people, found, strict=True)
        )

    def _seen(self, name: bytes, keys: MapKeys) -> KnownCustomer:
        """Return the entry of a person under other keys: what was found at the last look still stands."""
        before = self._file.get(name)
        return KnownCustomer(keys) if before is None else before._replace(keys=keys)

    def keys(self) -> Iterator[bytes]:
        """Yield every key of the map of every customer."""
        for name in self._names:
            yield from (key for _, key in self._entry(name).keys)

    def findings(self, found: Mapping[bytes, bytes], own: OwnParts) -> tuple[ScreenFinding, ...]:
        """Return what was found of each customer, in order.

        Args:
            found: value by key, of all keys that the map holds.
            own: own records of those keys.
        """
        return tuple(self._finding(name, found, own) for name in self._names)

    def _finding(self, name: bytes, found: Mapping[bytes, bytes], own: OwnParts) -> ScreenFinding:
        held = [key for _, key in self._entry(name).keys if key in found]
        if not held:
            return ScreenFinding.CLEAR
        return ScreenFinding.OWN if all(own.make(key, found[key]) for key in held) else ScreenFinding.LISTED

    def changes(self, findings: Sequence[ScreenFinding], found: Mapping[bytes, bytes]) -> tuple[ScreenChange, ...]:
        """Return the customers about whom something changed since the last look."""
        changes: list[ScreenChange] = []
        for place, (name, finding) in enumerate(zip(self._names, findings, strict=True)):
            seen = self._entry(name)
            was, listed = seen.found == _LISTED, finding is ScreenFinding.LISTED
            if listed and not was:
                changes.append(ScreenChange(place=place, kind=ScreenChangeKind.LISTED))
            elif was and not listed:
                changes.append(ScreenChange(place=place, kind=ScreenChangeKind.GONE))
            elif listed and seen.digest != _digest(seen, found):
                changes.append(ScreenChange(place=place, kind=ScreenChangeKind.CHANGED))
        return tuple(changes)

    def keep(self, last: LastLook, findings: Sequence[ScreenFinding], found: Mapping[bytes, bytes]) -> None:
        """Keep this look for the next one; customers who are no longer in the portfolio are forgotten.

        Raises:
            ConfigError: it cannot be written.
        """
        looked = dict(zip(self._names, findings, strict=True))
        self._file.replace(
            last,
            (
                (name, KnownCustomer(seen.keys, _NUMBERS[finding], _digest(seen, found)))
                for name, finding, seen in ((name, finding, self._entry(name)) for name, finding in looked.items())
            ),
        )

    def _entry(self, name: bytes) -> KnownCustomer:
        return self._file.get(name) or KnownCustomer(())


def _digest(seen: KnownCustomer, found: Mapping[bytes, bytes]) -> bytes:
    """Return a digest of what the map holds under a customer's keys, by their versions."""
    held = [version.to_bytes(4) + found[key] for version, key in seen.keys if key in found]
    return sha256(b"".join(held)).digest() if held else bytes(HASH_BYTES)
