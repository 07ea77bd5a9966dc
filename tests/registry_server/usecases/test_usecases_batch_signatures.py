"""Statements under one signature: taken in any order, each by itself; what does not hold is refused by its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import KeyEndBody
from client_sdk.kernel.formats.batch_signature import BatchSignature, StatementBatch, sign_statements
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.ledger.submission import Submission
from registry_server.sequencing.items import ItemOutcome
from registry_server.usecases.submit import Submitting
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.registry_world import World, accept, submit, submit_as
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.formats.keys import Ed25519Signer
    from registry_server.sequencing.ledger import Ledger

OWN = signer("lender-1 REPORT")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    # Whatever was refused: nothing is lost, and the log verifies from storage.
    reverify(database_url)


def sign_together(submissions: Sequence[pb.Submission], key: Ed25519Signer = OWN, signed_by: str = "lender-1") -> None:
    signatures = sign_statements(key, REGISTRY, signed_by, [sent.statement.payload for sent in submissions])
    for sent, signature in zip(submissions, signatures, strict=True):
        sent.statement.key_id, sent.statement.signature = key.public_key.key_id, signature


def batch(world: World, count: int, name: str = "loan") -> list[pb.Submission]:
    made = [world.report("lender-1", f"{name} {number}") for number in range(count)]
    sign_together(made)
    return made


def refused(ledger: Ledger, message: pb.Submission, peer: str = "lender-1") -> Complaint:
    with ledger.view() as view:
        size = view.size
    (record,) = submit_as(peer, ledger, message).results
    with ledger.view() as view:
        assert view.size == size
    assert record.outcome is ItemOutcome.REFUSED
    assert record.complaint is not None
    return record.complaint


def carried(message: pb.Submission) -> BatchSignature:
    return BatchSignature.parse(message.statement.signature)


def test_records_of_a_batch_are_logged_in_any_order_and_over_several_calls(ledger: Ledger, world: World) -> None:
    made = batch(world, 11)
    single = world.report("lender-1", "by itself")
    for part in (made[7:9], [single, made[0]], made[1:7][::-1], made[9:]):
        accept(ledger, *part)
    for again in (made, made[::-1]):
        assert {result.outcome for result in submit(ledger, *again).results} == {ItemOutcome.REPEATED}
    with ledger.view() as view:
        for message in made:
            index = view.version_index(Statement.parse(message.statement.payload).key, 1)
            assert index is not None
            leaf = parse_leaf(view.leaves_at([index])[index])
            assert isinstance(leaf, StatementLeaf)
            assert leaf.signature == message.statement.signature


def test_every_standing_and_kind_goes_under_one_signature(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "cured"), world.report("lender-1", "mistaken"))
    made = [
        world.report("lender-1", "cured", Standing.CURED),
        world.report("lender-1", "mistaken", Standing.WITHDRAWN),
        world.report("lender-1", "new", contract="LN7"),
        world.report(
            "lender-1",
            "judged",
            kind=Kind.JUDGMENT,
            person="person of new",
            contract="LN7",
            basis=world.key("lender-1", "new"),
        ),
    ]
    sign_together(made)
    accept(ledger, *made)


def test_one_record_of_a_batch_is_erased_and_the_others_stay_as_they_are(ledger: Ledger, world: World) -> None:
    made = batch(world, 4)
    accept(ledger, *made)
    world.erase(ledger, world.key("lender-1", "loan 1"))
    assert submit(ledger, made[1]).results[0].outcome is ItemOutcome.REPEATED
    accept(ledger, world.report("lender-1", "loan 2", Standing.CURED))
    assert [result.outcome for result in submit(ledger, *made).results] == [ItemOutcome.REPEATED] * 4


def test_a_batch_costs_one_check_of_a_signature(ledger: Ledger, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = batch(world, 40)
    checked: list[str] = []
    verify = dsse.verify

    def counting(form: str, payload: bytes, public_key: bytes, signature: bytes) -> None:
        checked.append(form)
        verify(form, payload, public_key, signature)

    monkeypatch.setattr(dsse, "verify", counting)
    submitting = Submitting(ledger)
    for start in range(0, 40, 10):
        sent = [Submission.of(message) for message in made[start : start + 10]]
        appended = submitting.enqueue(submitting.prepare("lender-1", sent)).result()
        assert {result.outcome for result in appended.results} == {ItemOutcome.ACCEPTED}
    assert checked == [dsse.STATEMENT_BATCH]


def test_a_batch_that_is_known_opens_no_way_around_the_paths(ledger: Ledger, world: World) -> None:
    made = batch(world, 5)
    submitting = Submitting(ledger)
    outsider = world.report("lender-1", "outsider")
    outsider.statement.signature = made[0].statement.signature
    sent = [Submission.of(message) for message in (made[0], outsider, made[1])]
    results = submitting.enqueue(submitting.prepare("lender-1", sent)).result().results
    assert [result.outcome for result in results] == [
        ItemOutcome.ACCEPTED,
        ItemOutcome.REFUSED,
        ItemOutcome.ACCEPTED,
    ]


def signed_over(root: bytes, size: int, key: Ed25519Signer = OWN) -> bytes:
    payload = StatementBatch(REGISTRY, "lender-1", key.public_key.key_id, size, root).encode()
    return dsse.sign(key, dsse.STATEMENT_BATCH, payload)


def lies(world: World) -> Iterator[tuple[str, BatchSignature]]:
    """Batch signatures of ``loan 0`` that do not hold, with the rule that each breaks."""
    made = batch(world, 5)
    others = batch(world, 5, "other")
    honest = carried(made[0])
    root = honest.batch(Statement.parse(made[0].statement.payload), made[0].statement.payload, b"").root
    size, index, path, signature = honest.size, honest.index, honest.path, honest.signature
    yield "batch-signature.size", BatchSignature(1, 0, path, signature)
    yield "batch-signature.size", BatchSignature(0, 0, path, signature)
    yield "batch-signature.size", BatchSignature(65_537, index, path, signature)
    yield "batch-signature.index", BatchSignature(size, size, path, signature)
    yield "batch-signature.path", BatchSignature(size, index, path[:-1], signature)
    yield "batch-signature.path", BatchSignature(size, index, (*path, path[0]), signature)
    yield "batch-signature.invalid", BatchSignature(size, index, path, signed_over(seed("another root"), size))
    yield "batch-signature.invalid", BatchSignature(size, index, path, signed_over(root, size + 1))
    yield "batch-signature.invalid", BatchSignature(size, index, path, carried(others[0]).signature)
    yield "batch-signature.invalid", carried(others[0])
    yield "batch-signature.invalid", carried(made[1])


def test_what_does_not_hold_together_is_refused_by_name(ledger: Ledger, world: World) -> None:
    told = [rule for rule, _ in lies(World())]
    world_of_lies = World()
    for rule, lie in lies(world_of_lies):
        message = World().report("lender-1", "loan 0")
        message.statement.signature = lie.encode()
        refusal = refused(ledger, message)
        assert (refusal.reason, refusal.field, refusal.rule) == ("SIGNATURE_INVALID", "signature", rule)
        assert refusal.got
        assert refusal.want
    assert len(set(told)) == 4
    accept(ledger, *batch(world, 5))


def test_a_wrong_count_of_the_right_length_is_refused(ledger: Ledger, world: World) -> None:
    made = batch(world, 5)
    for message in made:
        honest = carried(message)
        for size in (6, 7, 8):
            changed = BatchSignature(size, honest.index, honest.path, honest.signature)
            message.statement.signature = changed.encode()
            assert refused(ledger, message).rule in ("batch-signature.path", "batch-signature.invalid")


def test_a_statement_twice_in_one_tree_is_logged_once(ledger: Ledger, world: World) -> None:
    message, other = world.report("lender-1", "twice"), world.report("lender-1", "other")
    payloads = [message.statement.payload, message.statement.payload, other.statement.payload]
    leaves = [leaf_hash(dsse.pae(dsse.STATEMENT, payload)) for payload in payloads]
    tree = MemoryTree(leaves)
    signature = signed_over(tree.root(), 3)
    first, second = (
        BatchSignature(3, index, tuple(tree.inclusion_proof(index, 3)), signature).encode() for index in (0, 1)
    )
    message.statement.signature = first
    accept(ledger, message)
    message.statement.signature = second
    (result,) = submit(ledger, message).results
    assert result.complaint is not None
    assert (result.complaint.reason, result.complaint.rule) == ("VERSION_TAKEN", "version.signed-once")
    assert result.complaint.field == "statement.signature"
    assert result.stored_leaf
    message.statement.signature = first
    assert submit(ledger, message).results[0].outcome is ItemOutcome.REPEATED


def test_what_is_logged_is_not_taken_again_by_itself(ledger: Ledger, world: World) -> None:
    made = batch(world, 2)
    accept(ledger, *made)
    made[0].statement.signature = dsse.sign(OWN, dsse.STATEMENT, made[0].statement.payload)
    assert refused(ledger, made[0]).rule == "version.signed-once"


def test_a_batch_by_a_key_of_another_usage_is_refused(ledger: Ledger, world: World) -> None:
    made = [world.report("lender-1", f"loan {number}") for number in range(2)]
    sign_together(made, signer("lender-1 INQUIRE"))
    assert refused(ledger, made[0]).reason == "KEY_USAGE"


def test_a_batch_by_a_key_of_another_lender_is_refused(ledger: Ledger, world: World) -> None:
    made = [world.report("lender-1", f"loan {number}") for number in range(2)]
    sign_together(made, signer("lender-2 REPORT"))
    assert refused(ledger, made[0]).reason in ("KEY_OF_ANOTHER", "KEY_UNKNOWN")


def test_what_is_left_of_a_batch_counts_no_more_once_its_key_has_ended(ledger: Ledger, world: World) -> None:
    made = batch(world, 3)
    accept(ledger, made[0])
    world.decide(ledger, KeyEndBody("lender-1", OWN.public_key.key_id))
    assert refused(ledger, made[1]).reason == "KEY_RANGE"
    assert submit(ledger, made[0]).results[0].outcome is ItemOutcome.REPEATED


def test_one_lender_cannot_send_what_another_has_signed(ledger: Ledger, world: World) -> None:
    assert refused(ledger, batch(world, 2)[0], peer="lender-2").reason == "PEER_MISMATCH"
