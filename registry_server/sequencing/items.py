"""Items to be appended, and their results.

Items are checked as far as they go without the database before they come here: their bytes are canonical, signatures
verify, commitments open, the facts keep the rules. What depends on the state of the log is decided under its lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk.kernel.ledger.inquiry_tree import ANSWERED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.acknowledgement import Acknowledgement
    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement
    from client_sdk.kernel.formats.words import LapseKind
    from client_sdk.kernel.ledger.submission import Alias, Binding
    from client_sdk.kernel.rules.errors import RuleError
    from client_sdk.kernel.rules.facts import Facts
    from registry_server.sequencing.log_tree import PathReader

__all__ = [
    "AcknowledgementItem",
    "ActItem",
    "AnnotationItem",
    "Appended",
    "CommittedBasis",
    "CommittedFacts",
    "InquiryItem",
    "InquiryResult",
    "Item",
    "ItemOutcome",
    "LapseItem",
    "Place",
    "Result",
    "StatementItem",
]


class CommittedFacts(NamedTuple):
    """Facts with the commitment that their opening gives, to be compared with the stored one. Stored nowhere."""

    commitment: bytes
    facts: Facts

    def __repr__(self) -> str:
        return "CommittedFacts(...)"


class CommittedBasis(NamedTuple):
    """The record that version 1 of another rests on, with its newest facts where a rule needs them."""

    record: RecordKey
    newest: CommittedFacts | None


@dataclass(frozen=True, slots=True, repr=False)
class StatementItem:
    """One version of one record.

    Attributes:
        statement: parsed.
        payload: the exact bytes that were signed.
        key_id: which key signed; the signature verifies under it.
        signature: over the payload.
        binding: opens the subject commitment; None for WITHDRAWN and SET_ASIDE.
        facts: open the facts commitment and keep the rules on facts; None for WITHDRAWN and SET_ASIDE.
        disclosure: sealed bytes with the statement's digest.
        previous: facts of the version before, or of the sold record that version 1 continues; None for every other
            version 1, WITHDRAWN and SET_ASIDE.
        basis: of a JUDGMENT, an ENFORCEMENT or a LISTING at version 1.
        aliases: one for each other live version of the subject keys, ascending.
    """

    statement: Statement
    payload: bytes
    key_id: bytes
    signature: bytes
    binding: Binding | None = None
    facts: Facts | None = None
    disclosure: bytes = b""
    previous: CommittedFacts | None = None
    basis: CommittedBasis | None = None
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class AnnotationItem:
    """One annotation.

    Attributes:
        annotation: parsed.
        payload: the exact bytes that were signed.
        key_id: which key signed; the signature verifies under it.
        signature: over the payload.
        text_disclosure: sealed text with the annotation's digest; empty without STATEMENT, and where the text of the
            annotation before stays.
        facts: of the record's newest version, where the annotation hides it.
        subject: pseudonym of the person whose statement the sealed text is; empty without one. Stored nowhere.
    """

    annotation: Annotation
    payload: bytes
    key_id: bytes
    signature: bytes
    text_disclosure: bytes = b""
    facts: CommittedFacts | None = None
    subject: bytes = b""


@dataclass(frozen=True, slots=True, repr=False)
class AcknowledgementItem:
    """A member's acknowledgement of one of its notices.

    Attributes:
        acknowledgement: parsed.
        payload: the exact bytes that were signed.
        key_id: which key signed; the signature verifies under it.
        signature: over the payload.
        number: of the notice.
        opening: of the commitment to the notice.
    """

    acknowledgement: Acknowledgement
    payload: bytes
    key_id: bytes
    signature: bytes
    number: int
    opening: bytes

    @property
    def notice(self) -> tuple[str, int]:
        """Which notice: member and number."""
        return self.acknowledgement.member, self.number


@dataclass(frozen=True, slots=True)
class ActItem:
    """One act with its signatures, ascending by key id."""

    payload: bytes
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class LapseItem:
    """A lapse of one record, due by date.

    Number and place in the chain are found under the lock. ERASED also erases what the record continues and what
    continues it, each with a leaf of its own (proto/README.md 2).
    """

    key: RecordKey
    what: LapseKind
    ground: str


Item: TypeAlias = StatementItem | AnnotationItem | AcknowledgementItem | ActItem | LapseItem


class ItemOutcome(Enum):
    """Outcome of an item."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"


