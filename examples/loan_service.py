"""Loan approval as a service: FastAPI between the systems that take applications and the registry.

    python examples/loan_service.py --home lender-1 --archive evidence --port 8000
    curl http://127.0.0.1:8000/applications --json @application.json

An application is `{"reference": "LOAN-4711", "number": "110105180001010010", "officer": "clerk-7",
"consent_given_on": "2026-03-01", "consent_sha256": "9f86d0…"}`. The identity number is in the body alone: neither in an
address, which is logged, nor in an answer. Each application is asked about once; its reference names the evidence.

It answers 200 with verdict, outcome and reasons; 409 for a reference that it has already, 422 for what is wrong with
the application, 503 where the registry is away, so that nothing was decided. It needs FastAPI and uvicorn, and listens
on this machine alone: who may call it, and TLS, are for the gateway before it.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, TypedDict

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from client_sdk import (
    AsyncClient,
    Consent,
    ConsentForm,
    CreditRegistryError,
    Criteria,
    Identity,
    IdentityError,
    IdType,
    PreflightError,
    Purpose,
    Verdict,
)

CRITERIA = Criteria(min_days_past_due=30, min_amounts={"CNY": 50_000})
router = APIRouter()


class Application(BaseModel):
    """Body of a request."""

    model_config = ConfigDict(extra="forbid")

    # Names files: a form in which nobody's number fits.
    reference: Annotated[str, Field(pattern=r"^LOAN-[0-9]{1,9}$")]
    number: Annotated[str, Field(max_length=64, repr=False)]
    officer: Annotated[str, Field(min_length=1, max_length=64)]
    consent_given_on: date
    consent_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Service(TypedDict):
    """What requests share."""

    client: AsyncClient
    archive: Path


def make_app(home: Path, archive: Path) -> FastAPI:
    """Return the service of a lender; its client lives as long as the event loop."""

    @asynccontextmanager
    async def opened(_: FastAPI) -> AsyncGenerator[Service]:
        async with AsyncClient.from_home(home) as client:
            yield {"client": client, "archive": archive}

    app = FastAPI(title="Loan approval", lifespan=opened)
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _refused)
    return app


@router.post("/applications")
async def decide(application: Application, request: Request) -> dict[str, object]:
    """Ask about the applicant, keep the evidence, and weigh the answer."""
    client: AsyncClient = request.state.client
    evidence: Path = request.state.archive / f"{application.reference}.evidence"
    if await asyncio.to_thread(evidence.exists):
        raise HTTPException(409, f"{application.reference} has been asked about")
    digest = bytes.fromhex(application.consent_sha256)
    consent = Consent(form=ConsentForm.WRITTEN, date=application.consent_given_on, digest=digest)
    try:
        person = Identity.parse(IdType.CN_RESIDENT_ID, application.number)
        answer = await client.check(person, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer=application.officer)
        if answer.verdict is not Verdict.UNVERIFIABLE:
            await asyncio.to_thread(answer.save, evidence)
    except (IdentityError, PreflightError) as error:
        # No error of the SDK shows the number.
        raise HTTPException(422, str(error)) from None
    except CreditRegistryError as error:
        raise HTTPException(503, f"nothing was decided: {error}") from None
    return {"reference": application.reference, "verdict": answer.verdict, **answer.assess(CRITERIA).to_dict()}


def _refused(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with an application; FastAPI itself would repeat what was sent, with the number."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    wrong = [{"field": ".".join(map(str, item["loc"][1:])), "want": item["msg"]} for item in error.errors()]
    return JSONResponse({"detail": wrong}, 422)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--archive", type=Path, required=True, help="folder of the evidence")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    uvicorn.run(make_app(given.home, given.archive), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
