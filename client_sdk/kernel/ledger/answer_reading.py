"""One pass over evidence: inquiry, institutions, persons and records (proto/README.md 8, conditions 4 to 12 and 14).

``Reading`` verifies each against the HEAD and the registry state, then that all that was read is what log and map hold,
and collects what it refers to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from creditregistry.v1 import directory_pb2
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.batch_signature import verify_signed, verify_statement
from client_sdk.kernel.formats.commitment import binding_opens
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.state import InstitutionState, RegistryState, Rulebook
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, purposes_of
from client_sdk.kernel.ledger.annotation_proof import ShownAnnotation, read_annotations
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.ledger.inquiry import Inquiry, PersonOpening
from client_sdk.kernel.ledger.proving import entries_under, leaves_under, read_leaf, within
from client_sdk.kernel.ledger.references import References
from client_sdk.kernel.ledger.shown import shown_entries, shown_leaves
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import check_shown, is_live, may_succeed
from client_sdk.kernel.rules.stale import is_stale
from client_sdk.kernel.rules.withholding import Withholding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.state import InstitutionKey
    from client_sdk.kernel.rules.withholding import Withheld

__all__ = ["Reading", "VerifiedPerson", "VerifiedRecord"]

# The same states stand in every answer under one HEAD.
_parse_institution = lru_cache(maxsize=1024)(InstitutionState.parse)


@lru_cache(maxsize=16)
def _parse_rulebook(data: bytes) -> Rulebook:
    return Rulebook.of(canonical.parse(directory_pb2.Rulebook, data, "rulebook"))


@dataclass(frozen=True, slots=True, repr=False)
class VerifiedRecord(Discreet):
    """A live record whose statement, place, binding and signatures verify. Its facts are still sealed."""

    statement: Statement
    index: int
    logged_at: int
    subject: bytes
    disclosure: bytes
    # False where the sealed bytes are not those that the statement names: the registry's fault.
    intact: bool
    # True where the key that signed is in doubt from that leaf on.
    contested: bool
    annotation: ShownAnnotation | None
    text_disclosure: bytes
    # YYYY-MM-DD, where an act has ended the records of its issuer: no longer than until then it is kept.
    ended_until: str
    # Whether it had no further version for the rulebook's stale_days before the HEAD.
    stale: bool
    # Days of the leaf and of the HEAD in the legal time zone.
    logged_on: date
    known_on: date
    # Why its facts are held back, so that there is no disclosure; None where they are shown.
    held_back: Withheld | None = None

    @property
    def text_lost(self) -> bool:
        """Whether there is no sealed text although the annotation names one: the registry's fault."""
        return self.annotation is not None and bool(self.annotation.disclosure_digest) and not self.text_disclosure


@dataclass(frozen=True, slots=True, repr=False)
class VerifiedPerson(Discreet):
    """Verified result for one person: its live records under every live version of the subject keys."""

    position: int
    subjects: tuple[tuple[int, bytes], ...]
    records: tuple[VerifiedRecord, ...]

    @property
    def listed(self) -> bool:
        """Whether there is a live record; otherwise absence is proved."""
        return bool(self.records)


