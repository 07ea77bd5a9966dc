"""Evidence over a map of 1,000,000 subjects in a log of 1,000,000 leaves, built with the kernel alone.

Members and acts are those of a real registry with three administrators; the other subjects and leaves are random
hashes, because evidence shows no more of them than that.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import act, canonical, dsse, seal
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.commitment import commit_facts, commit_inquiry, commit_subject
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import ActLeaf, Approval, Head, HeadLeaf, StatementLeaf
from client_sdk.kernel.formats.log_proof import prove_leaves
from client_sdk.kernel.formats.map_entry import (
    NO_ANNOTATION,
    REGISTRY_KEY,
    MappedRecord,
    institution_key,
    records_value,
    subject_key,
)
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import KeyUsage, Kind, Purpose, Role, Standing
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.subjects.oprf import EvaluationKey
from registry_server.usecases.proofs import map_proof
from tests.support.memory_map import MemoryMap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["clear_bytes", "listed_bytes"]

SUBJECTS = 1_000_000
LEAVES = 1_000_000
REGISTRY = "registry.example"
NOW = 1_790_000_000_000
# Facts of a default take about this many bytes.
FACTS = bytes(200)


@dataclass(frozen=True, slots=True)
class _World:
    inquirer: Ed25519Signer
    log: Ed25519Signer
    directory: Directory
    enrolment: bytes
    genesis: bytes
    map: MemoryMap
    record: pb.LiveRecord
    subject: bytes


def _signed(body: act.Body, number: int, previous: bytes, by: Sequence[Ed25519Signer]) -> ActLeaf:
    payload = act.Act(REGISTRY, number, previous, body).encode()
    approvals = sorted(Approval(signer.public_key.key_id, dsse.sign(signer, dsse.ACT, payload)) for signer in by)
    return ActLeaf(NOW, payload, tuple(approvals))


def _enrolment(id_: str, role: Role, keys: Sequence[tuple[Ed25519Signer, KeyUsage]]) -> act.Enrolment:
    grants = sorted((act.grant_key(REGISTRY, id_, *key) for key in keys), key=lambda grant: grant.key_id)
    return act.Enrolment(id_, "licence-0001", f"Institution {id_}", (role,), tuple(grants))


@cache
def _world() -> _World:
    administrators = [Ed25519Signer.generate() for _ in range(3)]
    log, reporter, inquirer = (Ed25519Signer.generate() for _ in range(3))
    enrolments = tuple(
        _enrolment(f"admin-{number}", Role.ADMINISTRATOR, [(signer, KeyUsage.ADMINISTER)])
        for number, signer in enumerate(administrators, 1)
    )
    services = KeyServices(
        1,
        tuple(
            KeyService(f"127.0.0.1:1000{n}", EvaluationKey.from_seed(os.urandom(32)).public_key, f"key-service-{n}")
            for n in range(2)
        ),
    )
    log_key = LogKey(f"{REGISTRY}/log/1", "ed25519", log.public_key.raw)
    first = _signed(
        act.GenesisBody(enrolments, 2, (log_key,), services, Rulebook()), 0, act.NO_PREVIOUS, administrators[:2]
    )
    lender = _enrolment("lender-1", Role.LENDER, [(reporter, KeyUsage.REPORT), (inquirer, KeyUsage.INQUIRE)])
    directory = Directory.genesis(first)
    second = _signed(act.InstitutionBody(lender), 1, directory.state.act_hash, administrators[:2])
    directory = directory.apply(2, second)
    subject = os.urandom(32)
    record = _record(reporter, subject)
    entries = {subject_key(os.urandom(32)): os.urandom(32) for _ in range(SUBJECTS - 1)}
    entries |= directory.map_entries()
    shown = MappedRecord(record.index, leaf_hash(record.leaf), NO_ANNOTATION, record.opening)
    entries[subject_key(subject)] = records_value([shown])
    tree = MemoryMap.of(entries.items())
    return _World(inquirer, log, directory, second.encode(), first.encode(), tree, record, subject)


def _record(reporter: Ed25519Signer, subject: bytes) -> pb.LiveRecord:
    opening, facts_opening, seal_key = (os.urandom(32) for _ in range(3))
    commitment = commit_facts(facts_opening, FACTS)
    disclosure = seal.seal_facts(seal_key, commitment, facts_opening, FACTS)
    payload = Statement(
        REGISTRY,
        "lender-1",
        "lender-1",
        derive_record_id(os.urandom(32), Kind.DEFAULT, "debt", date(2026, 1, 1)),
        2,
        os.urandom(32),
        Kind.DEFAULT,
        Standing.OPEN,
        1,
        commit_subject(opening, subject),
        commitment,
        seal.disclosure_digest(disclosure),
        NOW,
    ).encode()
    signature = dsse.sign(reporter, dsse.STATEMENT, payload)
    leaf = StatementLeaf(NOW, dsse.STATEMENT, payload, reporter.public_key.key_id, signature).encode()
    return pb.LiveRecord(index=LEAVES - 10, leaf=leaf, opening=opening, disclosure=disclosure)


def _evidence(subject: bytes, records: Sequence[pb.LiveRecord]) -> bytes:
    world = _world()
    opening = os.urandom(32)
    inquiry = Inquiry(
        REGISTRY,
        "lender-1",
        os.urandom(16),
        NOW,
        Purpose.LOAN_APPROVAL,
        (commit_inquiry(opening, [(1, subject)]),),
        os.urandom(32),
        os.urandom(32),
        ConsentTerms.on(date(2026, 1, 1), Purpose.LOAN_APPROVAL),
    ).encode()
    head = HeadLeaf(
        NOW, Head(world.map.root, world.map.tree.count, os.urandom(32), 2, 10_000, os.urandom(32)).encode()
    ).encode()
    log = MemoryTree([*(os.urandom(32) for _ in range(LEAVES - 1)), leaf_hash(head)])
    proof = world.map.prove([REGISTRY_KEY, institution_key("lender-1"), subject_key(subject)])
    evidence = pb.Evidence(
        version=1,
        inquiry=pb.SignedPayload(
            payload=inquiry,
            key_id=world.inquirer.public_key.key_id,
            signature=dsse.sign(world.inquirer, dsse.INQUIRY, inquiry),
        ),
        checkpoint=sign_checkpoint(f"{REGISTRY}/log/1", LEAVES, log.root(), world.log),
        head=head,
        log_proof=prove_leaves([LEAVES - 1], LEAVES, log.node),
        registry_state=world.directory.state.encode(),
        rulebook=world.directory.rulebook.encode() if records else b"",
        map_proof=map_proof(proof),
        institutions=[world.directory.institutions["lender-1"].encode()],
        acts=[world.enrolment],
        persons=[
            pb.PersonAnswer(
                opening=opening,
                subjects=[pb.SubjectAnswer(subject_key_version=1, subject=subject, records=records)],
            )
        ],
    )
    data = canonical.encode(evidence)
    Verifier(TrustRoot.from_genesis(world.genesis)).verify_file(data)
    return data


def clear_bytes() -> int:
    """Return the size of an evidence of CLEAR that verifies."""
    return len(_evidence(os.urandom(32), []))


def listed_bytes() -> int:
    """Return the size of an evidence of LISTED with one record that verifies."""
    world = _world()
    return len(_evidence(world.subject, [world.record]))
