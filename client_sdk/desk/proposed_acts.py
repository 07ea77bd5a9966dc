"""Acts that are proposed at the desk: the form of each kind, and the body that it decides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.acts import (
    EnrolmentFile,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyGrantFile,
    Review,
    RulebookBody,
    StateBody,
)
from client_sdk.desk.form_values import FieldError, day_of_form, file_of_form, text_of_form, word_of_form
from client_sdk.desk.member_words import status_text, usage_text
from client_sdk.desk.record_columns import FieldOfColumn
from client_sdk.desk.rulebook_words import limit_field
from client_sdk.desk.texts import N_
from client_sdk.errors import FormatError, RuleError
from client_sdk.models import InstitutionStatus
from client_sdk.rulebook_values import typed_limits, with_changes, with_limits
from client_sdk.subject_report.facts import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.acts import Body, Directory, Enrolment, Rulebook
    from client_sdk.desk.form import Form
    from client_sdk.desk.texts import Say

__all__ = ["KINDS", "ActForm", "PreparedAct", "kind_of", "renewed"]

_MOST_LEAF_DIGITS = 18
_MOST_REFERENCE = 64
# What no act changes: the registry began with them.
_FOR_GOOD = frozenset(("jurisdiction", "time_zone"))
# After the name of a limit: what the page showed of it.
_SHOWN = ".shown"


@dataclass(frozen=True, slots=True)
class ActForm:
    """How one kind of act is proposed.

    Attributes:
        title: of the page.
        hint: what is needed for it.
        fields: of the form, from the directory and what was typed.
        body: that the form decides; raises ``FieldError``, or ``RulebookValueError``.
    """

    title: str
    hint: str
    fields: Callable[[Directory, Form, Say], list[FieldOfColumn]]
    body: Callable[[Directory, Form], Body]


@dataclass(frozen=True, slots=True)
class PreparedAct:
    """An act that was filled in and is not signed yet.

    Attributes:
        kind: of the form.
        body: what is decided.
        directory: that it was decided on.
        renews: number of the proposal that it takes the place of; empty for none.
    """

    kind: str
    body: Body
    directory: Directory
    renews: str = ""

    def is_of(self, directory: Directory) -> bool:
        """Whether no act was logged since it was decided."""
        return self.directory.state.act_hash == directory.state.act_hash

    def on(self, directory: Directory) -> PreparedAct:
        """Return the same decision on another directory; of a rulebook, the limits that it changes and no other.

        Raises:
            FormatError: they make no rulebook with those that another act has changed.
        """
        body = renewed(self.body, self.directory.rulebook, directory)
        return replace(self, body=body, directory=directory)


def renewed(body: Body, before: Rulebook, directory: Directory) -> Body:
    """Return what was decided, on a directory of now; of a rulebook, the limits that it changes and no other.

    Args:
        body: what was decided.
        before: the rulebook in force when it was decided.
        directory: of now.

    Raises:
        FormatError: the limits make no rulebook with those that another act has changed.
    """
    if not isinstance(body, RulebookBody):
        return body
    return RulebookBody(with_changes(directory.rulebook, before, body.rulebook))


def kind_of(body: Body) -> str:
    """Return by which form an act of this desk is proposed; ``other`` for one that commands alone propose."""
    return next((kind for type_, kind in _KIND_OF.items() if isinstance(body, type_)), "other")


def _enrolment_fields(_: Directory, form: Form, say: Say) -> list[FieldOfColumn]:
    reference = say("As the reviewer names it: letters, digits, dots, underscores and hyphens.")
    return [
        FieldOfColumn("enrolment", say("The member's file ID.enrolment.json"), "", "file", ""),
        FieldOfColumn(
            "reviewed_on",
            say("Review concluded on"),
            say("Of a lender, where real persons are in the registry; else leave the review empty."),
            "date",
            form.text("reviewed_on"),
        ),
        FieldOfColumn("review", say("Reference of the review"), reference, "text", form.text("review")),
        FieldOfColumn("document", say("The review itself"), say("Only its SHA-256 is used."), "file", ""),
    ]


def _enrolment(directory: Directory, form: Form) -> Body:
    data = file_of_form(form, "enrolment", N_("Choose the file that the member's `init` made."))
    try:
        enrolment = EnrolmentFile.parse(data).enrolment
    except (FormatError, RuleError):
        raise FieldError("enrolment", N_("This is no enrolment file: ask the member for it again.")) from None
    known = directory.institutions.get(enrolment.id)
    if known is not None:
        raise FieldError(
            "enrolment", _MEMBER, member=enrolment.id, name=visible(known.name), licence=visible(known.licence_number)
        )
    for grant in enrolment.keys:
        _check_new(directory, "enrolment", grant.key_id)
    given = form.text("reviewed_on"), form.text("review"), form.file("document")
    return InstitutionBody(_reviewed(form, enrolment) if any(given) else enrolment)


def _reviewed(form: Form, enrolment: Enrolment) -> Enrolment:
    reviewed_on = day_of_form(form, "reviewed_on")
    reference = text_of_form(form, "review", _MOST_REFERENCE, N_("Give the reference of the review."))
    document = file_of_form(form, "document", N_("Choose the document of the review."))
    return replace(enrolment, review=Review(reviewed_on, reference, hashlib.sha256(document).digest()))


def _grant_fields(_: Directory, __: Form, say: Say) -> list[FieldOfColumn]:
    return [FieldOfColumn("grant", say("The file of the key, ID.USAGE-N.key.json"), "", "file", "")]


def _grant(directory: Directory, form: Form) -> Body:
    data = file_of_form(form, "grant", N_("Choose the file that the member's `key add` made."))
    try:
        file = KeyGrantFile.parse(data)
    except (FormatError, RuleError):
        raise FieldError("grant", N_("This is no file of a key: ask the member for it again.")) from None
    if file.institution not in directory.institutions:
        raise FieldError("grant", N_("{member} is no member: enrol it first."), member=visible(file.institution))
    _check_new(directory, "grant", file.grant.key_id)
    return KeyGrantBody(file.institution, file.grant)


def _check_new(directory: Directory, field: str, key_id: bytes) -> None:
    """Check that no act has given a key before.

    Raises:
        FieldError: one has; it says whose the key is, and since when.
    """
    owner = directory.owners.get(key_id)
    if owner is None:
        return
    key = directory.institutions[owner].key(key_id)
    if key is not None and not key.running:
        raise FieldError(field, _ENDED, key=key_id.hex(), member=owner, first=key.first, end=key.end)
    raise FieldError(field, _GIVEN, key=key_id.hex(), member=owner, first=0 if key is None else key.first)


def _running_keys(directory: Directory) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield the keys that count: name of the choice, member, use and id."""
    for id_, state in sorted(directory.institutions.items()):
        for key in state.keys:
            if key.running:
                yield f"{id_}/{key.key_id.hex()}", id_, key.usage.name, key.key_id


