"""Disputes and statements of subjects: annotations are checked, logged and listed (proto/README.md 5)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.seal import MAX_SEALED_BYTES, disclosure_digest
from client_sdk.kernel.formats.statement import Annotation, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import KeyUsage, Kind
from client_sdk.kernel.rules.consent import check_signer
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import AnnotationItem, Appended, CommittedFacts, Result
from registry_server.storage.inquiries import request_hash
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.records import issuer_read_by
from registry_server.usecases.submission import open_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.annotating import AnnotationHead
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.submission import OpenedFacts
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.records import StoredRecord

__all__ = ["ChainEnd", "Disputes", "DisputesPage", "ListedDispute", "PlacedLeaf", "ReceivedAnnotation"]

# An annotation names at most 16 documents beside its fixed fields.
MAX_ANNOTATION_BYTES = 2_048
# Disputes of one message; each takes at most some 4 KB.
PAGE_DISPUTES = 256
# Annotations that are read at one time; each takes some 2 KB.
_MOST_LINKS = 4_096


@dataclass(frozen=True, slots=True, repr=False)
class ReceivedAnnotation:
    """A signed annotation as it came.

    Attributes:
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        text_disclosure: sealed text; may be empty.
        facts: of the record's newest version, where the annotation hides it; read in memory and stored nowhere.
        subject: pseudonym of the person whose statement the sealed text is; compared and stored nowhere.
    """

    payload: bytes
    key_id: bytes
    signature: bytes
    text_disclosure: bytes
    facts: OpenedFacts | None = None
    subject: bytes = b""


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """A leaf of an annotation chain with its place in the log."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The end of an annotation chain: the newest annotation, and the lapse and first versions that follow it."""

    leaves: tuple[PlacedLeaf, ...]
    checkpoint: bytes
    subject_key_version: int
    version_index: int


@dataclass(frozen=True, slots=True)
class ListedDispute:
    """The newest dispute of a record, with the end of its annotation chain, its first leaf and its newest outcome.

    ``named`` is its newest annotation that names documents and gives no outcome; None where none does.
    """

    key: RecordKey
    opened_by: str
    due_on: str
    leaves: tuple[PlacedLeaf, ...]
    begun: PlacedLeaf
    answered: PlacedLeaf | None
    named: PlacedLeaf | None


@dataclass(frozen=True, slots=True)
class DisputesPage:
    """Some disputes; ``next`` is where the next page begins, 0 after the last."""

    disputes: tuple[ListedDispute, ...]
    checkpoint: bytes
    next: int


