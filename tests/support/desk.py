"""A real desk, a program of its own, and somebody who visits it without a browser."""

from __future__ import annotations

import http.client
import re
import secrets
import signal
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from client_sdk.testing.desks import LINK, READY
from client_sdk.testing.programs import Programs
from tests.support.waiting import awaited

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from email.message import Message
    from pathlib import Path

__all__ = ["Answered", "RunningDesk", "Visitor", "filled", "text_of", "typed_in"]

_PLACE = re.compile(r"{(\w+(?::\w+)?)}")
_IN_PLACES = {"record": "01234567-89ab-8def-8123-456789abcdef", "key:digest": "0" * 64, "inquiry": "0" * 32}
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


class RunningDesk:
    """A desk of a home; used as a context.

    Args:
        home: of the member.
        folder: for its log.
        listen: where it listens.
    """

    def __init__(self, home: Path, folder: Path, listen: str = "127.0.0.1:0") -> None:
        self.home, self._listen = home, listen
        folder.mkdir(exist_ok=True)
        self._programs = Programs(folder)
        self.port = 0
        self.scheme = "http"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.stop_all()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        before = len(self.log())
        self._programs.launch("desk", ["credit-registry", "desk", "--home", str(self.home), "--listen", self._listen])
        found = READY.search(self._awaited(READY, before))
        assert found
        self.scheme, self.port = found[1], int(found[3])

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Stop it; return its exit code."""
        (code,) = self._programs.stop("desk", by=by)
        return code

    @property
    def pid(self) -> int:
        """Process id."""
        return self._programs.pid("desk")

    def log(self) -> str:
        """Everything that it has written."""
        file = self._programs.log("desk")
        return file.read_text() if file.exists() else ""

    def link(self) -> tuple[str, str]:
        """Host and path of the newest one-time link."""
        found = LINK.findall(self._awaited(LINK, 0))
        host, path = found[-1]
        return host, path

    def visitor(self, *, signed_in: bool = True) -> Visitor:
        """Somebody who came by the one-time link, or a stranger."""
        if not signed_in:
            return Visitor(self.port, f"127.0.0.1:{self.port}")

        def by_link() -> Visitor | None:
            host, path = self.link()
            visitor = Visitor(self.port, f"{host}:{self.port}")
            # That of a link that was used has a new one made, some seconds after the last.
            return visitor if visitor.get(path).status == 303 else None

        came = awaited(by_link, bool)
        assert came is not None
        return came

    def _awaited(self, pattern: re.Pattern[str], after: int) -> str:
        def said() -> str:
            self._programs.check()
            return self.log()[after:]

        return awaited(said, lambda text: bool(pattern.search(text)))


@dataclass(frozen=True)
class Answered:
    """An answer."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def words(self) -> str:
        return text_of(self.text)


@dataclass
class Visitor:
    """Keeps cookies and the token of the last form, as a browser does."""

    port: int
    host: str
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"
    token: str = ""
    context: ssl.SSLContext | None = None

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answered:
        return self.send("GET", path, None, {"Sec-Fetch-Site": "none", **(headers or {})})

    def follow(self, answered: Answered) -> Answered:
        """Go where an answer sends the browser."""
        assert answered.status == 303, answered.text
        return self.get(answered.headers["location"])

    def finished(self, answered: Answered) -> Answered:
        """Go where a job is shown, and wait until it has ended."""
        return awaited(
            lambda: self.follow(answered), lambda page: 'id="progress"' not in page.text, lambda page: page.words
        )

    def post(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Send a form, as a page of the desk does."""
        values = {"token": self.token, **(fields or {})}
        own = {
            "Origin": f"{'http' if self.context is None else 'https'}://{self.host}",
            "Sec-Fetch-Site": "same-origin",
        }
        if files is None:
            own["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(values).encode()
        else:
            boundary = secrets.token_hex(16)
            own["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            body = _multipart(boundary, values, files)
        answered = self.send("POST", path, body, {**own, **(headers or {})})
        return self.follow(answered) if answered.headers.get("location", "").startswith("/shown/") else answered

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
        """Send exactly this, with the cookies."""
        if self.context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        else:
            name = self.host.partition(":")[0]
            connection = http.client.HTTPSConnection(name, self.port, timeout=60, context=self.context)
        every = {"Host": self.host, "Accept-Language": self.language}
        if self.cookies:
            every["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, {**every, **headers})
            response = connection.getresponse()
            answered = Answered(response.status, response.headers, response.read())
        finally:
            connection.close()
        for cookie in answered.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if found := _TOKEN.search(answered.body.decode(errors="replace")):
            self.token = found[1]
        return answered


def _multipart(boundary: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{name}.pdf"\r\nContent-Type: application/pdf'
        parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def text_of(page: str) -> str:
    """What a page says, without its markup, words with one space between them."""
    parser = _Words()
    parser.feed(page)
    return " ".join(parser.words)


class _Fields(HTMLParser):
    """Reads what a form would send: texts, days, choices and boxes; no file, and no button."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        name, value = named.get("name", ""), named.get("value", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in named or self._select not in self.fields):
            self.fields[self._select] = value
        elif tag == "input" and name and named.get("type") != "file":
            is_box = named.get("type") == "checkbox"
            self.fields |= {name: value} if not is_box or "checked" in named else {}


def typed_in(page: str) -> dict[str, str]:
    """What the fields of a page hold, by their names; without the token."""
    parser = _Fields()
    parser.feed(page)
    return {name: value for name, value in parser.fields.items() if name != "token"}


def filled(path: str) -> str:
    """A path of a page or of the API with something in each of its places that is nowhere known."""
    return _PLACE.sub(lambda place: _IN_PLACES.get(place[1].removesuffix(":uuid"), "1"), path)
