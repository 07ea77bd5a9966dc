"""Titles of acts: what each decides in one line, for command, desk and audit, and the kind of decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from client_sdk.acts import (
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
    moment,
)
from client_sdk.texts import N_

if TYPE_CHECKING:
    from client_sdk.acts import Body

__all__ = ["CLOCK_DECISION", "DECISIONS", "STATES", "TitleSpeaker", "decision_of", "details_of", "title_of"]

CLOCK_DECISION = "clock"
# What is decided: its stable word and its title.
_ACTS: dict[type[object], tuple[str, str]] = {
    GenesisBody: ("genesis", N_("The registry begins")),
    InstitutionBody: ("institution", N_("{member} becomes a member")),
    ReviewBody: ("review", N_("{member} was reviewed again")),
    KeyGrantBody: ("key", N_("A further key for {member}")),
    KeyEndBody: ("key", N_("A key of {member} ends")),
    TlsKeyBody: ("tls-key", N_("A TLS key of {member} ends")),
    StateBody: ("state", N_("{member} becomes: {state}")),
    SuccessionBody: ("succession", N_("{successor} succeeds {member}")),
    EndingBody: ("ending", N_("Nobody speaks for the records of {member} any more")),
    KeyServicesBody: ("key-services", N_("Key services of version {version} begin")),
    RetireKeyServicesBody: ("key-services", N_("Key services of version {version} retire")),
    RulebookBody: ("rulebook", N_("A new rulebook")),
    ErasureBody: ("erasure", N_("Records erased for good: {count}")),
    AdministratorsBody: ("administrators", N_("New administrators")),
    ClockBody: (CLOCK_DECISION, N_("The log's time goes back to the clock's")),
    BreachBody: ("breach", N_("Members are told of a breach of data")),
    ClosingBody: ("closing", N_("The registry closes after {day}")),
}
# Labels, by the stable word.
DECISIONS = {
    "genesis": N_("Beginning"),
    "institution": N_("Member"),
    "review": N_("Review"),
    "key": N_("Key"),
    "tls-key": N_("TLS key"),
    "state": N_("State"),
    "succession": N_("Succession"),
    "ending": N_("Ending"),
    "key-services": N_("Key services"),
    "rulebook": N_("Rulebook"),
    "erasure": N_("Erasure"),
    "administrators": N_("Administrators"),
    CLOCK_DECISION: N_("Clock"),
    "breach": N_("Breach"),
    "closing": N_("Closing"),
}
# States of a member, by their names.
STATES = {"ACTIVE": N_("active"), "SUSPENDED": N_("suspended"), "TERMINATED": N_("terminated")}


class TitleSpeaker(Protocol):
    """Says a text in one language; ``values`` take the places in braces, after translation."""

    def __call__(self, text: str, /, **values: object) -> str:
        """Return the text."""
        ...


def decision_of(body: Body) -> str:
    """Return the stable word for the kind of a decision."""
    return _ACTS[type(body)][0]


def title_of(body: Body, say: TitleSpeaker) -> str:
    """Return a decision in one line."""
    return say(_ACTS[type(body)][1], **_places(body, say))


def _places(body: Body, say: TitleSpeaker) -> dict[str, object]:
    """Return what stands in the places of a title."""
    match body:
        case InstitutionBody():
            return {"member": body.enrolment.id}
        case StateBody():
            return {"member": body.institution, "state": say(STATES[body.status.name])}
        case SuccessionBody():
            return {"member": body.institution, "successor": body.successor}
        case ReviewBody() | KeyGrantBody() | KeyEndBody() | TlsKeyBody() | EndingBody():
            return {"member": body.institution}
        case KeyServicesBody():
            return {"version": body.introduce.subject_key_version}
        case RetireKeyServicesBody():
            return {"version": body.retire}
        case ErasureBody():
            return {"count": len(body.records)}
        case ClosingBody():
            return {"day": body.open_until}
        case _:
            return {}


def details_of(body: Body) -> str:
    """Return what an audit lists of a decision beside its kind: English, recognised by its template."""
    match body:
        case GenesisBody(administrators, threshold):
            return f"{threshold} of {len(administrators)} administrators"
        case KeyServicesBody(introduce):
            return f"version {introduce.subject_key_version} introduced"
        case RetireKeyServicesBody(version):
            return f"version {version} retired"
        case RulebookBody():
            return "a new rulebook"
        case ErasureBody(records, ground):
            return f"records erased: {len(records)}; ground: {ground}"
        case AdministratorsBody(_, administrators, threshold):
            return f"of {', '.join(administrators)} {threshold} must sign"
        case ClockBody(not_before):
            return f"the log's time may go back to {moment(not_before):%Y-%m-%d %H:%M:%S} UTC"
        case ClosingBody(way, open_until, approval):
            return f"open until {open_until}, then {way.name}, approved by {approval}"
        case BreachBody():
            return f"a breach of {', '.join(body.data)}, told to {', '.join(body.members) or 'all members'}"
        case _:
            return _details_of_member(body)


def _details_of_member(
    body: InstitutionBody
    | ReviewBody
    | KeyGrantBody
    | KeyEndBody
    | StateBody
    | SuccessionBody
    | EndingBody
    | TlsKeyBody,
) -> str:
    match body:
        case InstitutionBody(enrolment):
            return enrolment.id
        case ReviewBody(institution, review):
            return f"{institution}: reviewed on {review.reviewed_on}, {review.reference}"
        case KeyGrantBody(institution, grant):
            return f"{institution}: key {grant.usage.name} given"
        case KeyEndBody(institution, _, 0):
            return f"{institution}: key ended"
        case KeyEndBody(institution, _, contested_from):
            return f"{institution}: key ended, in doubt from leaf {contested_from}"
        case StateBody(institution, status):
            return f"{institution}: state {status.name}"
        case SuccessionBody(institution, successor, ground):
            return f"{institution}: {successor} from here on, {ground}"
        case EndingBody(institution, ground):
            return f"{institution}: nobody speaks for its records any more, {ground}"
        case TlsKeyBody(institution, _, ground):
            return f"{institution}: TLS key ended, {ground}"
