"""Proposing acts, for administrators: a form for each kind, what is decided in words, the signature of the key here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import RulebookBody, members_of, next_act, preview_rulebook
from client_sdk.clock import clock_ms
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.form import DOCUMENTS_BYTES
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.proposed_acts import KINDS, PreparedAct
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.rulebook_words import LIMITS, limit_mistakes, limit_name
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import FormatError, RuleError
from client_sdk.rulebook_values import RulebookValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from client_sdk.acts import Directory, RulebookPreview
    from client_sdk.models.statistics import RecordCount

__all__ = ["PAGES", "directory_of_now"]


def _kinds(visit: Visit) -> Response:
    rows = [(name, visit.say(form.title), visit.say(form.hint)) for name, form in KINDS.items()]
    return visit.show("propose_kinds.html.j2", rows=rows)


def directory_of_now(visit: Visit) -> Directory:
    """Return the directory as of now, and not of a minute ago: what is decided is decided about it."""
    visit.desk.client.acts()
    return visit.desk.client.directory()


def _empty(visit: Visit) -> Response:
    return _form(visit, str(visit.path["act"]))


def _form(visit: Visit, kind: str, wrong: Mapping[str, str] | None = None, broken: Sequence[str] = ()) -> Response:
    form = KINDS.get(kind)
    if form is None:
        return visit.go("/propose")
    return visit.show(
        "propose.html.j2",
        status=422 if wrong or broken else 200,
        kind=kind,
        title=visit.say(form.title),
        hint=visit.say(form.hint),
        fields_of_act=form.fields(directory_of_now(visit), visit.form, visit.say),
        wrong=dict(wrong or {}),
        broken=list(broken),
    )


def _prepare(visit: Visit) -> Response:
    """Read the form, and send the browser on to what would be signed."""
    kind = str(visit.path["act"])
    form = KINDS.get(kind)
    if form is None:
        return visit.go("/propose")
    directory = directory_of_now(visit)
    try:
        body = form.body(directory, visit.form)
        next_act(directory, body, clock_ms())
    except FieldError as error:
        said = error.said(visit.say)
        return _form(visit, kind, said) if error.field else _form(visit, kind, {}, list(said.values()))
    except RulebookValueError as error:
        return _form(visit, kind, *limit_mistakes(error.mistakes, directory.rulebook, visit.say))
    except (FormatError, RuleError) as error:
        return _form(visit, kind, *mistakes_of(error, _FIELDS, visit.say))
    waiting = next((one for one in visit.desk.client.proposals() if one.act.body == body), None)
    if waiting is not None:
        text = visit.say("The same is proposed already and waits here: nothing was signed.")
        return visit.go(f"/proposals/{waiting.proposal_id.hex()}", text)
    return visit.go(f"/propose/prepared/{visit.keep(PreparedAct(kind, body, directory))}")


def _prepared(visit: Visit) -> Response:
    prepared = visit.kept(PreparedAct)
    if prepared is None:
        return _gone(visit)
    return _overtaken(visit, prepared) or _shown(visit, prepared, {}, [])


def _overtaken(visit: Visit, prepared: PreparedAct) -> Response | None:
    """Send the browser on to the same decision on the directory of now; None where no act was logged since.

    What is signed is what was read: a rulebook would else undo the limits that the other act has changed.
    """
    directory = directory_of_now(visit)
    if prepared.is_of(directory):
        return None
    visit.forget()
    try:
        newer = prepared.on(directory)
    except FormatError as error:
        return _form(visit, prepared.kind, *mistakes_of(error, _FIELDS, visit.say))
    text = visit.say("Another act was logged meanwhile, and nothing was signed: read anew what would be signed.")
    return visit.go(f"/propose/prepared/{visit.keep(newer)}", text)


def _shown(visit: Visit, prepared: PreparedAct, wrong: Mapping[str, str], broken: Sequence[str]) -> Response:
    """Show everything that would be signed, and for a rulebook what it would change."""
    preview: RulebookPreview | None = None
    records: tuple[RecordCount, ...] = ()
    if isinstance(prepared.body, RulebookBody):
        preview = preview_rulebook(prepared.directory, prepared.body.rulebook)
        records = visit.desk.client.statistics().records()
    return visit.show(
        "prepared_act.html.j2",
        status=422 if wrong or broken else 200,
        key=visit.path["key"],
        kind=prepared.kind,
        words=ActWords(prepared.body, visit.say),
        preview=preview,
        limit_name=limit_name,
        records=records,
        own=visit.desk.config.institution,
        wrong=wrong,
        broken=broken,
    )


def _propose(visit: Visit) -> Response:
    """Sign with the key of this home and propose; where one signature is the threshold, the act is logged."""
    prepared = visit.kept(PreparedAct)
    if prepared is None:
        return _gone(visit)
    if overtaken := _overtaken(visit, prepared):
        return overtaken
    if visit.form.text("read") != "yes":
        return _shown(visit, prepared, {"read": visit.say("Tick that you have read it: a signature is for good.")}, [])
    about = sorted(members_of(prepared.body))
    try:
        with visit.desk.journal.act(visit.user.name, DeskAct.PROPOSE_ACT, about=about, reason=prepared.kind) as entry:
            approved = visit.desk.client.propose(prepared.body, after=prepared.directory.state.act_hash)
            entry.about.append(approved.proposal.proposal_id.hex())
    except FORM_ERRORS as error:
        return _shown(visit, prepared, *mistakes_of(error, {}, visit.say))
    visit.forget()
    visit.desk.proposals.forget(prepared.renews)
    if approved.logged:
        number = approved.proposal.act.number
        return visit.go(
            "/acts", visit.say("Act {number} is logged at leaf {index}.", number=number, index=approved.index)
        )
    visit.desk.proposals.note([approved.proposal])
    key = approved.proposal.proposal_id.hex()
    left = approved.proposal.threshold - len(approved.proposal.approved_by)
    return visit.go(f"/proposals/{key}", visit.say("Proposed. More must sign: {count}.", count=left))


def _gone(visit: Visit) -> Response:
    text = visit.say("An act that was filled in is kept for ten minutes: fill the form again.")
    return visit.show("message.html.j2", status=404, title=visit.say("This act is not here any more"), text=text)


# Fields of the forms by the names that errors give them.
_FIELDS = {name: name for name in LIMITS}
PAGES = (
    DeskPage("GET", "/propose", Right.APPROVE, _kinds),
    DeskPage("GET", "/propose/{act}", Right.APPROVE, _empty),
    DeskPage("POST", "/propose/{act}", Right.APPROVE, _prepare, DOCUMENTS_BYTES),
    DeskPage("GET", "/propose/prepared/{key}", Right.APPROVE, _prepared),
    DeskPage("POST", "/propose/prepared/{key}", Right.APPROVE, _propose),
)
