"""Notices of breaches as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import BREACH_TEXTS, BreachBody, breach_due, moment
from client_sdk.cli.ui.output import counted
from client_sdk.forms import moment_text, plain
from client_sdk.subject_report.terms import term_of
from client_sdk.texts import say
from client_sdk.texts.spoken import spoken_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from enum import Enum

    from client_sdk.acts import Body, Rulebook
    from client_sdk.cli.ui.output import Json

__all__ = ["breach_content", "breach_rows", "due_lines"]


def breach_content(body: BreachBody) -> dict[str, Json]:
    """Return the notice of a breach as JSON."""
    return {
        "noticed_at": plain(moment(body.noticed_at)),
        "natures": [nature.name for nature in body.natures],
        "data": [kind.name for kind in body.data],
        **{name: getattr(body, name) for name in BREACH_TEXTS},
        "members": list(body.members),
    }


def breach_rows(body: BreachBody) -> Iterator[tuple[str, object]]:
    """Yield the notice of a breach, a name and a value a row."""
    yield "noticed", moment_text(moment(body.noticed_at))
    yield "what", say("{natures}: {data}", natures=_words(body.natures), data=_words(body.data))
    yield from ((name, getattr(body, name)) for name in BREACH_TEXTS)
    yield "concerns", spoken_language().listing(body.members) or say("all members")


def _words(words: Iterable[Enum]) -> str:
    language = spoken_language()
    return language.listing(term_of(word).of(language) for word in words)


def due_lines(body: Body, rulebook: Rulebook) -> Iterator[str]:
    """Yield until when an act has to be logged; nothing for most."""
    if isinstance(body, BreachBody):
        until = moment_text(moment(breach_due(body, rulebook)))
        hours = counted(rulebook.breach_hours, "hour")
        yield say(
            "  in time if it is logged by {until}, {hours} after the breach was noticed", until=until, hours=hours
        )
