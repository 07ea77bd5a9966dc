"""Coming and going: the one-time link, names and passwords, OpenID Connect, the language, the first page."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from client_sdk.desk.guards import host_name
from client_sdk.desk.journal import NOBODY, DeskAct
from client_sdk.desk.rights import DeskRole, Right
from client_sdk.desk.texts import Language
from client_sdk.desk.users import User, is_name
from client_sdk.desk.visit import LANGUAGE_COOKIE, DeskPage, Visit

if TYPE_CHECKING:
    from client_sdk.desk.openid import OpenId

__all__ = ["PAGES"]

_FORM_BYTES = 4 * 1024
_OPENID_COOKIE = "desk-openid"
_OPENID_PATH = "/sign-in/openid"
_OPENID_SECONDS = 600
_YEAR_SECONDS = 365 * 24 * 3_600
_MINUTE = 60


def _home(visit: Visit) -> Response:
    """Show the form that was left unsent, else the first page of this member that the visitor may see."""
    first = next((path for path, _, right in visit.desk.menu if visit.may(right)), None)
    unsent = visit.desk.unsent.page(visit.request)
    if unsent:
        to = first if first is not None and unsent == "/" else unsent
        answer = visit.go(to, visit.say("Nothing was sent: your session had ended. Fill in the form once more."))
        visit.desk.unsent.forget(answer)
        return answer
    if first is None:
        text = visit.say("The desk has no page for this member and your role; `credit-registry` has its commands.")
        return visit.show("message.html.j2", title=visit.desk.config.institution, text=text)
    return visit.go(first)


def _start(visit: Visit) -> Response:
    """Let in who opens the one-time link."""
    desk = visit.desk
    if desk.by_name or not desk.link.use(str(visit.path["token"])):
        return _sign_in(visit)
    return _let_in(visit, User(_account(), DeskRole.ADMINISTRATOR), RedirectResponse("/", 303), local=False)


def _sign_in(visit: Visit) -> Response:
    """Show how to sign in; where that is the one-time link, tell a new one where the desk was started."""
    desk = visit.desk
    if visit.session is not None:
        return visit.go("/")
    if not desk.by_name and desk.link.wanted():
        desk.new_link()
    return _shown(visit)


def _sign_in_by_name(visit: Visit) -> Response:
    desk, form = visit.desk, visit.form
    name, address = form.text("name"), _address(visit)
    # A number that was typed into the wrong field goes nowhere.
    known = name if is_name(name) else NOBODY
    wait = desk.attempts.begin(known, address)
    if wait:
        # Once, or a stranger would fill the disk with lines.
        if desk.attempts.tells(known, address):
            desk.journal.note(DeskAct.SIGN_IN, known, reason="TOO_MANY_ATTEMPTS")
        minutes = int(wait // _MINUTE) + 1
        return _shown(visit, 429, _wait_words(visit, minutes))
    user = desk.users.fits(name, form.texts.get("password", ""))
    if user is None:
        desk.journal.note(DeskAct.SIGN_IN, known, reason="WRONG_NAME_OR_PASSWORD")
        return _shown(visit, 401, visit.say("Name or password is wrong."))
    desk.attempts.succeeded(known, address)
    return _let_in(visit, user, RedirectResponse("/", 303), local=True)


def _wait_words(visit: Visit, minutes: int) -> str:
    return visit.say.counted(
        minutes, "Too many attempts: wait {count} minute.", "Too many attempts: wait {count} minutes."
    )


def _to_openid(visit: Visit) -> Response:
    openid = visit.desk.openid
    if openid is None:
        return visit.go("/sign-in")
    address, browser = openid.begin(_redirect(visit), _address(visit))
    answer = RedirectResponse(address, 303)
    # Lax: the browser comes back from another site.
    answer.set_cookie(
        _OPENID_COOKIE,
        browser,
        max_age=_OPENID_SECONDS,
        path=_OPENID_PATH,
        httponly=True,
        samesite="lax",
        secure=visit.desk.secure,
    )
    return answer


def _from_openid(visit: Visit) -> Response:
    openid: OpenId | None = visit.desk.openid
    if openid is None:
        return visit.go("/sign-in")
    user = openid.finish(visit.request.cookies.get(_OPENID_COOKIE, ""), visit.request.query_params)
    # A page of this desk goes on, as the browser sends no strict cookie where another site has sent it.
    answer = visit.show("go_on.html.j2", to="/")
    answer.delete_cookie(_OPENID_COOKIE, path=_OPENID_PATH)
    return _let_in(visit, user, answer, local=False)


def _sign_out(visit: Visit) -> Response:
    desk = visit.desk
    if visit.session is not None:
        # First, so that a disk that is full keeps nobody signed in.
        desk.sessions.end(visit.session)
        desk.journal.note(DeskAct.SIGN_OUT, visit.user.name)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(desk.cookie, path="/", secure=desk.secure, httponly=True, samesite="strict")
    return answer


def _language(visit: Visit) -> Response:
    """Keep the language that was chosen, and go back to the page."""
    chosen, back = visit.form.text("language"), visit.form.text("back")
    # A path of this desk, and of no other: //host would be one.
    answer = RedirectResponse(back if back.startswith("/") and back[1:2] not in {"/", "\\"} else "/", 303)
    if chosen in tuple(Language):
        answer.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", secure=visit.desk.secure
        )
    return answer


def _shown(visit: Visit, status: int = 200, refused: str = "") -> Response:
    desk = visit.desk
    by_password = bool(desk.users.read())
    return visit.show(
        "sign_in.html.j2",
        status=status,
        by_password=by_password,
        by_openid=desk.openid is not None,
        by_link=not desk.by_name,
        refused=refused,
        unsent=bool(visit.desk.unsent.page(visit.request)),
        institution=desk.config.institution,
    )


def _let_in(visit: Visit, user: User, answer: Response, *, local: bool) -> Response:
    desk = visit.desk
    if visit.session is not None:
        desk.sessions.end(visit.session)
    answer.set_cookie(
        desk.cookie, desk.begin(user, local=local), path="/", httponly=True, samesite="strict", secure=desk.secure
    )
    return answer


def _redirect(visit: Visit) -> str:
    """Return where the issuer sends the browser back to: to the name that the browser used, which was checked."""
    host = visit.request.headers["host"]
    name, port = host_name(host), host.rpartition(":")[2]
    where = f"{name}:{port}" if port.isdigit() and ":" in host else name
    return f"{'https' if visit.desk.secure else 'http'}://{where}{_OPENID_PATH}/return"


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""


def _account() -> str:
    """Return the name of the account that the desk runs under, as a name of a person; else ``owner``."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return name if is_name(name) else "owner"


PAGES = (
    DeskPage("GET", "/", Right.READ, _home),
    DeskPage("GET", "/start/{token}", None, _start),
    DeskPage("GET", "/sign-in", None, _sign_in),
    DeskPage("POST", "/sign-in", None, _sign_in_by_name, _FORM_BYTES),
    DeskPage("GET", _OPENID_PATH, None, _to_openid),
    DeskPage("GET", f"{_OPENID_PATH}/return", None, _from_openid),
    DeskPage("POST", "/sign-out", Right.READ, _sign_out, _FORM_BYTES),
    DeskPage("POST", "/language", None, _language, _FORM_BYTES),
)
