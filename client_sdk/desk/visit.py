"""One visit of one page: who comes, in which language, with what; and the row that says for whom a page is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from starlette.responses import HTMLResponse, RedirectResponse, Response

from client_sdk.desk.failures import error_words
from client_sdk.desk.form import NO_FORM, Form
from client_sdk.desk.form_values import Mistakes
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import Language, Say, preferred, say_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from client_sdk.desk.desk import Desk
    from client_sdk.desk.sessions import DeskSession
    from client_sdk.desk.users import User
    from client_sdk.errors import CreditRegistryError

__all__ = ["LANGUAGE_COOKIE", "DeskPage", "Visit", "file_to_save"]

T = TypeVar("T")

LANGUAGE_COOKIE = "desk-language"
_FORM_BYTES = 64 * 1024


class DeskPage(NamedTuple):
    """A page: what answers a method at a path, and for whom.

    Attributes:
        method: GET or POST.
        path: as the router reads it, such as ``/records/{record:uuid}``. It holds no identity number and no fact.
        right: that the visitor needs; None for everybody, signed in or not.
        answer: makes the answer, in a thread of its own; a CreditRegistryError that it raises is shown in words.
        form_bytes: of the body of a POST.
        is_part: whether a GET of it is part of another page, or saves a file.
    """

    method: str
    path: str
    right: Right | None
    answer: Callable[[Visit], Response]
    form_bytes: int = _FORM_BYTES
    is_part: bool = False

    @property
    def may_show_form(self) -> bool:
        """Whether it is a page of its own that people see who have signed in."""
        return self.method == "GET" and self.right is not None and not self.is_part


@dataclass(slots=False)
class Visit:
    """A request, and what a page needs to answer it.

    Attributes:
        desk: what all pages share.
        request: as it came; its body was read.
        form: that was sent; empty for GET.
        session: of who has signed in; None for a stranger.
    """

    desk: Desk
    request: Request
    form: Form = field(default=NO_FORM, repr=False)
    session: DeskSession | None = None

    @property
    def user(self) -> User:
        """The person who has signed in; a page with a right is shown to no other visitor."""
        if self.session is None:
            raise LookupError("no person has signed in")
        return self.session.user

    @property
    def key(self) -> str:
        """Key of the session."""
        return "" if self.session is None else self.session.key

    @property
    def path(self) -> dict[str, object]:
        """What stands in the places of the path."""
        return self.request.path_params

    @cached_property
    def language(self) -> Language:
        """Of this visitor: the one that was chosen, else the one that the browser asks for."""
        chosen = self.request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen in tuple(Language):
            return Language(chosen)
        return preferred(self.request.headers.get("accept-language", ""))

    @cached_property
    def say(self) -> Say:
        """Says texts in the visitor's language."""
        return say_in(self.language)

    def may(self, right: Right) -> bool:
        """Whether the visitor has a right."""
        return self.session is not None and self.session.user.role.may(right)

    def keep(self, value: object) -> str:
        """Keep a value for the session, for minutes, and return the id that stands for it in a path."""
        return self.desk.kept.keep(self.key, value)

    def kept(self, kind: type[T]) -> T | None:
        """Return the value of a kind whose id stands in the path; None where the session keeps none."""
        return self.desk.kept.find(self.key, str(self.path["key"]), kind)

    def forget(self) -> None:
        """Forget the value whose id stands in the path."""
        self.desk.kept.forget(self.key, str(self.path["key"]))

    def show(
        self,
        template: str,
        *,
        status: int = 200,
        wrong: Mapping[str, str] | None = None,
        broken: Sequence[str] = (),
        **values: object,
    ) -> HTMLResponse:
        """Return a page from a template, every value escaped.

        Args:
            template: its name.
            status: of HTTP.
            wrong: what is wrong with fields of the page, by their names; all of it is told above the page.
            broken: what else is wrong.
            values: for the template.
        """
        notes: list[str] = []
        if self.session is not None and self.session.notes:
            notes, self.session.notes = self.session.notes, []
        token = "" if self.session is None else self.desk.sessions.token(self.session)
        shown = self.desk.templates.get_template(template).render(
            **values,
            wrong=Mistakes(wrong or {}),
            broken=broken,
            visit=self,
            say=self.say,
            counted=self.say.counted,
            token=token,
            notes=notes,
            Right=Right,
        )
        return HTMLResponse(shown, status)

    def show_failure(self, error: CreditRegistryError) -> HTMLResponse:
        """Return the page of an error, in words."""
        words = error_words(error, self.say)
        return self.show("failure.html.j2", status=words.status, error=words, visitor=self.session is not None)

    def part(self, template: str, **values: object) -> str:
        """Return a part of a page from a template, every value escaped."""
        return self.desk.templates.get_template(template).render(
            **values, visit=self, say=self.say, counted=self.say.counted
        )

    def go(self, path: str, tell: str = "") -> RedirectResponse:
        """Send the browser on to another page of this desk, which tells something once."""
        if tell and self.session is not None:
            self.session.notes.append(tell)
        return RedirectResponse(path, 303)


def file_to_save(content: bytes, media_type: str, name: str) -> Response:
    """Return a file that the browser saves.

    Args:
        content: of the file.
        media_type: of the content.
        name: of the file; it names no person.
    """
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
