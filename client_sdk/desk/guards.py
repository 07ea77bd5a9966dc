"""Guards before every page: whose name the browser used, which page sent it here, and the headers of answers.

- Host: a name that this desk has. Another one is what a page sees that has pointed its own name here (DNS rebinding).
- Where the request comes from: Fetch Metadata and Origin, both of which browsers send and pages cannot change. What
  changes something comes from a page of this desk; what is read is read by a person who navigates, or by such a page.
- Of programs that come with a token, below ``/api/``, the Host alone is looked at.
- Every answer forbids frames, scripts and styles of others or inline, sniffing, referrers, and to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse

from client_sdk.desk.start_link import is_name_of_a_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["FAILED_PATH", "DeskGuard", "host_name"]

# The page that tells of a mistake of the program, where no page is the answer.
FAILED_PATH = "/failed"
_SEE_OTHER = 303
_READING = frozenset(("GET", "HEAD"))
_OF_PROGRAMS = "/api/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_NO_STORE = "no-store"
# Threads that answer browsers of an earlier run; anybody may send such a request.
_THREADS = 2


class DeskGuard:
    """Refuses what no page of this desk, and no person, has sent; the outermost part of the application.

    Args:
        app: what it guards.
        hosts: names that this desk has.
        moved: answers a browser that came by the name of an earlier run.
        secure: whether browsers reach it by TLS.
        failed: called with an error that nothing else has answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        moved: Callable[[Scope], Response],
        failed: Callable[[Exception], None],
        *,
        secure: bool,
    ) -> None:
        self._app, self._hosts, self._moved, self._failed = app, frozenset(hosts), moved, failed
        self._scheme = "https" if secure else "http"
        self._threads = CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        answering = _GuardedAnswer(send, secure=self._scheme == "https")
        headers = Headers(scope=scope)
        refusal = self._refusal(str(scope["method"]), str(scope["path"]), headers)
        if refusal and not self._is_of_earlier_run(headers):
            await PlainTextResponse(f"{refusal}\n", 403)(scope, receive, answering.send)
            return
        try:
            if refusal:
                told = _led(scope, headers, "/")
                if told is None:
                    told = await to_thread.run_sync(self._moved, scope, limiter=self._threads)
                await told(scope, receive, answering.send)
                return
            await self._app(scope, receive, answering.send)
        except Exception as error:  # noqa: BLE001 - the server would print it with whatever it holds
            self._failed(error)
            if not answering.begun:
                led = _led(scope, headers, FAILED_PATH)
                told = led or PlainTextResponse("a mistake of this program\n", 500)
                await told(scope, receive, answering.send)

    def _is_of_earlier_run(self, headers: Headers) -> bool:
        """Whether a browser came by a name that this desk had before it was started anew."""
        names = [host_name(host) for host in headers.getlist("host")]
        return len(names) == 1 and names[0] not in self._hosts and is_name_of_a_run(names[0])

    def _refusal(self, method: str, path: str, headers: Headers) -> str:
        """Return why a request is refused; an empty text where it is not."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            return "this desk has another name: open it at the address that it showed when it started"
        if path.startswith(_OF_PROGRAMS):
            # A token is no cookie: no browser adds it to what another page sends.
            return ""
        site = headers.get("sec-fetch-site")
        if method in _READING:
            navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
            stranger = site not in {None, "none", "same-origin"} and not navigates
            return "pages of others do not read this desk" if stranger else ""
        origin = headers.get("origin")
        own = f"{self._scheme}://{hosts[0]}"
        # A page that tells no referrer sends "null" as its origin; then Fetch Metadata must say whose it is.
        ours = origin in {own, "null", None} if site == "same-origin" else site is None and origin == own
        return "" if ours else "only a page of this desk may send this"


def _led(scope: Scope, headers: Headers, path: str) -> Response | None:
    """Return what leads a browser that has sent a form to a page; None for every other request.

    A browser keeps on its disk what was sent to the page that it shows: a form is answered by no page.
    """
    is_form = scope["method"] == "POST" and not str(scope["path"]).startswith(_OF_PROGRAMS)
    return RedirectResponse(path, _SEE_OTHER) if is_form and "hx-request" not in headers else None


class _GuardedAnswer:
    """Adds the headers that every answer has."""

    def __init__(self, send: Send, *, secure: bool) -> None:
        self._send, self._secure = send, secure
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers.setdefault("Cache-Control", _NO_STORE)
            if self._secure:
                headers["Strict-Transport-Security"] = "max-age=31536000"
        await self._send(message)


def host_name(host: str) -> str:
    """Return the name of a Host header, without its port and in small letters."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
