"""Flows that remark on records: disputes, their answers, and statements of subjects."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import dispute_pb2, submission_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.annotation import (
    PART,
    AnnotationDraft,
    AnnotationEnd,
    DisputesAsked,
    read_annotated,
    read_disputes,
    read_end,
    record_ref,
    sign_annotation,
)
from client_sdk._protocol.hiding import check_covered
from client_sdk._protocol.own_record import open_held
from client_sdk._steps import ask, beside, pause
from client_sdk._transport.refusal import violation_error
from client_sdk.errors import ConflictError, VerificationError
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, KeyUsage, KeyUse
from client_sdk.kernel.rules.dates import day_of
from client_sdk.models.record import RecordState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.seal import Opened
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.dispute import AnnotationReceipt, DisputeView

__all__ = ["Disputing"]

_DISPUTED = frozenset((AnnotationFlag.DISPUTED,))
_STATEMENT = frozenset((AnnotationFlag.STATEMENT,))
_HIDDEN = frozenset((AnnotationFlag.HIDDEN,))
_ANSWERED = frozenset((AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED))
# Two members may annotate one record at the same moment: one of them follows the other.
# An author is heard about one record so often a day that one member alone can never take all of these places.
_ATTEMPTS = 25
# The tries are spread ever further apart, at random, so that two that met do not meet again; milliseconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 20, 1_000
_OVERTAKEN = "ANNOTATION_ORDER"
_LOGGED = frozenset((submission_pb2.OUTCOME_ACCEPTED, submission_pb2.OUTCOME_REPEATED))


class Disputing(Core):
    """What members remark on records for their subjects, and furnishers answer."""

    def open_dispute(
        self, issuer: str, record_id: bytes, code: str, evidence: Iterable[bytes]
    ) -> Flow[AnnotationReceipt]:
        """Dispute a record for its subject."""
        draft = AnnotationDraft(
            add=_DISPUTED, code=arguments.code_of(code), evidence=arguments.digests_of(evidence, "evidence")
        )

        return self._annotate(_record(self.session.config.institution, issuer, record_id), partial(_opening, draft))

    def withdraw_dispute(self, issuer: str, record_id: bytes) -> Flow[AnnotationReceipt]:
        """Take back a dispute that this member opened."""
        draft = AnnotationDraft(drop=_DISPUTED, outcome=DisputeOutcome.WITHDRAWN)
        return self._annotate(_record(self.session.config.institution, issuer, record_id), lambda _: draft)

    def answer_dispute(
        self, record_id: bytes, answer: DisputeOutcome | str, evidence: Iterable[bytes], issuer: str
    ) -> Flow[AnnotationReceipt]:
        """Answer a dispute of an own record, or of one that was taken over."""
        outcome = arguments.answer_of(answer)
        drop = frozenset[AnnotationFlag]() if outcome is DisputeOutcome.UNCONFIRMED else _ANSWERED
        draft = AnnotationDraft(drop=drop, outcome=outcome, evidence=arguments.digests_of(evidence, "evidence"))
        return self._annotate(_record(self.session.config.institution, issuer, record_id), lambda _: draft)

    def add_statement(self, issuer: str, record_id: bytes, identity: Identity, text: str) -> Flow[AnnotationReceipt]:
        """Attach the subject's own statement to a record, sealed to the subject."""
        person = arguments.person_of(identity, "identity")
        arguments.statement_text(text)
        directory = yield from self.directory()
        purpose = self.session.review_purpose(directory)
        (names,) = yield from self.names([person], KeyUse.INQUIRE, purpose)

        def draft(end: AnnotationEnd) -> AnnotationDraft:
            name = names.get(end.subject_key_version)
            if name is None:
                raise ConflictError("SUBJECT_KEY_VERSION", want="a record under subject keys that are still served")
            return AnnotationDraft(add=_STATEMENT, text=text, seal_key=name.seal_key)

        return (yield from self._annotate(_record(self.session.config.institution, issuer, record_id), draft, names))

    def remove_statement(self, issuer: str, record_id: bytes) -> Flow[AnnotationReceipt]:
        """Remove the subject's own statement from a record."""

        def draft(end: AnnotationEnd) -> AnnotationDraft:
            if AnnotationFlag.STATEMENT not in end.flags:
                want = "a record with the person's own statement"
                raise ConflictError("ANNOTATION_INVALID", field="record", rule="annotation.stated", want=want)
            return AnnotationDraft(drop=_STATEMENT)

        return self._annotate(_record(self.session.config.institution, issuer, record_id), draft)

    def hide(
        self, record_id: bytes, identity: Identity, overlay: str, issuer: str, *, dry_run: bool
    ) -> Flow[AnnotationReceipt | None]:
        """Hide an own record, or one that was taken over, under an overlay of the rulebook; None if nothing is sent."""
        arguments.flag_of(dry_run, "dry_run")
        person = arguments.person_of(identity, "identity")
        record = _record(self.session.config.institution, issuer, record_id)
        name = arguments.overlay_of(overlay)
        names = yield from self.name(person)
        held = yield from self.held([record_id], issuer)
        facts = yield from beside(partial(_opened, held, names or {}))
        directory = yield from self.following.refresh()
        day = day_of(self.session.now_ms(), directory.rulebook.time_zone)
        check_covered(held[0].statement, facts, directory.rulebook, day, name)
        if dry_run or held[0].hidden:
            return None
        draft = AnnotationDraft(add=_HIDDEN, overlay=name, facts=facts)
        return (yield from self._annotate(record, lambda _: draft))

    def show_again(self, record_id: bytes, issuer: str) -> Flow[AnnotationReceipt]:
        """Show an own record again that was hidden, or one that was taken over."""

        def draft(end: AnnotationEnd) -> AnnotationDraft:
            if AnnotationFlag.HIDDEN not in end.flags:
                raise ConflictError("NOT_HIDDEN", field="record_id", rule="record.hidden", want="a hidden record")
            return AnnotationDraft(drop=_HIDDEN)

        return self._annotate(_record(self.session.config.institution, issuer, record_id), draft)

    def disputes(self, issuer: str, *, opened: bool, ended: bool) -> Flow[tuple[DisputeView, ...]]:
        """Return the disputes that stand, or have ended, about own records, or of those that this member opened."""
        arguments.institution_of(issuer, "issuer")
        arguments.flag_of(opened, "opened")
        arguments.flag_of(ended, "ended")
        directory = yield from self.following.refresh()
        found: list[DisputeView] = []
        asked = DisputesAsked("" if opened else issuer or self.session.config.institution, ended)
        first = 0
        while True:
            request = dispute_pb2.ListDisputesRequest(issuer=issuer, opened=opened, first=first, ended=ended)
            response = yield from ask(self.services.disputes.ListDisputes, request)
            found += yield from beside(partial(read_disputes, response, asked, directory, self.session.log_key))
            # Also over all pages: a list that repeats itself would have no end.
            if len({(one.issuer, one.record_id) for one in found}) != len(found):
                raise VerificationError(PART, "disputes.once", want="each dispute once")
            if response.checkpoint and response.disputes:
                yield from self.prove(self.session.proving(response.checkpoint))
            if response.next <= first:
                return tuple(found)
            first = response.next

    def _annotate(
        self,
        record: RecordKey,
        draft: Callable[[AnnotationEnd], AnnotationDraft],
        names: Mapping[int, Pseudonym] | None = None,
    ) -> Flow[AnnotationReceipt]:
        """Log the next annotation of a record; again, where another member's came first.

        Args:
            record: which.
            draft: makes the annotation that follows an end of the chain.
            names: pseudonyms of the person whose statement it adds, whom the record must name.
        """
        attempt = 1
        while (receipt := (yield from self._try_to_annotate(record, draft, names, last=attempt == _ATTEMPTS))) is None:
            yield from pause(_pause_before(attempt))
            attempt += 1
        yield from self.prove(self.session.proving(receipt.checkpoint))
        return receipt

    def _try_to_annotate(
        self,
        record: RecordKey,
        draft: Callable[[AnnotationEnd], AnnotationDraft],
        names: Mapping[int, Pseudonym] | None,
        *,
        last: bool,
    ) -> Flow[AnnotationReceipt | None]:
        """Log the next annotation of a record; None where another member's came first, and this is not the last try."""
        directory = yield from self.following.refresh()
        asked = dispute_pb2.GetAnnotationRequest(record=record_ref(record))
        answer = yield from ask(self.services.disputes.GetAnnotation, asked)
        end = yield from beside(partial(read_end, answer, record, directory, self.session.log_key))
        request = yield from beside(partial(self._sign, end, draft(end)))
        if names is not None:
            request.subject = names[end.subject_key_version].subject
        response = yield from ask(self.services.disputes.Annotate, request)
        if response.result.outcome in _LOGGED:
            return (yield from beside(partial(read_annotated, request, response, self.session.log_key)))
        refused = violation_error(response.result.violation)
        if last or refused.reason != _OVERTAKEN:
            raise refused
        return None

    def _sign(self, end: AnnotationEnd, draft: AnnotationDraft) -> dispute_pb2.AnnotateRequest:
        session = self.session
        config, signer = session.config, session.signer(KeyUsage.REPORT)
        return sign_annotation(end, draft, config.name, config.institution, signer, session.now_ms())


