"""A program that calls the API of a desk with a token, and holds every answer against the contract."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from client_sdk.desk.api.application import API_PATH, TOPICS
from client_sdk.desk.api.problems import ProblemDocument
from client_sdk.desk.api.tokens import TokenFile
from client_sdk.desk.rights import ApiScope
from tests.support.desk import Answered
from tests.support.waiting import awaited

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi.routing import APIRoute
    from pydantic import BaseModel

    from tests.support.desk import RunningDesk

__all__ = ["Program", "Replied"]

LIMIT = 60.0


@dataclass(frozen=True)
class Replied:
    """An answer of the API, parsed by the contract's model."""

    status: int
    content: Any
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """Reason of a problem."""
        return str(self.content["reason"])


@dataclass
class Program:
    """A program that uses one desk."""

    desk: RunningDesk
    token: str

    @classmethod
    def of(cls, desk: RunningDesk, name: str, scopes: Iterable[ApiScope] = ApiScope, webhook: str = "") -> Program:
        """Return a program with a new token."""
        secret, _ = TokenFile(desk.home).add(name, scopes, 1, webhook)
        return cls(desk, secret)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Replied:
        return self.send("GET", path, None, headers)

    def post(self, path: str, content: object, headers: Mapping[str, str] | None = None) -> Replied:
        return self.send("POST", path, json.dumps(content).encode(), headers)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Replied:
        """Send a request below the API's path; the answer must be one of the contract."""
        every = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        answered = raw(self.desk, method, API_PATH + path, body, every)
        content = json.loads(answered.body)
        assert answered.headers["cache-control"] == "no-store"
        if answered.status >= 400:
            assert answered.headers["content-type"] == "application/problem+json"
            ProblemDocument.model_validate(content)
            assert content["status"] == answered.status
        elif model := model_of(method, path.partition("?")[0], answered.status):
            model.model_validate(content)
        return Replied(answered.status, content, {name.lower(): value for name, value in answered.headers.items()})

    def ended(self, job: str) -> dict[str, Any]:
        """Wait for a job, and return how it has ended."""
        content: dict[str, Any] = awaited(
            lambda: self.get(f"/jobs/{job}").content, lambda told: told["state"] not in ("WAITING", "RUNNING")
        )
        return content


def raw(desk: RunningDesk, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
    """Send exactly this to a desk."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=LIMIT)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answered(response.status, response.headers, response.read())
    finally:
        connection.close()


@cache
def model_of(method: str, path: str, status: int) -> type[BaseModel] | None:
    """Return the model that the contract has for an answer; None for the contract itself."""
    for route in routes():
        if method in (route.methods or ()) and route.path_regex.fullmatch(path):
            model: type[BaseModel] | None = route.responses[status].get("model")
            return model
    raise AssertionError(path)


def routes() -> list[APIRoute]:
    return [cast("APIRoute", route) for topic in TOPICS for route in topic.routes]
