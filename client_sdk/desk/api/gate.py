"""The gate of the API: whose token it is, within which limits, and whether the same was asked before.

A body is read only once the token is known, up to the size of its path and with an end. A session's cookie is never
looked at, so that no browser can be led to call the API; other pages cannot send the header of a token either, as no
answer here allows them to.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from client_sdk.desk.api.kept_replies import KeptReplies, KeyInUseError, KeyTakenError, Reply
from client_sdk.desk.api.limits import TokenLimitError, TokenLimits
from client_sdk.desk.api.problems import ApiProblemError, problem_response, say_for
from client_sdk.desk.form import BODY_SECONDS
from client_sdk.desk.texts import N_
from client_sdk.errors import ConfigError, CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from client_sdk.desk.api.limits import TokenUse
    from client_sdk.desk.api.tokens import ApiToken, TokenFile

__all__ = ["TOKEN_KEY", "ApiGate"]

# Where a request's scope holds its token.
TOKEN_KEY = "credit_registry.token"  # noqa: S105 - a name, and no secret
_MOST_BODY = 256 * 1024
_BYTES_A_SECOND = 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_SERVER_ERROR = 500


class ApiGate:
    """Lets requests with a token through to the API.

    Args:
        app: the API.
        tokens: of the home.
        long_bodies: most bytes by path, where a path takes more than 256 KiB.
        failed: called with an error that nothing else has answered.
    """

    def __init__(
        self, app: ASGIApp, tokens: TokenFile, long_bodies: Mapping[str, int], failed: Callable[[Exception], None]
    ) -> None:
        self._app, self._tokens, self._long, self._failed = app, tokens, long_bodies, failed
        self._limits = TokenLimits()
        self._kept = KeptReplies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        try:
            token = self._token(headers)
            with self._limits.request(token.name) as use:
                reply = await self._answered(scope, receive, headers, token, use)
        except (ApiProblemError, CreditRegistryError, TokenLimitError) as error:
            problem = _of_limit(error) if isinstance(error, TokenLimitError) else error
            await problem_response(problem, say_for(headers))(scope, receive, send)
            return
        except Exception as error:  # noqa: BLE001 - the server would print it with whatever it holds
            self._failed(error)
            await problem_response(_mistake(), say_for(headers))(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        await send({"type": "http.response.body", "body": reply.body})

    def forget_old(self) -> None:
        """Forget what is over, also where nobody comes."""
        self._kept.forget_old()

    def _token(self, headers: Headers) -> ApiToken:
        given = headers.getlist("authorization")
        kind, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = self._tokens.find(secret.strip()) if kind.lower() == "bearer" else None
        if token is None:
            raise _unknown()
        return token

    async def _answered(
        self, scope: Scope, receive: Receive, headers: Headers, token: ApiToken, use: TokenUse
    ) -> Reply:
        path, method = str(scope["path"]), str(scope["method"])
        with self._limits.body(use) as counted:
            body = await _body(Request(scope, receive), self._long.get(path, _MOST_BODY), counted.add)
            scope = {**scope, TOKEN_KEY: token}
            key = _idempotency_key(headers, method)
            if key is None:
                return await self._run(scope, body)
            kind = headers.get("content-type", "").encode()
            parts = (method.encode(), path.encode(), bytes(scope["query_string"]), kind, body)
            kept = self._begun(token, key, parts)
            if kept is not None:
                return kept
            reply = None
            try:
                reply = await self._run(scope, body)
            finally:
                self._kept.end(token, key, None if reply is None or reply.passes else reply)
            return reply

    def _begun(self, token: ApiToken, key: str, parts: tuple[bytes, ...]) -> Reply | None:
        try:
            kept = self._kept.begin(token, key, parts)
        except KeyTakenError:
            raise ApiProblemError(
                422,
                "IDEMPOTENCY_KEY_TAKEN",
                N_("This idempotency key was used for another request"),
                N_("Nothing was done. Take a new key for a new request, and the same key for the same one alone."),
                field="Idempotency-Key",
                rule="idempotency.same",
                got="another request",
                want="the request that first had this key, byte by byte",
            ) from None
        except KeyInUseError:
            raise ApiProblemError(
                409,
                "IDEMPOTENCY_KEY_IN_USE",
                N_("The first request with this idempotency key is still under way"),
                N_("Send it again in a moment: the answer of the first one is then yours."),
                field="Idempotency-Key",
                rule="idempotency.done",
                want="an answer to the first request",
                retryable=True,
            ) from None
        if kept is None:
            return None
        return Reply(kept.status, (*kept.headers, (b"idempotency-replayed", b"true")), kept.body)

    async def _run(self, scope: Scope, body: bytes) -> Reply:
        """Return the API's answer to a request whose body was read."""
        answer = _TakenReply()
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if sent:
                # Nobody waits for a further part, and the answer is kept whether or not the client is still there.
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive, answer.send)
        return Reply(answer.status, answer.headers, bytes(answer.body))


class _TakenReply:
    """Takes an answer as it is sent."""

    def __init__(self) -> None:
        self.status = _SERVER_ERROR
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], tuple(message["headers"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def _body(request: Request, most: int, count: Callable[[int], None]) -> bytes:
    """Return the body of a request.

    Raises:
        ApiProblemError: it is too long, or too slow.
        TokenLimitError: the token has too many bytes under way.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS + most / _BYTES_A_SECOND):
            async for chunk in request.stream():
                count(len(chunk))
                body += chunk
                if len(body) > most:
                    raise ApiProblemError(
                        413,
                        "TOO_LONG",
                        N_("What was sent is too long."),
                        N_("Send less at one time; docs/http-api.md has the limits."),
                        field="body",
                        rule="body.length",
                        got="more",
                        want=f"at most {most:,} bytes",
                    )
    except TimeoutError:
        raise ApiProblemError(
            408,
            "TOO_SLOW",
            N_("What was sent came too slowly: try again."),
            N_("Send it again, over a faster connection."),
            field="body",
            rule="body.time",
            retryable=True,
        ) from None
    except ClientDisconnect:
        # Nobody is there to be told.
        raise ConfigError("the client has gone") from None
    return bytes(body)


def _idempotency_key(headers: Headers, method: str) -> str | None:
    given = headers.getlist("idempotency-key")
    if not given or method != "POST":
        return None
    if len(given) != 1 or not _KEY.fullmatch(given[0]):
        raise ApiProblemError(
            400,
            "MALFORMED",
            N_("The idempotency key has another form"),
            N_("Send one key, such as a UUID."),
            field="Idempotency-Key",
            rule="idempotency.form",
            want="1 to 128 visible ASCII characters, once",
        )
    return given[0]


def _unknown() -> ApiProblemError:
    return ApiProblemError(
        401,
        "TOKEN_INVALID",
        N_("No valid token came with this request"),
        N_("Send `Authorization: Bearer TOKEN`; who looks after this desk makes one by `desk token add`."),
        field="Authorization",
        rule="token.known",
        want="a token that is known and has not expired",
        headers=(("WWW-Authenticate", 'Bearer realm="credit-registry"'),),
    )


def _mistake() -> ApiProblemError:
    return ApiProblemError(
        500,
        "INTERNAL",
        N_("A mistake of this program"),
        N_("Tell who looks after this desk; where it was started it says what kind of mistake."),
    )


def _of_limit(error: TokenLimitError) -> ApiProblemError:
    return ApiProblemError(
        429,
        "TOO_MANY_REQUESTS",
        N_("Too much is under way at one time"),
        N_("Wait for an answer before you send more."),
        rule=error.rule,
        want=error.want,
        retryable=True,
    )
