"""Reporting to a running registry, one by one and in streams: results in order, and nothing acknowledged is lost."""

from __future__ import annotations

import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2 as pb
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub

from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.limits import CHUNK_BYTES
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.words import InstitutionStatus, Standing
from client_sdk.kernel.ledger.proving import split_hashes
from registry_server.rpc.sizes import DEFAULT_BYTES
from tests.conftest import ON_ONE_DATABASE
from tests.support.handmade_log import seed
from tests.support.registry import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import grpc

    from tests.support.registry import RunningRegistry

    Bare = grpc.UnaryUnaryMultiCallable[bytes, bytes]


def header(count: int) -> pb.SubmitBatchRequest:
    return pb.SubmitBatchRequest(header=pb.BatchHeader(count=count))


def chunk(*submissions: pb.Submission) -> pb.SubmitBatchRequest:
    return pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=submissions))


def reports(registry: RunningRegistry, count: int, first: int = 0) -> list[pb.Submission]:
    return [registry.world.report("lender-1", f"loan {number}") for number in range(first, first + count)]


def outcomes(answers: Sequence[pb.SubmitBatchResponse]) -> list[int]:
    return [result.outcome for answer in answers for result in answer.results]


def own(registry: RunningRegistry, *record_ids: bytes, peer: str = "lender-1", issuer: str = "") -> list[pb.OwnRecord]:
    pages = registry.records(peer).ListRecords(pb.ListRecordsRequest(record_ids=record_ids, issuer=issuer))
    return [record for page in pages for record in page.records]


def check_receipt(registry: RunningRegistry, result: pb.SubmissionResult, leaf: bytes, checkpoint: bytes) -> None:
    """Check that a result proves its leaf."""
    signed = parse_checkpoint(checkpoint, registry.trust_root.log_key).checkpoint
    path = split_hashes(result.inclusion.path, "receipt")
    verify_inclusion(leaf_hash(leaf), result.inclusion.index, signed.size, path, signed.root)


def test_a_report_is_acknowledged_with_its_place(registry: RunningRegistry) -> None:
    submission = registry.world.report("lender-1", "loan")
    stub = registry.records("lender-1")
    answer = stub.Submit(pb.SubmitRequest(submission=submission))
    assert answer.result.outcome == pb.OUTCOME_ACCEPTED
    statement = registry.world.newest[registry.world.key("lender-1", "loan")].statement
    receipt = stub.GetReceipt(pb.GetReceiptRequest(record_id=statement.record_id, version=1)).receipt
    leaf = parse_leaf(receipt.leaf)
    assert isinstance(leaf, StatementLeaf)
    assert (leaf.payload, leaf.logged_at) == (submission.statement.payload, answer.result.logged_at)
    check_receipt(registry, answer.result, receipt.leaf, answer.checkpoint)
    again = stub.Submit(pb.SubmitRequest(submission=submission))
    assert again.result.outcome == pb.OUTCOME_REPEATED
    assert again.result.inclusion.index == answer.result.inclusion.index


def test_many_calls_at_once_share_transactions(registry: RunningRegistry) -> None:
    stub = registry.records("lender-1")
    calls = [stub.Submit.future(pb.SubmitRequest(submission=submission)) for submission in reports(registry, 40)]
    results = [call.result().result for call in calls]
    assert {result.outcome for result in results} == {pb.OUTCOME_ACCEPTED}
    with registry.app.ledger.view() as view:
        heads = view.size - 1 - max(result.inclusion.index for result in results)
        assert heads >= 1
        # Fewer HEADs than reports: some shared a commit.
        acts = 2 * len(view.acts(0, 100))
        assert view.size < acts + 80


def test_a_stream_is_answered_chunk_by_chunk_in_order(registry: RunningRegistry) -> None:
    submissions = reports(registry, 10)
    requests = [header(10), *(chunk(*submissions[at : at + 3]) for at in range(0, 10, 3))]
    answers = list(registry.records("lender-1").SubmitBatch(iter(requests)))
    assert [len(answer.results) for answer in answers] == [3, 3, 3, 1]
    assert [result.position for answer in answers for result in answer.results] == list(range(10))
    indexes = [result.inclusion.index for answer in answers for result in answer.results]
    assert indexes == sorted(indexes)
    for answer in answers:
        for result in answer.results:
            with registry.app.ledger.view() as view:
                leaf = view.leaves_at([result.inclusion.index])[result.inclusion.index]
            check_receipt(registry, result, leaf, answer.checkpoint)


