"""Checks: one person at once, and many as a job."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from fastapi import APIRouter, Response

from client_sdk.desk.api.call import ApiCall, CheckCall, json_response
from client_sdk.desk.api.documents import CheckedPerson, content_of
from client_sdk.desk.api.job_document import JobDocument
from client_sdk.desk.api.problems import ApiProblemError
from client_sdk.desk.api.requests import CheckJobRequest, CheckRequest, ConsentGiven, PersonAsked
from client_sdk.desk.jobs import DeskJob, JobKind
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.texts import N_
from client_sdk.errors import FormatError
from client_sdk.forms import Json
from client_sdk.models import Answer, Assessment, Identity, Violation

__all__ = ["FoundPerson", "FoundPersons", "router"]

router = APIRouter(tags=["checks"])
# Persons of one inquiry.
_TOGETHER = 100
# Of one of many persons, by the names that errors give them.
_FIELDS = {"identity": "number", "issuing_state": "issuing_state"}
# What an answer of a job may take in memory, roughly.
_BYTES_A_PERSON = 8 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class FoundPerson:
    """The answer about one of many persons; it names no identity.

    Attributes:
        place: among the persons of the request, from 1.
        reference: of the request.
        answer: verified, or UNVERIFIABLE.
        assessment: by the lender's criteria.
    """

    place: int
    reference: str
    answer: Answer
    assessment: Assessment


@dataclass(slots=True, repr=False)
class FoundPersons:
    """What a job has found so far, in the order in which it was answered."""

    persons: list[FoundPerson] = field(default_factory=list)


@dataclass(frozen=True, slots=True, repr=False)
class _ReadPerson:
    place: int
    reference: str
    identity: Identity
    consent: ConsentGiven


@router.post("/checks", name="check", responses={200: {"model": CheckedPerson}})
async def check(asked: CheckRequest, call: CheckCall) -> Response:
    """Ask whether a person has live records; the answer is verified, and weighed by the lender's criteria."""
    identity = asked.person.identity(call.desk.today)
    officer = asked.officer or call.token.name
    answer = await call.desk.asking.check(
        call.token.who,
        identity,
        purpose=asked.purpose,
        consent=asked.consent.consent(),
        officer=officer,
        about=call.on_behalf_of(asked.officer),
    )
    return json_response(checked_content(answer, answer.assess(call.desk.criteria), with_evidence=asked.evidence))


@router.post("/jobs/checks", name="start_checks", status_code=202, responses={202: {"model": JobDocument}})
def start_checks(asked: CheckJobRequest, call: CheckCall) -> Response:
    """Begin to ask about many persons, 100 an inquiry; `/jobs/{job}` tells how far it is."""
    questions = _questions(asked, call.desk.today)
    work = partial(_ask_all, call, asked, questions)
    return call.start(JobKind.CHECKS, work, len(questions) * _BYTES_A_PERSON, call.on_behalf_of(asked.officer))


def checked_content(answer: Answer, assessment: Assessment, *, with_evidence: bool) -> dict[str, Json]:
    """Return the answer about one person as the API gives it."""
    evidence = answer.evidence if with_evidence else b""
    return {
        "answer": content_of(answer),
        "assessment": content_of(assessment),
        "evidence": base64.b64encode(evidence).decode() if evidence else None,
    }


def _ask_all(call: ApiCall, asked: CheckJobRequest, questions: Sequence[_ReadPerson], job: DeskJob) -> None:
    """Ask about all, keeping each answer as it comes."""
    found = FoundPersons()
    job.keep(found)
    officer = asked.officer or call.token.name
    for group in _groups(questions):
        job.tell("ASKING", len(found.persons), len(questions))
        about = [job.key, *call.on_behalf_of(asked.officer)]
        with call.act(DeskAct.ASK, about=about, reason=asked.purpose.name) as entry:
            identities, consent = [one.identity for one in group], group[0].consent.consent()
            answers = call.client.check_many(identities, purpose=asked.purpose, consent=consent, officer=officer)
            entry.about += _inquiries(answers)
        found.persons += [
            FoundPerson(one.place, one.reference, replace(answer, identity=None), answer.assess(call.desk.criteria))
            for one, answer in zip(group, answers, strict=True)
        ]
    job.tell("DONE", len(found.persons), len(questions))


def _questions(asked: CheckJobRequest, today: date) -> list[_ReadPerson]:
    """Return whom to ask about, and under which consent.

    Raises:
        ApiProblemError: numbers are none of their types, or consents are missing; nothing was asked.
    """
    questions: list[_ReadPerson] = []
    broken: list[Violation] = []
    for place, person in enumerate(asked.persons, start=1):
        read = _question(place, person, person.consent or asked.consent, today)
        if isinstance(read, Violation):
            broken.append(read)
        else:
            questions.append(read)
    if broken:
        raise ApiProblemError(
            422,
            "PERSONS_INVALID",
            N_("Some persons cannot be asked about, and nothing was sent"),
            N_("Correct what is named, or leave these persons out, and send all again."),
            field="persons",
            violations=tuple(broken),
        )
    return questions


def _question(place: int, person: PersonAsked, consent: ConsentGiven | None, today: date) -> _ReadPerson | Violation:
    if consent is None:
        want = "a consent of this person, or one for all"
        return Violation(
            row=place, reason="CONSENT_MISSING", field="consent", rule="consent.given", got="none", want=want
        )
    try:
        return _ReadPerson(place, person.reference, person.identity(today), consent)
    except FormatError as error:
        return Violation.of(replace(error.complaint, field=_FIELDS.get(error.complaint.field, "")), row=place)


def _groups(questions: Sequence[_ReadPerson]) -> Iterator[list[_ReadPerson]]:
    """Yield those whom one inquiry asks about: under one consent, at most 100."""
    by_consent: dict[ConsentGiven, list[_ReadPerson]] = {}
    for question in questions:
        by_consent.setdefault(question.consent, []).append(question)
    for group in by_consent.values():
        for start in range(0, len(group), _TOGETHER):
            yield group[start : start + _TOGETHER]


def _inquiries(answers: Sequence[Answer]) -> list[str]:
    """Return the ids of inquiries as the journal names them, each once."""
    return list(dict.fromkeys(answer.inquiry_id.hex() for answer in answers if answer.inquiry_id))