class Disputes:
    """The use case.

    Args:
        ledger: where annotations are logged.
        page: disputes of one message at most.
    """

    def __init__(self, ledger: Ledger, page: int = PAGE_DISPUTES) -> None:
        self._ledger = ledger
        self._page = page

    def annotate(self, peer: str, sent: ReceivedAnnotation) -> Appended:
        """Log an annotation; return its result, and the checkpoint that covers it.

        Raises:
            ClockError: what time it is is not known.
            LedgerClosedError: the registry is stopping.
            StorageError: nothing is known of the annotation, which may be sent again.
        """
        try:
            item = _read(sent, peer, self._ledger.directory)
            if item.annotation.disputed and item.annotation.outcome is None and item.annotation.evidence:
                with self._ledger.view() as view:
                    _check_requests(view, item.annotation)
        except (FormatError, RegistryError, RuleError) as error:
            refused = Result.refused(complaint_of(error))
            with self._ledger.view() as view:
                return Appended(view.checkpoint, (refused,))
        return self._ledger.append([item]).result()

    def end(self, key: RecordKey) -> ChainEnd:
        """Return the end of a record's annotation chain.

        Raises:
            FormatError: issuer or record_id have not their form.
            RuleError: RECORD_UNKNOWN.
        """
        check_institution_id(key.issuer, "record", "issuer")
        check_record_id(key.record_id, "record")
        with self._ledger.view() as view:
            record = view.stored_record(key)
            if record is None:
                raise RuleError("RECORD_UNKNOWN", "record", "record.known", want="a record of the log")
            (leaves,) = _ends(view, [record])
            return ChainEnd(leaves, view.checkpoint, record.chain.subject_key_version, record.chain.index)

    def about(self, peer: str, issuer: str, from_: int, *, ended: bool) -> DisputesPage:
        """Return disputes about an issuer's records.

        Args:
            peer: institution id of who asks.
            issuer: institution id; empty for the peer.
            from_: index of the first leaf of the first record wanted.
            ended: those that have ended, instead of those that stand.

        Raises:
            RuleError: INSTITUTION_UNKNOWN or NOT_THE_SUCCESSOR.
        """
        with self._ledger.view() as view:
            whose = issuer_read_by(view.directory, peer, issuer)
            return self._page_of(view, view.disputed_of(whose, _first(from_), self._page + 1, ended=ended))

    def opened(self, peer: str, from_: int, *, ended: bool) -> DisputesPage:
        """Return disputes that the peer opened; arguments as for ``about``."""
        with self._ledger.view() as view:
            return self._page_of(view, view.disputed_by(peer, _first(from_), self._page + 1, ended=ended))

    def _page_of(self, view: View, found: Sequence[StoredRecord]) -> DisputesPage:
        page = found[: self._page]
        heads = [head for record in page if (head := record.chain.annotation) is not None]
        marked = {index for head in heads for index in (head.disputed_since, head.answered_index) if index}
        leaves = {
            index: PlacedLeaf(index, leaf, view.inclusion(index)) for index, leaf in view.leaves_at(marked).items()
        }
        named = _naming(view, heads)
        disputes = [
            ListedDispute(
                record.chain.key,
                head.disputed_by,
                head.due_on,
                end,
                leaves[head.disputed_since],
                leaves[head.answered_index] if head.answered_index else None,
                named.get(head.first),
            )
            for record, head, end in zip(page, heads, _ends(view, page), strict=True)
        ]
        following = found[self._page].first_index if len(found) > self._page else 0
        return DisputesPage(tuple(disputes), view.checkpoint, following)


def _first(index: int) -> int:
    """Return an index that both databases can take; no leaf has a higher one."""
    return min(index, 2**63 - 1)


def _read(sent: ReceivedAnnotation, peer: str, directory: Directory) -> AnnotationItem:
    """Return what may be appended, if the log's state allows it.

    Raises:
        FormatError: bytes are not in their form; SignatureError for the signature.
        RegistryError: SIZE_LIMIT, PEER_MISMATCH, PART_UNEXPECTED, PART_MISSING or DISCLOSURE_MISMATCH.
        RuleError: the key is none of the author's, or not one for annotations.
    """
    for field, size, most in (
        ("annotation.payload", len(sent.payload), MAX_ANNOTATION_BYTES),
        ("text_disclosure", len(sent.text_disclosure), MAX_SEALED_BYTES),
    ):
        if size > most:
            raise RegistryError(RefusalReason.SIZE_LIMIT, field, f"{field}.size", got=str(size), want=f"at most {most}")
    annotation = Annotation.parse(sent.payload)
    if annotation.author != peer:
        raise RegistryError(
            RefusalReason.PEER_MISMATCH, "annotation.author", "peer.match", got=annotation.author, want=peer
        )
    key = directory.key_of(sent.key_id, peer, "annotation.key_id")
    if key.usage is not KeyUsage.REPORT:
        raise RuleError("KEY_USAGE", "annotation.key_id", "key.usage", got=key.usage.name, want="REPORT")
    dsse.verify(dsse.ANNOTATION, sent.payload, key.public_key, sent.signature)
    if sent.text_disclosure and disclosure_digest(sent.text_disclosure) != annotation.disclosure_digest:
        raise RegistryError(
            RefusalReason.DISCLOSURE_MISMATCH,
            "text_disclosure",
            "annotation.text",
            want="the bytes that the annotation names",
        )
    if bool(sent.subject) is not bool(sent.text_disclosure):
        reason = RefusalReason.PART_UNEXPECTED if sent.subject else RefusalReason.PART_MISSING
        raise RegistryError(reason, "subject", "annotation.person", want="one beside a statement alone")
    facts = _read_facts(sent, annotation)
    signed = (annotation, sent.payload, sent.key_id, sent.signature)
    return AnnotationItem(*signed, sent.text_disclosure, facts, sent.subject)