def test_a_client_that_waits_for_each_answer_gets_it(registry: RunningRegistry) -> None:
    submissions = reports(registry, 3)
    answered: SimpleQueue[pb.SubmitBatchResponse | None] = SimpleQueue()
    answered.put(None)

    def one_by_one() -> Iterator[pb.SubmitBatchRequest]:
        yield header(3)
        for submission in submissions:
            answered.get(timeout=30)
            yield chunk(submission)

    positions = []
    for answer in registry.records("lender-1").SubmitBatch(one_by_one()):
        positions += [result.position for result in answer.results]
        answered.put(answer)
    assert positions == [0, 1, 2]


def test_a_chain_of_versions_goes_in_one_chunk(registry: RunningRegistry) -> None:
    world = registry.world
    chain = [
        world.report("lender-1", "loan", standing)
        for standing in (Standing.OPEN, Standing.ARRANGED, Standing.OPEN, Standing.CURED)
    ]
    answers = list(registry.records("lender-1").SubmitBatch(iter([header(4), chunk(*chain)])))
    assert outcomes(answers) == [pb.OUTCOME_ACCEPTED] * 4
    (record,) = own(registry)
    assert record.state == pb.RECORD_STATE_LIVE


def test_a_bad_record_in_the_middle_is_refused_alone(registry: RunningRegistry) -> None:
    submissions = reports(registry, 5)
    submissions[2].facts.opening = seed("another opening")
    answers = list(registry.records("lender-1").SubmitBatch(iter([header(5), chunk(*submissions)])))
    accepted = pb.OUTCOME_ACCEPTED
    assert outcomes(answers) == [accepted, accepted, pb.OUTCOME_REFUSED, accepted, accepted]
    violation = answers[0].results[2].violation
    assert (violation.reason, violation.field, violation.rule) == ("COMMITMENT_MISMATCH", "facts", "commitment.opens")
    assert len(own(registry)) == 4


def test_a_version_taken_by_another_payload_shows_the_stored_leaf(registry: RunningRegistry) -> None:
    world, stub = registry.world, registry.records("lender-1")
    first = world.report("lender-1", "loan")
    stub.Submit(pb.SubmitRequest(submission=first))
    world.newest.clear()
    other = world.report("lender-1", "loan", issued_at=world.clock.now - 1000)
    result = stub.Submit(pb.SubmitRequest(submission=other)).result
    assert (result.outcome, result.violation.reason) == (pb.OUTCOME_REFUSED, "VERSION_TAKEN")
    leaf = parse_leaf(result.stored_leaf)
    assert isinstance(leaf, StatementLeaf)
    assert leaf.payload == first.statement.payload


@ON_ONE_DATABASE
@pytest.mark.parametrize(("declared", "sent"), [(3, 2), (3, 4), (0, 1), (1, 0)])
def test_a_batch_with_a_wrong_count_is_refused_and_what_was_acknowledged_stays(
    registry: RunningRegistry, declared: int, sent: int
) -> None:
    requests = [header(declared), *(chunk(submission) for submission in reports(registry, sent))]
    answers: list[pb.SubmitBatchResponse] = []
    stream = registry.records("lender-1").SubmitBatch(iter(requests))
    refused = refusal(lambda: deque(map(answers.append, stream)))
    assert refused[:4] == ("INVALID_ARGUMENT", "COUNT_MISMATCH", "header.count", "batch.count")
    assert (refused.got, refused.want) == (str(min(sent, declared + 1)), str(declared))
    assert len(answers) == min(sent, declared)
    assert len(own(registry)) == len(answers)


def wrong_orders(registry: RunningRegistry) -> dict[str, list[pb.SubmitBatchRequest]]:
    submissions = reports(registry, 1)
    return {
        "nothing": [],
        "no header": [chunk(*submissions)],
        "two headers": [header(1), header(1)],
        "an empty chunk": [header(1), chunk()],
        "an empty message": [header(1), pb.SubmitBatchRequest()],
        "a long chunk": [header(257), chunk(*(submissions * 257))],
    }


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("nothing", "header"),
        ("no header", "header"),
        ("two headers", "chunk"),
        ("an empty chunk", "chunk"),
        ("an empty message", "chunk"),
        ("a long chunk", "chunk"),
    ],
)
def test_a_stream_out_of_order_is_refused(registry: RunningRegistry, name: str, field: str) -> None:
    requests = wrong_orders(registry)[name]
    refused = refusal(lambda: list(registry.records("lender-1").SubmitBatch(iter(requests))))
    assert refused[:4] == ("INVALID_ARGUMENT", "BATCH_ORDER", field, f"batch.{field}")
    assert own(registry) == []


