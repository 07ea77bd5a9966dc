"""Writes the golden bytes of every form, from fixed seeds: python -m tests.vectors.golden.generate

The same program gives the same bytes for ever; ``tests/client_sdk/kernel/ledger/test_ledger_golden.py`` compares. A
difference is a new version of the formats, never a new golden file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import canonical, dsse, note
from client_sdk.kernel.formats.act import (
    ClosingBody,
    EndingBody,
    KeyGrantBody,
    ReviewBody,
    SuccessionBody,
    SuccessorRegistry,
    TlsKeyBody,
    grant_key,
    possession_payload,
)
from client_sdk.kernel.formats.batch_signature import BatchSignature, sign_statements
from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.commitment import (
    commit_consent,
    commit_consents,
    commit_erased_person,
    commit_facts,
    commit_inquiry,
    commit_notice,
    commit_officer,
    commit_subject,
    commit_text,
)
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.debt import debt_ref
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.erasure import Erasure
from client_sdk.kernel.formats.key_request import KeyRequest, elements_digest
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.log_proof import prove_leaves
from client_sdk.kernel.formats.map_entry import (
    NO_ANNOTATION,
    REGISTRY_KEY,
    MappedRecord,
    contribution_key,
    institution_key,
    records_value,
    state_value,
    subject_key,
)
from client_sdk.kernel.formats.map_proof import prove_keys
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.seal import disclosure_digest, seal_facts, seal_text
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import Annotation, payload_hash
from client_sdk.kernel.formats.tls_key import TlsKeyClaim, sign_claim
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    ClosingWay,
    KeyUsage,
    KeyUse,
    Kind,
    LapseKind,
    NoticeReason,
    Purpose,
    Standing,
    TlsKeyAction,
    WithdrawalReason,
)
from client_sdk.kernel.ledger.inquiry import Inquiry, Screening
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from tests.support.evidence_maker import inquiry_of, make_evidence
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed, signer
from tests.support.overlays import REPAIR
from tests.support.production import BREACH, REVIEW, ProductionLog
from tests.vectors.golden.replayed import AUDITORS, OLDER, rebuilt, replayed_evidence, replayed_log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.act import Body

HERE = Path(__file__).parent
# A unified social credit code that nobody has.
CREDITOR = "91110000MA0000000H"
LOG_ORIGIN = f"{REGISTRY}/log/1"
SHARED_LEAVES = 4


def golden_log() -> HandmadeLog:
    """A log in which every type of leaf stands, and every form inside one."""
    log = HandmadeLog()
    log.say("lender-1", "loan-1")
    log.say("lender-2", "loan-2", subject="person of loan-1")
    log.inquire("first")
    log.head()
    own = signer("lender-1 REPORT")
    log.act(KeyGrantBody("lender-1", grant_key(REGISTRY, "lender-1", signer("second key"), KeyUsage.REPORT, own)))
    log.annotate("lender-3", "lender-2", "loan-2", AnnotationFlag.DISPUTED)
    log.say("lender-1", "loan-1", Standing.CURED, by=signer("second key"))
    log.head()
    log.wait(21 * DAY_MS)
    log.lapse("lender-2", "loan-2", LapseKind.RESTRICTED)
    log.act(TlsKeyBody("lender-3", seed("TLS key"), "theft"))
    log.acknowledge("lender-3", 13, NoticeReason.RESTRICTED)
    log.inquire("second", "QUOTA_EXCEEDED")
    log.head()
    return log


def log_of(body: Body) -> HandmadeLog:
    """A log that ends with an act."""
    log = HandmadeLog()
    log.act(body)
    return log


def gone() -> HandmadeLog:
    """A log with a lender that had a successor, and whose records were ended then."""
    log = HandmadeLog()
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.act(EndingBody("lender-1", "bankruptcy"))
    return log


def closed() -> HandmadeLog:
    """A log of a registry that closes, and whose data another one takes."""
    log = HandmadeLog()
    taker = SuccessorRegistry("successor.example", seed("genesis of the successor"))
    log.act(ClosingBody(ClosingWay.HAND_OVER, "2026-12-31", "(2026) 41", seed("approval"), taker))
    log.head()
    return log


def logged_forms(log: HandmadeLog) -> dict[str, bytes]:
    """Forms that stand in the log or in its map."""
    state = log.state.directory.state
    member = log.state.directory.institution("lender-1")
    first = MappedRecord(9, leaf_hash(log.leaves[5]), NO_ANNOTATION, seed("opening"))
    second = MappedRecord(12, leaf_hash(log.leaves[6]), leaf_hash(log.leaves[9]), seed("another opening"))
    return {
        "leaf: genesis act": log.leaves[0],
        "leaf: first HEAD": log.leaves[1],
        "leaf: institution act": log.leaves[2],
        "leaf: statement": log.leaves[6],
        "leaf: key act": log.leaves[9],
        "leaf: annotation": log.leaves[10],
        "leaf: lapse": log.leaves[13],
        "leaf: TLS key act": log.leaves[14],
        "leaf: acknowledgement": log.leaves[15],
        "leaf: HEAD": log.leaves[16],
        "leaf hash of: statement": leaf_hash(log.leaves[6]),
        "root of the log": log.tree.root(),
        "checkpoint": log.checkpoint(),
        "institution state": member.encode(),
        "institution state: with an ended TLS key": log.state.directory.institution("lender-3").encode(),
        "leaf: review act": log_of(ReviewBody("lender-1", REVIEW)).leaves[-1],
        "leaf: breach act": log_of(BREACH).leaves[-1],
        "leaf: enrolment with a review": ProductionLog().leaves[-2],
        "leaf: succession act": gone().leaves[-2],
        "leaf: ending act": gone().leaves[-1],
        "leaf: closing act": closed().leaves[-2],
        "leaf: HEAD of a registry that closes": closed().leaves[-1],
        "institution state: ended": gone().state.directory.institution("lender-1").encode(),
        "registry state": state.encode(),
        "contribution": log.state.directory.contribution("lender-1").encode(),
        "rulebook": Rulebook().encode(),
        "rulebook digest": Rulebook().digest,
        "rulebook: with an overlay": Rulebook(overlays=(REPAIR,)).encode(),
        "rulebook: with witnesses": Rulebook(witness_quorum=WITNESSES).encode(),
        "rulebook: with auditors": Rulebook(replay_quorum=AUDITORS).encode(),
        "annotation: that hides": HIDING.encode(),
        "lapse: that shows again": SHOWING.encode(),
        "map key: subject": subject_key(seed("subject")),
        "map key: institution": institution_key("lender-1"),
        "map key: contribution": contribution_key("lender-1"),
        "map key: registry": REGISTRY_KEY,
        "map value: one record": records_value((first,)),
        "map value: two records": records_value((first, second)),
        "map value: institution": state_value(member.encode()),
        "map value: registry": state_value(state.encode()),
    }


WITNESSES = (
    f"witness one {VerifierKey.cosigner('w1.example', bytes(range(32))).text()} https://w1.example",
    f"witness two {VerifierKey.cosigner('w2.example', bytes(range(1, 33))).text()}",
    "group both 1 one two",
    "quorum both",
)
HIDING = Annotation(
    registry=REGISTRY,
    author="lender-1",
    issuer="lender-1",
    record_id=record_id("loan-1"),
    number=1,
    previous=b"",
    flags=(AnnotationFlag.HIDDEN,),
    code="",
    text_commitment=b"",
    disclosure_digest=b"",
    issued_at=1_767_225_600_000,
    overlay=REPAIR.name,
)
SHOWING = Lapse(
    registry=REGISTRY,
    issuer="lender-1",
    record_id=record_id("loan-1"),
    what=LapseKind.SHOWN,
    ground="overlay-ended",
    number=2,
    previous=payload_hash(HIDING.encode()),
)
ERASURE = Erasure(
    registry=REGISTRY,
    issuer="lender-1",
    record_id=record_id("loan-1"),
    index=13,
    leaf_hash=seed("leaf"),
    erased_at=1_760_000_000_000,
    person=commit_erased_person(seed("person opening"), 1, seed("subject")),
    asker="lender-1",
    found_at=1_760_000_000_001,
)


def screening_of(log: HandmadeLog) -> Inquiry:
    """The screening of two customers by pages of depth 3."""
    asked = inquiry_of(log, "lender-1", ["person of loan-1"])
    consents = commit_consents(seed("consents opening"), (b"consent", b"another consent"))
    return replace(asked, subject_commitments=(), consent_commitment=consents, screening=Screening(2, 3, 2))


def alerts_of(log: HandmadeLog) -> Inquiry:
    """The inquiry of a representative that asks for alerts about a person."""
    asked = inquiry_of(log, "lender-1", ["person of loan-1"])
    return replace(asked, purpose=Purpose.SUBJECT_ACCESS, alerts_until="2026-12-31")


def other_forms(log: HandmadeLog) -> dict[str, bytes]:
    """Forms that stand outside of the log: signed requests, commitments, sealed bytes, identifiers."""
    opening, facts, seal_key = seed("facts opening"), b"\x08\x01", seed("seal key")
    commitment, text = commit_facts(opening, facts), commit_text(opening, "有异议")
    grant = grant_key(REGISTRY, "lender-1", signer("lender-1 REPORT"), KeyUsage.REPORT)
    request = KeyRequest(
        REGISTRY,
        seed("key service"),
        1,
        "lender-1",
        seed("request", 16),
        log.logged_at,
        KeyUse.INQUIRE,
        Purpose.LOAN_APPROVAL,
        elements_digest(seed("element 1") + seed("element 2")),
    )
    together = [log.statement("lender-1", f"judgment-{at}", Standing.OPEN, f"person {at}") for at in range(3)]
    payloads = [statement.encode() for statement in together]
    batch_signatures = sign_statements(signer("lender-1 REPORT"), REGISTRY, "lender-1", payloads)
    batch = BatchSignature.parse(batch_signatures[0]).batch(
        together[0], payloads[0], signer("lender-1 REPORT").public_key.key_id
    )
    removed = replace(
        together[0],
        version=2,
        previous=payload_hash(payloads[0]),
        kind=Kind.LISTING,
        standing=Standing.WITHDRAWN,
        subject_key_version=0,
        subject_commitment=b"",
        facts_commitment=b"",
        disclosure_digest=b"",
        reason=WithdrawalReason.REMOVED_ON_REQUEST,
        removed_on="2025-09-01",
    )
    vouch = TlsKeyClaim(REGISTRY, "lender-1", seed("TLS key"), log.logged_at, TlsKeyAction.VOUCH)
    return {
        "public key": signer("lender-1 REPORT").public_key.raw,
        "key id": signer("lender-1 REPORT").public_key.key_id,
        "possession": possession_payload(REGISTRY, "lender-1", grant),
        "possession signature": grant.possession,
        "inquiry": inquiry_of(log, "lender-1", ["person of loan-1"]).encode(),
        "inquiry: alerts": alerts_of(log).encode(),
        "screening": screening_of(log).encode(),
        "inquiry PAE": dsse.pae(dsse.INQUIRY, inquiry_of(log, "lender-1", ["person of loan-1"]).encode()),
        "inquiry leaf": InquiryLeaf.of(log.logged_at, "ANSWERED", b"payload", bytes(64)).encode(),
        "key-request": request.encode(),
        "statement-batch": batch.encode(),
        "statement-batch PAE": dsse.pae(dsse.STATEMENT_BATCH, batch.encode()),
        **{f"statement {at} of a batch": payload for at, payload in enumerate(payloads)},
        "statement: an entry that the court removed": removed.encode(),
        **{f"batch signature {at}": signature for at, signature in enumerate(batch_signatures)},
        "tls-key": vouch.encode(),
        "tls-key PAE": dsse.pae(dsse.TLS_KEY, vouch.encode()),
        "tls-key signature": sign_claim(vouch, signer("lender-1 REPORT")).signature,
        "tls-key: revocation": replace(vouch, action=TlsKeyAction.REVOKE).encode(),
        "erasure": ERASURE.encode(),
        "erasure PAE": dsse.pae(dsse.ERASURE, ERASURE.encode()),
        "erasure: without a person": replace(ERASURE, person=b"").encode(),
        "commitment: person of an erasure": ERASURE.person,
        "record id": derive_record_id(seed("secret"), Kind.DEFAULT, "LN-2024-001234", date(2025, 8, 1)),
        "record id: second attempt": derive_record_id(
            seed("secret"), Kind.DEFAULT, "LN-2024-001234", date(2025, 8, 1), 1
        ),
        "debt_ref": debt_ref(seal_key, CREDITOR, "LN-2024/001234"),
        "commitment: subject": commit_subject(opening, seed("subject")),
        "commitment: facts": commitment,
        "commitment: text": text,
        "commitment: notice": commit_notice(opening, 13, seed("leaf"), NoticeReason.RESTRICTED.number),
        "commitment: consents of a screening": commit_consents(opening, (b"consent", b"another consent")),
        "commitment: person of an inquiry": commit_inquiry(opening, ((1, seed("subject")), (2, seed("subject 2")))),
        "commitment: consent": commit_consent(opening, b"\x08\x01"),
        "commitment: officer": commit_officer(opening, "staff-17"),
        "sealed facts": seal_facts(seal_key, commitment, opening, facts),
        "sealed facts: digest": disclosure_digest(seal_facts(seal_key, commitment, opening, facts)),
        "sealed text": seal_text(seal_key, text, opening, "有异议"),
    }


def history(size: int, salt: int) -> MemoryTree:
    """A tree of made-up leaf hashes, the first four of which do not depend on the salt."""
    return MemoryTree(bytes((place, salt if place >= SHARED_LEAVES else 0)) + bytes(30) for place in range(size))


def contradiction(older: int, newer: int) -> Contradiction:
    """A proof that the log of the trust root has signed two histories, of these sizes."""
    key = VerifierKey.ed25519(LOG_ORIGIN, signer("log").public_key.raw)
    one, other = history(older, 1), history(newer, 2)
    first, second = (
        parse_checkpoint(sign_checkpoint(LOG_ORIGIN, tree.size, tree.root(), signer("log")), key)
        for tree in (one, other)
    )
    if older == newer:
        return Contradiction.of(first, second)
    return Contradiction.of(first, second, other.root(older), other.consistency_proof(older, newer))


def map_proof(bits: Iterable[str], asked: Iterable[str]) -> dict[str, object]:
    """A map whose keys begin with these bits, and what it holds under keys that begin with those."""
    entries = sorted((key_of(text), seed(f"value of {text}")) for text in bits)
    keys = sorted(map(key_of, asked))
    proof = prove_keys(entries, keys)
    return {
        "entries": [[key.hex(), value.hex()] for key, value in entries],
        "root": root_of(entries).hex(),
        "asked": {key.hex(): dict(entries)[key].hex() if key in dict(entries) else None for key in keys},
        "depths": proof.depths.hex(),
        "others": proof.others.hex(),
        "siblings": proof.siblings.hex(),
    }


def key_of(bits: str) -> bytes:
    """The key that begins with these bits and goes on with zeros."""
    return int(bits.ljust(256, "0"), 2).to_bytes(32)


def log_proof(size: int, indexes: Iterable[int]) -> dict[str, object]:
    """A log of made-up leaves, and the proof of some of them."""
    tree, places = MemoryTree(leaf_hash(bytes((place,))) for place in range(size)), sorted(indexes)
    return {
        "size": size,
        "root": tree.root().hex(),
        "leaves": {str(place): leaf_hash(bytes((place,))).hex() for place in places},
        "proof": prove_leaves(places, size, tree.node).hex(),
    }


def proofs() -> dict[str, object]:
    """Proofs of several keys and of several leaves, those among them in which paths meet."""
    some = ("0000", "0001", "01", "1000", "101", "11")
    return {
        "map": {
            "present": map_proof(some, ["0001"]),
            "absent, another entry in its place": map_proof(some, ["0111"]),
            "absent, nothing in its place": map_proof(some, ["0010"]),
            "absent ones that share a place with an entry": map_proof(some, ["0110", "0111"]),
            "absent ones that share an empty place": map_proof(some, ["0010", "0011"]),
            "absent, in the place of one that is present": map_proof(some, ["01", "0111"]),
            "two sides of one branch": map_proof(some, ["0000", "0001"]),
            "all, and some more": map_proof(some, [*some, "001", "1001", "10111"]),
            "late parting": map_proof(["0" * 200, "0" * 199 + "1", "1"], ["0" * 200, "0" * 150 + "1"]),
            "an empty map": map_proof([], ["0", "1"]),
            "a map of one": map_proof(["0110"], ["0", "1"]),
        },
        "log": {
            "one leaf of one": log_proof(1, [0]),
            "the last of 7": log_proof(7, [6]),
            "the last of 8": log_proof(8, [7]),
            "both of a pair": log_proof(8, [2, 3]),
            "the last of 11, and an older one": log_proof(11, [3, 10]),
            "the last of 13, and some older ones": log_proof(13, [0, 5, 6, 9, 12]),
            "all of 5": log_proof(5, range(5)),
        },
    }


def files() -> dict[str, bytes]:
    """Return every golden file by name."""
    log = golden_log()
    assert not log.complaints
    forms = {name: value.hex() for name, value in {**logged_forms(log), **other_forms(log)}.items()}
    listed = ["nobody", "person of loan-1"]
    return {
        "forms.json": json.dumps(forms, indent=1).encode() + b"\n",
        "proofs.json": json.dumps(proofs(), indent=1).encode() + b"\n",
        "trust-root.bin": log.trust_root.encode(),
        "contradiction-one-size.proof": contradiction(9, 9).encode(),
        "contradiction-two-sizes.proof": contradiction(9, 14).encode(),
        "evidence-clear.bin": canonical.encode(make_evidence(log, "lender-3", ["nobody"])),
        "evidence-cosigned.bin": cosigned_evidence(log),
        "evidence-replayed.bin": replayed_evidence(
            replayed := replayed_log(),
            [rebuilt(replayed, "auditor-1", OLDER, 5), rebuilt(replayed, "auditor-3", len(replayed.leaves), 20)],
        ),
        "trust-root-auditors.bin": replayed.trust_root.encode(),
        "evidence-listed.bin": canonical.encode(make_evidence(log, "lender-3", listed, shown=[1])),
    }


def cosigned_evidence(log: HandmadeLog) -> bytes:
    """Evidence with a smaller checkpoint that two witnesses have cosigned."""
    evidence, size = make_evidence(log, "lender-3", ["nobody"]), 9
    signed = note.parse(log.checkpoint(size))
    lines = [
        cosign(signed.text, f"w{number}.example", signer(f"w{number}"), 1_790_000_000 + number) for number in (1, 2)
    ]
    evidence.cosigned.checkpoint = note.Note(signed.text, (*signed.signatures, *lines)).encode()
    evidence.cosigned.consistency = b"".join(log.tree.consistency_proof(size, len(log.leaves)))
    return canonical.encode(evidence)


def main() -> None:
    """Write the files that are not there yet."""
    for name, content in files().items():
        path = HERE / name
        if path.exists() and path.read_bytes() != content:
            sys.exit(f"{name} is frozen and would change")
        path.write_bytes(content)


if __name__ == "__main__":
    main()