class Place(NamedTuple):
    """Position of a leaf, with its inclusion path.

    Attributes:
        leaf_index: its index.
        logged_at: its time, ms.
        leaf: its bytes.
        path: of inclusion in the tree of the checkpoint that goes with it, leaf's sibling first; empty before the batch
            has its checkpoint.
    """

    leaf_index: int
    logged_at: int
    leaf: bytes
    path: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one item.

    Attributes:
        outcome: see there.
        place: of the leaf; for ACCEPTED (of a LapseItem that logged several: the first) and REPEATED.
        complaint: why it was refused; for REFUSED.
        stored_leaf: the leaf that took the version; only where the reason is VERSION_TAKEN.
    """

    outcome: ItemOutcome
    place: Place | None = None
    complaint: Complaint | None = None
    stored_leaf: bytes = b""

    @classmethod
    def refused(cls, complaint: Complaint, stored_leaf: bytes = b"") -> Result:
        """Return the result of an item that is refused."""
        return cls(ItemOutcome.REFUSED, complaint=complaint, stored_leaf=stored_leaf)

    def proved(self, paths: PathReader) -> Result:
        """Return the same result with the path of its leaf in the tree of the batch."""
        if self.place is None:
            return self
        return replace(self, place=self.place._replace(path=paths.path(self.place.leaf_index)))


@dataclass(frozen=True, slots=True)
class Appended:
    """Results of items that were appended together.

    Attributes:
        checkpoint: signed note that every path leads to.
        results: one for each item, in order.
    """

    checkpoint: bytes
    results: tuple[Result, ...]


class ShownRecord(NamedTuple):
    """A record that an answer shows: index of its first leaf, of the version, and of the newest annotation or -1."""

    record: int
    leaf_index: int
    annotation_index: int


@dataclass(frozen=True, slots=True, repr=False)
class InquiryItem:
    """An inquiry to be kept.

    Attributes:
        asker: institution id.
        inquiry_id: 16 bytes.
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        subject_count: number of persons asked about.
        opening: what opens its commitments, as it came; empty where it was refused.
        outcome: ANSWERED, or the reason for which it is refused.
        shown: the records that its answer shows.
        screening: whether it asks for pages of the map; its persons are counted by themselves.
        subjects: pseudonyms of each person in order; empty where it was refused.
        alerts_until: last day of the alerts that it asks for, YYYY-MM-DD; empty where it asks for none.
        requests: by pseudonym, what the request stands under that the person signed; empty for other purposes.
        signed_on: day on which it was signed, YYYY-MM-DD; empty likewise.
    """

    asker: str
    inquiry_id: bytes
    payload: bytes
    key_id: bytes
    signature: bytes
    subject_count: int
    opening: bytes
    outcome: str = ANSWERED
    shown: tuple[ShownRecord, ...] = ()
    screening: bool = False
    subjects: tuple[tuple[bytes, ...], ...] = ()
    alerts_until: str = ""
    requests: Mapping[bytes, bytes] = field(default_factory=dict)
    signed_on: str = ""


@dataclass(frozen=True, slots=True)
class InquiryResult:
    """Result of an inquiry; it is durable.

    Attributes:
        outcome: ANSWERED or the reason of refusal that stands in the inquiry tree.
        received_at: ms.
        repeated: whether the same bytes had come before; they count once.
        refusal: why it must not be answered; None where it may. INQUIRY_TAKEN where its id had come with other
            bytes, which leaves no trace; QUOTA_EXCEEDED where the day's subjects are used up, or so many of the
            asker's inquiries were refused on this day that no more of them is kept.
        overtaken: whether a record of the answer has changed since: then nothing was kept, and the inquiry is to be
            answered anew.
        kept: False where it was refused, and is in no table: its asker has had too many refused on this day.
    """

    outcome: str
    received_at: int
    repeated: bool = False
    refusal: RuleError | None = None
    overtaken: bool = False
    kept: bool = True