def _check_requests(view: View, annotation: Annotation) -> None:
    """Check that no document of a dispute is a request with which its author has asked about another person.

    Raises:
        RuleError: CONSENT_MISSING; one is.
    """
    for own in view.own_records(annotation.issuer, [annotation.record_id]):
        if own.sealed is None:
            # The append says why it takes no annotation.
            return
        row = own.sealed.row
        hashes = [request_hash(annotation.author, row.subject_key_version, one) for one in annotation.evidence]
        for subject in view.used_requests(hashes).values():
            check_signer(row.subject, subject, "evidence")


def _read_facts(sent: ReceivedAnnotation, annotation: Annotation) -> CommittedFacts | None:
    """Return the facts by which an overlay covers the record: those of a DEFAULT, as no other is covered."""
    if sent.facts is None:
        return None
    if not annotation.hides:
        want = "facts only beside an annotation that hides the record"
        raise RegistryError(RefusalReason.PART_UNEXPECTED, "facts", "overlay.facts", want=want)
    return CommittedFacts(*open_facts(sent.facts, Kind.DEFAULT, "facts"))


def _naming(view: View, heads: Iterable[AnnotationHead]) -> dict[int, PlacedLeaf]:
    """Return the newest annotation of each dispute that names its documents, by the first index of the chain.

    Who adds documents names the others again, so that it is the newest link, or the one before the answer, but for
    statements and lapses in between: those of all disputes are read together, at each further read more of them.
    """
    found: dict[int, PlacedLeaf] = {}
    begun = {head.first: head.disputed_since for head in heads}
    newest = {head.first: head.number for head in heads}
    step = 1
    while newest:
        links = [(chain, number - back) for chain, number in newest.items() for back in range(min(step, number + 1))]
        places = view.annotation_places(links)
        leaves = view.leaves_at(places.values())
        indices: defaultdict[int, list[int]] = defaultdict(list)
        for (chain, _), index in places.items():
            indices[chain].append(index)
        further: dict[int, int] = {}
        for chain, of_chain in indices.items():
            since = sorted((index for index in of_chain if index >= begun[chain]), reverse=True)
            naming = next((index for index in since if _names_documents(leaves[index])), None)
            if naming is not None:
                found[chain] = PlacedLeaf(naming, leaves[naming], view.inclusion(naming))
            elif min(of_chain) > begun[chain] and newest[chain] >= step:
                further[chain] = newest[chain] - step
        newest, step = further, max(1, min(4 * step, _MOST_LINKS // max(1, len(further))))
    return found


def _names_documents(encoded: bytes) -> bool:
    """Return whether a leaf is an annotation that names documents for a dispute, not for its outcome."""
    leaf = parse_leaf(encoded)
    if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.ANNOTATION:
        return False
    annotation = Annotation.parse(leaf.payload)
    return annotation.disputed and annotation.outcome is None and bool(annotation.evidence)


def _ends(view: View, found: Sequence[StoredRecord]) -> list[tuple[PlacedLeaf, ...]]:
    """Return the end of each record's annotation chain, in order."""
    chains = view.chain_ends(found)
    return [
        tuple(
            PlacedLeaf(index, leaf, view.inclusion(index)) for index, leaf in _end(chains.get(record.first_index, []))
        )
        for record in found
    ]


def _end(chain: Sequence[tuple[int, bytes]]) -> Sequence[tuple[int, bytes]]:
    """Return the newest annotation and what follows it."""
    for at in range(len(chain) - 1, -1, -1):
        leaf = parse_leaf(chain[at][1])
        if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.ANNOTATION:
            return chain[at:]
    return ()
