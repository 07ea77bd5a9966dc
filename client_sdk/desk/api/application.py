"""The API as an application: its topics, its contract, and problems for all that is refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from client_sdk.desk.api import checks, disputes, inbox, jobs, persons, records, reports
from client_sdk.desk.api.call import AnyCall, json_response
from client_sdk.desk.api.gate import ApiGate
from client_sdk.desk.api.problems import (
    AnyProblem,
    ApiProblemError,
    body_field,
    person_field,
    problem_response,
    say_for,
    shown_name,
)
from client_sdk.desk.desk import Desk
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.rights import ApiScope
from client_sdk.desk.texts import N_
from client_sdk.errors import CreditRegistryError
from client_sdk.forms import Json
from client_sdk.lending.places import column_of
from client_sdk.models import Violation

__all__ = ["API_PATH", "TOPICS", "contract", "make_api", "make_application"]

API_PATH = "/api/v1"
_MOST_JOB_BODY = 8 * 1024 * 1024
_LONG_BODIES = {
    f"{API_PATH}/jobs/checks": _MOST_JOB_BODY,
    f"{API_PATH}/jobs/reports": reports.MOST_FILE_BYTES,
}
# Where a person's signed request takes the place of a consent.
_PERSONS = f"{API_PATH}/persons/"
# Where bodies are rows of a portfolio.
_ROWS = (f"{API_PATH}/reports", f"{API_PATH}/jobs/reports")
# Of HTTP: no such path, and another method than it takes.
_OF_PATHS = {
    404: ("NOT_FOUND", N_("Nothing is here")),
    405: ("METHOD_NOT_ALLOWED", N_("This path does not take that method")),
}
_WANTED_BODY = "one JSON object of the contract, sent as Content-Type: application/json"
_NO_JSON = "json_invalid"
_MOST_BROKEN = 20
# What is wanted, by the framework's word for what is wrong; its own text is said of all else.
_WANTED = {"extra_forbidden": "the names of the contract, and no others", "missing": "a value"}
_PROBLEMS: dict[int | str, dict[str, object]] = {
    "default": {
        "description": "It was not done, and the document says why.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
}
_DESCRIPTION = """\
What the desk of a lender, or of a member that speaks for persons, does for programs. Every request carries a bearer \
token. An identity number is in bodies of requests alone. A POST takes an `Idempotency-Key`: the same key with the \
same request gets the same answer for an hour. Problems are RFC 9457 documents with a stable `reason`."""

router = APIRouter()


class TokenDocument(BaseModel):
    """The token that this request came with."""

    model_config = ConfigDict(extra="forbid")

    name: str
    scopes: list[ApiScope]
    expires: str


@router.get("/token", name="read_token", tags=["token"], responses={200: {"model": TokenDocument}})
def read_token(call: AnyCall) -> Response:
    """Tell which token this is, for what it is good, and the first day on which it is not."""
    token = call.token
    scopes: list[Json] = [*sorted(scope.value for scope in token.scopes)]
    return json_response({"name": token.name, "scopes": scopes, "expires": token.expires.isoformat()})


@router.get("/openapi.json", name="read_contract", tags=["token"], responses={200: {"description": "OpenAPI 3.1."}})
def read_contract(request: Request, _: AnyCall) -> Response:
    """Return this contract."""
    return json_response(cast("FastAPI", request.app).openapi())


TOPICS = (
    *(checks.router, reports.router, jobs.router, records.router),
    *(persons.router, disputes.router, inbox.router, router),
)


def contract() -> dict[str, Json]:
    """Return the OpenAPI document of the API."""
    return make_application().openapi()


def make_api(desk: Desk, failed: Callable[[Exception], None]) -> ApiGate:
    """Return the API of a desk behind its gate.

    Args:
        desk: that answers.
        failed: called with an error that nothing else has answered.
    """
    app = make_application()
    app.state.desk = desk
    return ApiGate(app, desk.tokens, _LONG_BODIES, failed)


def make_application() -> FastAPI:
    """Return the API as an application, before it has a desk."""
    app = FastAPI(
        title="Credit Registry desk",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": API_PATH}],
        responses=_PROBLEMS,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    for topic in TOPICS:
        app.include_router(topic)
    app.add_exception_handler(ApiProblemError, _problem)
    app.add_exception_handler(CreditRegistryError, _problem)
    app.add_exception_handler(FieldError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _missing)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _problem(request: Request, error: Exception) -> Response:
    path = str(request.scope["path"])
    named = column_of if path.startswith(_ROWS) else person_field if path.startswith(_PERSONS) else body_field
    return problem_response(cast("AnyProblem", error), say_for(request.headers), named)


def _missing(request: Request, error: Exception) -> Response:
    """Tell why no path of the contract took a request."""
    found = cast("HTTPException", error)
    if found.status_code in _OF_PATHS:
        reason, title = _OF_PATHS[found.status_code]
        headers = tuple((found.headers or {}).items())
        problem = ApiProblemError(
            found.status_code,
            reason,
            title,
            N_("See docs/http-api.md, or the contract at /api/v1/openapi.json."),
            rule="path.known",
            want="a path and a method of the contract",
            headers=headers,
        )
    else:
        # The framework could not make JSON of a body: no UTF-8, or nested too deeply.
        problem = ApiProblemError(
            found.status_code,
            "MALFORMED",
            N_("The body of this request cannot be read"),
            N_("Send one JSON object in UTF-8, as the contract at /api/v1/openapi.json has it."),
            field="body",
            rule=f"contract.{_NO_JSON}",
            want=_WANTED_BODY,
        )
    return problem_response(problem, say_for(request.headers))


def _invalid(request: Request, error: Exception) -> Response:
    """Tell what is of another form than the contract has, and never what was sent."""
    broken = [_violation(item) for item in cast("RequestValidationError", error).errors()[:_MOST_BROKEN]]
    first = broken[0]
    problem = ApiProblemError(
        422,
        "MALFORMED",
        N_("The request has another form than the contract"),
        N_("Correct what is named and send it again."),
        field=first.field,
        rule=first.rule,
        want=first.want,
        violations=tuple(broken),
    )
    return problem_response(problem, say_for(request.headers))


def _violation(item: Mapping[str, object]) -> Violation:
    kind = str(item["type"])
    path = [shown_name(part) for part in cast("Sequence[object]", item["loc"])]
    # The text of a wrong JSON may repeat it; without its content type a body is read as text.
    no_object = kind == _NO_JSON or (path == ["body"] and kind != "value_error")
    # Of a check of ours the text of the error, which the framework would begin with a word of its own.
    own = cast("Mapping[str, object]", item.get("ctx", {})).get("error")
    want = _WANTED_BODY if no_object else _WANTED.get(kind) or str(own or item["msg"])
    return Violation(reason="MALFORMED", field=".".join(path), rule=f"contract.{kind}", want=want)
