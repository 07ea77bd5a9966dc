"""Golden bytes of every form: what was laid down once stays as it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from creditregistry.v1 import directory_pb2
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.batch_signature import BatchSignature, verify_statement
from client_sdk.kernel.formats.key_request import KeyRequest
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, LapseLeaf, LeafType, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.seal import open_facts, open_text
from client_sdk.kernel.formats.state import InstitutionState, RegistryState, Rulebook
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.tls_key import TlsKeyClaim
from client_sdk.kernel.formats.words import TlsKeyAction
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.models.replayed import Replayed
from client_sdk.verification import read_trust_root, verify
from tests.conformance.cases import TRUST_ROOT, cases
from tests.support.handmade_log import START_MS, seed, signer
from tests.support.naive_cosigned import naive_replayed
from tests.support.naive_parts import signed_in_batch
from tests.vectors.golden.generate import files
from tests.vectors.golden.replayed import AUDITORS, OLDER

GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"
FORMS: dict[str, bytes] = {
    name: bytes.fromhex(value) for name, value in json.loads((GOLDEN / "forms.json").read_text()).items()
}


@pytest.mark.parametrize(
    "name",
    [
        "forms.json",
        "proofs.json",
        "trust-root.bin",
        "contradiction-one-size.proof",
        "contradiction-two-sizes.proof",
        "evidence-clear.bin",
        "evidence-cosigned.bin",
        "evidence-listed.bin",
        "evidence-replayed.bin",
        "trust-root-auditors.bin",
    ],
)
def test_the_same_seeds_give_the_same_bytes(name: str) -> None:
    assert files()[name] == (GOLDEN / name).read_bytes()


def test_golden_leaves_are_read_and_written_alike() -> None:
    seen: set[int] = set()
    for name, data in FORMS.items():
        if name.startswith("leaf:"):
            leaf = parse_leaf(data)
            assert leaf.encode() == data
            seen.add(data[0])
            match leaf:
                case StatementLeaf() if name == "leaf: annotation":
                    assert Annotation.parse(leaf.payload).encode() == leaf.payload
                case StatementLeaf() if name == "leaf: acknowledgement":
                    assert Acknowledgement.parse(leaf.payload).encode() == leaf.payload
                case StatementLeaf():
                    assert Statement.parse(leaf.payload).encode() == leaf.payload
                case ActLeaf():
                    assert Act.parse(leaf.payload).encode() == leaf.payload
                case LapseLeaf():
                    assert Lapse.parse(leaf.payload).encode() == leaf.payload
                case HeadLeaf():
                    assert leaf.head.encode() == leaf.payload
    assert seen == set(LeafType)


def test_a_golden_withdrawal_is_read_and_written_alike() -> None:
    payload = FORMS["statement: an entry that the court removed"]
    said = Statement.parse(payload)
    assert (said.encode(), said.removed_on) == (payload, "2025-09-01")


def test_golden_states_are_read_and_written_alike() -> None:
    assert InstitutionState.parse(FORMS["institution state"]).encode() == FORMS["institution state"]
    ended = InstitutionState.parse(FORMS["institution state: with an ended TLS key"])
    assert ended.encode() == FORMS["institution state: with an ended TLS key"]
    assert [key.spki_hash for key in ended.ended_tls_keys] == [seed("TLS key")]
    assert RegistryState.parse(FORMS["registry state"]).encode() == FORMS["registry state"]
    assert TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes()).fingerprint == (
        TrustRoot.from_genesis(FORMS["leaf: genesis act"]).fingerprint
    )
    for name in ("rulebook", "rulebook: with an overlay"):
        parsed = Rulebook.of(canonical.parse(directory_pb2.Rulebook, FORMS[name], "rulebook"))
        assert parsed.encode() == FORMS[name]
    assert Annotation.parse(FORMS["annotation: that hides"]).encode() == FORMS["annotation: that hides"]
    assert Lapse.parse(FORMS["lapse: that shows again"]).encode() == FORMS["lapse: that shows again"]
    rulebook = canonical.parse(directory_pb2.Rulebook, FORMS["rulebook"], "rulebook")
    assert rulebook.dispute_days == 20


def test_golden_requests_are_read_and_written_alike() -> None:
    assert Inquiry.parse(FORMS["inquiry"]).encode() == FORMS["inquiry"]
    assert Inquiry.parse(FORMS["screening"]).encode() == FORMS["screening"]
    assert Inquiry.parse(FORMS["inquiry: alerts"]).alerts_until == "2026-12-31"
    assert KeyRequest.parse(FORMS["key-request"]).encode() == FORMS["key-request"]
    for name, action in (("tls-key", TlsKeyAction.VOUCH), ("tls-key: revocation", TlsKeyAction.REVOKE)):
        claim = TlsKeyClaim.parse(FORMS[name])
        assert (claim.encode(), claim.action) == (FORMS[name], action)
    assert InquiryLeaf.parse(FORMS["inquiry leaf"]).encode() == FORMS["inquiry leaf"]


def test_golden_batch_signatures_verify_in_both_implementations() -> None:
    own = signer("lender-1 REPORT").public_key
    for at in range(3):
        payload, signature = FORMS[f"statement {at} of a batch"], FORMS[f"batch signature {at}"]
        statement, carried = Statement.parse(payload), BatchSignature.parse(signature)
        assert carried.encode() == signature
        assert carried.batch(statement, payload, own.key_id).encode() == FORMS["statement-batch"]
        verify_statement(statement, payload, own.raw, signature)
        signed_in_batch(own.raw, own.key_id, statement.registry, statement.signer, payload, signature)


def test_golden_sealed_bytes_open() -> None:
    opened = open_facts(seed("seal key"), FORMS["commitment: facts"], FORMS["sealed facts"])
    assert opened == (seed("facts opening"), b"\x08\x01")
    assert open_text(seed("seal key"), FORMS["commitment: text"], FORMS["sealed text"]) == "有异议"


def test_golden_evidence_is_replayed_as_far_as_two_of_three_auditors_have_come() -> None:
    data, root = (GOLDEN / "evidence-replayed.bin").read_bytes(), read_trust_root(GOLDEN / "trust-root-auditors.bin")
    (answer,) = verify(data, root)
    begun = datetime.fromtimestamp(START_MS // 1_000 - 20 * 60, UTC)
    assert answer.replayed == Replayed(size=OLDER, at=begun, late=False, named=True)
    shown = pb.Evidence.FromString(data)
    pairs = [(item.checkpoint, item.consistency) for item in shown.replayed]
    log = root.log_key.name.encode(), root.log_key.raw
    assert naive_replayed(pairs, shown.checkpoint, log, AUDITORS) == (OLDER, int(begun.timestamp()))


def test_conformance_files_say_which_evidence_is_late() -> None:
    under = [case for case in cases() if case.kind == "evidence" and case.accepted and case.under != TRUST_ROOT]
    assert len(under) == 5
    for case in under:
        (answer,) = verify(case.path, case.trust_root)
        assert answer.replayed is not None
        assert answer.replayed.late is case.about.startswith("late: "), case.about