def test_a_client_that_dies_half_way_loses_nothing_acknowledged(registry: RunningRegistry) -> None:
    submissions = reports(registry, 6)
    identity = registry.identity("lender-1")
    dying = registry.channel("lender-1", identity)
    hold = threading.Event()

    def half() -> Iterator[pb.SubmitBatchRequest]:
        yield header(6)
        yield chunk(*submissions[:2])
        yield chunk(*submissions[2:4])
        # The rest never comes.
        hold.wait()

    stream = RecordServiceStub(dying).SubmitBatch(half())
    acknowledged = [next(stream), next(stream)]
    dying.close()
    hold.set()
    held = {record.index: record for record in own(registry)}
    assert {result.inclusion.index for answer in acknowledged for result in answer.results} == set(held)
    # Sent again from the start, what is there is repeated.
    answers = list(registry.records("lender-1").SubmitBatch(iter([header(6), chunk(*submissions)])))
    assert outcomes(answers) == [pb.OUTCOME_REPEATED] * 4 + [pb.OUTCOME_ACCEPTED] * 2


@ON_ONE_DATABASE
@pytest.mark.parametrize("beyond", [1, 60_000])
def test_an_oversized_message_is_refused_by_name(registry: RunningRegistry, beyond: int) -> None:
    stub, submission = registry.records("lender-1"), registry.world.report("lender-1", "loan")
    submission.disclosure = bytes(DEFAULT_BYTES + beyond)
    request = pb.SubmitRequest(submission=submission)
    refused = refusal(lambda: stub.Submit(request))
    assert refused[:4] == ("RESOURCE_EXHAUSTED", "SIZE_LIMIT", "message", "message.size")
    assert (refused.got, refused.want) == (f"{request.ByteSize()} bytes", f"at most {DEFAULT_BYTES} bytes")
    message = chunk(submission)
    submission.disclosure = bytes(CHUNK_BYTES + beyond - message.ByteSize() + len(submission.disclosure))
    message = chunk(submission)
    refused = refusal(lambda: list(stub.SubmitBatch(iter([header(1), message]))))
    assert refused[:4] == ("RESOURCE_EXHAUSTED", "SIZE_LIMIT", "message", "message.size")
    assert (refused.got, refused.want) == (f"{message.ByteSize()} bytes", f"at most {CHUNK_BYTES} bytes")
    assert own(registry) == []


def test_a_message_that_is_far_too_long_is_refused_from_its_length(registry: RunningRegistry) -> None:
    stub, submission = registry.records("lender-1"), registry.world.report("lender-1", "loan")
    submission.disclosure = bytes(2 * CHUNK_BYTES)
    assert refusal(lambda: stub.Submit(pb.SubmitRequest(submission=submission))).status == "RESOURCE_EXHAUSTED"
    # The connection goes on.
    assert own(registry) == []


def test_bytes_that_are_no_message_are_refused(registry: RunningRegistry) -> None:
    call: Bare = registry.channel("lender-1").unary_unary("/creditregistry.v1.RecordService/Submit")
    refused = refusal(lambda: call(b"\xff\xff\xff"))
    assert refused[:4] == ("INVALID_ARGUMENT", "MALFORMED", "message", "message.protobuf")


def test_an_empty_submission_is_refused_as_a_result(registry: RunningRegistry) -> None:
    result = registry.records("lender-1").Submit(pb.SubmitRequest()).result
    assert (result.outcome, result.violation.reason) == (pb.OUTCOME_REFUSED, "MALFORMED")


def test_a_suspended_member_corrects_and_ends_its_records_and_opens_none(registry: RunningRegistry) -> None:
    world, stub = registry.world, registry.records("lender-1")
    stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    world.set_state(registry.app.ledger, "lender-1", InstitutionStatus.SUSPENDED)
    refused = stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "other"))).result
    assert refused.violation.reason == "INSTITUTION_SUSPENDED"
    assert (refused.violation.field, refused.violation.rule) == ("version", "institution.state")
    cured = stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan", Standing.CURED))).result
    assert cured.outcome == pb.OUTCOME_ACCEPTED


def test_own_records_are_listed_with_what_opens_the_live_ones(registry: RunningRegistry) -> None:
    world, stub = registry.world, registry.records("lender-1")
    for name in ("live", "ended", "erased"):
        stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", name)))
    stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "ended", Standing.WITHDRAWN)))
    world.erase(registry.app.ledger, world.key("lender-1", "erased"))
    registry.records("lender-2").Submit(pb.SubmitRequest(submission=world.report("lender-2", "theirs")))
    by_id = {record.record_id: record for record in own(registry)}
    live, ended, erased = (by_id[world.key("lender-1", name).record_id] for name in ("live", "ended", "erased"))
    assert len(by_id) == 3
    assert (live.state, ended.state, erased.state) == (
        pb.RECORD_STATE_LIVE,
        pb.RECORD_STATE_ENDED,
        pb.RECORD_STATE_ERASED,
    )
    assert live.binding.opening == world.newest[world.key("lender-1", "live")].opening
    assert live.disclosure
    assert not ended.HasField("binding")
    assert not erased.HasField("binding")
    assert not erased.disclosure
    assert [record.record_id for record in own(registry, ended.record_id, bytes(16))] == [ended.record_id]


