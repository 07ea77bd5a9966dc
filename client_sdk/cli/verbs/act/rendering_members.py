"""Rendering of acts about one member: its enrolment, reviews, keys, state, successor and ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import (
    EndingBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    ReviewBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
)
from client_sdk.models import InstitutionStatus
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.acts import Enrolment, KeyGrant, Review
    from client_sdk.cli.ui.output import Json

__all__ = ["MemberBody", "enrolment_content", "enrolment_rows", "member_content", "member_rows"]

MemberBody = (
    InstitutionBody | ReviewBody | KeyGrantBody | KeyEndBody | StateBody | SuccessionBody | EndingBody | TlsKeyBody
)

# What becomes of the records of a member, by its new state.
_RECORDS = {
    InstitutionStatus.ACTIVE: N_("stay as they are; it reports and asks again"),
    InstitutionStatus.SUSPENDED: N_(
        "it may correct and end them, and answer disputes; it opens none, and asks about nobody"
    ),
    InstitutionStatus.TERMINATED: N_("stay as they are, until an act names a successor or ends them"),
}


def member_content(body: MemberBody) -> dict[str, Json]:
    """Return the decision as JSON."""
    match body:
        case InstitutionBody():
            return enrolment_content(body.enrolment)
        case ReviewBody():
            return {"institution": body.institution, "review": _review_content(body.review)}
        case KeyGrantBody():
            return {"institution": body.institution, "grant": _grant_content(body.grant)}
        case KeyEndBody():
            return {
                "institution": body.institution,
                "end": body.key_id.hex(),
                "contested_from": body.contested_from or None,
            }
        case StateBody():
            return {"institution": body.institution, "status": body.status.name}
        case SuccessionBody():
            return {"institution": body.institution, "successor": body.successor, "ground": body.ground}
        case EndingBody():
            return {"institution": body.institution, "ground": body.ground}
        case TlsKeyBody():
            return {"institution": body.institution, "end": body.spki_hash.hex(), "ground": body.ground}


def member_rows(body: MemberBody) -> Iterator[tuple[str, object]]:
    """Yield what is decided, a name and a value a row."""
    match body:
        case InstitutionBody():
            yield from enrolment_rows(body.enrolment)
        case ReviewBody():
            yield "review", _review_line(body.review)
        case KeyGrantBody():
            yield "key", f"{body.grant.usage.name} {body.grant.key_id.hex()}"
            yield "endorsed by", body.grant.endorser.hex()
        case KeyEndBody():
            yield "key", body.key_id.hex()
            yield (
                "in doubt",
                say("what it signed at leaf {contested_from} or later", contested_from=body.contested_from)
                if body.contested_from
                else say("nothing"),
            )
        case StateBody():
            yield "its records", say(_RECORDS[body.status])
        case SuccessionBody():
            yield (
                "its records",
                say(
                    "{successor} ends them from the leaf of this act on, and answers for them", successor=body.successor
                ),
            )
            yield "ground", body.ground
        case EndingBody():
            yield (
                "its records",
                say("nobody speaks for them any more; erased when the rulebook's retention_years are over"),
            )
            yield "ground", body.ground
        case TlsKeyBody():
            yield "TLS key", body.spki_hash.hex()
            yield "ground", body.ground


def enrolment_content(enrolment: Enrolment) -> dict[str, Json]:
    """Return an enrolment as JSON."""
    return {
        "institution": enrolment.id,
        "name": enrolment.name,
        "licence_number": enrolment.licence_number,
        "roles": [role.name for role in enrolment.roles],
        "keys": [_grant_content(grant) for grant in enrolment.keys],
        "review": None if enrolment.review is None else _review_content(enrolment.review),
    }


def _review_content(review: Review) -> dict[str, Json]:
    return {
        "reviewed_on": review.reviewed_on.isoformat(),
        "reference": review.reference,
        "document_digest": review.document_digest.hex(),
    }


def _grant_content(grant: KeyGrant) -> dict[str, Json]:
    return {"key_id": grant.key_id.hex(), "usage": grant.usage.name, "public_key": grant.public_key.hex()}


def enrolment_rows(enrolment: Enrolment) -> Iterator[tuple[str, object]]:
    """Yield an enrolment, a name and a value a row."""
    roles = ", ".join(role.name for role in enrolment.roles)
    yield (
        enrolment.id,
        say(
            "{enrolment}, licence {licence_number}, {roles}",
            enrolment=enrolment.name,
            licence_number=enrolment.licence_number,
            roles=roles,
        ),
    )
    for grant in enrolment.keys:
        yield "", say("{usage} key {key_id}", usage=grant.usage.name, key_id=grant.key_id.hex())
    if enrolment.review is not None:
        yield "review", _review_line(enrolment.review)


def _review_line(review: Review) -> str:
    return say(
        "of {reviewed_on}, {reference}, document with SHA-256 {document_digest}",
        reviewed_on=review.reviewed_on,
        reference=review.reference,
        document_digest=review.document_digest.hex(),
    )
