"""Sign-in by OpenID Connect against a real provider: who is let in, and no lie of whoever stands between."""

from __future__ import annotations

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from client_sdk.desk.openid import OpenId, OpenIdError
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.settings import OpenIdSettings, read_settings
from client_sdk.desk.users import UserFile
from client_sdk.errors import ConfigError
from tests.client_sdk.desk.desk_forms import PASSWORD, person_at
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor
from tests.support.openid_provider import CLIENT, SECRET, OpenIdProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider() as running:
        yield running


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    return registry.enrol("lender-openid")


@pytest.fixture(scope="module")
def openid_desk(
    home: Path, provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDesk]:
    """A desk whose people sign in there."""
    (home / "openid.secret").write_text(f"{SECRET}\n")
    (home / "openid.secret").chmod(0o600)
    (home / "desk.toml").write_text(
        f'[openid]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret_file = "openid.secret"\n'
        '[openid.roles]\nstaff = "reader"\ncredit-officers = "officer"\n'
    )
    with RunningDesk(home, tmp_path_factory.mktemp("openid")) as running:
        yield running


@pytest.fixture(autouse=True)
def honest(provider: OpenIdProvider) -> Iterator[None]:
    """Each test begins with an honest provider."""
    claims, key = dict(provider.claims), provider.signing_key
    yield
    provider.claims, provider.signing_key = claims, key
    provider.change, provider.algorithm, provider.refuses = dict, "RS256", False


def there_and_back(visitor: Visitor) -> str:
    """Go to the provider as the desk says; return the path that it sends the browser back to."""
    to = urlsplit(visitor.get("/sign-in/openid").headers["location"])
    connection = http.client.HTTPConnection(to.netloc, timeout=30)
    connection.request("GET", f"{to.path}?{to.query}")
    back = urlsplit(connection.getresponse().headers["location"])
    connection.close()
    assert back.netloc == visitor.host
    return f"{back.path}?{back.query}"


def test_a_person_is_let_in_with_the_most_of_the_roles(openid_desk: RunningDesk, home: Path) -> None:
    visitor = openid_desk.visitor(signed_in=False)
    assert "/sign-in/openid" in visitor.get("/sign-in").text
    back = there_and_back(visitor)
    # From another site: the strict cookie is set, and a page of the desk goes on.
    let_in = visitor.get(
        back, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    )
    assert let_in.status == 200
    assert 'http-equiv="refresh"' in let_in.text
    assert visitor.get("/ask").status == 200
    assert visitor.get("/journal").status == 403
    assert visitor.get(back).status == 403, "what comes back is good once"
    assert " anna  SIGN_IN DONE" in Command(home).said("desk", "journal", "show").out


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"groups": ["strangers"]}, "NO_ROLE"),
        ({"groups": None}, "NO_ROLE"),
        ({"groups": [["staff"], 1]}, "NO_ROLE"),
        ({"preferred_username": "110105180001010010"}, "NAME_INVALID"),
        ({"preferred_username": None}, "NAME_INVALID"),
        ({"preferred_username": "a<script>"}, "NAME_INVALID"),
    ],
)
def test_who_has_no_role_or_no_name_is_not_let_in(
    openid_desk: RunningDesk, provider: OpenIdProvider, claims: dict[str, Any], reason: str
) -> None:
    provider.claims = {**provider.claims, **claims}
    refused(openid_desk, reason)


def test_who_changes_the_name_at_the_provider_is_no_second_person(
    openid_desk: RunningDesk, provider: OpenIdProvider
) -> None:
    first = {"sub": "renamed-1", "preferred_username": "berta"}
    provider.claims = {**provider.claims, **first}
    visitor = openid_desk.visitor(signed_in=False)
    assert visitor.get(there_and_back(visitor)).status == 200
    provider.claims = {**provider.claims, "preferred_username": "berta-2"}
    refused(openid_desk, "NAME_TAKEN")
    # Nor does another account come under that name.
    provider.claims = {**provider.claims, "sub": "renamed-2", "preferred_username": "Berta"}
    refused(openid_desk, "NAME_TAKEN")
    provider.claims = {**provider.claims, **first}
    again = openid_desk.visitor(signed_in=False)
    assert again.get(there_and_back(again)).status == 200


def refused(desk: RunningDesk, reason: str) -> None:
    visitor = desk.visitor(signed_in=False)
    answered = visitor.get(there_and_back(visitor))
    assert answered.status == 403
    assert reason in answered.words
    assert visitor.get("/ask").status == 303


