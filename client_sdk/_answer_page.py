"""The pages of one answer, read one after the other; what witnesses have cosigned of its log meanwhile is added."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk._protocol import inquiry as inquiries
from client_sdk._protocol.witnessed import witnessed
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.cosigned import COSIGNED, check_one_history
from client_sdk.models.answer import Failure
from client_sdk.models.listed import Unopened

if TYPE_CHECKING:
    from creditregistry.v1 import check_pb2, evidence_pb2

    from client_sdk._protocol.inquiry import Question
    from client_sdk._session import Session
    from client_sdk.errors import VerificationError
    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.ledger.cosigned import Cosigned
    from client_sdk.models.answer import Answer
    from client_sdk.models.witnessed import Witnessed

__all__ = ["Page"]


class Page:
    """Reads the pages of one answer.

    Args:
        session: of the client.
        question: that was asked.

    Attributes:
        note: the signed checkpoint that the answers rest on; empty where none verified.
        answers: so far, in the order of the persons.
        cosigned: the newest cosigned checkpoint that was shown with them, of one history with theirs; None for none.
        witnessed: what a quorum has cosigned of their log; None where nothing is demanded.
        suspect: where the registry showed checkpoints of which it did not prove one history: the page's note, and the
            others, cosigned; None otherwise.
    """

    def __init__(self, session: Session, question: Question) -> None:
        self._session = session
        self._question = question
        # Known before the call goes out: an answer that another call has overtaken is no rollback.
        self._known = session.newest_seen()
        self._at: Checkpoint | None = None
        self._position = 0
        self._done = False
        self._evidence: list[evidence_pb2.Evidence] = []
        self.note = b""
        self.answers: list[Answer] = []
        self.cosigned: Cosigned | None = None
        self.witnessed: Witnessed | None = None
        self.suspect: tuple[bytes, tuple[evidence_pb2.CosignedCheckpoint, ...]] | None = None

    @property
    def size(self) -> int:
        """Leaves that the answers rest on; 0 where none verified."""
        return 0 if self._at is None else self._at.size

    def request(self) -> check_pb2.CheckRequest | None:
        """Return the request for the next page; None when all persons are answered."""
        if self._done:
            return None
        return self._question.request(self._position, self.size)

    def read(self, response: check_pb2.CheckResponse) -> None:
        """Verify a page and take its answers."""
        expected = self._session.expectation(self._known, self._at)
        answers, verified = inquiries.read_page(
            self._question, response, self._session.verifier, expected, self._position
        )
        held = any(record.unopened is Unopened.RECIPROCITY for answer in answers for record in answer.records)
        if verified is not None and held:
            try:
                self._session.check_given(response.evidence.contribution, verified.checkpoint.size, answers[0])
            except FormatError as error:
                # From here on nothing is relied on.
                failure, verified = inquiries.failure_of(error), None
                places = range(self._position, len(self._question.identities))
                answers = [inquiries.unverifiable(self._question, place, failure) for place in places]
        self.answers += answers
        self._position = response.next_position
        self._done = verified is None or not response.next_position
        if verified is not None:
            self._at, self.cosigned = verified.checkpoint, verified.cosigned
            self.witnessed = answers[0].witnessed
            self.note = response.evidence.checkpoint
            self._evidence.append(response.evidence)
        elif any(answer.failure is not None and answer.failure.part == COSIGNED for answer in answers):
            shown = (response.evidence.cosigned, *response.evidence.replayed)
            self.suspect = response.evidence.checkpoint, shown

    def confirm(self, message: evidence_pb2.CosignedCheckpoint) -> None:
        """Take a newer cosigned checkpoint, into the answers and the evidence that they are saved with.

        Raises:
            FormatError: it is not proved to be of one history with the log of the answers, or a line does not verify.
        """
        if self._at is None:
            return
        cosigned = check_one_history(message, self._at, self._session.log_key)
        seen = witnessed(cosigned, self._at.size, self._session.witnesses.quorums, self._session.now_ms())
        self.cosigned = cosigned
        for evidence in self._evidence:
            evidence.cosigned.CopyFrom(message)
        self._label(seen)

    def age(self) -> None:
        """Tell of witnesses no later time than since when this home awaits what they have not confirmed.

        Raises:
            ConfigError: a file of the home cannot be read or written.
        """
        self._label(self._session.witnesses.aged(self.witnessed))

    def _label(self, seen: Witnessed | None) -> None:
        self.witnessed = seen
        self.answers = [
            answer if answer.failure is not None else replace(answer, witnessed=seen) for answer in self.answers
        ]

    def refuse(self, error: VerificationError) -> None:
        """Take back every answer: the log that they rest on is not the one that was known, or that witnesses see."""
        failure = Failure(part=error.part, rule=error.rule, message=error.message)
        self.answers = [
            inquiries.unverifiable(self._question, position, failure)
            for position in range(len(self._question.identities))
        ]
