"""The follower takes every act that counts, believes none that does not, and never goes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2, proposal_pb2
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.errors import VerificationError
from client_sdk.following import ContradictionError, DirectoryFollower, DirectoryView, LogMemory
from client_sdk.kernel.formats.act import InstitutionBody, KeyEndBody, RulebookBody, StateBody
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, institution_key, state_value
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from tests.support.handmade_log import signer
from tests.support.logbook import Logbook, LogbookRegistry

if TYPE_CHECKING:
    from client_sdk.following.core import Request, Response


LOG_KEY = Logbook(lenders=()).trust_root.log_key


def answer(registry: LogbookRegistry, request: Request) -> Response:
    if isinstance(request, proposal_pb2.ListActsRequest):
        return registry.list_acts(request)
    return registry.directory_proof(request)


def run(follower: DirectoryFollower, registry: LogbookRegistry) -> DirectoryView:
    steps = follower.advance()
    try:
        request = next(steps)
        while True:
            request = steps.send(answer(registry, request))
    except StopIteration as end:
        view: DirectoryView = end.value
        return view


@pytest.fixture
def log() -> Logbook:
    return Logbook()


@pytest.fixture
def registry(log: Logbook) -> LogbookRegistry:
    return LogbookRegistry(log)


@pytest.fixture
def follower(log: Logbook) -> DirectoryFollower:
    return DirectoryFollower(log.trust_root)


def refused(follower: DirectoryFollower, registry: LogbookRegistry) -> VerificationError:
    before, known = follower.view, follower.checkpoint
    with pytest.raises(VerificationError) as caught:
        run(follower, registry)
    assert follower.view is before
    assert known is None or follower.checkpoint is not None
    return caught.value


def test_before_the_first_round_there_is_no_directory(follower: DirectoryFollower) -> None:
    assert follower.view is None
    assert follower.checkpoint is None
    assert follower.as_of_ms == 0
    with pytest.raises(VerificationError) as caught:
        _ = follower.directory
    assert caught.value.rule == "directory.followed"


def test_the_first_round_reads_everything_from_genesis(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    view = run(follower, registry)
    assert view.directory == log.state.directory
    assert follower.directory is view.directory
    assert follower.as_of_ms == view.as_of_ms == log.logged_at
    assert view.checkpoint.size == len(log.leaves)
    assert [act.index for act in view.acts] == [act.index for act in log.acts()]


def test_a_round_without_news_asks_one_question(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    log.commit()
    registry.asked.clear()
    view = run(follower, registry)
    assert registry.asked == ["GetDirectoryProofRequest"]
    assert view.checkpoint.size == len(log.leaves)


def test_later_acts_are_fetched_alone_and_held_against_the_map(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.act(KeyEndBody("lender-2", signer("lender-2 INQUIRE").public_key.key_id))
    log.act(RulebookBody(Rulebook(daily_inquire_evaluations=7)))
    log.commit()
    registry.asked.clear()
    directory = run(follower, registry).directory
    assert directory.institution("lender-1").status is InstitutionStatus.SUSPENDED
    assert directory.rulebook.daily_inquire_evaluations == 7
    assert directory == log.state.directory
    # Three acts are two pages; then the two institutions that they changed.
    assert registry.asked == ["GetDirectoryProofRequest", *["ListActsRequest"] * 2, "GetDirectoryProofRequest"]


def test_more_institutions_than_one_proof_covers(follower: DirectoryFollower) -> None:
    log = Logbook(lenders=[f"lender-{number:03}" for number in range(120)])
    registry = LogbookRegistry(log)
    follower = DirectoryFollower(log.trust_root)
    assert len(run(follower, registry).directory.institutions) == 123
    assert registry.asked.count("GetDirectoryProofRequest") == 3


def test_an_act_after_the_checkpoint_waits(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    steps = follower.advance()
    proof = registry.directory_proof(next(steps))  # type: ignore[arg-type]  # the first request is for a proof
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.commit()
    with pytest.raises(StopIteration):
        steps.send(proof)
    assert follower.directory.institution("lender-1").status is InstitutionStatus.ACTIVE
    assert run(follower, registry).directory.institution("lender-1").status is InstitutionStatus.SUSPENDED


def test_another_genesis_is_refused(log: Logbook, registry: LogbookRegistry) -> None:
    root = replace(log.trust_root, genesis=bytes(32))
    assert refused(DirectoryFollower(root), registry).rule == "acts.genesis"


def test_a_checkpoint_of_another_key_is_refused(log: Logbook, registry: LogbookRegistry) -> None:
    other = replace(log.trust_root.log_keys[0], public_key=signer("another log").public_key.raw)
    error = refused(DirectoryFollower(replace(log.trust_root, log_keys=(other,))), registry)
    assert error.part == "checkpoint"


def test_a_withheld_act_is_noticed(log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower) -> None:
    run(follower, registry)
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.commit()
    registry.acts = log.acts()[:-1]
    assert refused(follower, registry).rule == "acts.complete"
    registry.acts = None
    assert run(follower, registry).directory.institution("lender-1").status is InstitutionStatus.SUSPENDED


def test_a_map_that_hides_an_act_is_noticed(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    before = log.state.directory.state
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.lies[REGISTRY_KEY] = state_value(before.encode())
    registry.registry_state = before
    log.commit()
    assert refused(follower, registry).rule == "directory.newest-act"


def test_a_map_that_shows_an_institution_otherwise_is_noticed(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    lie = log.state.directory.institution("lender-1")
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.lies[institution_key("lender-1")] = state_value(lie.encode())
    registry.institutions["lender-1"] = lie
    log.commit()
    assert refused(follower, registry).rule == "directory.institution"


def test_a_map_that_shows_another_registry_state_is_noticed(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    lie = replace(log.state.directory.state, threshold=1)
    log.lies[REGISTRY_KEY] = state_value(lie.encode())
    registry.registry_state = lie
    log.commit()
    assert refused(follower, registry).rule == "directory.registry"


def test_an_act_below_the_threshold_counts_nowhere(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    body = InstitutionBody(log.enrolment("intruder", (Role.LENDER,), KeyUsage.REPORT))
    act = log.next_act(body)
    lie = replace(log.state.directory.state, act_number=act.number)
    log.leaves.append(log.act_leaf(act, log.administrators[:1]))
    log.lies[REGISTRY_KEY] = state_value(lie.encode())
    registry.registry_state = lie
    log.commit()
    assert refused(follower, registry).rule == "act.threshold"
    assert "intruder" not in follower.directory.institutions


def test_an_act_that_its_signer_did_not_sign(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    acts = log.acts()
    broken = bytearray(acts[1].leaf)
    broken[-1] ^= 1
    registry.acts = [acts[0], evidence_pb2.IndexedLeaf(index=acts[1].index, leaf=bytes(broken)), *acts[2:]]
    assert refused(follower, registry).rule == "act.signature"


@pytest.mark.parametrize("index", [0, 10**6])
def test_an_act_at_a_place_where_it_cannot_be(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower, index: int
) -> None:
    acts = log.acts()
    registry.acts = [acts[0], evidence_pb2.IndexedLeaf(index=index, leaf=acts[1].leaf), *acts[2:]]
    assert refused(follower, registry).rule == "acts.place"


def test_a_leaf_that_is_no_act(log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower) -> None:
    registry.acts = [evidence_pb2.IndexedLeaf(index=1, leaf=log.leaves[1])]
    assert refused(follower, registry).rule == "acts.leaf"


def test_an_older_log_is_a_rollback_with_both_notes(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    note = run(follower, registry).note
    del log.leaves[-1]
    error = refused(follower, registry)
    assert isinstance(error, ContradictionError)
    assert error.rule == "log.rollback"
    assert (error.known, error.shown) == (note, log.checkpoint())


def test_another_history_of_the_same_size_is_a_fork(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    del log.leaves[-1]
    log.commit(log.logged_at + 1)
    error = refused(follower, registry)
    assert isinstance(error, ContradictionError)
    assert error.rule == "log.fork"
    assert error.known != error.shown


def test_another_history_that_is_longer_is_a_fork(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    del log.leaves[-1]
    log.commit(log.logged_at + 1)
    log.commit(log.logged_at + 2)
    assert isinstance(refused(follower, registry), ContradictionError)


def test_what_was_signed_once_counts_although_its_round_failed(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    run(follower, registry)
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.commit()
    registry.acts = log.acts()[:-1]
    refused(follower, registry)
    del log.leaves[-2:]
    log.commit(log.logged_at + 1)
    registry.acts = None
    assert isinstance(refused(follower, registry), ContradictionError)


def test_a_restored_follower_goes_on_where_it_was(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    view = run(follower, registry)
    again = DirectoryFollower(log.trust_root)
    assert again.restore(view.proof, view.acts).directory == view.directory
    log.commit()
    registry.asked.clear()
    run(again, registry)
    assert registry.asked == ["GetDirectoryProofRequest"]


def test_a_restored_follower_refuses_a_rollback(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    view = run(follower, registry)
    again = DirectoryFollower(log.trust_root)
    again.restore(view.proof, view.acts)
    del log.leaves[-1]
    assert isinstance(refused(again, registry), ContradictionError)


def test_nothing_is_restored_without_all_acts(
    log: Logbook, registry: LogbookRegistry, follower: DirectoryFollower
) -> None:
    view = run(follower, registry)
    with pytest.raises(VerificationError):
        DirectoryFollower(log.trust_root).restore(view.proof, view.acts[:-1])


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_whatever_is_shown_a_memory_takes_it_or_raises_one_error(note: bytes, consistency: bytes) -> None:
    memory = LogMemory(LOG_KEY)
    with pytest.raises(VerificationError):
        memory.advance(note, consistency)
    assert memory.newest is None
