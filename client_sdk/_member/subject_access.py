"""The flow that makes a person's own report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import subject_access_pb2

from client_sdk._member.asking import Asking
from client_sdk._protocol import arguments
from client_sdk._protocol.annotation import record_ref
from client_sdk._protocol.hidden import HiddenLeaves
from client_sdk._protocol.subject_access import Askers, RecordLeaves, make_report
from client_sdk._steps import ask, beside
from client_sdk.errors import ConflictError, VerificationError
from client_sdk.kernel.formats.words import Purpose
from client_sdk.models.answer import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk._protocol.inquiry import Question
    from client_sdk._steps import Flow
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.answer import Answer
    from client_sdk.models.subject_report import SubjectReport

__all__ = ["SubjectAccessing"]

# Inquiries about a person, or leaves of a record, that are read at most: beyond it a registry lies about where it ends.
MOST_LISTED = 100_000
# Times that a report is begun anew because a record has changed while it was fetched.
MOST_CHANGES = 3
# A record about the person has changed since the answer, or is there no more.
_CHANGED = frozenset(("HEAD_GONE", "RECORD_UNKNOWN"))


class SubjectAccessing(Asking):
    """What a representative asks for a person."""

    def subject_report(self, identity: Identity, mandate: Consent, officer: str) -> Flow[SubjectReport]:
        """Return everything that is held about a person, and who asked."""
        person = arguments.person_of(identity, "identity")
        arguments.consent_of(mandate)
        arguments.officer_of(officer)
        question, answers = yield from self.fresh(
            partial(self._put, [person], Purpose.SUBJECT_ACCESS, mandate, officer)
        )
        for _ in range(MOST_CHANGES):
            try:
                return (yield from self._make(question, answers[0], mandate))
            except ConflictError as error:
                if error.reason not in _CHANGED:
                    raise
            # A record was changed, hidden or shown again meanwhile: the same inquiry is answered again and counts once.
            answers = yield from self.answers_to(question)
        return (yield from self._make(question, answers[0], mandate))

    def _make(self, question: Question, answer: Answer, mandate: Consent) -> Flow[SubjectReport]:
        """Fetch what belongs to an answer, and make the report of it."""
        as_of = answer.as_of
        if as_of is None:
            failure = answer.failure or Failure(part="evidence", rule="evidence.present")
            raise VerificationError(failure.part, failure.rule, failure.message)
        askers = Askers(answer.inquiry_id, question.names[0], answer.size)
        yield from self._fetch_askers(askers)
        hidden = [HiddenLeaves(item, question.names[0]) for page in askers.pages for item in page.hidden]
        histories = yield from self._fetch_histories(answer, hidden)
        # Who asked, or remarked, may have been enrolled since the directory was followed.
        directory = yield from self.following.refresh()
        key = self.session.log_key
        asked = yield from beside(partial(askers.read, directory, key))
        records = yield from beside(lambda: [leaves.read(directory, key, as_of) for leaves in histories])
        notes = [page.checkpoint for page in askers.pages]
        notes += [page.checkpoint for leaves in histories for page in leaves.pages]
        for note in dict.fromkeys(notes):
            yield from self.prove(self.session.proving(note))
        office, now = self.session.config.institution, self.session.now_ms()
        return make_report(answer, records, asked, directory, office=office, mandate=mandate, now_ms=now)

    def _fetch_askers(self, askers: Askers) -> Flow[None]:
        skip = 0
        while True:
            request = subject_access_pb2.ListAskersRequest(inquiry_id=askers.own, skip=skip, at_size=askers.at_size)
            page = yield from ask(self.services.subject_access.ListAskers, request)
            askers.pages.append(page)
            if not page.next:
                return
            shown = max(len(page.inquiries), len(page.hidden))
            if page.next != skip + shown or not shown or page.next > MOST_LISTED:
                raise VerificationError(
                    "inquiries about the person", "askers.pages", want="pages that follow each other"
                )
            skip = page.next

    def _fetch_histories(
        self, answer: Answer, hidden: Sequence[HiddenLeaves] = ()
    ) -> Flow[list[RecordLeaves | HiddenLeaves]]:
        for one in hidden:
            one.check()
        histories: list[RecordLeaves | HiddenLeaves] = [*map(RecordLeaves, answer.records), *hidden]
        if len({leaves.key for leaves in histories}) != len(histories):
            raise VerificationError("hidden record", "hidden.once", want="each record once, listed or hidden")
        for leaves in histories:
            yield from self._fetch_history(answer, leaves)
        return histories

    def _fetch_history(self, answer: Answer, leaves: RecordLeaves | HiddenLeaves) -> Flow[None]:
        skip = 0
        while True:
            request = subject_access_pb2.ListRecordLeavesRequest(
                inquiry_id=answer.inquiry_id, record=record_ref(leaves.key), skip=skip, at_size=answer.size
            )
            page = yield from ask(self.services.subject_access.ListRecordLeaves, request)
            leaves.pages.append(page)
            if not page.next:
                return
            if page.next != skip + len(page.leaves) or not page.leaves or page.next > MOST_LISTED:
                raise VerificationError("history", "history.pages", want="pages that follow each other")
            skip = page.next