def _pause_before(attempt: int) -> float:
    """Return for how long to wait before a further try, in seconds."""
    longest = min(_FIRST_PAUSE << attempt, _LONGEST_PAUSE)
    return secrets.randbelow(longest) / 1_000


def _opening(draft: AnnotationDraft, end: AnnotationEnd) -> AnnotationDraft:
    """Return what opens a dispute, or adds documents to the one that stands, which keeps its code and its documents.

    Raises:
        ConflictError: the record is disputed already, under another code or without further documents.
    """
    newest = end.annotation
    if newest is None or AnnotationFlag.DISPUTED not in end.flags:
        return draft
    if draft.code and draft.code != newest.code:
        raise _repeated(newest.code, "that code or none, and further documents")
    if newest.outcome is not None:
        # It was answered UNCONFIRMED; the registry knows which documents are new.
        return replace(draft, code=None)
    if set(draft.evidence) <= set(newest.evidence):
        raise _repeated(newest.code, "further documents; this dispute waits for its answer")
    # An annotation replaces the one before, and what it leaves out would be lost.
    return replace(draft, code=None, evidence=(*newest.evidence, *draft.evidence))


def _repeated(code: str, want: str) -> ConflictError:
    got = f"is disputed already, code {code}" if code else "is disputed already"
    return ConflictError("ANNOTATION_INVALID", field="record", rule="annotation.repeated", got=got, want=want)


def _opened(found: Sequence[HeldRecord], names: Mapping[int, Pseudonym]) -> Opened:
    """Return the facts of the one record that the registry holds under an id.

    Raises:
        ConflictError: there is none, it is not live any more, or it is about another person.
    """
    if not found:
        raise ConflictError("RECORD_UNKNOWN", field="record_id", rule="record.known", want="a record of the issuer")
    (held,) = found
    if held.state is not RecordState.LIVE:
        got, want = held.state.value, "a live record"
        raise ConflictError("RECORD_ENDED", field="record", rule="record.live", got=got, want=want)
    opened = open_held(held, names)
    if opened is None:
        want = "the person whom the record names"
        raise ConflictError("SUBJECT_CHANGED", field="identity", rule="record.person", got="another person", want=want)
    return opened


def _record(own: str, issuer: str, record_id: bytes) -> RecordKey:
    """Return which record is meant: an own one where no issuer is named."""
    return RecordKey(arguments.institution_of(issuer, "issuer") or own, arguments.record_id_of(record_id))
