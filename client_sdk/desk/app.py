"""The application: pages behind guards, sessions and rights; every error in words.

A browser writes the body of the POST that made a page to its disk, to restore its windows after a crash: the
identity number or the password that was typed. So no page is the answer to a POST. What a POST has to show is kept in
memory for minutes, and the browser is sent on to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from client_sdk.desk.api.application import API_PATH
from client_sdk.desk.form import FormError, read_form
from client_sdk.desk.guards import FAILED_PATH
from client_sdk.desk.pages import all_pages
from client_sdk.desk.rendering import STATIC, static_file
from client_sdk.desk.texts import N_
from client_sdk.desk.unsent import page_of_form
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Scope

    from client_sdk.desk.desk import Desk

__all__ = ["make_app", "moved"]

T = TypeVar("T")

# Pages that are answered at one time; each may wait for the registry.
_THREADS = 16
# Of those for everybody, which may wait for a hash or for the sign-in service: strangers keep nobody else waiting.
_STRANGERS_THREADS = 8
_STATIC_SECONDS = 3_600
_SEE_OTHER = 303
_TOO_LONG = N_("What was sent is too long.")
_TOO_SLOW = N_("What was sent came too slowly: try again.")
_NO_FORM = N_("What was sent is no form of this desk: go back and try again.")
_STALE_FORM = N_("Nothing was sent: the form was of a session that has ended. Fill it in once more.")


def make_app(desk: Desk, api: ASGIApp | None) -> Starlette:
    """Return the application of a desk, with its API where it has one."""
    register_url_convertor("number", _NumberConvertor())
    register_url_convertor("digest", _DigestConvertor())
    app = Starlette()
    if api is not None:
        # First: what programs send is many, and is held against no page.
        app.mount(API_PATH, api)
    answering = _PageAnswers(desk)
    app.state.form_pages = []
    for page in all_pages(desk):
        app.add_route(page.path, answering.endpoint(page), methods=[page.method], include_in_schema=False)
        if page.may_show_form:
            app.state.form_pages.append(app.routes[-1])
    app.add_route("/shown/{key}", answering.shown, methods=["GET"], include_in_schema=False)
    app.add_route(FAILED_PATH, answering.failed, methods=["GET"], include_in_schema=False)
    app.add_route("/static/{name}", _static, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(404, answering.missing)
    app.add_exception_handler(405, answering.missing)
    return app


class _NumberConvertor(Convertor[int]):
    """A number in a path: too short for an identity number."""

    regex = "[0-9]{1,12}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class _DigestConvertor(Convertor[str]):
    """An id in a path that is a digest, hexadecimal; anything else goes no further."""

    regex = "[0-9a-f]{64}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


async def _static(request: Request) -> Response:
    name = str(request.path_params["name"])
    content = static_file(name)
    if content is None:
        return PlainTextResponse("there is nothing here\n", 404)
    headers = {"Cache-Control": f"public, max-age={_STATIC_SECONDS}", "Content-Type": STATIC[name]}
    return Response(content, headers=headers)


def _led(request: Request, path: str) -> Response:
    """Lead a browser to another page; what a script of a page has asked for takes the whole page along."""
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, _SEE_OTHER)


def moved(desk: Desk, scope: Scope) -> Response:
    """Tell a browser that came by the link of an earlier run that every session has ended, and where to sign in."""
    scheme, _, where = desk.origin.partition("://")
    to = f"{scheme}://localhost:{where.rpartition(':')[2]}/sign-in"
    return Visit(desk, Request(scope)).show("moved.html.j2", status=403, to=to)


@dataclass(frozen=True, slots=True, repr=False)
class _ShownPage:
    """A page that a POST had to show."""

    status: int
    content: bytes


class _PageAnswers:
    """Answers requests by pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._threads, self._strangers_threads = CapacityLimiter(_THREADS), CapacityLimiter(_STRANGERS_THREADS)

    def endpoint(self, page: DeskPage) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers the requests of a page."""

        async def answer(request: Request) -> Response:
            return await self._answer(page, request)

        return answer

    async def shown(self, request: Request) -> Response:
        """Answer with what a POST had to show."""
        visit = await self._visit(request)
        kept = visit.kept(_ShownPage)
        if kept is None:
            return RedirectResponse("/", 303)
        return HTMLResponse(kept.content, kept.status)

    async def missing(self, request: Request, _: Exception) -> Response:
        """Answer a request for what is not there."""
        visit = await self._visit(request)
        return self._of_request(
            visit, visit.show("message.html.j2", status=404, title=visit.say("Nothing is here"), text="")
        )

    async def failed(self, request: Request) -> Response:
        """Tell of a form that a mistake of the program has left without an answer."""
        visit = await self._visit(request)
        text = visit.say("Tell who looks after this desk; where it was started it says what kind of mistake.")
        return visit.show("message.html.j2", status=500, title=visit.say("A mistake of this program"), text=text)

    async def _visit(self, request: Request) -> Visit:
        cookie = request.cookies.get(self._desk.cookie)
        visit = Visit(self._desk, request)
        visit.session = await self._in_thread(partial(self._desk.session_of, cookie))
        return visit

    async def _answer(self, page: DeskPage, request: Request) -> Response:
        visit = Visit(self._desk, request)
        try:
            visit = await self._visit(request)
            if page.right is not None and visit.session is None:
                return self._to_sign_in(request)
            if page.right is not None and not visit.may(page.right):
                text = visit.say("Your role does not allow this. The role of each person is set by `desk user`.")
                refused = visit.show("message.html.j2", status=403, title=visit.say("Not allowed"), text=text)
                return self._of_request(visit, refused)
            if page.method == "POST":
                # Only now: what a stranger sends is not read.
                visit.form = await read_form(request, page.form_bytes)
                if visit.session and not self._desk.sessions.is_token(visit.session, visit.form.text("token")):
                    return self._back_to_form(visit)
            answer = await self._in_thread(partial(page.answer, visit), for_everybody=page.right is None)
        except FormError as error:
            answer = self._told(visit, error.status, {408: _TOO_SLOW, 413: _TOO_LONG}.get(error.status, _NO_FORM))
        except CreditRegistryError as error:
            answer = visit.show_failure(error)
        return self._of_request(visit, answer)

    def _of_request(self, visit: Visit, answer: Response) -> Response:
        """Return the answer to a request; to a POST where it sends the browser, or where what it shows is kept."""
        # What a script of a page asks for is part of that page, and no browser keeps its body.
        by_script = "hx-request" in visit.request.headers
        if visit.request.method != "POST" or by_script or answer.status_code == _SEE_OTHER:
            return answer
        key = visit.keep(_ShownPage(answer.status_code, bytes(answer.body)))
        return RedirectResponse(f"/shown/{key}", _SEE_OTHER)

    def _to_sign_in(self, request: Request) -> Response:
        """Send a stranger to the page where people sign in, and from there back to the form that was sent."""
        answer = _led(request, "/sign-in")
        if request.method == "POST" and request.url.path != "/sign-out":
            self._desk.unsent.keep(request, answer)
        return answer

    def _back_to_form(self, visit: Visit) -> Response:
        """Send a visitor back to the form of a session that has ended, which was sent in another one."""
        assert visit.session is not None  # noqa: S101 - a form without a session has no token
        visit.session.notes.append(visit.say(_STALE_FORM))
        return _led(visit.request, page_of_form(visit.request))

    def _told(self, visit: Visit, status: int, text: str) -> Response:
        return visit.show("message.html.j2", status=status, title=visit.say("Nothing was done"), text=visit.say(text))

    async def _in_thread(self, work: Callable[[], T], *, for_everybody: bool = False) -> T:
        return await to_thread.run_sync(work, limiter=self._strangers_threads if for_everybody else self._threads)
