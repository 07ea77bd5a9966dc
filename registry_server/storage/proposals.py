"""Proposals: acts that wait for signatures. Seen by administrators only, gone after 7 days or with the next act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from client_sdk.kernel.formats.keys import KEY_ID_BYTES
from client_sdk.kernel.formats.leaf import Approval
from registry_server.storage import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry_server.storage.driver import Fetched
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["StoredProposal", "add", "approve", "forget_lapsed", "forget_up_to", "get", "waiting"]

_TABLE = schema.proposals


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """An act with the signatures that it has so far.

    Attributes:
        proposal_id: SHA-256 of the payload.
        number: of the act.
        proposer: id of the administrator who proposed it first.
        payload: canonical Act.
        approvals: ascending by key id.
        proposed_at: ms.
        lapses_at: ms.
    """

    proposal_id: bytes
    number: int
    proposer: str
    payload: bytes
    approvals: tuple[Approval, ...]
    proposed_at: int
    lapses_at: int


def add(work: UnitOfWork, proposal: StoredProposal) -> None:
    """Add a proposal."""
    values = {name: getattr(proposal, name) for name in StoredProposal.__slots__}
    work.connection.execute(insert(_TABLE), {**values, "approvals": _joined(proposal.approvals)})


def approve(work: UnitOfWork, proposal_id: bytes, approvals: Sequence[Approval]) -> None:
    """Replace the signatures of a proposal."""
    query = update(_TABLE).where(_TABLE.c.proposal_id == proposal_id).values(approvals=_joined(approvals))
    work.connection.execute(query)


def get(work: UnitOfWork, proposal_id: bytes) -> StoredProposal | None:
    """Return a proposal."""
    row = work.connection.execute(select(_TABLE).where(_TABLE.c.proposal_id == proposal_id)).one_or_none()
    return None if row is None else _of(tuple(row))


def waiting(work: UnitOfWork, now: int) -> list[StoredProposal]:
    """Return the proposals that have not lapsed at that moment (ms), oldest first."""
    query = select(_TABLE).where(_TABLE.c.lapses_at > now).order_by(_TABLE.c.proposed_at, _TABLE.c.proposal_id)
    return [_of(tuple(row)) for row in work.connection.execute(query)]


def forget_up_to(work: UnitOfWork, number: int) -> None:
    """Delete the proposals up to that number of an act: an act with their number is logged."""
    work.connection.execute(delete(_TABLE).where(_TABLE.c.number <= number))


def forget_lapsed(work: UnitOfWork, now: int) -> int:
    """Delete proposals that have lapsed at that moment (ms); return how many."""
    return work.connection.execute(delete(_TABLE).where(_TABLE.c.lapses_at <= now)).rowcount


def _of(row: Fetched) -> StoredProposal:
    proposal_id, number, proposer, payload, approvals, proposed_at, lapses_at = row
    return StoredProposal(proposal_id, number, proposer, payload, _split(approvals), proposed_at, lapses_at)


def _joined(approvals: Sequence[Approval]) -> bytes:
    """Return the approvals as (key id, length of the signature in 2 bytes, signature), ascending by key id."""
    return b"".join(
        approval.key_id + len(approval.signature).to_bytes(2) + approval.signature for approval in sorted(approvals)
    )


def _split(data: bytes) -> tuple[Approval, ...]:
    approvals: list[Approval] = []
    at = 0
    while at < len(data):
        start = at + KEY_ID_BYTES + 2
        end = start + int.from_bytes(data[start - 2 : start])
        approvals.append(Approval(data[at : at + KEY_ID_BYTES], data[start:end]))
        at = end
    return tuple(approvals)
