"""What a registry tries that holds the log's key, alone or with one member, and what the verifier says to it.

The registry may sign any checkpoint over any leaves and any map. It holds no member's and no administrator's key; a
dishonest member lends it its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk._protocol.evidence_cut import cut_evidence
from client_sdk.kernel.formats.act import (
    KeyEndBody,
    StateBody,
    SuccessionBody,
)
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, institution_key, subject_key
from client_sdk.kernel.formats.state import Succession
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import InstitutionStatus, Standing
from client_sdk.kernel.ledger.shown import shown_entries
from tests.support.attacks import check, forge, listed_log, refused
from tests.support.handmade_evidence import AnsweringRegistry, pseudonym
from tests.support.handmade_log import HandmadeLog, record_id, signer


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


def test_honest_answers_verify(log: HandmadeLog) -> None:
    answer = check(log, AnsweringRegistry(log).answer("lender-2", "listed", "clear"))
    assert [person.listed for person in answer.persons] == [True, False]
    assert answer.persons[0].records[0].statement.issuer == "lender-1"
    assert not answer.persons[0].records[0].contested


# Who speaks


def test_a_member_cannot_speak_for_another_although_the_map_gives_it_the_key(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    theirs, own = registry.institutions["lender-1"], registry.institutions["lender-3"]
    key = own.key(signer("lender-3 REPORT").public_key.key_id)
    assert key is not None
    keys = tuple(sorted((*theirs.keys, key), key=lambda held: held.key_id))
    registry.institutions["lender-1"] = replace(theirs, keys=keys)
    forge(log, registry, "lender-1", "invented", "victim", by="lender-3 REPORT")
    assert refused(log, registry.answer("lender-2", "victim")).rule == "acts.give"
    # The same key stands beside it as the owner's own: one proof must not do for both.
    forge(log, registry, "lender-3", "own", "victim", by="lender-3 REPORT")
    assert refused(log, registry.answer("lender-2", "victim")).rule == "acts.give"
    assert refused(log, registry.answer("lender-3", "victim")).rule == "acts.give"


@pytest.mark.parametrize("standing", [Standing.OPEN, Standing.ARRANGED])
def test_a_successor_cannot_accuse(log: HandmadeLog, standing: Standing) -> None:
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    registry = AnsweringRegistry(log)
    registry.records.clear()
    forge(log, registry, "lender-1", "debt", "listed", standing, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "listed")).rule == "record.signer"


def test_a_successor_ends_what_its_predecessor_reported(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    log.say("lender-1", "debt", Standing.CURED, "listed", signer="lender-3")
    assert not log.complaints
    answer = check(log, AnsweringRegistry(log).answer("lender-2", "listed"))
    assert answer.persons[0].records[0].statement.signer == "lender-3"


def test_a_successor_that_no_act_named_says_nothing(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    registry.records.clear()
    own = registry.institutions["lender-3"].keys[0]
    # The map says that lender-1 is terminated and that the act that enrolled lender-3 named it as successor.
    invented = Succession("lender-3", own.first, own.act_hash)
    registry.institutions["lender-1"] = replace(
        registry.institutions["lender-1"], status=InstitutionStatus.TERMINATED, successions=(invented,)
    )
    forge(log, registry, "lender-1", "debt", "listed", Standing.CURED, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "listed")).rule == "acts.give"


def test_a_successor_is_the_successor_of_whom_the_act_says(log: HandmadeLog) -> None:
    log.say("lender-2", "theirs", subject="victim")
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    registry = AnsweringRegistry(log)
    registry.records.clear()
    # The same act is said to have named it for lender-2 too.
    registry.institutions["lender-2"] = replace(
        registry.institutions["lender-2"],
        status=InstitutionStatus.TERMINATED,
        successions=registry.institutions["lender-1"].successions,
    )
    forge(log, registry, "lender-2", "theirs", "victim", Standing.CURED, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-3", "victim")).rule == "acts.give"


def test_evidence_that_is_cut_keeps_the_successor_where_it_signed(log: HandmadeLog) -> None:
    log.say("lender-2", "other", subject="another")
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    log.say("lender-1", "debt", Standing.CURED, "listed", signer="lender-3")
    log.head()
    evidence = AnsweringRegistry(log).answer("lender-2", "listed", "another", "clear")
    check(log, evidence)
    acts = []
    for position in range(3):
        cut = pb.Evidence.FromString(cut_evidence(evidence, position, len(log.leaves) + 1))
        (person,) = check(log, cut).persons
        assert person.position == position
        acts.append(len(cut.acts))
    # The succession and lender-3; neither; nobody but the asker.
    assert acts == [3, 1, 1]


def test_what_a_former_successor_signed_still_counts(log: HandmadeLog) -> None:
    log.say("lender-1", "other", subject="another")
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    log.say("lender-1", "debt", Standing.CURED, "listed", signer="lender-3")
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.head()
    assert not log.complaints
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-2", "listed"))
    # From that act on it is another's to speak.
    registry.records.clear()
    forge(log, registry, "lender-1", "other", "another", Standing.CURED, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "another")).rule == "record.signer"


def test_a_key_does_not_count_outside_its_range(log: HandmadeLog) -> None:
    key = signer("lender-1 REPORT").public_key.key_id
    reported = log.state.chains[RecordKey("lender-1", record_id("debt"))].index
    for first, end in ((reported, 0), (1, reported), (reported + 1, 0)):
        registry = AnsweringRegistry(log)
        state = registry.institutions["lender-1"]
        keys = tuple(replace(held, first=first, end=end) if held.key_id == key else held for held in state.keys)
        registry.institutions["lender-1"] = replace(state, keys=keys)
        assert refused(log, registry.answer("lender-2", "listed")).rule == "key.counts"


def test_what_a_key_signed_after_its_end_does_not_count(log: HandmadeLog) -> None:
    key = signer("lender-1 REPORT")
    log.act(KeyEndBody("lender-1", key.public_key.key_id))
    registry = AnsweringRegistry(log)
    forge(log, registry, "lender-1", "late", "victim", by="lender-1 REPORT")
    assert refused(log, registry.answer("lender-2", "victim")).rule == "key.counts"


def test_a_contested_key_leaves_its_record_in_doubt(log: HandmadeLog) -> None:
    reported = log.state.chains[RecordKey("lender-1", record_id("debt"))].index
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id, reported))
    answer = check(log, AnsweringRegistry(log).answer("lender-2", "listed"))
    assert answer.persons[0].records[0].contested


def test_an_asker_that_is_suspended_gets_no_answer(log: HandmadeLog) -> None:
    log.act(StateBody("lender-2", InstitutionStatus.SUSPENDED))
    assert refused(log, AnsweringRegistry(log).answer("lender-2", "listed")).rule == "inquiry.asker"


# What is shown of a person


def test_a_listed_person_is_not_clear(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    evidence = registry.answer("lender-2", "listed", "clear")
    listed, clear = evidence.persons[0].subjects[0], evidence.persons[1].subjects[0]
    key = subject_key(listed.subject)
    value = shown_entries(evidence, ["lender-1", "lender-2"])[key]
    assert value is not None
    del listed.records[:], evidence.institutions[0]
    assert refused(log, evidence).part == "map proof"
    # The entry that proves the opposite, as if it were another one.
    evidence.map_proof.CopyFrom(registry.answer("lender-2", "clear").map_proof)
    assert refused(log, evidence).part == "map proof"
    evidence.map_proof.others += key + value
    assert refused(log, evidence).part == "map proof"
    listed.CopyFrom(clear)
    assert refused(log, evidence).rule == "commitment.opens"


def test_neighbours_do_not_prove_absence(log: HandmadeLog) -> None:
    evidence = AnsweringRegistry(log).answer("lender-2", "listed")
    honest = pb.MapProof()
    honest.CopyFrom(evidence.map_proof)
    key = subject_key(evidence.persons[0].subjects[0].subject)
    del evidence.persons[0].subjects[0].records[:], evidence.institutions[0]
    at = sorted([key, REGISTRY_KEY, institution_key("lender-2")]).index(key)
    for depth in range(256):
        # Nothing at all, or a made-up entry, in every place on the way to the person's own.
        for others in (b"", (int.from_bytes(key) ^ 1).to_bytes(32) + bytes(32)):
            evidence.map_proof.CopyFrom(honest)
            evidence.map_proof.depths = bytes((*honest.depths[:at], depth, *honest.depths[at + 2 :]))
            evidence.map_proof.others = others
            assert refused(log, evidence).part == "map proof"


def test_a_version_of_the_subject_keys_is_not_left_out(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    (services,) = registry.state.key_services
    both = (services, replace(services, subject_key_version=2))
    registry.state = replace(registry.state, key_services=both)
    assert refused(log, registry.answer("lender-2", "clear")).rule == "inquiry.versions"


def test_one_record_is_not_counted_twice(log: HandmadeLog) -> None:
    first = AnsweringRegistry(log).records[pseudonym("listed")][0]
    log.say("lender-1", "debt", subject="listed")
    registry = AnsweringRegistry(log)
    registry.records[pseudonym("listed")].insert(0, first)
    assert refused(log, registry.answer("lender-2", "listed")).rule == "records.once"


def test_a_continued_record_is_not_counted_beside_its_continuation(log: HandmadeLog) -> None:
    log.say("lender-1", "debt", Standing.TRANSFERRED, "listed", transferee="lender-2")
    old = AnsweringRegistry(log).records[pseudonym("listed")][0]
    log.say("lender-2", "bought", subject="listed", continues=RecordKey("lender-1", record_id("debt")))
    assert not log.complaints
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-3", "listed"))
    registry.records[pseudonym("listed")].insert(0, old)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "records.once"


def test_a_record_stands_before_the_head(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    for index in (len(log.leaves), len(log.leaves) + 1, 2**64 - 1):
        registry.records[pseudonym("listed")][0].index = index
        assert refused(log, registry.answer("lender-2", "listed")).rule == "record.place"


def test_a_record_about_somebody_else_is_not_shown(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    registry.records[pseudonym("victim")] = registry.records.pop(pseudonym("listed"))
    assert refused(log, registry.answer("lender-2", "victim")).rule == "record.binding"


@pytest.mark.parametrize("standing", [Standing.WITHDRAWN, Standing.SET_ASIDE])
def test_an_ended_record_is_not_shown(log: HandmadeLog, standing: Standing) -> None:
    registry = AnsweringRegistry(log)
    leaf = parse_leaf(registry.records[pseudonym("listed")][0].leaf)
    assert isinstance(leaf, StatementLeaf)
    ended = log.statement("lender-1", "debt", standing, "listed")
    registry.records[pseudonym("listed")][0].leaf = replace(leaf, payload=ended.encode()).encode()
    assert refused(log, registry.answer("lender-2", "listed")).rule == "record.live"


# Answers to other questions


def test_an_answer_is_not_one_to_another_inquiry(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    evidence = registry.answer("lender-2", "clear")
    evidence.inquiry.CopyFrom(registry.inquiry("lender-2", ["listed"]))
    assert refused(log, evidence).rule == "commitment.opens"
    evidence.inquiry.CopyFrom(registry.inquiry("lender-3", ["clear"]))
    assert refused(log, evidence).rule == "institutions.needed"
    evidence.inquiry.CopyFrom(registry.inquiry("lender-2", ["clear"], signer("lender-3 INQUIRE")))
    assert refused(log, evidence).rule == "key.counts"


def test_an_inquiry_is_not_signed_with_a_key_of_another_use(log: HandmadeLog) -> None:
    evidence = AnsweringRegistry(log).answer("lender-2", "clear", by=signer("lender-2 REPORT"))
    assert refused(log, evidence).rule == "key.counts"


def test_an_inquiry_that_was_changed_does_not_verify(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    evidence = registry.answer("lender-2", "clear")
    evidence.inquiry.payload = registry.inquiry("lender-2", ["clear", "clear"]).payload
    assert refused(log, evidence).rule == "signature.invalid"


def test_a_position_belongs_to_its_commitment(log: HandmadeLog) -> None:
    evidence = AnsweringRegistry(log).answer("lender-2", "listed", "clear")
    evidence.persons[0].position, evidence.persons[1].position = 1, 2
    assert refused(log, evidence).rule == "commitment.opens"
    evidence.persons[0].position, evidence.persons[1].position = 2, 3
    assert refused(log, evidence).rule == "inquiry.position"