def test_receipts_and_listings_that_are_asked_for_wrongly_are_refused(registry: RunningRegistry) -> None:
    world, stub = registry.world, registry.records("lender-1")
    stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    known = world.key("lender-1", "loan").record_id
    unknown = refusal(lambda: stub.GetReceipt(pb.GetReceiptRequest(record_id=bytes(16), version=1)))
    assert unknown[:4] == ("NOT_FOUND", "RECORD_UNKNOWN", "record_id", "record.known")
    later = refusal(lambda: stub.GetReceipt(pb.GetReceiptRequest(record_id=known, version=2)))
    assert later[:3] == ("NOT_FOUND", "VERSION_UNKNOWN", "version")
    short = refusal(lambda: stub.GetReceipt(pb.GetReceiptRequest(record_id=b"1", version=1)))
    assert short[:4] == ("INVALID_ARGUMENT", "MALFORMED", "record_id", "record_id.length")
    theirs = registry.records("lender-2")
    assert (
        refusal(lambda: theirs.GetReceipt(pb.GetReceiptRequest(record_id=known, version=1))).reason == "RECORD_UNKNOWN"
    )
    many = pb.ListRecordsRequest(record_ids=[bytes(16)] * 1_001)
    assert refusal(lambda: list(stub.ListRecords(many)))[:2] == ("RESOURCE_EXHAUSTED", "SIZE_LIMIT")


def test_a_named_successor_alone_reads_the_records_that_it_took_over(registry: RunningRegistry) -> None:
    world, ledger = registry.world, registry.app.ledger
    for name in ("loan", "other"):
        registry.records("lender-1").Submit(pb.SubmitRequest(submission=world.report("lender-1", name)))
    registry.records("lender-2").Submit(pb.SubmitRequest(submission=world.report("lender-2", "theirs")))
    mine = own(registry)
    assert own(registry, issuer="lender-1") == mine
    receipt = pb.GetReceiptRequest(record_id=mine[0].record_id, version=1, issuer="lender-1")

    def refused(peer: str) -> None:
        calls = [
            lambda: own(registry, peer=peer, issuer="lender-1"),
            lambda: registry.records(peer).GetReceipt(receipt),
        ]
        for call in calls:
            said = refusal(call)
            assert said[:4] == ("PERMISSION_DENIED", "NOT_THE_SUCCESSOR", "issuer", "successor.named")
            assert said.want == "the issuer or its named successor"

    refused("lender-2")
    world.set_state(ledger, "lender-1", InstitutionStatus.SUSPENDED)
    refused("lender-2")
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED)
    refused("lender-2")
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-2")
    refused("lender-3")
    assert own(registry, peer="lender-2", issuer="lender-1") == mine
    assert own(registry, mine[1].record_id, bytes(16), peer="lender-2", issuer="lender-1") == mine[1:]
    # Its own stay apart, and say nothing of the others.
    assert len(own(registry, peer="lender-2")) == 1
    assert own(registry, mine[0].record_id, peer="lender-2") == []
    stub = registry.records("lender-2")
    found = stub.GetReceipt(receipt).receipt
    assert (found.leaf, found.inclusion.index) == (mine[0].leaf, mine[0].index)
    unknown = refusal(lambda: stub.GetReceipt(pb.GetReceiptRequest(record_id=mine[0].record_id, version=1)))
    assert unknown.reason == "RECORD_UNKNOWN"
    # Whom another takes the place of reads no longer.
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-3")
    refused("lender-2")
    assert own(registry, peer="lender-3", issuer="lender-1") == mine


def test_records_of_nobody_enrolled_are_refused(registry: RunningRegistry) -> None:
    stub = registry.records("lender-1")
    calls = [
        lambda: own(registry, issuer="stranger"),
        lambda: stub.GetReceipt(pb.GetReceiptRequest(record_id=bytes(16), version=1, issuer="stranger")),
    ]
    for call in calls:
        assert refusal(call)[:2] == ("PERMISSION_DENIED", "INSTITUTION_UNKNOWN")
