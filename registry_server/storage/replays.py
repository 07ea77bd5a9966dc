"""Table of replays: the newest checkpoint that each auditor which rebuilds the log has cosigned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from registry_server.storage import schema
from registry_server.storage.driver import upsert

if TYPE_CHECKING:
    from collections.abc import Collection

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["StoredReplay", "keep_only", "put", "rows"]

_TABLE = schema.replays


class StoredReplay(NamedTuple):
    """A checkpoint that an auditor has cosigned.

    Attributes:
        verifier_key: of the auditor, as a policy names it.
        size: leaves of its tree.
        cosigned_at: time of the cosignature, seconds since 1970 UTC.
        note: the signed note, with the log's line and the auditor's.
    """

    verifier_key: str
    size: int
    cosigned_at: int
    note: bytes


def put(work: UnitOfWork, replay: StoredReplay) -> None:
    """Keep what an auditor has cosigned, instead of what it had before."""
    upsert(work, _TABLE, [replay])


def keep_only(work: UnitOfWork, keys: Collection[str]) -> None:
    """Delete what was cosigned with other keys than these."""
    work.connection.execute(delete(_TABLE).where(_TABLE.c.verifier_key.not_in(keys)))


def rows(work: UnitOfWork) -> list[StoredReplay]:
    """Return what is kept; a few rows."""
    return [StoredReplay(*row) for row in work.connection.execute(select(_TABLE))]
