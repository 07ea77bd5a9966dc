"""Records, disputes and notices of this member by their ids, for pages and API, or the error that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.errors import ConflictError

if TYPE_CHECKING:
    from uuid import UUID

    from client_sdk.client import Client
    from client_sdk.models import DisputeView, Identity, Notice, RecordView

__all__ = ["dispute_of", "notice_of", "record_of"]


def record_of(client: Client, uuid: UUID, *, issuer: str = "", identity: Identity | None = None) -> RecordView:
    """Return a record of this member.

    Args:
        client: of the member.
        uuid: of the record.
        issuer: whom this member succeeds; empty for an own record.
        identity: of the person, which opens the facts; None leaves them sealed.

    Raises:
        ConflictError: there is none, or it is not live and about this person.
    """
    found = list(client.records([uuid.bytes], issuer=issuer, identity=identity))
    if not found:
        want = "an own record" if identity is None else "an own record, live and about this person"
        raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want=want)
    return found[0]


def dispute_of(client: Client, uuid: UUID, *, issuer: str = "") -> DisputeView:
    """Return the newest dispute of a record.

    Args:
        client: of the member.
        uuid: of the record.
        issuer: of the record, whose dispute this member has opened; empty for a dispute of an own record.

    Raises:
        ConflictError: there is none.
    """
    for ended in (False, True):
        for dispute in client.disputes(opened=bool(issuer), ended=ended):
            if dispute.record_id == uuid.bytes and issuer in ("", dispute.issuer):
                return dispute
    raise ConflictError("DISPUTE_UNKNOWN", field="record", rule="dispute.known", got="none", want="a disputed record")


def notice_of(client: Client, number: int) -> Notice:
    """Return the notice of a number.

    Raises:
        ConflictError: there is none of this member.
    """
    notice = next(client.inbox(everything=True, after=max(0, number - 1)), None)
    if notice is None or notice.number != number:
        raise ConflictError("NOTICE_UNKNOWN", field="number", rule="notice.known", got="none", want="an own notice")
    return notice
