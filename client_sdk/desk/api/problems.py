"""Problem documents (RFC 9457): what happened, by which rule, and what to do; no value that was sent is repeated."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.responses import Response

from client_sdk.desk.failures import error_words
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.jobs import JobsFullError
from client_sdk.desk.texts import Say, preferred, say_in
from client_sdk.errors import (
    ConflictError,
    CreditRegistryError,
    FormatError,
    InvalidError,
    KeyServiceError,
    NotPermittedError,
    OutboxError,
    PreflightError,
    QuotaError,
    RefusedError,
    RuleError,
    TransportError,
    VerificationError,
)
from client_sdk.lending.places import column_of
from client_sdk.models import Violation

__all__ = [
    "PROBLEM_TYPE",
    "AnyProblem",
    "ApiProblemError",
    "ProblemDocument",
    "body_field",
    "person_field",
    "problem_of",
    "problem_response",
    "say_for",
    "shown_name",
]

PROBLEM_TYPE = "application/problem+json"
_TYPE = "urn:credit-registry:reason:"
_STATUS: tuple[tuple[type[CreditRegistryError], int], ...] = (
    (NotPermittedError, 403),
    (QuotaError, 429),
    (ConflictError, 409),
    (InvalidError, 422),
)
# What the contract calls a field of an error; a prefix that it does not have.
_FIELDS = {
    "identity": "body.person.number",
    "issuing_state": "body.person.issuing_state",
    "code": "body.code",
    "evidence": "body.evidence",
    "outcome": "body.outcome",
}
_MOST_NAME = 40
_PREFIXES = ("inquiry.", "annotation.")
# The same where a person's own signed request takes the place of a consent.
_OF_PERSONS = {
    "inquiry.consent": "body.request",
    "inquiry.consent.date": "body.request.date",
    "inquiry.consent.digest": "body.request.digest",
    "inquiry.alerts_until": "body.until",
    "subject": "body.person",
    "text": "body.text",
}
# Of this machine, and over once other work has ended.
_RETRYABLE = (OutboxError, JobsFullError)


class BrokenRule(BaseModel):
    """One broken rule of one row."""

    model_config = ConfigDict(extra="forbid")

    row: Annotated[int, Field(description="Line of the file, or place in the list from 1; 0 where nothing is counted.")]
    reason: str
    field: str
    rule: str
    got: str
    want: str


class ProblemDocument(BaseModel):
    """Why a request was not done."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(description="urn:credit-registry:reason: and the reason.")]
    title: Annotated[str, Field(description="What happened, in the language of Accept-Language: English or Chinese.")]
    status: int
    detail: Annotated[str, Field(description="What to do next.")]
    reason: Annotated[str, Field(description="Stable word, by which programs tell problems apart.")]
    field: Annotated[str, Field(description="Which part of the request; empty for none.")]
    rule: Annotated[str, Field(description="Stable id of the broken rule; empty for none.")]
    got: Annotated[str, Field(description="What was found, in words; never a number of a person.")]
    want: Annotated[str, Field(description="What the rule asks for.")]
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")]
    violations: Annotated[list[BrokenRule], Field(description="Each broken rule, where there may be several.")]


