"""Attacks on a running desk: other sites, other names, frames, paths, markup, bodies, a thousand connections."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import ssl
import threading
from contextlib import ExitStack, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse
from uvicorn import Config
from uvicorn.server import ServerState

from client_sdk.desk.connections import MOST_CONNECTIONS, MOST_HANDSHAKES, BoundedConnection, Handshakes
from client_sdk.desk.pages import PAGES, ROLE_PAGES
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import UserFile
from client_sdk.models import Role
from tests.client_sdk.desk.test_desk_pages import question
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, filled
from tests.support.tls import Authority
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

CROSS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def officer(desk: RunningDesk) -> Visitor:
    visitor = desk.visitor()
    visitor.get("/ask")
    return visitor


@pytest.mark.parametrize(
    "headers",
    [
        CROSS,
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "none", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
def test_what_another_page_sends_is_refused_with_cookie_and_token(officer: Visitor, headers: dict[str, str]) -> None:
    refused = officer.post("/ask", question(1), headers=headers)
    assert refused.status == 403
    assert "only a page of this desk" in refused.text


def test_a_post_that_says_nothing_of_where_it_comes_from_is_refused(officer: Visitor) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert officer.send("POST", "/ask", f"token={officer.token}".encode(), kind).status == 403
    for origin, status in (("null", 403), (f"http://{officer.host}", 303), ("http://127.0.0.1:1", 403)):
        body = f"token={officer.token}&language=en&back=/ask".encode()
        assert officer.send("POST", "/language", body, {**kind, "Origin": origin}).status == status


@pytest.mark.parametrize("token", ["", "x", "InRva2VuIg.AAAA"])
def test_a_form_without_the_token_of_its_session_is_refused(officer: Visitor, token: str) -> None:
    refused = officer.post("/ask", question(1) | {"token": token})
    assert (refused.status, refused.headers["location"]) == (303, "/ask")
    assert "Nothing was sent: the form was of a session that has ended." in officer.follow(refused).words


def test_the_token_of_another_session_is_refused(desk: RunningDesk, officer: Visitor) -> None:
    other = desk.visitor()
    other.get("/ask")
    refused = officer.post("/ask", question(1) | {"token": other.token})
    assert refused.headers["location"] == "/ask"
    assert "Nothing was sent" in officer.follow(refused).words


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_other_pages_read_and_frame_nothing(officer: Visitor, headers: dict[str, str]) -> None:
    assert officer.get("/ask", headers).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.", "[::2]"]
)
def test_a_name_that_is_not_the_desks_is_refused(desk: RunningDesk, host: str) -> None:
    stranger = desk.visitor(signed_in=False)
    stranger.host = host
    answered = stranger.get("/sign-in")
    assert answered.status in {400, 403}
    assert "desk-" not in answered.text


def test_every_answer_has_the_headers_that_guard_it(desk: RunningDesk, officer: Visitor) -> None:
    stranger = desk.visitor(signed_in=False)
    for answered in (
        officer.get("/ask"),
        officer.get("/nothing"),
        stranger.get("/sign-in"),
        officer.post("/ask", headers=CROSS),
    ):
        policy = answered.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answered.headers["x-frame-options"] == "DENY"
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert answered.headers["referrer-policy"] == "no-referrer"
        assert answered.headers["cache-control"] == "no-store"
        assert "server" not in answered.headers


def test_cookies_are_for_this_desk_and_no_script(desk: RunningDesk) -> None:
    stranger = desk.visitor(signed_in=False)
    cookie = stranger.post("/language", {"language": "zh", "back": "/"}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


class Inline(HTMLParser):
    """Collects inline scripts and styles, and what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name: value or "" for name, value in attrs}
        self.found += [name for name in names if name.startswith("on") or name == "style"]
        self.found += [tag] if tag == "style" or (tag == "script" and "src" not in names) else []
        self.found += [
            value
            for name, value in names.items()
            if name in {"src", "href", "action"} and not re.match(r"[/#](?!/)", value)
        ]


