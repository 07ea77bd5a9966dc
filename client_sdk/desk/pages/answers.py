"""The answer about one person: in words, as a time line, as evidence and on paper; for minutes, for who asked alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.answer_words import AnswerWords
from client_sdk.desk.chain import chains_of
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.kept_answer import KeptAnswer
from client_sdk.desk.rights import Right
from client_sdk.desk.timeline import draw
from client_sdk.desk.visit import DeskPage, Visit, file_to_save

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

__all__ = ["PAGES"]


def _answer(visit: Visit, kept: KeptAnswer) -> Response:
    words = AnswerWords(kept, visit.language, visit.say)
    chains = [(chain, draw(chain, visit.say), words.chain_events(chain)) for chain in chains_of(kept.answer.records)]
    return visit.show("answer.html.j2", kept=kept, words=words, chains=chains, key=visit.path["key"])


def _evidence(visit: Visit, kept: KeptAnswer) -> Response:
    evidence = kept.answer.evidence
    if not evidence:
        return _gone(visit)
    return file_to_save(evidence, "application/octet-stream", f"{_name(kept)}.evidence")


def _printed(visit: Visit, kept: KeptAnswer) -> Response:
    # What it needs takes long to load, and no other page needs it.
    from client_sdk.subject_report.printed import as_pdf  # noqa: PLC0415 - loaded when needed

    words = AnswerWords(kept, visit.language, visit.say)
    document = words.document(chains_of(kept.answer.records))
    return file_to_save(as_pdf(document), "application/pdf", f"{_name(kept)}.{visit.language}.pdf")


def _of_answer(act: DeskAct, show: Callable[[Visit, KeptAnswer], Response]) -> Callable[[Visit], Response]:
    """Return what shows a kept answer, once the journal has it."""

    def answer(visit: Visit) -> Response:
        kept = visit.kept(KeptAnswer)
        if kept is None:
            return _gone(visit)
        about = [kept.answer.inquiry_id.hex()] if kept.answer.inquiry_id else []
        with visit.desk.journal.act(visit.user.name, act, about=about):
            return show(visit, kept)

    return answer


def _gone(visit: Visit) -> Response:
    text = visit.say("An answer can be read for ten minutes, in the session that asked. Ask again if you need it.")
    return visit.show("message.html.j2", status=404, title=visit.say("This answer is not here any more"), text=text)


def _name(kept: KeptAnswer) -> str:
    """Return a name of files: of the inquiry, and of nobody."""
    return f"inquiry-{kept.answer.inquiry_id.hex()[:8]}"


PAGES = (
    DeskPage("GET", "/answers/{key}", Right.ACT, _of_answer(DeskAct.READ_ANSWER, _answer)),
    DeskPage("GET", "/answers/{key}/evidence", Right.ACT, _of_answer(DeskAct.SAVE_EVIDENCE, _evidence), is_part=True),
    DeskPage("GET", "/answers/{key}/pdf", Right.ACT, _of_answer(DeskAct.PRINT_ANSWER, _printed), is_part=True),
)
