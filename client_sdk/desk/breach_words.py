"""The notice of a breach of data in words: for administrators who sign it, and for members who must act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.acts import BREACH_TEXTS, moment
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.texts import N_
from client_sdk.subject_report.facts import visible
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.acts import BreachBody
    from client_sdk.desk.texts import Say

__all__ = ["breach_pairs"]

_NAMES = {
    "cause": N_("Cause"),
    "harm": N_("Harm that may follow"),
    "remedies": N_("Done against it"),
    "advice": N_("What persons can do"),
    "contact": N_("Whom to call"),
}


def breach_pairs(body: BreachBody, say: Say) -> Iterator[tuple[str, str]]:
    """Yield everything that the notice says: names and values."""
    yield say("Noticed"), clock_text(moment(body.noticed_at))
    natures, data = (say.list(term_of(word).of(say.language) for word in words) for words in (body.natures, body.data))
    yield say("What happened"), say.pair(natures, data)
    yield from ((say(_NAMES[name]), visible(str(getattr(body, name)))) for name in BREACH_TEXTS)
    yield say("Concerns"), say.list(body.members) or say("all members")