@pytest.mark.parametrize(
    "path",
    ["/today", "/ask", "/portfolio", "/screening", "/quality", "/records", "/inbox", "/journal", "/sign-in"],
)
def test_no_page_has_an_inline_script_or_an_outside_reference(officer: Visitor, path: str) -> None:
    parser = Inline()
    parser.feed(officer.get(path).text)
    assert parser.found == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/desk.css%00",
        "/static//etc/passwd",
        "/static/",
        "/shown/../../etc/passwd",
        "/answers/..%2f..",
        "/start/../static/desk.css",
    ],
)
def test_no_path_leads_to_another_file(officer: Visitor, path: str) -> None:
    answered = officer.get(path)
    assert answered.status in {303, 404}
    assert "import" not in answered.text


def test_markup_in_what_was_typed_is_shown_as_text(officer: Visitor) -> None:
    hostile = '"><script>alert(1)</script>'
    shown = officer.post("/ask", question(1, number="x", issuing_state=hostile, consent_date=hostile))
    assert "<script>alert" not in shown.text
    found = officer.post("/records", {"record": hostile, "kind": hostile})
    assert "<script>alert" not in found.text
    assert officer.get("/%3Cscript%3Ealert(1)%3C/script%3E").text.count("<script>alert") == 0


def test_a_stranger_reads_nothing_and_no_session_can_be_brought_along(desk: RunningDesk) -> None:
    stranger = desk.visitor(signed_in=False)
    for page in (*PAGES, *ROLE_PAGES[Role.LENDER]):
        if page.right is None:
            continue
        path = filled(page.path)
        answered = stranger.get(path) if page.method == "GET" else stranger.post(path)
        assert (answered.status, answered.headers["location"]) == (303, "/sign-in"), page.path
    fixed = desk.visitor(signed_in=False)
    fixed.cookies["desk-session"] = "chosen-by-an-attacker"
    host, path = desk.link()
    fixed.host = f"{host}:{desk.port}"
    fixed.get(path)
    assert fixed.get("/ask").status == 303 or fixed.cookies["desk-session"] != "chosen-by-an-attacker"


def test_long_bodies_are_refused_before_they_are_read(desk: RunningDesk, officer: Visitor) -> None:
    assert officer.post("/records", {"record": "x" * 100_000}).status == 413
    assert officer.post("/sign-out", {"x": "y" * 5_000}).status == 413
    # Where documents may be long, a form without them is not: millions of fields would fill the memory.
    assert officer.post("/report/default", {"x": "y" * 200_000}).status == 413
    with talking(desk) as connection:
        lines = (f"Host: {officer.host}", f"Origin: http://{officer.host}", "Content-Length: 99999999999", "", "")
        connection.sendall("\r\n".join(("POST /ask HTTP/1.1", *lines)).encode())
        assert b"303" in connection.recv(200), "a stranger's body is not read"
    assert officer.get("/ask").status == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&" * 500),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % place for place in range(2_000))),
        ("", b"x"),
    ],
)
def test_bodies_that_are_no_form_are_refused(officer: Visitor, kind: str, body: bytes) -> None:
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
    answered = officer.follow(officer.send("POST", "/ask", body, headers))
    assert answered.status in {400, 413} or "Nothing was sent: the form" in answered.words
    assert officer.get("/ask").status == 200


