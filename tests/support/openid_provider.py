"""A small OpenID provider: authorization code with PKCE, RS256, one client; it signs in whom the test names."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OpenIdProvider"]

CLIENT, SECRET = "desk", "a secret of the desk and the provider, long"


class OpenIdProvider:
    """Runs while the context lasts.

    Attributes:
        claims: of the person who signs in, beside those that the protocol asks for; the test changes them.
        change: what a lying provider does to the claims before it signs them.
        algorithm: of the signature; ``none`` and ``HS256`` are lies.
        refuses: whether the person is refused.
    """

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
        self._codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {"preferred_username": "anna", "groups": ["staff", "credit-officers"]}
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.algorithm = "RS256"
        self.refuses = False
        self.signing_key = self._key
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                match parts.path:
                    case "/.well-known/openid-configuration":
                        self.answer(provider.metadata())
                    case "/keys":
                        self.answer({"keys": [provider._key.as_dict(private=False)]})
                    case "/authorize":
                        self.send_response(302)
                        self.send_header("Location", provider.authorize(query))
                        self.end_headers()
                    case _:
                        self.answer({}, 404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                answer = provider.token(form, self.headers.get("Authorization", ""))
                self.answer(answer, 400 if "error" in answer else 200)

            def answer(self, content: object, status: int = 200) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent once the person has agreed."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        if self.refuses:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        query = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            query is None
            or query["code_challenge"] != challenge
            or query["redirect_uri"] != form.get("redirect_uri")
            or authorization != f"Basic {basic}"
        ):
            return {"error": "invalid_grant"}
        now = int(time.time())
        own = {"iss": self.issuer, "sub": "4711", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"]}
        claims = self.change({**own, **self.claims})
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": self._signed(claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        match self.algorithm:
            case "none":
                parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b""]
                return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
            case "HS256":
                return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(SECRET))
            case _:
                return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signing_key)
