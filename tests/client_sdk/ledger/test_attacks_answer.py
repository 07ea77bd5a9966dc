"""What a registry tries that holds the log's key, alone or with one member, and what the verifier says to it.

The registry may sign any checkpoint over any leaves and any map. It holds no member's and no administrator's key; a
dishonest member lends it its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.formats import canonical, dsse
from client_sdk.formats.act import (
    Act,
    AdministratorsBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    RulebookBody,
    StateBody,
    grant_key,
)
from client_sdk.formats.checkpoint import parse_checkpoint
from client_sdk.formats.encoding import leaf_hash
from client_sdk.formats.errors import FormatError
from client_sdk.formats.leaf import TIME_END_MS, ActLeaf, Approval, LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.formats.state import AdministratorAct, Rulebook, Succession
from client_sdk.formats.statement import RecordKey, Statement
from client_sdk.formats.words import AnnotationFlag, InstitutionStatus, KeyUsage, LapseKind, Role, Standing
from client_sdk.ledger.answer import Verifier
from client_sdk.ledger.examination import LiveBinding, check_log
from client_sdk.rules.errors import RuleError
from tests.support.handmade_evidence import AnsweringRegistry, pseudonym
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, signer

if TYPE_CHECKING:
    from client_sdk.ledger.answer import VerifiedAnswer


@pytest.fixture
def log() -> HandmadeLog:
    """Three lenders, and a record of lender-1 about a listed person."""
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    assert not log.complaints
    return log


def check(log: HandmadeLog, evidence: pb.Evidence) -> VerifiedAnswer:
    """Verify as a file and as an answer; both must agree."""
    answer = Verifier(log.trust_root).verify_file(canonical.encode(evidence))
    assert Verifier(log.trust_root).check(evidence) == answer
    return answer


def refused(log: HandmadeLog, evidence: pb.Evidence) -> FormatError:
    """Verify what must not verify."""
    with pytest.raises(FormatError) as caught:
        Verifier(log.trust_root).verify_file(canonical.encode(evidence))
    return caught.value


def forge(
    log: HandmadeLog,
    registry: AnsweringRegistry,
    issuer: str,
    name: str,
    person: str,
    standing: Standing = Standing.OPEN,
    *,
    by: str,
    **changes: object,
) -> None:
    """Log a version that replay need not allow, signed with that key, and show it as live."""
    statement = log.statement(issuer, name, standing, person, **changes)
    index = log.log_statement(statement, log.secret(name, statement.version, person)[0], signer(by))
    secret = log.secrets[statement.subject_commitment]
    shown = pb.LiveRecord(index=index, leaf=log.leaves[index], opening=secret.opening, disclosure=secret.disclosure)
    registry.records.setdefault(secret.subject, []).append(shown)


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
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
    registry = AnsweringRegistry(log)
    registry.records.clear()
    forge(log, registry, "lender-1", "debt", "listed", standing, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "listed")).rule == "record.signer"


def test_a_successor_ends_what_its_predecessor_reported(log: HandmadeLog) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
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
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
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


def test_what_a_former_successor_signed_still_counts(log: HandmadeLog) -> None:
    log.say("lender-1", "other", subject="another")
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
    log.say("lender-1", "debt", Standing.CURED, "listed", signer="lender-3")
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-2"))
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
    del listed.records[:]
    assert refused(log, evidence).part == "map proof of the subject"
    listed.proof.CopyFrom(clear.proof)
    assert refused(log, evidence).part == "map proof of the subject"
    listed.CopyFrom(clear)
    assert refused(log, evidence).rule == "commitment.opens"


def test_neighbours_do_not_prove_absence(log: HandmadeLog) -> None:
    evidence = AnsweringRegistry(log).answer("lender-2", "listed")
    answer = evidence.persons[0].subjects[0]
    del answer.records[:]
    for other in evidence.institutions:
        answer.proof.CopyFrom(other.proof)
        assert refused(log, evidence).part == "map proof of the subject"


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


# Administrators


def other_administrators(log: HandmadeLog) -> AdministratorsBody:
    """Three new ones in the place of the old."""
    names = ("board-1", "board-2", "board-3")
    enrolments = tuple(log.enrolment(name, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for name in names)
    return AdministratorsBody(enrolments, names, 2)


def newcomer(log: HandmadeLog) -> InstitutionBody:
    return InstitutionBody(log.enrolment("lender-4", (Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.REPORT))


def change_administrators(log: HandmadeLog) -> None:
    old, new = log.administrators[:2], ("board-1", "board-2")
    log.act(other_administrators(log), by=(*old, *new))
    log.administrators = new


def test_a_change_of_administrators_is_followed(log: HandmadeLog) -> None:
    change_administrators(log)
    log.act(newcomer(log))
    log.head()
    assert not log.complaints
    check(log, AnsweringRegistry(log).answer("lender-4", "listed"))


def test_a_change_of_administrators_cannot_be_hidden(log: HandmadeLog) -> None:
    change_administrators(log)
    log.act(newcomer(log))
    registry = AnsweringRegistry(log)
    genesis, change = registry.state.administrator_acts
    registry.state = replace(registry.state, administrator_acts=(genesis,))
    assert refused(log, registry.answer("lender-4", "listed")).rule == "formats-6.act-key"
    # Named, and not shown.
    registry.state = replace(registry.state, administrator_acts=(genesis, change))
    evidence = registry.answer("lender-4", "listed")
    evidence.acts[:] = [leaf for leaf in evidence.acts if leaf_hash(leaf) != change.leaf_hash]
    assert refused(log, evidence).rule == "acts.needed"


def test_administrators_are_those_that_the_acts_make(log: HandmadeLog) -> None:
    for changes in ({"administrators": ("admin-1", "admin-2")}, {"threshold": 3}, {"trial": True}):
        registry = AnsweringRegistry(log)
        registry.state = replace(registry.state, **changes)
        assert refused(log, registry.answer("lender-2", "clear")).rule == "acts.administration"


def test_former_administrators_give_no_key_any_more(log: HandmadeLog) -> None:
    former = log.administrators[:2]
    change_administrators(log)
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    leaf = log.act_leaf(log.next_act(newcomer(log)), former)
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    assert refused(log, registry.answer("lender-4", "clear")).rule == "formats-6.act-key"


def test_the_registry_cannot_enrol_a_member_of_its_own(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    invented = HandmadeLog(administrators=("mole-1", "mole-2", "mole-3"), lenders=("lender-4",))
    state = invented.state.directory.institutions["lender-4"]
    registry.institutions["lender-4"] = state
    assert refused_with_acts(log, registry, invented, "lender-4").rule == "formats-6.act-key"


def refused_with_acts(log: HandmadeLog, registry: AnsweringRegistry, other: HandmadeLog, asker: str) -> FormatError:
    registry.acts |= {leaf_hash(leaf): leaf for leaf in other.leaves}
    return refused(log, registry.answer(asker, "clear"))


def test_an_act_of_another_registry_gives_nothing_here(log: HandmadeLog) -> None:
    # The same administrators with the same keys run a second registry.
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    act = replace(log.next_act(newcomer(log)), registry="other.example")
    leaf = log.act_leaf(act, log.administrators[:2])
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    registry.newest_act = place
    assert refused(log, registry.answer("lender-4", "clear")).rule == "acts.registry"


def test_acts_that_follow_one_another_are_chained(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    # Signed by the administrators for a log that went another way: it follows no act of this one.
    act = replace(log.next_act(newcomer(log)), previous=bytes(32))
    leaf = log.act_leaf(act, log.administrators[:2])
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    registry.newest_act = place
    # The map names as newest another act, or this one with an older number.
    assert refused(log, registry.answer("lender-4", "clear")).rule == "acts.newest"
    registry.state = replace(registry.state, act_number=act.number, act_hash=leaf_hash(leaf))
    forge(log, registry, "lender-3", "own", "victim", by="lender-3 REPORT")
    assert refused(log, registry.answer("lender-4", "victim")).rule == "acts.chain"


def test_an_act_has_one_place(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    state = registry.institutions["lender-1"]
    key = signer("lender-1 INQUIRE").public_key.key_id
    keys = tuple(replace(held, first=held.first - 1) if held.key_id == key else held for held in state.keys)
    registry.institutions["lender-1"] = replace(state, keys=keys)
    assert refused(log, registry.answer("lender-1", "listed")).rule == "acts.place"


def test_an_administrator_whom_nobody_enrolled_is_refused(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    body = AdministratorsBody((), ("admin-1", "admin-2", "nobody"), 2)
    leaf = log.act_leaf(log.next_act(body), log.administrators[:2])
    log.leaves.append(leaf)
    changed = AdministratorAct(place, leaf_hash(leaf))
    registry.state = replace(registry.state, administrator_acts=(*registry.state.administrator_acts, changed))
    registry.acts[leaf_hash(leaf)] = leaf
    registry.newest_act = place
    refused(log, registry.answer("lender-2", "clear"))


def test_the_registry_cannot_shrink_the_threshold(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    for body in (
        AdministratorsBody((), ("admin-1", "admin-2", "admin-3"), 0),
        AdministratorsBody((), ("admin-1",), 1),
    ):
        payload = replace(log.next_act(body)).encode()
        forged = signer("log")
        approval = Approval(forged.public_key.key_id, dsse.sign(forged, dsse.ACT, payload))
        leaf = ActLeaf(log.logged_at, payload, (approval,)).encode()
        changed = AdministratorAct(place, leaf_hash(leaf))
        genesis = registry.state.administrator_acts[:1]
        registry.state = replace(registry.state, administrator_acts=(*genesis, changed))
        registry.acts[leaf_hash(leaf)] = leaf
        registry.newest_act = place
        refused(log, registry.answer("lender-2", "clear"))


def test_a_key_act_gives_its_key_to_its_institution_alone(log: HandmadeLog) -> None:
    grant = grant_key(REGISTRY, "lender-1", signer("second"), KeyUsage.REPORT, signer("lender-1 REPORT"))
    place = log.act(KeyGrantBody("lender-1", grant))
    log.say("lender-1", "debt", subject="listed", by=signer("second"))
    assert not log.complaints
    check(log, AnsweringRegistry(log).answer("lender-2", "listed"))
    # The map says that the same act gave it for another use.
    registry = AnsweringRegistry(log)
    state = registry.institutions["lender-1"]
    wrong = [replace(key, usage=KeyUsage.INQUIRE) if key.first == place else key for key in state.keys]
    registry.institutions["lender-1"] = replace(state, keys=tuple(wrong))
    assert refused(log, registry.answer("lender-1", "clear", by=signer("second"))).rule == "acts.give"


# Annotations


def restricted(log: HandmadeLog, days: int = 21) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(days * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)


def test_a_lapse_shows_what_it_rests_on(log: HandmadeLog) -> None:
    restricted(log)
    assert not log.complaints
    answer = check(log, AnsweringRegistry(log).answer("lender-3", "listed"))
    shown = answer.persons[0].records[0].annotation
    assert shown is not None
    assert shown.flags == (AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED)


def test_a_lapse_before_its_time_is_refused(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(20 * DAY_MS)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.early"


def _show_lapse(log: HandmadeLog, shown: AnsweringRegistry, **changes: object) -> None:
    """Show a lapse that replay refuses, after the annotations so far."""
    index = log.lapse("lender-1", "debt", LapseKind.RESTRICTED, **changes)
    shown.records[pseudonym("listed")][0].annotations.append(shown.annotation(index))


def test_a_lapse_of_another_registry_is_refused(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(30 * DAY_MS)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry, registry="other.example")
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.registry"


def test_an_annotation_of_another_registry_is_refused(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    index = log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.RESTRICTED, registry="other.example")
    registry.records[pseudonym("listed")][0].annotations.append(registry.annotation(index))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.registry"


def test_the_last_time_of_all_is_a_day(log: HandmadeLog) -> None:
    # The registry's time zone is ahead of UTC, and a period follows: never an error of another kind.
    log.logged_at = TIME_END_MS - 1
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.early"


@pytest.mark.parametrize("logged_at", [TIME_END_MS, 253_402_300_799_000, 2**64 - 1])
def test_times_past_every_calendar_are_refused(log: HandmadeLog, logged_at: int) -> None:
    with pytest.raises(FormatError):
        parse_leaf(replace(parse_leaf(log.leaves[-1]), logged_at=logged_at).encode())


def test_a_lapse_rests_on_the_rulebook_of_the_registry(log: HandmadeLog) -> None:
    restricted(log)
    evidence = AnsweringRegistry(log).answer("lender-3", "listed")
    evidence.rulebook = Rulebook(dispute_days=1).encode()
    assert refused(log, evidence).rule == "rulebook.digest"
    evidence.rulebook = b""
    assert refused(log, evidence).rule == "annotation.lapse"


def test_an_answered_dispute_does_not_lapse(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(DAY_MS)
    log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(30 * DAY_MS)
    registry = AnsweringRegistry(log)
    first, second = log.leaves[-2:], registry.records[pseudonym("listed")][0]
    assert len(first) == len(second.annotations) + 1
    second.annotations.insert(0, registry.annotation(len(log.leaves) - 2))
    _show_lapse(log, registry)
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.answered"


def test_a_link_of_the_chain_is_not_left_out(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.annotate("lender-1", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "debt", LapseKind.RESTRICTED)
    assert not log.complaints
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-3", "listed"))
    registry.records[pseudonym("listed")][0].annotations.insert(0, registry.annotation(len(log.leaves) - 4))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.chain"


def test_a_lapse_signed_by_nobody_cannot_stand_alone(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    _show_lapse(log, registry, number=1, previous=b"")
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.lapse"


def test_an_erasing_lapse_is_no_annotation(log: HandmadeLog) -> None:
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    registry = AnsweringRegistry(log)
    index = log.lapse("lender-1", "debt", LapseKind.ERASED)
    assert isinstance(parse_leaf(log.leaves[index]), LapseLeaf)
    registry.records[pseudonym("listed")][0].annotations.append(registry.annotation(index))
    assert refused(log, registry.answer("lender-3", "listed")).rule == "annotation.lapse"


# Acts that nobody must follow


@pytest.mark.parametrize(
    "origin", ["other.example/log/1", f"{REGISTRY}/log/", f"{REGISTRY}/log/01", f"{REGISTRY}log/1"]
)
def test_a_log_is_named_after_its_registry(origin: str) -> None:
    genesis = Act.parse(leaf_of(HandmadeLog(lenders=()), 0).payload)
    assert isinstance(genesis.body, GenesisBody)
    (key,) = genesis.body.log_keys
    body = replace(genesis.body, log_keys=(replace(key, origin=origin),))
    with pytest.raises(FormatError):
        Act.parse(replace(genesis, body=body).encode())


def leaf_of(log: HandmadeLog, index: int) -> ActLeaf:
    leaf = parse_leaf(log.leaves[index])
    assert isinstance(leaf, ActLeaf)
    return leaf


def test_no_rulebook_exceeds_the_law(log: HandmadeLog) -> None:
    for rulebook in (Rulebook(dispute_days=21), Rulebook(retention_years=6), Rulebook(dispute_days=2**32 - 1)):
        with pytest.raises(FormatError):
            Act.parse(log.next_act(RulebookBody(rulebook)).encode())


def test_a_rulebook_names_a_time_zone_that_there_is(log: HandmadeLog) -> None:
    log.act(RulebookBody(Rulebook(time_zone="Mars/Olympus")))
    (complaint,) = log.complaints
    assert isinstance(complaint[1], RuleError)
    assert complaint[1].rule == "time-zone.known"
    assert log.state.directory.rulebook == Rulebook()


def test_only_a_key_act_is_endorsed(log: HandmadeLog) -> None:
    lender = log.enrolment("lender-9", (Role.LENDER,), KeyUsage.REPORT)
    keys = (replace(lender.keys[0], endorser=bytes(32), endorsement=bytes(64)),)
    with pytest.raises(FormatError):
        Act.parse(log.next_act(InstitutionBody(replace(lender, keys=keys))).encode())


@pytest.mark.parametrize("date", ["2031-02-30", "2031-2-3", "20310203", "2031-W05-1", "2031-02-03T00:00"])
def test_a_date_is_a_day_that_there_is(log: HandmadeLog, date: str) -> None:
    statement = log.statement("lender-1", "debt", Standing.CURED, "listed", retain_until=date)
    with pytest.raises(FormatError):
        Statement.parse(statement.encode())


@pytest.mark.parametrize("logged_at", [TIME_END_MS - 1, TIME_END_MS, 2**63, 2**64 - 1])
def test_an_auditor_survives_any_time(log: HandmadeLog, logged_at: int) -> None:
    log.say("lender-1", "debt", Standing.CURED, "listed")
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    honest = parse_leaf(log.leaves[log.head()])
    log.replace_last(replace(honest, logged_at=logged_at).encode())
    bindings = [LiveBinding(*binding) for binding in log.bindings()]
    checkpoint = parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint
    assert len(check_log(log.leaves, bindings, checkpoint, log.inquiries, genesis=log.trust_root.genesis))