def _key_end_fields(directory: Directory, form: Form, say: Say) -> list[FieldOfColumn]:
    keys = tuple(
        (name, f"{member}: {usage_text(usage, say)}, {key_id.hex()}")
        for name, member, usage, key_id in _running_keys(directory)
    )
    doubt = say("Of a key that was stolen, a leaf from 1 on: what it signed from there on is in doubt. Else empty.")
    return [
        FieldOfColumn("ended", say("Key that ends"), "", "choice", form.text("ended"), (("", "–"), *keys)),
        FieldOfColumn("contested_from", say("In doubt from leaf"), doubt, "text", form.text("contested_from")),
    ]


def _key_end(directory: Directory, form: Form) -> Body:
    chosen = form.text("ended")
    found = next(((member, id_) for name, member, _, id_ in _running_keys(directory) if name == chosen), None)
    if found is None:
        raise FieldError("ended", N_("Choose one of the list."))
    leaf = form.text("contested_from")
    # The genesis is leaf 0, which no key of a member signs; in an act the number 0 says that nothing is in doubt.
    if leaf and not (leaf.isascii() and leaf.isdigit() and len(leaf) <= _MOST_LEAF_DIGITS and int(leaf)):
        raise FieldError("contested_from", N_("Give a whole number from 1; leave it empty where nothing is in doubt."))
    return KeyEndBody(found[0], found[1], int(leaf or 0))


