"""Sign-in by OpenID Connect: authorization code with PKCE, by Authlib; the ID token verified with the issuer's keys."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import User, is_name
from client_sdk.errors import CreditRegistryError
from client_sdk.home import read_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from client_sdk.desk.settings import OpenIdSettings

__all__ = ["OpenId", "OpenIdError"]

_SECONDS = 10.0
_BEGUN_SECONDS = 10 * 60.0
_MOST_BEGUN = 200
_METADATA_SECONDS = 60 * 60.0
_LEEWAY_SECONDS = 60
_MOST_BYTES = 1024 * 1024
# Asymmetric alone: with a key that both sides know, a reader of the settings could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
# Accounts of the issuer that one run of the desk lets in.
_MOST_ACCOUNTS = 10_000
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenIdError(CreditRegistryError):
    """Nobody could be signed in.

    Attributes:
        reason: ISSUER_UNREACHABLE, TOKEN_INVALID, STATE_UNKNOWN, ACCESS_DENIED, NO_ROLE, NAME_INVALID,
            NAME_TAKEN or TOO_MANY_ACCOUNTS.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Begun:
    browser: str
    verifier: str
    nonce: str
    redirect: str
    address: str
    ends: float


class OpenId:
    """The sign-ins of one issuer; thread-safe.

    Args:
        settings: of the issuer.
        home: of the member; holds the client's secret.
        clock: seconds, never going back.
    """

    def __init__(self, settings: OpenIdSettings, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        name = settings.client_secret_file
        self._secret = None if name is None else read_private(home / name).decode().strip()
        self._lock = threading.Lock()
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._metadata: tuple[float, dict[str, str]] = (float("-inf"), {})
        # Reading the certificates of this machine takes longer than all else that begins a sign-in.
        self._tls = httpx2.create_ssl_context()
        # By account: the name under which it came first, in small letters.
        self._names: dict[str, str] = {}

    def begin(self, redirect: str, address: str) -> tuple[str, str]:
        """Begin a sign-in; where too many have begun, the oldest of the address that has begun most is forgotten.

        Args:
            redirect: address of the page that the issuer sends the browser back to.
            address: of the browser.

        Returns:
            Where the browser goes, and what the cookie of this browser holds until it comes back.

        Raises:
            OpenIdError: the issuer is away.
        """
        endpoint = self._endpoints()["authorization_endpoint"]
        now = self._clock()
        begun = _Begun(
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(48),
            secrets.token_urlsafe(24),
            redirect,
            address,
            now + _BEGUN_SECONDS,
        )
        with self._client(redirect) as client:
            to, state = client.create_authorization_url(endpoint, code_verifier=begun.verifier, nonce=begun.nonce)
        with self._lock:
            self._begun[state] = begun
            if len(self._begun) > _MOST_BEGUN:
                ((most, _),) = Counter(one.address for one in self._begun.values()).most_common(1)
                del self._begun[next(key for key, one in self._begun.items() if one.address == most)]
        return str(to), begun.browser

    def finish(self, browser: str, parameters: Mapping[str, str]) -> User:
        """Return who has signed in.

        Args:
            browser: what the cookie holds.
            parameters: of the address that the issuer sent the browser back to.

        Raises:
            OpenIdError: nobody has.
        """
        with self._lock:
            # Taken out: what comes back is good once.
            begun = self._begun.pop(parameters.get("state", ""), None)
        if begun is None or begun.ends <= self._clock() or not secrets.compare_digest(begun.browser, browser):
            raise OpenIdError("STATE_UNKNOWN")
        if "error" in parameters or "code" not in parameters:
            raise OpenIdError("ACCESS_DENIED")
        return self._user(self._claims(parameters["code"], begun))

    def _claims(self, code: str, begun: _Begun) -> Mapping[str, object]:
        endpoints = self._endpoints()
        try:
            with self._client(begun.redirect) as client:
                token = client.fetch_token(endpoints["token_endpoint"], code=code, code_verifier=begun.verifier)
                keys = KeySet.import_key_set(client.request("GET", endpoints["jwks_uri"], withhold_token=True).json())
        except OAuthError:
            raise OpenIdError("ACCESS_DENIED") from None
        except httpx2.HTTPError:
            raise OpenIdError("ISSUER_UNREACHABLE") from None
        except (JoseError, ValueError, TypeError, KeyError):
            raise OpenIdError("TOKEN_INVALID") from None
        try:
            decoded = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client_id},
                nonce={"essential": True, "value": begun.nonce},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError):
            raise OpenIdError("TOKEN_INVALID") from None
        return decoded.claims

    def _user(self, claims: Mapping[str, object]) -> User:
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not is_name(name):
            raise OpenIdError("NAME_INVALID")
        given = claims.get(self._settings.role_claim)
        words = given if isinstance(given, list) else [given]
        roles = [self._settings.roles[word] for word in words if isinstance(word, str) and word in self._settings.roles]
        if not roles:
            raise OpenIdError("NO_ROLE")
        self._hold_name(str(claims["sub"]), name.casefold())
        return User(name, max(roles, key=lambda role: DeskRole(role).rank))

    def _hold_name(self, account: str, name: str) -> None:
        """Hold an account to the name under which it came first, and the name to that account, while the desk runs.

        People are told apart by their names, which some issuers let them change: who has prepared an act would else
        approve it under another name, or come under the name of another person.

        Raises:
            OpenIdError: it came under another name, another account has this one, or too many have come.
        """
        with self._lock:
            known = self._names.get(account)
            if known is None and len(self._names) >= _MOST_ACCOUNTS:
                raise OpenIdError("TOO_MANY_ACCOUNTS")
            if known is None and name in self._names.values():
                raise OpenIdError("NAME_TAKEN")
            if self._names.setdefault(account, name) != name:
                raise OpenIdError("NAME_TAKEN")

    def _client(self, redirect: str) -> Any:
        return OAuth2Client(
            self._settings.client_id,
            self._secret,
            scope="openid profile",
            redirect_uri=redirect,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if self._secret is None else "client_secret_basic",
            timeout=_SECONDS,
            follow_redirects=False,
            verify=self._tls,
        )

    def _endpoints(self) -> dict[str, str]:
        """Return the addresses of the issuer, as it publishes them, read again after an hour."""
        with self._lock:
            until, known = self._metadata
        if self._clock() < until:
            return known
        try:
            address = f"{self._settings.issuer}/.well-known/openid-configuration"
            answer = httpx2.get(address, timeout=_SECONDS, verify=self._tls)
            content = answer.raise_for_status().json() if len(answer.content) <= _MOST_BYTES else {}
        except (httpx2.HTTPError, ValueError):
            raise OpenIdError("ISSUER_UNREACHABLE") from None
        if not isinstance(content, dict) or str(content.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise OpenIdError("TOKEN_INVALID")
        found = {name: content[name] for name in _ENDPOINTS if isinstance(content.get(name), str)}
        plain = self._settings.issuer.startswith("http://")
        if set(found) != set(_ENDPOINTS) or not (plain or all(one.startswith("https://") for one in found.values())):
            raise OpenIdError("TOKEN_INVALID")
        with self._lock:
            self._metadata = (self._clock() + _METADATA_SECONDS, found)
        return found