def talking(desk: RunningDesk, of: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", desk.port), timeout=30, source_address=(of, 0))


def test_the_body_of_an_answer_does_not_wait_for_its_head_to_be_confirmed() -> None:
    async def without_delay() -> int:
        made: list[BoundedConnection] = []
        config = Config(PlainTextResponse("here"), lifespan="off", log_config=None)
        config.load()

        def connection() -> BoundedConnection:
            made.append(BoundedConnection(config, ServerState(), {}))
            return made[-1]

        # Made as the desk makes its own, outside asyncio.
        listening = socket.create_server(("127.0.0.1", 0))
        async with asyncio.timeout(30), await asyncio.get_running_loop().create_server(connection, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n")
            assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
            taken: socket.socket = made[0].transport.get_extra_info("socket")
            delay = taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
        return delay

    assert asyncio.run(without_delay())


def test_a_thousand_idle_connections_keep_nobody_out(desk: RunningDesk, officer: Visitor) -> None:
    idle = []
    try:
        for _ in range(500):
            connection = talking(desk)
            connection.sendall(b"GET / HT")
            idle.append(connection)
            idle.append(talking(desk))
        assert officer.get("/ask").status == 200
        assert officer.post("/ask", question(2)).status == 303
    finally:
        for connection in idle:
            connection.close()
    assert officer.get("/ask").status == 200


@pytest.mark.parametrize("path", ["/sign-in", "/records"])
def test_bodies_that_do_not_come_keep_nobody_out(desk: RunningDesk, officer: Visitor, path: str) -> None:
    lines = [f"POST {path} HTTP/1.1", f"Host: {officer.host}", f"Origin: http://{officer.host}", "Content-Length: 999"]
    lines += [f"Cookie: desk-session={officer.cookies['desk-session']}"] if path == "/records" else []
    lines += ["Content-Type: application/x-www-form-urlencoded", "", "name=a"]
    slow = []
    try:
        for _ in range(250):
            connection = talking(desk)
            connection.sendall("\r\n".join(lines).encode())
            slow.append(connection)
        assert officer.get("/ask").status == 200
        assert officer.post("/ask", question(2)).status == 303
    finally:
        for connection in slow:
            connection.close()
    assert officer.get("/ask").status == 200
    assert "mistake of this program" not in desk.log()


def test_many_pages_at_once_are_all_answered(officer: Visitor) -> None:
    got: list[int] = []

    def look() -> None:
        visitor = Visitor(officer.port, officer.host, dict(officer.cookies))
        got.extend(visitor.get("/records").status for _ in range(3))

    threads = [threading.Thread(target=look) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * 60


def test_a_second_desk_of_a_home_is_refused(desk: RunningDesk) -> None:
    refused = Command(desk.home)("desk", "--listen", "127.0.0.1:0", code=None)
    assert refused.code != 0
    assert "another desk serves" in refused.content["error"]["message"]


@pytest.fixture(scope="session")
def exposed(registry: TestRegistry) -> Path:
    return registry.enrol("lender-exposed")


def test_others_are_let_near_by_tls_and_by_name_alone(exposed: Path, tmp_path: Path) -> None:
    command = Command(exposed)
    refused = command("desk", "--listen", "0.0.0.0:0", code=None).content["error"]["message"]
    for missing in ("certificate", "people who sign in", "hosts"):
        assert missing in refused
    UserFile(exposed).add("anna", DeskRole.OFFICER, "correct horse battery")
    assert "people who sign in" not in command("desk", "--listen", "0.0.0.0:0", code=None).content["error"]["message"]
    certificate, key, ca = server_files(tmp_path)
    (exposed / "desk.toml").write_text(f'hosts = ["localhost"]\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
    with RunningDesk(exposed, tmp_path / "log", "0.0.0.0:0") as desk:
        assert desk.scheme == "https"
        context = ssl.create_default_context(cafile=ca)
        visitor = Visitor(desk.port, f"localhost:{desk.port}", context=context)
        visitor.get("/sign-in")
        signed_in = visitor.post("/sign-in", {"name": "anna", "password": "correct horse battery"})
        cookie = signed_in.headers["set-cookie"]
        assert cookie.startswith("__Host-desk-session=")
        assert "Secure" in cookie
        page = visitor.get("/ask")
        assert page.status == 200
        assert "max-age" in page.headers["strict-transport-security"]
        with socket.create_connection(("127.0.0.1", desk.port), timeout=30) as clear:
            clear.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"HTTP/1.1 200" not in clear.recv(100)


@pytest.fixture(scope="module")
def by_tls(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A home whose desk is served by TLS to whom signs in as berta, and what a client trusts."""
    home = registry.enrol("lender-by-tls")
    certificate, key, ca = server_files(tmp_path_factory.mktemp("tls"))
    UserFile(home).add("berta", DeskRole.OFFICER, "correct horse battery")
    (home / "desk.toml").write_text(f'hosts = ["localhost"]\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
    return home, ssl.create_default_context(cafile=ca)


def test_connections_that_never_finish_their_handshake_keep_nobody_out_and_end(
    by_tls: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> None:
    home, context = by_tls
    with RunningDesk(home, tmp_path / "log", "0.0.0.0:0") as desk, ExitStack() as stack:
        visitor = Visitor(desk.port, f"localhost:{desk.port}", context=context)
        assert visitor.get("/sign-in").status == 200
        before = open_files(desk)
        # The first half of what a client says first, a word that is no TLS, and nothing.
        words = itertools.cycle((b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b""))
        silent = []
        for _ in range(3 * MOST_CONNECTIONS):
            silent.append(stack.enter_context(talking(desk)))
            silent[-1].sendall(next(words))
        # Those that came first have made room for the last, and a person comes in beside them all.
        assert all(is_over(connection) for connection in silent[: 3 * MOST_CONNECTIONS - MOST_HANDSHAKES - 1])
        assert visitor.get("/sign-in").status == 200
        wait_until(lambda: open_files(desk) <= before + MOST_HANDSHAKES)
        # No other one comes any more: what is left ends with the time for a handshake.
        assert all(is_over(connection) for connection in silent)
        wait_until(lambda: open_files(desk) <= before)
        signed_in = visitor.post("/sign-in", {"name": "berta", "password": "correct horse battery"})
        assert signed_in.headers["set-cookie"].startswith("__Host-desk-session=")
        assert "mistake of this program" not in desk.log()


def test_idle_connections_and_a_flood_of_others_keep_no_handshake_out(
    by_tls: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> None:
    home, context = by_tls
    with RunningDesk(home, tmp_path / "log", "0.0.0.0:0") as desk, ExitStack() as stack:
        before = open_files(desk)
        for _ in range(MOST_CONNECTIONS - 1):
            idle = stack.enter_context(talking(desk, "127.0.0.2"))
            stack.enter_context(context.wrap_socket(idle, server_hostname="localhost"))
        person = stack.enter_context(talking(desk))
        flood = [stack.enter_context(talking(desk, "127.0.0.2")) for _ in range(2 * MOST_HANDSHAKES)]
        # What came first makes room for what came last: the desk has taken them all, and the person before them.
        assert all(is_over(connection) for connection in flood[:MOST_HANDSHAKES])
        wait_until(lambda: open_files(desk) <= before + MOST_CONNECTIONS - 1 + MOST_HANDSHAKES)
        with context.wrap_socket(person, server_hostname="localhost") as met:
            met.sendall(f"GET /sign-in HTTP/1.1\r\nHost: localhost:{desk.port}\r\n\r\n".encode())
            assert met.recv(100).startswith(b"HTTP/1.1 200")


def test_a_handshake_that_ends_with_its_task_leaves_no_connection_deaf(tmp_path: Path) -> None:
    """Its descriptor goes to the next connection, which must not be taken for the one that has ended."""
    certificate, key, ca = server_files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    config = Config(PlainTextResponse("here"), lifespan="off", log_config=None)
    config.load()

    accepting: asyncio.Task[None]

    class Last(BoundedConnection):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            # In the pass of the loop in which the handshake is finished.
            accepting.cancel()

    async def watched() -> list[bool]:
        nonlocal accepting
        loop = asyncio.get_running_loop()
        handshakes = Handshakes(context, lambda: Last(config, ServerState(), {}))
        trust = ssl.create_default_context(cafile=ca)
        with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as stack:
            listening.setblocking(False)
            accepting = asyncio.create_task(handshakes.accept(listening))
            async with asyncio.timeout(60):
                address = listening.getsockname()
                reader, writer = await asyncio.open_connection(*address, ssl=trust, server_hostname="localhost")
                with suppress(OSError):
                    assert await reader.read() == b""
            fresh = [stack.enter_context(end) for _ in range(8) for end in socket.socketpair()]
            found = [loop.remove_reader(end) for end in fresh]
            writer.transport.abort()
            return found

    assert not any(asyncio.run(watched())), "a new descriptor is watched for a connection that is over"


def is_over(connection: socket.socket) -> bool:
    """Whether the desk ends a connection, in time, without a word of HTTP."""
    try:
        return not connection.recv(100).startswith(b"HTTP")
    except ConnectionResetError:
        return True


def open_files(desk: RunningDesk) -> int:
    """How many descriptors the desk holds."""
    return len(list(Path(f"/proc/{desk.pid}/fd").iterdir()))


def test_a_desk_with_tls_stops_while_handshakes_are_under_way(
    by_tls: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> None:
    with RunningDesk(by_tls[0], tmp_path / "log", "0.0.0.0:0") as desk, talking(desk) as silent:
        assert desk.stop() == 0
        assert is_over(silent)


def server_files(folder: Path) -> tuple[Path, Path, Path]:
    """Files of a certificate of localhost: chain, key, authority."""
    made = Authority().server()
    files = (folder / "chain.pem", folder / "key.pem", folder / "ca.pem")
    for file, content in zip(files, (made.certificate, made.key, made.ca), strict=True):
        file.write_bytes(content)
    return files
