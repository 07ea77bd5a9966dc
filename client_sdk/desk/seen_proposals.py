"""Proposals that this desk has seen, and which of them can no longer become acts.

One act alone can be the next. Once it is logged, the registry forgets every other proposal: each was signed as the act
after one that is no longer the newest. The desk keeps what it has seen in a file of the home, so that nothing that was
filled in is lost and what was not logged can be proposed anew. An act holds no fact of a person, and no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.acts import Act
from client_sdk.desk.table_file import TableFile
from client_sdk.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from client_sdk.desk.table_file import TableRow
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.proposal import ProposalView

__all__ = ["GoneProposal", "SeenProposal", "SeenProposals"]

_MOST = 50
# Beyond the end of a proposal: so long it can be proposed anew.
_KEPT = timedelta(days=14)


@dataclass(frozen=True)
class SeenProposal:
    """A proposal as it was when this desk has seen it last.

    Attributes:
        payload: canonical Act.
        lapses_at: when it is gone in any case, UTC.
        approved_by: administrators who had signed.
    """

    payload: bytes
    lapses_at: datetime
    approved_by: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """Number of the proposal, hexadecimal."""
        return sha256(self.payload).hexdigest()

    @cached_property
    def act(self) -> Act:
        """What was proposed."""
        return Act.parse(self.payload)


@dataclass(frozen=True)
class GoneProposal:
    """A proposal that can no longer become an act.

    Attributes:
        seen: as it was.
        first: the act that took its number; None where too few have signed in time.
    """

    seen: SeenProposal
    first: LoggedAct | None


class SeenProposals:
    """The proposals that this desk has seen; thread-safe.

    Args:
        home: of the member.
    """

    def __init__(self, home: Path) -> None:
        self._file = TableFile(home / "desk-proposals.toml", "proposal", "credit-registry desk", _parsed, _encoded)

    def note(self, waiting: Iterable[ProposalView]) -> None:
        """Keep what waits.

        Raises:
            ConfigError: the file cannot be written.
        """
        seen = {one.proposal_id.hex(): SeenProposal(one.payload, one.lapses_at, one.approved_by) for one in waiting}
        if all(self._file.read().get(key) == one for key, one in seen.items()):
            return
        with self._file.changing() as rows:
            rows.update(seen)
            for key in sorted(rows, key=lambda name: rows[name].lapses_at)[: max(0, len(rows) - _MOST)]:
                del rows[key]

    def find(self, key: str) -> SeenProposal | None:
        """Return a proposal by its number; None where none is kept."""
        return self._file.read().get(key)

    def gone(self, acts: Iterable[LoggedAct], waiting: Iterable[ProposalView]) -> list[GoneProposal]:
        """Return those that can no longer become acts, the newest last; what became one is forgotten.

        Args:
            acts: all that are logged.
            waiting: what waits at the registry.

        Raises:
            ConfigError: the file cannot be read or written.
        """
        logged = {one.act.number: one for one in acts}
        now, present = datetime.now(UTC), {one.proposal_id.hex() for one in waiting}
        found, over = [], []
        for key, seen in self._file.read().items():
            first = logged.get(seen.act.number)
            if (first is not None and first.act == seen.act) or seen.lapses_at + _KEPT < now:
                over.append(key)
            elif key not in present and (first is not None or seen.lapses_at <= now):
                found.append(GoneProposal(seen, first))
        if over:
            self.forget(*over)
        return sorted(found, key=lambda one: one.seen.lapses_at)

    def forget(self, *keys: str) -> None:
        """Forget proposals by their numbers.

        Raises:
            ConfigError: the file cannot be written.
        """
        if not any(key in self._file.read() for key in keys):
            return
        with self._file.changing() as rows:
            for key in keys:
                rows.pop(key, None)


def _encoded(seen: SeenProposal) -> TableRow:
    return {
        "payload": seen.payload.hex(),
        "lapses_at": seen.lapses_at.isoformat(),
        "approved_by": list(seen.approved_by),
    }


def _parsed(key: str, row: Mapping[str, object]) -> SeenProposal:
    signed = row.get("approved_by")
    try:
        lapses_at = datetime.fromisoformat(str(row["lapses_at"]))
        seen = SeenProposal(bytes.fromhex(str(row["payload"])), lapses_at, tuple(map(str, _listed(signed))))
        Act.parse(seen.payload)
    except (KeyError, ValueError, FormatError):
        raise _not_in_order(key) from None
    if seen.key != key or lapses_at.tzinfo is None:
        raise _not_in_order(key)
    return seen


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("want a list")  # noqa: TRY004 - told as any other value of the row
    return value


def _not_in_order(key: str) -> ConfigError:
    return ConfigError(f"{key}: want the payload of that proposal, lapses_at with its zone, and approved_by")
