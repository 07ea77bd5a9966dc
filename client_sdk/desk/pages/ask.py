"""Asking about one person: the form, and what it sends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.desk.form import SIGNED_BYTES
from client_sdk.desk.form_values import FieldError, read_all, word_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.kept_answer import KeptAnswer
from client_sdk.desk.person_form import AGAIN, signed_of_form, type_choices, typed_identity
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.models import Purpose
from client_sdk.regions import region_is_known
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import Consent, Identity

__all__ = ["NUMBER_PAGE", "PAGES", "PURPOSES"]

PURPOSES = (Purpose.LOAN_APPROVAL, Purpose.GUARANTEE_REVIEW, Purpose.POST_LOAN_REVIEW, Purpose.COLLECTION)
# Fields by the names that errors give them.
_FIELDS = {
    "identity": "number",
    "issuing_state": "issuing_state",
    "inquiry.purpose": "purpose",
    "inquiry.consent": "consent_file",
    "inquiry.consent.date": "consent_date",
    "inquiry.consent.digest": "consent_digest",
}
# Fields that are shown again where another one is wrong; the number is typed anew.
_AGAIN = (*AGAIN, "purpose", "consent_date", "consent_digest")


def _form(visit: Visit) -> Response:
    return _shown(visit, {}, [])


def _number(visit: Visit) -> Response:
    """Tell, while the form is filled, whether the number can be one of its type; nothing is asked and nothing kept."""
    if not visit.form.text("number"):
        return visit.show("number.html.j2", problem="", right=False)
    problem = ""
    try:
        typed_identity(visit)
    except FieldError as error:
        problem = next(iter(error.said(visit.say).values()))
    return visit.show("number.html.j2", problem=problem, right=not problem)


def _ask(visit: Visit) -> Response:
    """Ask, keep the answer for minutes, and send the browser on to it."""
    try:
        identity, purpose, consent = _read(visit)
        answer = None
        with visit.desk.journal.act(visit.user.name, DeskAct.ASK, reason=purpose.name) as entry:
            answer = visit.desk.client.check(identity, purpose=purpose, consent=consent, officer=visit.user.name)
            if answer.inquiry_id:
                entry.about.append(answer.inquiry_id.hex())
    except FieldError as error:
        return _shown(visit, error.said(visit.say), [])
    except FORM_ERRORS as error:
        return _shown(visit, *mistakes_of(error, _FIELDS, visit.say))
    kept = KeptAnswer(
        answer=replace(answer, identity=None),
        assessment=answer.assess(visit.desk.criteria),
        purpose=purpose,
        id_type=identity.id_type,
        officer=visit.user.name,
        consent_date=consent.date,
        unknown_region=not region_is_known(identity),
    )
    return visit.go(f"/answers/{visit.keep(kept)}")


def _read(visit: Visit) -> tuple[Identity, Purpose, Consent]:
    """Return who is asked about, why, and the consent.

    Raises:
        FieldError: fields are empty or of another form.
    """
    return read_all(
        lambda: typed_identity(visit),
        lambda: word_of_form(visit.form, "purpose", Purpose, PURPOSES),
        lambda: signed_of_form(
            visit,
            "consent",
            in_future=N_("The consent is dated in the future: correct its day."),
            neither=N_("Give the signed consent, or its SHA-256: one of the two."),
        ),
    )


def _shown(visit: Visit, wrong: dict[str, str], broken: list[str]) -> Response:
    """Show the form, with what is wrong at its fields."""
    return visit.show(
        "ask.html.j2",
        status=422 if wrong or broken else 200,
        wrong=wrong,
        broken=broken,
        given={name: visit.form.text(name) for name in _AGAIN},
        types=type_choices(visit),
        purposes=[(word.value, term_of(word).of(visit.language)) for word in PURPOSES],
        today=visit.desk.today.isoformat(),
    )


# Of every form about a person.
NUMBER_PAGE = DeskPage("POST", "/number", Right.ACT, _number)
PAGES = (
    DeskPage("GET", "/ask", Right.ACT, _form),
    DeskPage("POST", "/ask", Right.ACT, _ask, SIGNED_BYTES),
    NUMBER_PAGE,
)
