"""Forms that were sent once their session had ended: nothing of them is read, and who sent one comes back to its page.

The page is kept by the browser, in a cookie that this run has signed: nobody else can name where a sign-in leads.
"""

from __future__ import annotations

import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from itsdangerous import URLSafeSerializer
from starlette.routing import Match

from client_sdk.desk.sessions import signed_text

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["UnsentForms", "page_of_form"]

_COOKIE = "desk-unsent"
# For a sign-in.
_SECONDS = 600


class UnsentForms:
    """Pages that people come back to; used by all threads.

    Args:
        secure: whether browsers reach the desk by TLS.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._pages = URLSafeSerializer(secrets.token_bytes(32), salt="unsent")

    def keep(self, request: Request, answer: Response) -> None:
        """Let the browser keep the page of the form that a request has sent."""
        answer.set_cookie(
            _COOKIE,
            self._pages.dumps(page_of_form(request)),
            max_age=_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )

    def page(self, request: Request) -> str:
        """Return the page that the visitor comes back to; empty where no form was left unsent."""
        return signed_text(self._pages, request.cookies.get(_COOKIE))

    def forget(self, answer: Response) -> None:
        """Let the browser forget the page."""
        answer.delete_cookie(_COOKIE, path="/", httponly=True, samesite="strict", secure=self._secure)


def page_of_form(request: Request) -> str:
    """Return the page that a form was on: its own address or the nearest one above that may show a form."""
    paths = [PurePosixPath(path) for path in (_sending_page(request), request.url.path) if path]
    for place in (place for path in paths for place in (path, *path.parents)):
        scope = {"type": "http", "method": "GET", "path": str(place), "root_path": "", "headers": []}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.state.form_pages) and str(place) != "/":
            return str(place)
    return "/"


def _sending_page(request: Request) -> str:
    """Return the page whose script has sent a request; empty where no script did."""
    try:
        return urlsplit(request.headers.get("hx-current-url", "")).path
    except ValueError:
        return ""
