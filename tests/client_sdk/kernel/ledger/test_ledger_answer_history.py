"""What evidence proves of a log that has seen keys end, successors, lapses and new administrators."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk._protocol.evidence_cut import cut_evidence
from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.act import (
    AdministratorsBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    StateBody,
    SuccessionBody,
    grant_key,
)
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import TIME_END_MS, ActLeaf, Approval, LapseLeaf, parse_leaf
from client_sdk.kernel.formats.state import AdministratorAct, KeyService, KeyServices, Rulebook, Succession
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    LapseKind,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.administration import new_key
from client_sdk.kernel.ledger.answer import VerifiedAnswer, Verifier
from client_sdk.kernel.ledger.trust_root import TrustRoot
from tests.support.disputes import UNCONFIRMED
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, signer, voprf_key
from tests.support.lies import Forger, honest_log

GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"
ROOT = TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes())
EVIDENCE = {name: (GOLDEN / f"evidence-{name}.bin").read_bytes() for name in ("clear", "listed")}
# A part is named in words, such as "map proof".
PART = re.compile(r"[a-z][a-z_ -]*")
DISPUTED, RESTRICTED = AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED


def check(log: HandmadeLog, evidence: pb.Evidence) -> VerifiedAnswer:
    return Verifier(log.trust_root).check(evidence)


def refused(log: HandmadeLog, evidence: pb.Evidence) -> str:
    """The part that is named in the refusal."""
    with pytest.raises(FormatError) as caught:
        check(log, evidence)
    return caught.value.part


@pytest.fixture(scope="module")
def log() -> HandmadeLog:
    return honest_log()


# What only the registry's own keys can do, and cannot do either


def test_a_checkpoint_by_another_key_is_refused(log: HandmadeLog) -> None:
    evidence = make_evidence(log, "lender-3", ["nobody"])
    evidence.checkpoint = log.checkpoint(key=signer("another log"))
    assert refused(log, evidence) == "checkpoint"


def test_a_statement_that_nobody_signed_is_refused() -> None:
    log = honest_log()
    log.say("lender-1", "forged", by=Forger("lender-1 REPORT"))
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["person of forged"])) == "record"


def test_a_key_that_no_act_gave_is_refused() -> None:
    log = honest_log()
    directory = log.state.directory
    own, member = signer("the registry's own"), directory.institution("lender-1")
    granted = grant_key(REGISTRY, "lender-1", own, KeyUsage.REPORT)
    forged = new_key(granted, member.keys[0].first, member.keys[0].act_hash)
    keys = tuple(sorted((*member.keys, forged), key=lambda key: key.key_id))
    owners = {**directory.owners, forged.key_id: "lender-1"}
    institutions = {**directory.institutions, "lender-1": replace(member, keys=keys)}
    log.state._directory = replace(directory, owners=owners, institutions=institutions)
    log.say("lender-1", "forged", by=own)
    log.head()
    assert not log.complaints
    assert refused(log, make_evidence(log, "lender-3", ["person of forged"])) == "acts"


def test_a_suspended_asker_is_refused() -> None:
    log = honest_log()
    log.act(StateBody("lender-3", InstitutionStatus.SUSPENDED))
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["nobody"])) == "inquiry"


def test_an_inquiry_by_an_ended_key_is_refused() -> None:
    log = honest_log()
    log.act(KeyEndBody("lender-3", signer("lender-3 INQUIRE").public_key.key_id))
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["nobody"])) == "inquiry"


def test_what_an_ended_key_signed_before_still_counts() -> None:
    log = honest_log()
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    log.head()
    (person,) = check(log, make_evidence(log, "lender-3", ["person of cured"])).persons
    assert [record.contested for record in person.records] == [False]


def test_a_contested_key_is_said_to_be_contested() -> None:
    log = honest_log()
    at = log.state.chains[RecordKey("lender-1", record_id("cured"))].index
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id, contested_from=at))
    log.head()
    running = check(log, make_evidence(log, "lender-3", ["person of running"])).persons[0].records
    cured = check(log, make_evidence(log, "lender-3", ["person of cured"])).persons[0].records
    assert [record.contested for record in running] == [False, False]
    assert [record.contested for record in cured] == [True]


def test_a_successor_speaks_for_a_terminated_member() -> None:
    log = honest_log()
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.say("lender-1", "running", Standing.CURED, signer="lender-2")
    log.head()
    records = check(log, make_evidence(log, "lender-3", ["person of running"])).persons[0].records
    assert [(record.statement.issuer, record.statement.signer) for record in records] == [
        ("lender-2", "lender-2"),
        ("lender-1", "lender-2"),
    ]


def test_somebody_who_is_no_successor_is_refused() -> None:
    log = honest_log()
    directory = log.state.directory
    named = (Succession("lender-2", directory.newest_act, directory.state.act_hash),)
    ended = replace(directory.institution("lender-1"), status=InstitutionStatus.TERMINATED, successions=named)
    honest = directory.institutions
    log.state._directory = replace(directory, institutions={**honest, "lender-1": ended})
    log.say("lender-1", "running", Standing.CURED, signer="lender-2")
    # The map that is signed says the truth: lender-1 was never terminated.
    log.state._directory = replace(log.state.directory, institutions=honest)
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["person of running"])) == "record"


def test_every_live_version_of_the_subject_keys_is_asked_for() -> None:
    log = honest_log()
    log.act(KeyServicesBody(KeyServices(2, (KeyService("c.example:443", voprf_key("key-service-c"), "c"),))))
    log.say("lender-1", "new", subject="person of running")
    log.head()
    evidence = make_evidence(log, "lender-3", ["person of running"])
    (person,) = check(log, evidence).persons
    assert [version for version, _ in person.subjects] == [1, 2]
    assert [record.statement.subject_key_version for record in person.records] == [1, 1, 2]
    del evidence.persons[0].subjects[1]
    assert refused(log, evidence) == "inquiry"


def test_a_restriction_by_the_clock_is_proved() -> None:
    log = honest_log()
    log.wait(10 * DAY_MS)
    log.annotate("lender-1", "lender-2", "disputed", DISPUTED)
    log.wait(11 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    log.head()
    assert not log.complaints
    evidence = make_evidence(log, "lender-3", ["person of disputed"])
    (record,) = check(log, evidence).persons[0].records
    assert record.annotation is not None
    assert record.annotation.flags == (DISPUTED, RESTRICTED)
    assert len(evidence.persons[0].subjects[0].records[0].annotations) == 3
    for at in range(3):
        less = pb.Evidence()
        less.CopyFrom(evidence)
        del less.persons[0].subjects[0].records[0].annotations[at]
        assert refused(log, less) in {"annotation", "map proof", "rulebook"}
    without = pb.Evidence()
    without.CopyFrom(evidence)
    without.rulebook = b""
    assert refused(log, without) == "rulebook"
    other = pb.Evidence()
    other.CopyFrom(evidence)
    other.rulebook = Rulebook(dispute_days=1).encode()
    assert refused(log, other) == "rulebook"


def test_what_a_furnisher_left_alone_is_stale_and_what_has_ended_is_not() -> None:
    # Nothing is held back from an asker that has given nothing for so long.
    log = HandmadeLog(rulebook=Rulebook(reciprocity_levels=()))
    log.say("lender-1", "running", subject="victim")
    log.say("lender-2", "cured", subject="victim")
    log.say("lender-2", "cured", Standing.CURED, subject="victim")
    for days, stale in ((184, False), (1, True)):
        log.wait(days * DAY_MS)
        log.head()
        (person,) = check(log, make_evidence(log, "lender-3", ["victim"])).persons
        assert {record.statement.issuer: record.stale for record in person.records} == {
            "lender-1": stale,
            "lender-2": False,
        }
    log.say("lender-1", "running", subject="victim")
    log.head()
    (person,) = check(log, make_evidence(log, "lender-3", ["victim"])).persons
    assert not any(record.stale for record in person.records)


def test_evidence_that_is_cut_is_what_the_registry_would_have_made_of_it() -> None:
    log = honest_log()
    log.annotate("lender-3", "lender-1", "cured", DISPUTED)
    log.wait(10 * DAY_MS)
    log.annotate("lender-1", "lender-2", "disputed", DISPUTED)
    log.wait(11 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    log.head()
    assert not log.complaints
    persons = [*(f"nobody {number}" for number in range(9)), "person of running", "person of cured", "nobody"]
    persons += ["person of disputed", "person of sold", "person of disputed"]
    evidence, size = make_evidence(log, "lender-3", persons), len(log.leaves)
    assert len(check(log, evidence).persons) == len(persons)
    shared, alone = len(evidence.map_proof.siblings), 0
    for position in range(len(persons)):
        cut = cut_evidence(evidence, position, size)
        assert cut == canonical.encode(make_evidence(log, "lender-3", persons, shown=[position]))
        alone += len(canonical.parse(pb.Evidence, cut, "evidence").map_proof.siblings)
    assert 3 * shared < alone


def test_one_person_may_be_asked_about_twice_and_is_told_alike() -> None:
    log = honest_log()
    evidence = make_evidence(log, "lender-3", ["person of running", "person of running"])
    first, again = check(log, evidence).persons
    assert first.records == again.records
    del evidence.persons[1].subjects[0].records[:]
    with pytest.raises(FormatError) as caught:
        check(log, evidence)
    assert (caught.value.part, caught.value.rule) == ("person", "persons.same")


def test_two_leaves_do_not_stand_at_one_index() -> None:
    log = honest_log()
    evidence = make_evidence(log, "lender-3", ["person of disputed", "person of disputed"])
    check(log, evidence)
    shown = evidence.persons[1].subjects[0].records[0].annotations[0]
    shown.index = len(log.leaves) - 1
    with pytest.raises(FormatError) as caught:
        check(log, evidence)
    assert (caught.value.part, caught.value.rule) == ("annotation", "annotation.place")


def test_a_restriction_after_an_answer_is_refused() -> None:
    log = honest_log()
    log.wait(10 * DAY_MS)
    log.annotate("lender-2", "lender-2", "disputed", DISPUTED, **UNCONFIRMED)
    log.wait(11 * DAY_MS)
    key = RecordKey("lender-2", record_id("disputed"))
    head = log.state.chains[key].annotation
    assert head is not None
    # The registry's own rules would refuse the lapse: it forgets that the issuer answered.
    log.state.chains[key] = replace(
        log.state.chains[key], annotation=replace(head, waiting_from=head.number, due_on="2000-01-01")
    )
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    log.head()
    assert not log.complaints
    assert refused(log, make_evidence(log, "lender-3", ["person of disputed"])) == "annotation"


def test_a_lapse_at_another_time_is_refused() -> None:
    log = honest_log()
    log.wait(21 * DAY_MS)
    index = log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    leaf = parse_leaf(log.leaves[index])
    assert isinstance(leaf, LapseLeaf)
    log.leaves[index] = replace(leaf, logged_at=TIME_END_MS - 1).encode()
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["person of disputed"])) in {
        "annotation",
        "map proof",
    }


def test_a_change_of_administrators_is_followed() -> None:
    log = honest_log()
    change = AdministratorsBody(
        (log.enrolment("admin-4", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER),), ("admin-2", "admin-3", "admin-4"), 2
    )
    log.act(change, by=["admin-1", "admin-2", "admin-4"])
    log.administrators = ("admin-2", "admin-4")
    own = signer("lender-1 REPORT")
    log.act(KeyGrantBody("lender-1", grant_key(REGISTRY, "lender-1", signer("new key"), KeyUsage.REPORT, own)))
    log.say("lender-1", "running", by=signer("new key"))
    log.head()
    assert not log.complaints
    evidence = make_evidence(log, "lender-3", ["person of running"])
    assert check(log, evidence).persons[0].listed
    acts = [parse_leaf(leaf) for leaf in evidence.acts]
    assert all(isinstance(act, ActLeaf) for act in acts)
    for at in range(len(evidence.acts)):
        less = pb.Evidence()
        less.CopyFrom(evidence)
        del less.acts[at]
        assert refused(log, less) == "acts"


@pytest.mark.parametrize("administrators", [("admin-2", "admin-3", "admin-4"), ("nobody-1", "nobody-2", "nobody-3")])
def test_administrators_whom_nobody_made_are_refused(administrators: tuple[str, ...]) -> None:
    """The registry puts its own change of administrators into log and map, signed by itself."""
    log = honest_log()
    enrolments = (log.enrolment("admin-4", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER),)
    act = log.next_act(AdministratorsBody(enrolments, administrators, 2))
    payload, own = act.encode(), signer("admin-4 ADMINISTER")
    approval = Approval(own.public_key.key_id, dsse.sign(own, dsse.ACT, payload))
    index = log.add(ActLeaf(log.logged_at, payload, (approval,)).encode())
    directory = log.state.directory
    claimed = (*directory.state.administrator_acts, AdministratorAct(index, leaf_hash(log.leaves[index])))
    log.state._directory = replace(directory, state=replace(directory.state, administrator_acts=claimed))
    log.head()
    assert refused(log, make_evidence(log, "lender-3", ["nobody"])) == "acts"
