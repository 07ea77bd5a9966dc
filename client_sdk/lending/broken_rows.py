"""Rows that cannot be read, and the later rows of the same records, which wait until they are mended."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.words import Kind

if TYPE_CHECKING:
    from client_sdk.models.report import RecordName

__all__ = ["BrokenRows"]


class _Broken(NamedTuple):
    number: int
    kind: Kind | None
    first_day: date | None

    def may_be_of(self, name: RecordName) -> bool:
        return self.kind in (None, name.kind) and self.first_day in (None, name.first_day)


@dataclass(slots=True)
class BrokenRows:
    """Rows of an input that cannot be read, by what they may call their record.

    What cannot be read of a name agrees with every name: a row too many waits, rather than one is sent that leaves the
    mended row no place in its record.
    """

    _by_reference: dict[str, list[_Broken]] = field(default_factory=dict)

    def add(self, item: object, number: int) -> None:
        """Take a row that cannot be read, or a report whose fields have wrong types.

        Args:
            item: the row; nothing is known of the types of its fields.
            number: what violations call it.
        """
        references: object = getattr(item, "references", (getattr(item, "reference", None),))
        kind, first_day = getattr(item, "kind", None), getattr(item, "first_day", None)
        broken = _Broken(
            number, kind if isinstance(kind, Kind) else None, first_day if isinstance(first_day, date) else None
        )
        for reference in references if isinstance(references, tuple) else ():
            if isinstance(reference, str):
                self._by_reference.setdefault(unicodedata.normalize("NFC", reference), []).append(broken)

    def before(self, name: RecordName) -> int | None:
        """Return the number of the first such row that may be of this record; None for none."""
        found = self._by_reference.get(unicodedata.normalize("NFC", name.reference), ())
        return next((broken.number for broken in found if broken.may_be_of(name)), None)
