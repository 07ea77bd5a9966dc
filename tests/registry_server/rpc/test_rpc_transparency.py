"""What verifies a registry: checkpoints, tiles, leaves, bindings, directory proofs, all from a running one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2
from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree, verify_consistency, verify_inclusion
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.directory_proof import verify_directory
from client_sdk.kernel.ledger.examination import LiveBinding, check_log
from client_sdk.kernel.ledger.proving import split_hashes
from tests.support.registry import inquire, refusal
from tests.support.registry_world import ADMINISTRATORS, AUDITOR

if TYPE_CHECKING:
    from tests.support.registry import RunningRegistry


def report(registry: RunningRegistry, *names: str, standing: Standing = Standing.OPEN) -> None:
    for name in names:
        submission = registry.world.report("lender-1", name, standing)
        answer = registry.records("lender-1").Submit(submission_pb2.SubmitRequest(submission=submission))
        assert answer.result.outcome == submission_pb2.OUTCOME_ACCEPTED


def test_a_checkpoint_continues_the_one_that_is_known(registry: RunningRegistry) -> None:
    stub = registry.transparency("lender-2")
    key = registry.trust_root.log_key
    before = stub.GetCheckpoint(pb.GetCheckpointRequest())
    known = parse_checkpoint(before.checkpoint, key).checkpoint
    assert before.consistency == b""
    report(registry, "loan", "other")
    after = stub.GetCheckpoint(pb.GetCheckpointRequest(known_size=known.size))
    newest = parse_checkpoint(after.checkpoint, key).checkpoint
    assert newest.size > known.size
    verify_consistency(known.size, newest.size, split_hashes(after.consistency, "consistency"), known.root, newest.root)
    path = split_hashes(after.head_path, "head")
    verify_inclusion(leaf_hash(after.head), newest.size - 1, newest.size, path, newest.root)
    same = stub.GetCheckpoint(pb.GetCheckpointRequest(known_size=newest.size))
    assert (same.checkpoint, same.consistency) == (after.checkpoint, b"")
    refused = refusal(lambda: stub.GetCheckpoint(pb.GetCheckpointRequest(known_size=newest.size + 1)))
    assert refused[:4] == ("OUT_OF_RANGE", "RANGE_INVALID", "known_size", "log.size")


def test_an_auditor_examines_the_whole_log_over_the_wire(registry: RunningRegistry) -> None:
    report(registry, "loan", "other")
    report(registry, "loan", standing=Standing.CURED)
    registry.inquiries("lender-2").Check(inquire(registry.world, "lender-2", ["person of loan"]))
    registry.world.clock.now += 61_000
    registry.app.housekeeping.beat()
    stub = registry.transparency(AUDITOR)
    signed = stub.GetCheckpoint(pb.GetCheckpointRequest()).checkpoint
    checkpoint = parse_checkpoint(signed, registry.trust_root.log_key).checkpoint
    pages = list(stub.ListLeaves(pb.ListLeavesRequest(start=0, end=checkpoint.size)))
    leaves = [leaf for page in pages for leaf in page.leaves]
    assert [page.start for page in pages] == [0]
    bindings = list(stub.ListLiveBindings(pb.ListLiveBindingsRequest()))
    assert (bindings[0].begun_at, bindings[-1].size) == (checkpoint.size, checkpoint.size)
    live = [LiveBinding(item.index, item.subject, item.opening) for page in bindings for item in page.bindings]
    shown = stub.ListInquiryLeaves(pb.ListInquiryLeavesRequest(start=0, end=1))
    asked = [item.leaf for page in shown for item in page.inquiries]
    findings = check_log(leaves, live, checkpoint, asked, genesis=registry.trust_root.genesis)
    assert findings.kept() == []
    assert len(live) == 2


def test_ranges_outside_the_log_are_refused(registry: RunningRegistry) -> None:
    stub = registry.transparency(AUDITOR)
    for start, end in ((0, 10_000), (3, 2)):
        request = pb.ListLeavesRequest(start=start, end=end)
        refused = refusal(partial(list, stub.ListLeaves(request)))
        assert refused[:4] == ("OUT_OF_RANGE", "RANGE_INVALID", "end", "log.range")
    assert refusal(lambda: list(stub.ListInquiryLeaves(pb.ListInquiryLeavesRequest(end=1)))).reason == "RANGE_INVALID"
    assert list(stub.ListLeaves(pb.ListLeavesRequest(start=2, end=2))) == []


def test_tiles_are_those_of_the_leaves(registry: RunningRegistry) -> None:
    report(registry, *(f"loan {number}" for number in range(5)))
    stub = registry.transparency("lender-3")
    with registry.app.ledger.view() as view:
        hashes = [leaf_hash(stored.leaf) for stored in view.leaves(0, view.size)]
        root = view.root
    assert stub.GetTile(pb.GetTileRequest(level=0, index=0)).hashes == b"".join(hashes)
    assert MemoryTree(hashes).root() == root
    for level, index in ((0, 1), (1, 0), (8, 0), (4_000_000_000, 1)):
        refused = refusal(partial(stub.GetTile, pb.GetTileRequest(level=level, index=index)))
        assert refused[:3] == ("NOT_FOUND", "TILE_UNKNOWN", "index")


def test_directory_entries_are_proved(registry: RunningRegistry) -> None:
    stub = registry.transparency("lender-3")
    names = ["lender-2", "auditor", "lender-2", "admin-1"]
    response = stub.GetDirectoryProof(pb.GetDirectoryProofRequest(institutions=names, known_size=2))
    proved = verify_directory(response, registry.trust_root.log_key)
    assert [state.id for state in proved.institutions] == ["admin-1", "auditor", "lender-2"]
    assert proved.registry.administrators == ADMINISTRATORS
    assert response.consistency
    unknown = refusal(lambda: stub.GetDirectoryProof(pb.GetDirectoryProofRequest(institutions=["nobody"])))
    assert unknown[:3] == ("PERMISSION_DENIED", "INSTITUTION_UNKNOWN", "institution")
    wrong = refusal(lambda: stub.GetDirectoryProof(pb.GetDirectoryProofRequest(institutions=["No Id"])))
    assert wrong.reason == "MALFORMED"
    many = pb.GetDirectoryProofRequest(institutions=["lender-1"] * 101)
    assert refusal(lambda: stub.GetDirectoryProof(many))[:2] == ("RESOURCE_EXHAUSTED", "SIZE_LIMIT")
