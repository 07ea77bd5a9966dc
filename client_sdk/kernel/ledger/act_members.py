"""Which members an act is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import (
    AdministratorsBody,
    BreachBody,
    ClockBody,
    ClosingBody,
    EndingBody,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
)

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body

__all__ = ["members_of"]


def members_of(body: Body) -> frozenset[str]:
    """Return the ids of the members that an act is about; none where it is about all."""
    match body:
        case GenesisBody():
            return frozenset(item.id for item in body.administrators)
        case InstitutionBody():
            return frozenset((body.enrolment.id,))
        case BreachBody():
            return frozenset(body.members)
        case ReviewBody() | KeyGrantBody() | KeyEndBody() | TlsKeyBody() | StateBody() | EndingBody():
            return frozenset((body.institution,))
        case SuccessionBody():
            return frozenset((body.institution, body.successor))
        case ErasureBody():
            return frozenset(key.issuer for key in body.records)
        case AdministratorsBody():
            return frozenset((*body.administrators, *(item.id for item in body.enrolments)))
        case KeyServicesBody() | RetireKeyServicesBody() | RulebookBody() | ClockBody() | ClosingBody():
            return frozenset()