@pytest.mark.parametrize(
    "lie",
    [
        lambda claims: claims | {"iss": "http://127.0.0.1:1"},
        lambda claims: claims | {"aud": "another"},
        lambda claims: claims | {"nonce": "another"},
        lambda claims: claims | {"exp": int(time.time()) - 120},
        lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
        lambda claims: {name: value for name, value in claims.items() if name != "exp"},
        lambda claims: {name: value for name, value in claims.items() if name != "sub"},
    ],
    ids=["issuer", "audience", "nonce", "old", "no nonce", "no end", "no account"],
)
def test_a_token_that_was_made_for_something_else_lets_nobody_in(
    openid_desk: RunningDesk, provider: OpenIdProvider, lie: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    provider.change = lie
    refused(openid_desk, "TOKEN_INVALID")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_no_key_of_the_provider_signed_lets_nobody_in(
    openid_desk: RunningDesk, provider: OpenIdProvider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    refused(openid_desk, "TOKEN_INVALID")


def test_a_token_of_another_key_lets_nobody_in(openid_desk: RunningDesk, provider: OpenIdProvider) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
    refused(openid_desk, "TOKEN_INVALID")


def test_a_refusal_of_the_provider_is_told(openid_desk: RunningDesk, provider: OpenIdProvider) -> None:
    provider.refuses = True
    refused(openid_desk, "ACCESS_DENIED")


def test_another_browser_cannot_finish_what_one_has_begun(openid_desk: RunningDesk) -> None:
    attacker, victim = (openid_desk.visitor(signed_in=False) for _ in range(2))
    back = there_and_back(attacker)
    answered = victim.get(back)
    assert "STATE_UNKNOWN" in answered.words
    assert victim.get("/ask").status == 303
    assert "STATE_UNKNOWN" in victim.get("/sign-in/openid/return?state=x&code=y").words
    assert "STATE_UNKNOWN" in victim.get("/sign-in/openid/return").words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[openid]\nissuer = "http://login.example"\nclient_id = "x"\nroles = {a = "reader"}', "https://"),
        ('[openid]\nissuer = "https://login.example"\nclient_id = "x"\nroles = {a = "king"}', "roles"),
        ('[openid]\nissuer = "https://login.example"\nclient_id = "x"', "roles"),
        ("idle_minutes = 0", "idle_minutes"),
        ("idle_minutes = true", "idle_minutes"),
        ('hosts = ["a b"]', "hosts"),
        ("unknown = 1", "unknown"),
        ("[tls]\ncertificate = 'a'", "tls.key"),
        ("x", "no TOML"),
    ],
)
def test_a_setting_that_is_not_in_order_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "desk.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_settings(tmp_path)


def test_who_begins_again_and_again_makes_nobody_else_begin_anew(provider: OpenIdProvider, tmp_path: Path) -> None:
    settings = OpenIdSettings(issuer=provider.issuer, client_id=CLIENT, roles={"staff": DeskRole.READER})
    openid = OpenId(settings, tmp_path)
    to, browser = openid.begin("http://127.0.0.1/sign-in/openid/return", "10.0.0.1")
    for _ in range(300):
        openid.begin("http://127.0.0.1/sign-in/openid/return", "10.0.0.9")
    state = parse_qs(urlsplit(to).query)["state"][0]
    with pytest.raises(OpenIdError, match="ACCESS_DENIED"):
        openid.finish(browser, {"state": state, "error": "access_denied"})
    with pytest.raises(OpenIdError, match="STATE_UNKNOWN"):
        openid.finish(browser, {"state": state, "error": "access_denied"})


def test_strangers_who_wait_for_the_provider_keep_nobody_waiting(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-hanging")
    UserFile(home).add("anna", DeskRole.OFFICER, PASSWORD)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (home / "desk.toml").write_text(
            f'[openid]\nissuer = "{issuer}"\nclient_id = "{CLIENT}"\n[openid.roles]\nstaff = "reader"\n'
        )
        with RunningDesk(home, tmp_path / "log") as desk, ThreadPoolExecutor(24) as strangers:
            anna = person_at(desk, "anna")
            waiting = [strangers.submit(desk.visitor(signed_in=False).get, "/sign-in/openid") for _ in range(24)]
            # As many of them as are let do wait by now.
            silent.settimeout(60)
            kept = [silent.accept()[0] for _ in range(8)]
            assert anna.get("/records").status == 200
            assert not [one for one in waiting if one.done()]
            for one in kept:
                one.close()
            # Nobody waits for those that have not been let in either.
            silent.close()
