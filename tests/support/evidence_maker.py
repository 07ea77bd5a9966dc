"""Evidence made by hand from a handmade log, as proto/README.md 8 asks for it: what is referred to, nothing else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import common_pb2, facts_pb2
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.commitment import commit_consent, commit_inquiry, commit_officer
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.inquiry import Inquiry
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.proofs import prove_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.kernel.ledger.chain import Chain
    from tests.support.handmade_log import HandmadeLog

__all__ = ["consent_of", "inquiry_of", "make_evidence", "pseudonyms"]


class _Signer(NamedTuple):
    owner: str
    key_id: bytes


def pseudonyms(log: HandmadeLog, person: str) -> list[tuple[int, bytes]]:
    """A person's pseudonym under each live version of the subject keys."""
    versions = log.state.directory.state.live_subject_key_versions
    return [(version, log.subject(person, version)) for version in versions]


def consent_of(name: str) -> bytes:
    """A canonical Consent."""
    consent = facts_pb2.Consent(
        form=facts_pb2.CONSENT_FORM_WRITTEN,
        date="2025-12-31",
        digest=seed(f"consent of {name}"),
        purposes=[common_pb2.PURPOSE_LOAN_APPROVAL],
    )
    return canonical.encode(consent)


def inquiry_of(log: HandmadeLog, asker: str, persons: Sequence[str]) -> Inquiry:
    """The question about these persons."""
    return Inquiry(
        REGISTRY,
        asker,
        seed(f"inquiry of {asker} about {persons}", 16),
        log.logged_at,
        Purpose.LOAN_APPROVAL,
        tuple(commit_inquiry(seed(f"ask {person}"), pseudonyms(log, person)) for person in persons),
        commit_consent(seed("consent opening"), consent_of(asker)),
        commit_officer(seed("officer opening"), f"officer of {asker}"),
        ConsentTerms.on(date(2025, 12, 31), Purpose.LOAN_APPROVAL),
    )


def make_evidence(
    log: HandmadeLog, asker: str, persons: Sequence[str], shown: Iterable[int] | None = None
) -> pb.Evidence:
    """Return the evidence that answers ``asker`` about these persons, or about those of them that are shown."""
    return _Maker(log, asker, persons).make(range(len(persons)) if shown is None else shown)


class _Maker:
    def __init__(self, log: HandmadeLog, asker: str, persons: Sequence[str]) -> None:
        self.log = log
        self.asker = asker
        self.persons = persons
        self.signers: set[_Signer] = set()
        self.referred = {asker}
        self.referred_issuers: set[str] = set()
        # Acts that named a successor who signed.
        self.named: set[int] = set()

    def make(self, shown: Iterable[int]) -> pb.Evidence:
        log = self.log
        directory = log.state.directory
        payload = inquiry_of(log, self.asker, self.persons).encode()
        key = signer(f"{self.asker} INQUIRE")
        self.signers.add(_Signer(self.asker, key.public_key.key_id))
        evidence = pb.Evidence(
            version=1,
            inquiry=pb.SignedPayload(
                payload=payload, key_id=key.public_key.key_id, signature=dsse.sign(key, dsse.INQUIRY, payload)
            ),
            checkpoint=log.checkpoint(),
            head=log.leaves[-1],
            registry_state=directory.state.encode(),
            persons=[self.person(position) for position in shown],
        )
        evidence.institutions.extend(directory.institutions[id_].encode() for id_ in sorted(self.referred))
        evidence.acts.extend(log.leaves[index] for index in sorted(self.acts()))
        if self.referred_issuers - {self.asker}:
            evidence.contribution = directory.contributions[self.asker].encode()
        if self.referred_issuers:
            evidence.rulebook = directory.rulebook.encode()
        prove_evidence(evidence, log.entries(), self.referred, log.tree)
        return evidence

    def acts(self) -> set[int]:
        directory = self.log.state.directory
        needed = {act.place for act in directory.state.administrator_acts}
        for owner, key_id in self.signers:
            key = directory.institutions[owner].key(key_id)
            assert key is not None
            needed.add(key.first)
        # The genesis is in the trust root.
        return (needed | self.named) - {0}

    def person(self, position: int) -> pb.PersonAnswer:
        person = self.persons[position]
        answer = pb.PersonAnswer(position=position, opening=seed(f"ask {person}"))
        for version, subject in pseudonyms(self.log, person):
            item = answer.subjects.add(subject_key_version=version, subject=subject)
            item.records.extend(self.records(subject))
        return answer

    def records(self, subject: bytes) -> list[pb.LiveRecord]:
        live = sorted((chain for chain in self.log.state.live() if chain.mapped), key=lambda chain: chain.index)
        return [self.record(chain) for chain in live if self.log.secrets[chain.subject_commitment].subject == subject]

    def record(self, chain: Chain) -> pb.LiveRecord:
        secret = self.log.secrets[chain.subject_commitment]
        leaf = self.log.leaves[chain.index]
        self.sign(leaf, self.log.statements[chain.key].signer)
        self.referred.add(chain.key.issuer)
        self.referred_issuers.add(chain.key.issuer)
        succession = self.log.state.directory.institutions[chain.key.issuer].succession_at(chain.index)
        if succession is not None and succession.successor == self.log.statements[chain.key].signer:
            self.named.add(succession.first)
        record = pb.LiveRecord(index=chain.index, leaf=leaf, opening=secret.opening, disclosure=secret.disclosure)
        for index in self.annotation_leaves(chain):
            record.annotations.add(index=index, leaf=self.log.leaves[index])
        return record

    def annotation_leaves(self, chain: Chain) -> list[int]:
        """The newest leaf of the annotation chain; where that is a lapse, all since the dispute without an answer."""
        indexes = self.log.annotations[chain.key]
        if not indexes:
            return []
        lapses = [at for at in indexes if isinstance(parse_leaf(self.log.leaves[at]), LapseLeaf)]
        newest = max(at for at in indexes if self.annotates(self.log.leaves[at]))
        since = [at for at in indexes if at >= newest]
        if lapses and lapses[-1] > newest:
            assert chain.annotation is not None
            since = indexes[chain.annotation.shown_from - 1 :]
        for at in since:
            if at not in lapses:
                self.sign(self.log.leaves[at])
        return since

    @staticmethod
    def annotates(data: bytes) -> bool:
        leaf = parse_leaf(data)
        return isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.ANNOTATION

    def author(self, data: bytes) -> str:
        leaf = parse_leaf(data)
        if not isinstance(leaf, StatementLeaf):
            return ""
        if leaf.payload_type == dsse.ANNOTATION:
            return Annotation.parse(leaf.payload).author
        return Statement.parse(leaf.payload).signer

    def sign(self, data: bytes, owner: str = "") -> None:
        leaf = parse_leaf(data)
        assert hasattr(leaf, "key_id")
        who = owner or self.author(data)
        self.signers.add(_Signer(who, leaf.key_id))
        self.referred.add(who)
