"""A second reading of logged inquiries, from the text of proto/README.md 9 alone, without the kernel."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2 as words
from creditregistry.v1 import inquiry_pb2

from tests.support.naive import NaiveLog
from tests.support.naive_parts import Wrong, day, long, require, sha, signed_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from creditregistry.v1 import evidence_pb2

__all__ = ["wrong_inquiries"]

MINUTES = 10 * 60_000


def wrong_inquiries(
    leaves: Sequence[bytes], inquiries: Sequence[bytes], signed: Sequence[evidence_pb2.SignedPayload]
) -> list[int]:
    """Places of the inquiries that an audit must not accept, by the log as it was when each came."""
    wrong = []
    for place, (leaf, shown) in enumerate(zip(inquiries, signed, strict=True)):
        received_at = int.from_bytes(leaf[:8], "big")
        log = NaiveLog()
        log.read(one for one in leaves if int.from_bytes(one[2:10], "big") <= received_at)
        try:
            _read(log, leaf, received_at, shown)
        except Wrong:
            wrong.append(place)
    return wrong


def _read(log: NaiveLog, leaf: bytes, received_at: int, shown: evidence_pb2.SignedPayload) -> None:
    length = int.from_bytes(leaf[8:12], "big")
    outcome, digest = leaf[12 : 12 + length].decode(), leaf[12 + length :]
    require(digest == sha(long(shown.payload), long(shown.signature)), "leaf")
    said = inquiry_pb2.Inquiry.FromString(shown.payload)
    asker = log.members.get(said.asker)
    require(asker, "asker")
    assert asker is not None
    keys = [key for key in asker.keys if key.id == shown.key_id]
    require(keys, "key")
    require(signed_by(keys[0].public, "inquiry", shown.payload, shown.signature), "signature")
    if outcome != "ANSWERED":
        return
    require(said.registry == log.registry, "registry")
    require(not log.closing.act.open_until or day(received_at - MINUTES) <= log.closing.act.open_until, "closed")
    require(keys[0].usage == "INQUIRE" and not keys[0].end and asker.status == "ACTIVE", "may ask")
    purpose = words.Purpose.Name(said.purpose).removeprefix("PURPOSE_")
    lends = purpose in ("LOAN_APPROVAL", "GUARANTEE_REVIEW", "POST_LOAN_REVIEW", "COLLECTION")
    require(("LENDER" if lends else "REPRESENTATIVE") in asker.roles and purpose != "REPORTING", "purpose")
    require(lends or len(said.subject_commitments) == 1, "one person")
    require(abs(received_at - said.issued_at) <= MINUTES, "time")
    terms = said.consent_terms
    require(said.purpose in terms.purposes, "consent for another purpose")
    days = {date.fromisoformat(day(received_at)), date.fromisoformat(day(received_at - MINUTES))}
    first, last = (date.fromisoformat(text) for text in (terms.first_given_on, terms.last_given_on))
    limits = [scope.consent_days for scope in log.genesis.rulebook.scopes if scope.purpose == said.purpose]
    limit = limits[0] if limits else log.genesis.rulebook.request_days
    require(any(last <= today and (not limit or (today - first).days <= limit) for today in days), "consent")