def _state_fields(directory: Directory, form: Form, say: Say) -> list[FieldOfColumn]:
    members = tuple(
        (id_, f"{id_}: {status_text(state.status.name, say)}")
        for id_, state in sorted(directory.institutions.items())
        if state.status is not InstitutionStatus.TERMINATED
    )
    states = tuple((status.name, status_text(status.name, say)) for status in InstitutionStatus)
    return [
        FieldOfColumn("member", say("Member"), "", "choice", form.text("member"), (("", "–"), *members)),
        FieldOfColumn("state", say("New state"), "", "choice", form.text("state"), (("", "–"), *states)),
    ]


def _state(directory: Directory, form: Form) -> Body:
    member = form.text("member")
    if member not in directory.institutions:
        raise FieldError("member", N_("Choose one of the list."))
    status = word_of_form(form, "state", InstitutionStatus, tuple(InstitutionStatus))
    if status is directory.institutions[member].status:
        raise FieldError("state", N_("This is its state already."))
    return StateBody(member, status)


def _limits(directory: Directory) -> dict[str, str]:
    return {name: text for name, text in typed_limits(directory.rulebook).items() if name not in _FOR_GOOD}


def _rulebook_fields(directory: Directory, form: Form, say: Say) -> list[FieldOfColumn]:
    found = []
    for name, now in _limits(directory).items():
        shown = name + _SHOWN
        found.append(limit_field(name, form.texts.get(name, now), directory.rulebook, say))
        found.append(FieldOfColumn(shown, "", "", "hidden", form.texts.get(shown, now)))
    return found


def _rulebook(directory: Directory, form: Form) -> Body:
    """Return the rulebook in force with the limits that were typed over: others may have changed since the page.

    Raises:
        RulebookValueError: it makes no rulebook.
    """
    typed = {
        name: form.text(name)
        for name, now in _limits(directory).items()
        if form.text(name) != form.texts.get(name + _SHOWN, now)
    }
    rulebook = with_limits(directory.rulebook, typed)
    if rulebook == directory.rulebook:
        raise FieldError("", N_("Nothing changes: it is the rulebook in force."))
    return RulebookBody(rulebook)


_MEMBER = N_(
    "{member} is a member already, as {name} with the licence {licence}: propose a further key or another state of it."
)
_GIVEN = N_("The key {key} is one of {member} already, since leaf {first}: nothing is to be proposed.")
_ENDED = N_("The key {key} was one of {member} from leaf {first} and ended at leaf {end}: ask for a new key.")
_KIND_OF: dict[type[object], str] = {
    InstitutionBody: "institution",
    KeyGrantBody: "key",
    KeyEndBody: "key-end",
    StateBody: "state",
    RulebookBody: "rulebook",
}
KINDS: dict[str, ActForm] = {
    "institution": ActForm(
        N_("Enrol a member"),
        N_("Look at licence and name before you sign: the act says what the file says."),
        _enrolment_fields,
        _enrolment,
    ),
    "key": ActForm(
        N_("Give a member a further key"),
        N_("An older key of the member has endorsed it in the file."),
        _grant_fields,
        _grant,
    ),
    "key-end": ActForm(N_("End a key of a member"), N_("What it signed before stays."), _key_end_fields, _key_end),
    "state": ActForm(
        N_("Suspend, reinstate or terminate a member"),
        N_("TERMINATED is for good; a suspended member may be active again."),
        _state_fields,
        _state,
    ),
    "rulebook": ActForm(
        N_("Change the rulebook"),
        N_(
            "Each limit with what it does and whom a change concerns. Overlays, witnesses and auditors stay as they "
            "are."
        ),
        _rulebook_fields,
        _rulebook,
    ),
}
