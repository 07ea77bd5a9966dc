"""Acts in words, in the visitor's language: what is decided, what it does, and every value that is signed."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.act_titles import title_of
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
from client_sdk.desk.breach_words import breach_pairs
from client_sdk.desk.member_words import roles_text, status_text, usage_text
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rulebook_words import limit_name
from client_sdk.desk.texts import N_
from client_sdk.subject_report.facts import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.acts import Body, Enrolment, KeyServices, Review, Rulebook
    from client_sdk.desk.texts import Say

__all__ = ["ActWords"]

# What it does once it is logged, by what is decided.
_EFFECTS: dict[type[object], str] = {
    GenesisBody: N_(
        "Everything that is ever verified rests on it: these administrators decide from now on, by this threshold, "
        "and this key signs the log."
    ),
    InstitutionBody: N_(
        "From its leaf on, what these keys sign counts as this member's, and it may have a certificate."
    ),
    ReviewBody: N_("Its review counts anew, for the days of the rulebook."),
    KeyGrantBody: N_("From its leaf on, what this key signs counts as this member's."),
    KeyEndBody: N_(
        "From its leaf on, this key signs nothing that counts. What it signed before stays; from the leaf on that "
        "is named as in doubt, every answer says so."
    ),
    TlsKeyBody: N_("No server ever again talks to a program that has this TLS key."),
    SuccessionBody: N_("The member is terminated for good. The successor ends, continues and answers for its records."),
    EndingBody: N_("Its records stay until retention is over; nobody corrects them or answers for them."),
    KeyServicesBody: N_(
        "From its leaf on, members make pseudonyms with these services as well as with the older ones."
    ),
    RetireKeyServicesBody: N_("Nothing is found under that version any more; it must have no live record."),
    RulebookBody: N_("Every limit that changes has its effect: whom it concerns, and from when on."),
    ErasureBody: N_("They leave all answers, and what leads from the log to their persons is deleted. For good."),
    AdministratorsBody: N_("From its leaf on these administrators decide, by this threshold, and no others."),
    ClockBody: N_("Leaves may carry an earlier time than those before; auditors see the act and accept it."),
    BreachBody: N_("Each member that it names finds it in its inbox, and tells the persons whom it concerns."),
    ClosingBody: N_("No new record from its leaf on, and nothing at all after the last day."),
}
_STATE_EFFECTS = {
    "ACTIVE": N_("It may report and ask again."),
    "SUSPENDED": N_("It may correct and end its records and answer disputes, and no longer open records or ask."),
    "TERMINATED": N_("It signs nothing any more, for good. Its records stay until an act gives them to a successor."),
}


class ActWords:
    """Says the body of one act in one language."""

    def __init__(self, body: Body, say: Say) -> None:
        self.body, self._say = body, say

    @property
    def title(self) -> str:
        """What is decided, in one line."""
        return title_of(self.body, self._say)

    @property
    def effect(self) -> str:
        """What it does once it is logged."""
        body = self.body
        return self._say(_STATE_EFFECTS[body.status.name] if isinstance(body, StateBody) else _EFFECTS[type(body)])

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return every value that is signed: names and values."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        body, say = self.body, self._say
        match body:
            case GenesisBody():
                yield from self._genesis(body)
            case KeyServicesBody():
                yield from self._services(body.introduce)
            case RetireKeyServicesBody():
                yield say("Version"), str(body.retire)
            case RulebookBody():
                yield from rulebook_rows(body.rulebook, say)
            case ErasureBody():
                yield say("Ground"), visible(body.ground)
                yield from ((say("Record"), f"{key.issuer}/{UUID(bytes=key.record_id)}") for key in body.records)
            case AdministratorsBody():
                yield say("Threshold"), self._threshold(body.threshold, len(body.administrators))
                yield say("Administrators"), say.list(body.administrators)
                yield from (row for item in body.enrolments for row in self._enrolment(item))
            case ClockBody():
                yield say("Not before"), clock_text(moment(body.not_before))
            case BreachBody():
                yield from breach_pairs(body, say)
            case ClosingBody():
                yield from self._closing(body)
            case _:
                yield from self._of_member(body)

    def _of_member(
        self,
        body: InstitutionBody
        | ReviewBody
        | KeyGrantBody
        | KeyEndBody
        | StateBody
        | SuccessionBody
        | EndingBody
        | TlsKeyBody,
    ) -> Iterator[tuple[str, str]]:
        say = self._say
        match body:
            case InstitutionBody():
                yield from self._enrolment(body.enrolment)
            case ReviewBody():
                yield from self._review(body.review)
            case KeyGrantBody():
                yield self._key(body.grant.usage.name), body.grant.key_id.hex()
                yield say("Endorsed by the key"), body.grant.endorser.hex()
            case KeyEndBody():
                yield say("Key"), body.key_id.hex()
                yield say("In doubt from leaf"), str(body.contested_from) if body.contested_from else say("none")
            case TlsKeyBody():
                yield say("TLS key"), body.spki_hash.hex()
                yield say("Ground"), visible(body.ground)
            case StateBody():
                yield say("State"), status_text(body.status.name, say)
            case SuccessionBody():
                yield say("Successor"), body.successor
                yield say("Ground"), visible(body.ground)
            case EndingBody():
                yield say("Ground"), visible(body.ground)

    def _genesis(self, body: GenesisBody) -> Iterator[tuple[str, str]]:
        yield self._say("Threshold"), self._threshold(body.threshold, len(body.administrators))
        yield from (row for item in body.administrators for row in self._enrolment(item))
        yield from ((self._say("Key of the log"), f"{key.origin} {key.public_key.hex()}") for key in body.log_keys)
        yield from self._services(body.key_services)
        yield from rulebook_rows(body.rulebook, self._say)

    def _closing(self, body: ClosingBody) -> Iterator[tuple[str, str]]:
        say, taker = self._say, body.successor
        yield say("Last day"), str(body.open_until)
        if taker is None:
            yield say("Its data"), say("is destroyed under supervision")
        else:
            yield say("Its data"), say("goes to {registry}, and is then destroyed here", registry=taker.registry)
            yield say("Fingerprint of the successor"), taker.genesis_hash.hex()
        yield say("Approved by"), visible(body.approval)
        yield say("SHA-256 of the approval"), body.approval_digest.hex()

    def _threshold(self, threshold: int, of: int) -> str:
        if threshold == 1:
            return self._say("one of {count} must sign: a trial, and no registry", count=of)
        return self._say("{threshold} of {count} must sign", threshold=threshold, count=of)

    def _enrolment(self, item: Enrolment) -> Iterator[tuple[str, str]]:
        say = self._say
        name = f"{item.id} ({visible(item.name)})"
        roles = roles_text((role.name for role in item.roles), say)
        licence = visible(item.licence_number)
        yield say("Member"), say("{name}, licence {licence}, {roles}", name=name, licence=licence, roles=roles)
        for grant in item.keys:
            yield self._key(grant.usage.name), grant.key_id.hex()
        if item.review is not None:
            yield from self._review(item.review)

    def _review(self, review: Review) -> Iterator[tuple[str, str]]:
        yield self._say("Review"), f"{review.reviewed_on}, {visible(review.reference)}"
        yield self._say("SHA-256 of the review"), review.document_digest.hex()

    def _services(self, services: KeyServices) -> Iterator[tuple[str, str]]:
        for item in services.services:
            yield self._say("Key service"), f"{item.name}, {item.url}, {item.public_key.hex()}"

    def _key(self, usage: str) -> str:
        return self._say("Key that {usage}", usage=usage_text(usage, self._say))


def rulebook_rows(rulebook: Rulebook, say: Say) -> Iterator[tuple[str, str]]:
    """Yield the limits of a rulebook by their names, with those that `act propose rulebook` takes."""
    for field in fields(rulebook):
        value = getattr(rulebook, field.name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if isinstance(value, bool):
            text = say("yes") if value else say("no")
        yield f"{limit_name(field.name, say)} ({field.name})", visible(text) or "–"
