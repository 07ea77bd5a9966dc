"""A log made by hand, over the kernel alone: honest by default, and able to commit every lie that a registry could.

Keys, openings and record ids are derived from names, so that the same calls give the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.act import (
    NO_PREVIOUS,
    Act,
    Enrolment,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    grant_key,
)
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.commitment import commit_facts, commit_notice, commit_subject
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, Approval, Head, HeadLeaf, LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.seal import disclosure_digest, seal_facts
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement, payload_hash
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    KeyUsage,
    Kind,
    LapseKind,
    NoticeReason,
    Purpose,
    Role,
    Standing,
    WithdrawalReason,
)
from client_sdk.kernel.ledger.closing import place_of
from client_sdk.kernel.ledger.destruction import ClosingProof
from client_sdk.kernel.ledger.head import NO_HEAD
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import carries_subject, needs_retention
from client_sdk.kernel.subjects.oprf import EvaluationKey
from tests.support.live_map import Bound, map_entries, mapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.errors import FormatError
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.rules.errors import RuleError

REGISTRY = "registry.example"
# 2026-01-01 00:00 UTC.
START_MS = 1_767_225_600_000
DAY_MS = 86_400_000
# Five years after START_MS and a little.
RETAIN_UNTIL = "2031-02-01"
LISTED_UNTIL = "2028-02-01"


def seed(name: str, size: int = 32) -> bytes:
    """Bytes that follow from a name."""
    return sha256(name.encode()).digest()[:size]


def signer(name: str) -> Ed25519Signer:
    """A key that follows from a name."""
    return Ed25519Signer.from_seed(seed(f"key of {name}"))


def voprf_key(name: str) -> bytes:
    """The public key of a key service that follows from a name."""
    return EvaluationKey.from_seed(seed(name)).public_key


def record_id(name: str) -> bytes:
    """A UUIDv8 that follows from a name."""
    raw = bytearray(seed(f"record {name}", 16))
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


class Secret(NamedTuple):
    """What the registry keeps beside a version."""

    subject: bytes
    opening: bytes
    disclosure: bytes


class HandmadeLog:
    """A registry's log with everything that its maker must know to go on."""

    def __init__(
        self,
        lenders: Iterable[str] = ("lender-1", "lender-2", "lender-3"),
        administrators: Iterable[str] = ("admin-1", "admin-2", "admin-3"),
        rulebook: Rulebook | None = None,
    ) -> None:
        self.leaves: list[bytes] = []
        self.logged_at = START_MS
        self.complaints: list[tuple[int, FormatError | RuleError]] = []
        self.state = self._replay()
        # By the commitment that they open.
        self.secrets: dict[bytes, Secret] = {}
        # The newest version of each record that counts.
        self.statements: dict[RecordKey, Statement] = {}
        # Indexes of each record's annotations and lapses, in order.
        self.annotations: defaultdict[RecordKey, list[int]] = defaultdict(list)
        self.inquiries: list[bytes] = []
        # What was signed, for each of them.
        self.asked: list[pb.SignedPayload] = []
        self.administrators = tuple(administrators)
        self.log_signer = signer("log")
        self.origin = f"{REGISTRY}/log/1"
        self.act(self.genesis(rulebook or Rulebook()))
        self.head()
        for lender in lenders:
            self.act(InstitutionBody(self.enrolment(lender, (Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.REPORT)))
        self.head()

    # Acts

    def enrolment(self, id_: str, roles: tuple[Role, ...], *usages: KeyUsage) -> Enrolment:
        """A member's first keys: of each usage the key that ``signer(f"{id} {usage}")`` holds."""
        grants = [grant_key(REGISTRY, id_, signer(f"{id_} {usage.name}"), usage) for usage in usages]
        keys = tuple(sorted(grants, key=lambda grant: grant.key_id))
        return Enrolment(id_, f"licence of {id_}", id_.title(), roles, keys)

    def genesis(self, rulebook: Rulebook) -> GenesisBody:
        """The first act's decision."""
        services = tuple(
            KeyService(f"{name}.example:443", voprf_key(name), name) for name in ("key-service-a", "key-service-b")
        )
        return GenesisBody(
            tuple(self.enrolment(id_, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for id_ in self.administrators),
            1 if len(self.administrators) == 1 else 2,
            (LogKey(self.origin, "ed25519", self.log_signer.public_key.raw),),
            KeyServices(1, services),
            rulebook,
        )

    def next_act(self, body: Body) -> Act:
        """The act that may follow, with that decision."""
        if not self.leaves:
            return Act(REGISTRY, 0, NO_PREVIOUS, body)
        state = self.state.directory.state
        return Act(REGISTRY, state.act_number + 1, state.act_hash, body)

    def act(self, body: Body, by: Iterable[str] | None = None, **changes: object) -> int:
        """Log an act; by default as many administrators sign it as must."""
        act = replace(self.next_act(body), **changes)  # type: ignore[arg-type]  # the test names fields
        return self.add(self.act_leaf(act, self.administrators[:2] if by is None else by))

    def act_leaf(self, act: Act, by: Iterable[str]) -> bytes:
        """An act's leaf with signatures of these administrators."""
        payload = act.encode()
        signers = [signer(f"{name} ADMINISTER") for name in by]
        approvals = [Approval(key.public_key.key_id, dsse.sign(key, dsse.ACT, payload)) for key in signers]
        return ActLeaf(self.logged_at, payload, tuple(sorted(approvals))).encode()

    def erase(self, *records: RecordKey) -> int:
        """Log the erasure of records by order, and delete what opens them."""
        return self.act(ErasureBody(tuple(sorted(records)), "court-order"))

    # Records

    def statement(self, issuer: str, name: str, standing: Standing, subject: str, **changes: object) -> Statement:
        """The next version of a record, with openings that follow from its name and version."""
        key = RecordKey(issuer, record_id(name))
        before = self.statements.get(key)
        kind = changes.get("kind") or (before.kind if before else Kind.DEFAULT)
        assert isinstance(kind, Kind)
        version = before.version + 1 if before else 1
        bound = carries_subject(standing)
        keys_version = changes.pop("subject_key_version", None)
        if not isinstance(keys_version, int):
            keys_version = self._subject_key_version(before) if bound else 0
        secret, facts_commitment = self.secret(name, version, subject, keys_version)
        statement = Statement(
            REGISTRY,
            issuer,
            issuer,
            key.record_id,
            version,
            payload_hash(before.encode()) if before else b"",
            kind,
            standing,
            keys_version,
            commit_subject(secret.opening, secret.subject) if bound else b"",
            facts_commitment if bound else b"",
            disclosure_digest(secret.disclosure) if bound else b"",
            self.logged_at,
            (LISTED_UNTIL if kind is Kind.LISTING else RETAIN_UNTIL) if needs_retention(kind, standing) else "",
            reason=WithdrawalReason.ERROR if standing is Standing.WITHDRAWN else None,
        )
        return replace(statement, **changes)  # type: ignore[arg-type]  # the test names fields

    def _subject_key_version(self, before: Statement | None) -> int:
        if before and before.subject_key_version:
            return before.subject_key_version
        return self.state.directory.state.newest_subject_key_version

    def secret(self, name: str, version: int, subject: str, subject_key_version: int = 1) -> tuple[Secret, bytes]:
        """What opens a version, and the commitment to its facts."""
        opening, facts_opening = seed(f"{name} {version} opening"), seed(f"{name} {version} facts opening")
        facts = f"facts of {name} {version}".encode()
        commitment = commit_facts(facts_opening, facts)
        sealed = seal_facts(seed(f"seal key of {subject}"), commitment, facts_opening, facts)
        return Secret(self.subject(subject, subject_key_version), opening, sealed), commitment

    def subject(self, person: str, subject_key_version: int = 1) -> bytes:
        """A person's pseudonym."""
        return seed(f"subject {person} {subject_key_version}")

    def say(
        self,
        issuer: str,
        name: str,
        standing: Standing = Standing.OPEN,
        subject: str = "",
        *,
        by: Signer | None = None,
        **changes: object,
    ) -> int:
        """Log a record's next version; the subject follows from the record's name unless it is given."""
        person = subject or f"person of {name}"
        statement = self.statement(issuer, name, standing, person, **changes)
        secret, _ = self.secret(name, statement.version, person, statement.subject_key_version)
        return self.log_statement(statement, secret, by)

    def log_statement(self, statement: Statement, secret: Secret, by: Signer | None = None) -> int:
        """Log a statement, by default with the signer's own key."""
        key = by or signer(f"{statement.signer} REPORT")
        payload = statement.encode()
        self.secrets[statement.subject_commitment] = secret
        signature = dsse.sign(key, dsse.STATEMENT, payload)
        leaf = StatementLeaf(self.logged_at, dsse.STATEMENT, payload, key.public_key.key_id, signature)
        index = self.add(leaf.encode())
        chain = self.state.chains.get(statement.key)
        if chain is not None and chain.index == index:
            self.statements[statement.key] = statement
            if chain.version == 1 and chain.continues is not None and chain.annotation is not None:
                self.annotations[chain.key] = [*self.annotations[chain.continues], index]
        return index

    def annotate(
        self,
        author: str,
        issuer: str,
        name: str,
        *flags: AnnotationFlag,
        **changes: object,
    ) -> int:
        """Log an annotation of a record."""
        key = RecordKey(issuer, record_id(name))
        head = self.state.chains[key].annotation if key in self.state.chains else None
        annotation = Annotation(
            REGISTRY,
            author,
            issuer,
            key.record_id,
            head.number + 1 if head else 1,
            head.payload_hash if head else b"",
            flags,
            "objection",
            b"",
            b"",
            self.logged_at,
        )
        annotation = replace(annotation, **changes)  # type: ignore[arg-type]  # the test names fields
        own, payload = signer(f"{author} REPORT"), annotation.encode()
        signature = dsse.sign(own, dsse.ANNOTATION, payload)
        leaf = StatementLeaf(self.logged_at, dsse.ANNOTATION, payload, own.public_key.key_id, signature)
        self.annotations[key].append(self.add(leaf.encode()))
        return self.annotations[key][-1]

    def acknowledge(
        self, member: str, cause: int, reason: NoticeReason, usage: KeyUsage = KeyUsage.INQUIRE, **changes: object
    ) -> int:
        """Log a member's acknowledgement of the notice of a leaf."""
        opening = seed(f"notice {member} {cause} {reason}")
        commitment = commit_notice(opening, cause, leaf_hash(self.leaves[cause]), reason.number)
        said = Acknowledgement(REGISTRY, member, commitment, self.logged_at)
        said = replace(said, **changes)  # type: ignore[arg-type]  # the test names fields
        own, payload = signer(f"{member} {usage.name}"), said.encode()
        signature = dsse.sign(own, dsse.ACKNOWLEDGEMENT, payload)
        leaf = StatementLeaf(self.logged_at, dsse.ACKNOWLEDGEMENT, payload, own.public_key.key_id, signature)
        return self.add(leaf.encode())

    def lapse(self, issuer: str, name: str, what: LapseKind, **changes: object) -> int:
        """Log a lapse of a record."""
        key = RecordKey(issuer, record_id(name))
        lapse = Lapse(REGISTRY, issuer, key.record_id, what, "clock")
        head = self.state.chains[key].annotation if key in self.state.chains else None
        if what is not LapseKind.ERASED and head is not None:
            lapse = replace(lapse, number=head.number + 1, previous=head.payload_hash)
        lapse = replace(lapse, **changes)  # type: ignore[arg-type]  # the test names fields
        index = self.add(LapseLeaf(self.logged_at, lapse.encode()).encode())
        if what is not LapseKind.ERASED:
            self.annotations[key].append(index)
        return index

    # The log itself

    def add(self, leaf: bytes) -> int:
        """Log any leaf; return its index."""
        self.leaves.append(leaf)
        self.state.feed(leaf)
        return len(self.leaves) - 1

    def replace_last(self, leaf: bytes) -> int:
        """Log another leaf instead of the newest one."""
        self.leaves.pop()
        self.state = self._replay()
        return self.add(leaf)

    def _complain(self, index: int, error: FormatError | RuleError) -> None:
        # A method, which belongs to its own log in a copy as well, as a function within one would not.
        self.complaints.append((index, error))

    def _replay(self) -> Replay:
        replay = Replay(self._complain)
        for leaf in self.leaves:
            replay.feed(leaf)
        return replay

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.logged_at += milliseconds

    def inquire(self, name: str, outcome: str = "ANSWERED", *, by: str = "lender-2 INQUIRE", **changes: object) -> None:
        """Take in an inquiry of lender-2; the next HEAD counts it."""
        today = day_of(self.logged_at, self.state.directory.rulebook.time_zone)
        inquiry = Inquiry(
            REGISTRY,
            "lender-2",
            seed(f"inquiry {name}", 16),
            self.logged_at,
            Purpose.LOAN_APPROVAL,
            (seed(f"person of {name}"),),
            seed(f"consent of {name}"),
            seed(f"officer of {name}"),
            ConsentTerms.on(today, Purpose.LOAN_APPROVAL),
        )
        payload = replace(inquiry, **changes).encode()  # type: ignore[arg-type]  # the test names fields
        key = signer(by)
        signature = dsse.sign(key, dsse.INQUIRY, payload)
        self.asked.append(pb.SignedPayload(payload=payload, key_id=key.public_key.key_id, signature=signature))
        self.inquiries.append(InquiryLeaf.of(self.logged_at, outcome, payload, signature).encode())

    def head(self, **changes: object) -> int:
        """End a commit with the HEAD that belongs there, or with one that lies."""
        entries = self.entries()
        before = self.state.head_chain
        head = Head(
            root_of(sorted(entries.items())),
            len(entries),
            before.leaf_hash if before.size else NO_HEAD,
            self.state.directory.newest_act,
            len(self.inquiries),
            MemoryTree(map(leaf_hash, self.inquiries)).root(),
            place_of(self.state.directory.closing),
        )
        head = replace(head, **changes)  # type: ignore[arg-type]  # the test names fields
        return self.add(HeadLeaf(self.logged_at, head.encode()).encode())

    def closing_proof(self, act: int) -> ClosingProof:
        """That the act at an index closed the log, with the HEAD at its end."""
        size = len(self.leaves)
        act_path, head_path = (self.tree.inclusion_proof(place, size) for place in (act, size - 1))
        return ClosingProof(self.leaves[act], act_path, self.leaves[-1], head_path, self.checkpoint())

    def entries(self) -> Mapping[bytes, bytes]:
        """What the map must hold now."""
        return map_entries(self.state.directory, self.bound())

    def bound(self, *, hidden: bool = False) -> list[Bound]:
        """Each record that the map holds with its binding; with those that are hidden too, where wanted."""
        return [
            Bound(secret.subject, mapped(chain, secret.opening))
            for chain in self.state.live()
            for secret in (self.secrets[chain.subject_commitment],)
            if chain.mapped or hidden
        ]

    def bindings(self) -> list[tuple[int, bytes, bytes]]:
        """Index, subject and opening of each live record, ascending."""
        return sorted(
            (bound.record.leaf_index, bound.subject, bound.record.opening) for bound in self.bound(hidden=True)
        )

    @property
    def tree(self) -> MemoryTree:
        """The whole tree of the log."""
        return MemoryTree(map(leaf_hash, self.leaves))

    def checkpoint(self, size: int | None = None, key: Ed25519Signer | None = None) -> bytes:
        """The signed checkpoint of a size, the newest by default."""
        wanted = len(self.leaves) if size is None else size
        return sign_checkpoint(self.origin, wanted, self.tree.root(wanted), key or self.log_signer)

    @property
    def trust_root(self) -> TrustRoot:
        """What a verifier of this log starts from."""
        return TrustRoot.from_genesis(self.leaves[0])