@dataclass(eq=False)
class ApiProblemError(Exception):
    """A problem that the API itself has found.

    Attributes:
        status: of HTTP.
        reason: stable word.
        title: what happened; a message id.
        detail: what to do next; a message id.
        field: which part of the request.
        rule: stable id of the broken rule.
        got: what was found, in words.
        want: what the rule asks for.
        retryable: whether the same request may succeed later.
        violations: broken rules, where there may be several.
        headers: of the answer.
    """

    status: int
    reason: str
    title: str
    detail: str
    field: str = ""
    rule: str = ""
    got: str = ""
    want: str = ""
    retryable: bool = False
    violations: tuple[Violation, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


AnyProblem: TypeAlias = ApiProblemError | CreditRegistryError | FieldError


def body_field(field: str) -> str:
    """Return the part of a request's body that an error of the SDK names, as the contract names it."""
    if field in _FIELDS:
        return _FIELDS[field]
    part = next((field.removeprefix(known) for known in _PREFIXES if field.startswith(known)), "")
    return f"body.{part}" if part else field


def person_field(field: str) -> str:
    """Return the same for a request that a person has signed."""
    return _OF_PERSONS.get(field) or body_field(field)


def shown_name(part: object) -> str:
    """Return a name that was sent; it may be anything, and is shown where it can be no number of a person."""
    text = str(part)
    known = isinstance(part, int) or (len(text) <= _MOST_NAME and text.isascii() and text.replace("_", "").isalpha())
    return text if known else "?"


def problem_of(error: AnyProblem, say: Say, named: Callable[[str], str] = column_of) -> ProblemDocument:
    """Return the document of an error, in one language.

    Args:
        error: of the API, of the SDK, or of a field.
        say: says texts in the language.
        named: name in the request of a field that the SDK names; of a row of a portfolio, its column.
    """
    if isinstance(error, ApiProblemError):
        return ProblemDocument(
            type=_TYPE + error.reason,
            title=say(error.title),
            status=error.status,
            detail=say(error.detail),
            reason=error.reason,
            field=error.field,
            rule=error.rule,
            got=error.got,
            want=error.want,
            retryable=error.retryable,
            violations=[_broken(item, str) for item in error.violations],
        )
    if isinstance(error, FieldError):
        return _of_field(error, say)
    words = error_words(error, say)
    parts = _parts(error)
    violations = error.violations if isinstance(error, PreflightError) else ()
    return ProblemDocument(
        type=_TYPE + words.reason,
        title=words.title,
        status=next((status for kind, status in _STATUS if isinstance(error, kind)), words.status),
        detail=words.next,
        reason=words.reason,
        field=named(parts.get("field", "")),
        rule=parts.get("rule", ""),
        got=parts.get("got", ""),
        want=parts.get("want", ""),
        retryable=isinstance(error, _RETRYABLE) or getattr(error, "retryable", False) is True,
        violations=[_broken(item, named) for item in violations],
    )


def problem_response(error: AnyProblem, say: Say, named: Callable[[str], str] = column_of) -> Response:
    """Return the answer that tells an error; arguments as of ``problem_of``."""
    document = problem_of(error, say, named)
    headers = dict(error.headers) if isinstance(error, ApiProblemError) else {}
    if document.retryable:
        headers.setdefault("Retry-After", "1")
    body = json.dumps(document.model_dump(), ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, document.status, headers, PROBLEM_TYPE)


def say_for(headers: Headers) -> Say:
    """Return what says texts in the language that the headers of a request ask for."""
    return say_in(preferred(headers.get("accept-language", "")))


def _of_field(error: FieldError, say: Say) -> ProblemDocument:
    """Return the document of a field that is not in order, as the pages say it."""
    field, text = next(iter(error.said(say).items()))
    return ProblemDocument(
        type=f"{_TYPE}MALFORMED",
        title=say("A value is not in order, and nothing was sent"),
        status=422,
        detail=text,
        reason="MALFORMED",
        field=f"body.{field}",
        rule="body.value",
        got="",
        want="",
        retryable=False,
        violations=[],
    )


def _parts(error: CreditRegistryError) -> dict[str, str]:
    match error:
        case RefusedError() | VerificationError() | FormatError() | RuleError():
            return dict(error.complaint.parts)
        case PreflightError() if len(error.violations) == 1:
            return dict(error.violations[0].parts)
        case KeyServiceError():
            return {"field": "key_service", "got": error.service}
        case TransportError():
            return {"field": "registry"}
        case _:
            return {}


def _broken(item: Violation, named: Callable[[str], str]) -> BrokenRule:
    field = named(item.field)
    return BrokenRule(row=item.row, reason=item.reason, field=field, rule=item.rule, got=item.got, want=item.want)