class Reading:
    """One pass over one evidence; collects what the inquiry and the records refer to."""

    def __init__(
        self, evidence: pb.Evidence, head: Head, as_of: int, checkpoint: Checkpoint, registry: RegistryState
    ) -> None:
        self._evidence = evidence
        self._head = head
        self._as_of = as_of
        self._checkpoint = checkpoint
        self._registry = registry
        self.inquiry = Inquiry.parse(evidence.inquiry.payload)
        self.references = References(self.inquiry.asker, evidence.inquiry.key_id, self.inquiry.purpose)
        self.institutions = self._read_institutions()
        self._rulebook = self._read_rulebook()
        self.contribution = self._read_contribution()
        self._withholding: Withholding | None = None

    def _read_institutions(self) -> dict[str, InstitutionState]:
        """Condition 4, for the order of the institution states."""
        states = tuple(map(_parse_institution, self._evidence.institutions))
        if any(later.id <= earlier.id for earlier, later in pairwise(states)):
            raise FormatError("institution state", "institutions.order", want="ascending by id, without repetition")
        return {state.id: state for state in states}

    def _read_rulebook(self) -> Rulebook | None:
        if not self._evidence.rulebook:
            return None
        rulebook = _parse_rulebook(self._evidence.rulebook)
        if rulebook.digest != self._registry.rulebook_digest:
            raise FormatError("rulebook", "rulebook.digest", want="the rulebook of the registry state")
        return rulebook

    @property
    def _rules(self) -> Rulebook:
        if self._rulebook is None:
            raise FormatError("rulebook", "rulebook.needed", got="none", want="the rulebook where a record is shown")
        return self._rulebook

    def _read_contribution(self) -> Contribution | None:
        if not self._evidence.contribution:
            return None
        contribution = Contribution.parse(self._evidence.contribution)
        if contribution.institution != self.inquiry.asker:
            raise FormatError("contribution", "contribution.asker", want="what the asker has given")
        return contribution

    def _withheld(self, statement: Statement, issuer: InstitutionState, logged_at: int) -> Withheld | None:
        """Conditions 8 and 12, for one record: why its disclosure is held back, by purpose or by reciprocity."""
        if not self.references.contribution or issuer.speaks_at(self.inquiry.asker, self._checkpoint.size - 1):
            return None
        if self._withholding is None:
            if self.contribution is None:
                raise FormatError("contribution", "contribution.needed", got="none", want="what the asker has given")
            self._withholding = Withholding(self.inquiry.purpose, self._rules, self.contribution, self._as_of)
        return self._withholding.of(statement.kind, statement.standing, logged_at)

    def _institution(self, id_: str, part: str) -> InstitutionState:
        try:
            return self.institutions[id_]
        except KeyError:
            raise FormatError(
                part, "institutions.needed", got="none", want="the state of everyone who signed"
            ) from None

    def _key(self, owner: InstitutionState, key_id: bytes, usage: KeyUsage, index: int, part: str) -> InstitutionKey:
        key = owner.key(key_id)
        if key is None or key.usage is not usage or not key.counts_at(index):
            raise FormatError(part, "key.counts", want=f"a {usage.name} key of the signer that counts at its leaf")
        if owner.terminated_at(index):
            raise FormatError(part, "institution.terminated", want="a signer that was not terminated")
        return key

    def check_inquiry(self) -> None:
        """Condition 5: the question of an active lender, signed with a key that runs under this HEAD.

        Raises:
            FormatError: it is another's, or not signed so.
        """
        part = "inquiry"
        inquiry, signed = self.inquiry, self._evidence.inquiry
        if inquiry.registry != self._registry.registry:
            raise FormatError(part, "inquiry.registry", want="the registry of the trust root")
        if inquiry.issued_at > self._as_of + MAX_OFF_MS:
            got = f"{span(inquiry.issued_at - self._as_of)} after the HEAD"
            raise FormatError(part, "inquiry.ahead", got=got, want=f"at most {span(MAX_OFF_MS)} after it")
        asker = self._institution(inquiry.asker, part)
        purposes = purposes_of(asker.roles)
        if asker.status is not InstitutionStatus.ACTIVE or not purposes:
            raise FormatError(part, "inquiry.asker", want="an active LENDER or REPRESENTATIVE")
        if inquiry.purpose not in purposes:
            got, want = inquiry.purpose.name, f"one of {', '.join(sorted(purposes))}"
            raise FormatError(part, "inquiry.purpose", got=got, want=want)
        if inquiry.purpose not in inquiry.consent_terms.purposes:
            got, want = ", ".join(inquiry.consent_terms.purposes), inquiry.purpose.name
            raise FormatError(part, "inquiry.consent-purpose", got=got, want=want)
        key = self._key(asker, signed.key_id, KeyUsage.INQUIRE, self._checkpoint.size - 1, part)
        with within(part):
            dsse.verify(dsse.INQUIRY, signed.payload, key.public_key, signed.signature)

    def read_persons(self) -> tuple[VerifiedPerson, ...]:
        """Condition 6, and of each person conditions 7 to 9.

        Raises:
            FormatError: something of it does not follow from the map, from a signature or from the inquiry.
        """
        persons: list[VerifiedPerson] = []
        last = -1
        for item in self._evidence.persons:
            if item.position <= last:
                raise FormatError("person", "persons.order", want="ascending by position, without repetition")
            last = item.position
            subjects = tuple((answer.subject_key_version, answer.subject) for answer in item.subjects)
            opening = PersonOpening(item.opening, subjects)
            self.inquiry.check_person(item.position, opening, self._registry.live_subject_key_versions)
            records = tuple(record for answer in item.subjects for record in self._read_subject(answer))
            _check_once(records)
            persons.append(VerifiedPerson(item.position, subjects, records))
        if not persons:
            raise FormatError("person", "persons.present", want="at least one person")
        return tuple(persons)

    def _read_subject(self, answer: pb.SubjectAnswer) -> list[VerifiedRecord]:
        """Condition 7: the records of one pseudonym, if there are any."""
        if any(later.index <= earlier.index for earlier, later in pairwise(answer.records)):
            raise FormatError("record", "records.order", want="ascending by index, without repetition")
        return [self._read_record(item, answer) for item in answer.records]

    def _read_record(self, item: pb.LiveRecord, answer: pb.SubjectAnswer) -> VerifiedRecord:
        """Conditions 7 and 8."""
        part = "record"
        if item.index >= self._checkpoint.size - 1:
            raise FormatError(part, "record.place", got=f"leaf {item.index}", want="a leaf before the HEAD")
        leaf = read_leaf(item.leaf, part)
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
            raise FormatError(part, "record.leaf", want="a statement")
        statement = Statement.parse(leaf.payload)
        if not is_live(statement.standing) or statement.registry != self._registry.registry:
            raise FormatError(part, "record.live", want="a live standing in this registry")
        _check_standing(statement)
        bound = statement.subject_key_version == answer.subject_key_version
        if not bound or not binding_opens(statement.subject_commitment, answer.subject, item.opening):
            raise FormatError(part, "record.binding", want="a binding that opens the statement's commitment")
        self.references.add_statement(statement, leaf.key_id, item.index)
        issuer = self._institution(statement.issuer, part)
        signer = self._institution(statement.signer, part)
        if signer is not issuer:
            succession = issuer.succession_at(item.index)
            named = succession is not None and succession.successor == signer.id
            if not named or statement.version == 1 or not may_succeed(statement.standing):
                raise FormatError(part, "record.signer", want="the issuer, or its successor who ends the record")
        key = self._key(signer, leaf.key_id, KeyUsage.REPORT, item.index, part)
        with within(part):
            verify_statement(statement, leaf.payload, key.public_key, leaf.signature)
        annotation, doubted = self._read_annotation(item, statement)
        held = self._withheld(statement, issuer, leaf.logged_at)
        if (held is not None) is bool(item.disclosure):
            want = "a disclosure, which nothing holds back" if held is None else f"none, held back by {held}"
            raise FormatError(part, "withholding.disclosure", got="none" if held is None else "one", want=want)
        return VerifiedRecord(
            statement,
            item.index,
            leaf.logged_at,
            answer.subject,
            item.disclosure,
            held is not None or disclosure_digest(item.disclosure) == statement.disclosure_digest,
            doubted or key.contested_at(item.index),
            annotation,
            item.text_disclosure,
            "" if issuer.ending is None else issuer.ending.retain_until,
            is_stale(statement.standing, leaf.logged_at, self._as_of, self._rules.stale_days),
            day_of(leaf.logged_at, self._rules.time_zone),
            day_of(self._as_of, self._rules.time_zone),
            held,
        )

    def _read_annotation(self, item: pb.LiveRecord, statement: Statement) -> tuple[ShownAnnotation | None, bool]:
        """Condition 9; returns also whether a key that signed is in doubt."""
        part = "annotation"
        if not item.annotations:
            if item.text_disclosure:
                raise FormatError(part, "annotation.text", want="no text without an annotation")
            return None, False
        leaves = [(shown.index, shown.leaf) for shown in item.annotations]
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(leaves)):
            raise FormatError(part, "annotation.order", want="ascending by index")
        annotation = read_annotations(leaves, statement, item.index, self._rules)
        self.references.add_annotations(item.annotations)
        # A text that a restore has lost is reported with the record, as everything else of the answer holds.
        if item.text_disclosure and disclosure_digest(item.text_disclosure) != annotation.disclosure_digest:
            raise FormatError(part, "annotation.text", want="the sealed text that the annotation names")
        doubted = False
        for place, leaf, signer in annotation.signed:
            owner = self._institution(signer, part)
            key = self._key(owner, leaf.key_id, KeyUsage.REPORT, place, part)
            with within(part):
                verify_signed(leaf.payload_type, leaf.payload, key.public_key, leaf.signature)
            doubted |= key.contested_at(place)
        return annotation, doubted

    def check_proofs(self) -> None:
        """Conditions 10 and 11: what was read is what log and map hold.

        Raises:
            FormatError: it is not, or a proof is not the one of just these leaves and keys.
        """
        evidence, checkpoint = self._evidence, self._checkpoint
        leaves_under(checkpoint, shown_leaves(evidence, checkpoint.size), evidence.log_proof)
        entries_under(self._head, shown_entries(evidence, self.institutions), evidence.map_proof)

    def check_nothing_unused(self) -> None:
        """Condition 15, for institutions, the rulebook and the contribution.

        Raises:
            FormatError: one of them is there without need, or missing.
        """
        if set(self.institutions) != self.references.institutions:
            raise FormatError("institution state", "institutions.needed", want="only those that are referred to")
        if (self._rulebook is not None) is not self.references.rulebook:
            raise FormatError("rulebook", "rulebook.needed", want="a rulebook where a record is shown and only there")
        if (self.contribution is not None) is not self.references.contribution:
            want = "what the asker has given where a record of another is shown, and only there"
            raise FormatError("contribution", "contribution.needed", want=want)


def _check_standing(statement: Statement) -> None:
    with within("record"):
        check_shown(statement.kind, statement.standing, statement.version, retained=bool(statement.retain_until))


def _check_once(records: Sequence[VerifiedRecord]) -> None:
    """Reject duplicate records: two versions of one, or a record together with the one that continues it."""
    keys = [record.statement.key for record in records]
    continued = {record.statement.continues for record in records} - {None}
    if len(set(keys)) != len(keys) or not continued.isdisjoint(keys):
        raise FormatError("record", "records.once", want="each live record once, and none that another continues")
