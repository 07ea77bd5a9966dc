"""What evidence proves to somebody who has the trust root and nothing else, and what it never proves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.formats import canonical, dsse
from client_sdk.formats.act import AdministratorsBody, KeyEndBody, KeyGrantBody, KeyServicesBody, StateBody, grant_key
from client_sdk.formats.encoding import leaf_hash
from client_sdk.formats.errors import FormatError
from client_sdk.formats.leaf import TIME_END_MS, ActLeaf, Approval, LapseLeaf, parse_leaf
from client_sdk.formats.state import AdministratorAct, KeyService, KeyServices, Rulebook, Succession
from client_sdk.formats.statement import RecordKey
from client_sdk.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    LapseKind,
    Role,
    Standing,
)
from client_sdk.ledger.administration import new_key
from client_sdk.ledger.answer import VerifiedAnswer, Verifier
from client_sdk.ledger.trust_root import TrustRoot
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed, signer
from tests.support.lies import Forger, honest_log

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"
ROOT = TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes())
EVIDENCE = {name: (GOLDEN / f"evidence-{name}.bin").read_bytes() for name in ("clear", "listed")}
# A part is named in words, such as "map proof of the subject".
PART = re.compile(r"[a-z][a-z_ -]*")
DISPUTED, RESTRICTED = AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED


def check(log: HandmadeLog, evidence: pb.Evidence) -> VerifiedAnswer:
    return Verifier(log.trust_root).check(evidence)


def refused(log: HandmadeLog, evidence: pb.Evidence) -> str:
    """The part that is named in the refusal."""
    with pytest.raises(FormatError) as caught:
        check(log, evidence)
    return caught.value.part


# Whole files


def test_the_golden_evidence_of_clear_verifies() -> None:
    answer = Verifier(ROOT).verify_file(EVIDENCE["clear"])
    (person,) = answer.persons
    assert not person.listed
    assert answer.inquiry.asker == "lender-3"
    assert answer.registry.registry == REGISTRY
    assert answer.checkpoint.size == 15


def test_the_golden_evidence_of_listed_verifies() -> None:
    answer = Verifier(ROOT).verify_file(EVIDENCE["listed"])
    (person,) = answer.persons
    # Cut down to the second of the persons asked about.
    assert (person.listed, person.position, len(answer.inquiry.subject_commitments)) == (True, 1, 2)
    first, second = person.records
    assert (first.statement.issuer, first.statement.standing) == ("lender-2", Standing.OPEN)
    assert first.annotation is not None
    assert first.annotation.flags == (DISPUTED, RESTRICTED)
    assert (second.statement.issuer, second.statement.standing) == ("lender-1", Standing.CURED)
    assert all(record.intact and not record.contested for record in person.records)


@pytest.mark.parametrize("bit", [0x01, 0x80], ids=["lowest-bit", "highest-bit"])
@pytest.mark.parametrize("name", EVIDENCE)
def test_every_change_of_a_byte_is_refused(name: str, bit: int) -> None:
    data, verifier = EVIDENCE[name], Verifier(ROOT)
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :]
        with pytest.raises(FormatError) as caught:
            verifier.verify_file(changed)
        assert PART.fullmatch(caught.value.part), (at, caught.value)


@pytest.mark.parametrize("name", EVIDENCE)
def test_every_truncation_is_refused(name: str) -> None:
    data, verifier = EVIDENCE[name], Verifier(ROOT)
    for length in range(len(data)):
        with pytest.raises(FormatError) as caught:
            verifier.verify_file(data[:length])
        assert PART.fullmatch(caught.value.part), (length, caught.value)


@pytest.mark.parametrize("name", EVIDENCE)
@pytest.mark.parametrize("more", [b"\x00", b"\x08\x01", b"\xfa\x07\x01x"])
def test_bytes_left_over_are_refused(name: str, more: bytes) -> None:
    with pytest.raises(FormatError):
        Verifier(ROOT).verify_file(EVIDENCE[name] + more)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_one_typed_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        Verifier(ROOT).verify_file(data)


def test_another_trust_root_believes_nothing() -> None:
    other = HandmadeLog(administrators=("admin-7", "admin-8", "admin-9")).trust_root
    with pytest.raises(FormatError, match="acts"):
        Verifier(other).verify_file(EVIDENCE["listed"])


def test_a_verifier_remembers_acts_and_still_checks_them() -> None:
    verifier = Verifier(ROOT)
    verifier.verify_file(EVIDENCE["listed"])
    evidence = canonical.parse(pb.Evidence, EVIDENCE["listed"], "evidence")
    del evidence.acts[-1]
    with pytest.raises(FormatError, match="acts"):
        verifier.check(evidence)
    assert verifier.verify_file(EVIDENCE["listed"]).persons


# One part at a time, in evidence that the honest log gives


def _a_cosigned_checkpoint(evidence: pb.Evidence) -> None:
    evidence.cosigned.checkpoint = evidence.checkpoint


def _head_of_another_place(evidence: pb.Evidence) -> None:
    evidence.head_path = evidence.head_path[32:]


def _head_path_cut(evidence: pb.Evidence) -> None:
    evidence.head_path = evidence.head_path[:-1]


def _head_is_a_statement(evidence: pb.Evidence) -> None:
    evidence.head = evidence.persons[1].subjects[0].records[0].leaf


def _registry_proof_of_absence(evidence: pb.Evidence) -> None:
    evidence.registry_proof.other_key = bytes(32)


def _institutions_out_of_order(evidence: pb.Evidence) -> None:
    shown = list(evidence.institutions)[::-1]
    del evidence.institutions[:]
    evidence.institutions.extend(shown)


def _issuer_missing(evidence: pb.Evidence) -> None:
    del evidence.institutions[0]


def _asker_missing(evidence: pb.Evidence) -> None:
    del evidence.institutions[-1]


def _no_person(evidence: pb.Evidence) -> None:
    del evidence.persons[:]


def _persons_out_of_order(evidence: pb.Evidence) -> None:
    evidence.persons[0].position, evidence.persons[1].position = 1, 0


def _person_of_no_position(evidence: pb.Evidence) -> None:
    evidence.persons[1].position = 2


def _another_person(evidence: pb.Evidence) -> None:
    evidence.persons[0].subjects[0].subject = seed("somebody else")


def _no_version_of_the_keys(evidence: pb.Evidence) -> None:
    del evidence.persons[0].subjects[0]


def _a_record_hidden(evidence: pb.Evidence) -> None:
    del evidence.persons[1].subjects[0].records[0]


def _records_out_of_order(evidence: pb.Evidence) -> None:
    records = list(evidence.persons[1].subjects[0].records)[::-1]
    del evidence.persons[1].subjects[0].records[:]
    evidence.persons[1].subjects[0].records.extend(records)


def _a_record_twice(evidence: pb.Evidence) -> None:
    records = evidence.persons[1].subjects[0].records
    records.append(records[-1])


def _all_records_hidden(evidence: pb.Evidence) -> None:
    del evidence.persons[1].subjects[0].records[:]


def _a_record_of_another_place(evidence: pb.Evidence) -> None:
    evidence.persons[1].subjects[0].records[0].index += 1


def _another_opening(evidence: pb.Evidence) -> None:
    evidence.persons[1].subjects[0].records[0].opening = seed("another")


def _an_annotation_as_a_record(evidence: pb.Evidence) -> None:
    record = evidence.persons[2].subjects[0].records[0]
    record.leaf = record.annotations[0].leaf


def _an_annotation_hidden(evidence: pb.Evidence) -> None:
    del evidence.persons[2].subjects[0].records[0].annotations[:]


def _an_annotation_of_another_place(evidence: pb.Evidence) -> None:
    evidence.persons[2].subjects[0].records[0].annotations[0].inclusion.index += 1


def _an_annotation_twice(evidence: pb.Evidence) -> None:
    annotations = evidence.persons[2].subjects[0].records[0].annotations
    annotations.append(annotations[0])


def _a_text_that_nobody_wrote(evidence: pb.Evidence) -> None:
    evidence.persons[2].subjects[0].records[0].text_disclosure = b"text"


def _a_text_without_annotation(evidence: pb.Evidence) -> None:
    evidence.persons[1].subjects[0].records[0].text_disclosure = b"text"


def _a_rulebook_for_nothing(evidence: pb.Evidence) -> None:
    evidence.rulebook = Rulebook().encode()


def _an_act_missing(evidence: pb.Evidence) -> None:
    del evidence.acts[0]


def _an_act_twice(evidence: pb.Evidence) -> None:
    evidence.acts.append(evidence.acts[-1])


def _acts_out_of_order(evidence: pb.Evidence) -> None:
    evidence.acts[0], evidence.acts[1] = evidence.acts[1], evidence.acts[0]


def _inquiry_signed_by_nobody(evidence: pb.Evidence) -> None:
    evidence.inquiry.signature = bytes(64)


def _inquiry_under_a_report_key(evidence: pb.Evidence) -> None:
    key = signer("lender-3 REPORT")
    evidence.inquiry.key_id = key.public_key.key_id
    evidence.inquiry.signature = dsse.sign(key, dsse.INQUIRY, evidence.inquiry.payload)


def _version_2(evidence: pb.Evidence) -> None:
    evidence.version = 2


def _another_version_of_the_keys(evidence: pb.Evidence) -> None:
    evidence.persons[1].subjects[0].subject_key_version = 2


CHANGES: list[tuple[Callable[[pb.Evidence], None], str]] = [
    (_version_2, "evidence"),
    (_a_cosigned_checkpoint, "evidence"),
    (_head_of_another_place, "head"),
    (_head_path_cut, "head"),
    (_head_is_a_statement, "head"),
    (_registry_proof_of_absence, "registry state"),
    (_institutions_out_of_order, "institution state"),
    (_issuer_missing, "record"),
    (_asker_missing, "inquiry"),
    (_no_person, "person"),
    (_persons_out_of_order, "inquiry"),
    (_person_of_no_position, "inquiry"),
    (_another_person, "inquiry"),
    (_no_version_of_the_keys, "inquiry"),
    (_another_version_of_the_keys, "inquiry"),
    (_a_record_hidden, "map proof of the subject"),
    (_all_records_hidden, "map proof of the subject"),
    (_records_out_of_order, "record"),
    (_a_record_twice, "record"),
    (_a_record_of_another_place, "map proof of the subject"),
    (_another_opening, "record"),
    (_an_annotation_as_a_record, "record"),
    (_an_annotation_hidden, "map proof of the subject"),
    (_an_annotation_of_another_place, "annotation"),
    (_an_annotation_twice, "annotation"),
    (_a_text_that_nobody_wrote, "annotation"),
    (_a_text_without_annotation, "annotation"),
    (_a_rulebook_for_nothing, "rulebook"),
    (_an_act_missing, "acts"),
    (_an_act_twice, "acts"),
    (_acts_out_of_order, "acts"),
    (_inquiry_signed_by_nobody, "inquiry"),
    (_inquiry_under_a_report_key, "inquiry"),
]


@pytest.fixture(scope="module")
def log() -> HandmadeLog:
    return honest_log()


@pytest.fixture(scope="module")
def honest(log: HandmadeLog) -> pb.Evidence:
    """About nobody, a person with two records, one with a disputed record, and one whose debt was sold."""
    persons = ["nobody", "person of running", "person of disputed", "person of sold"]
    return make_evidence(log, "lender-3", persons, shown=range(3))


def test_the_honest_evidence_verifies(log: HandmadeLog, honest: pb.Evidence) -> None:
    persons = check(log, honest).persons
    assert [len(person.records) for person in persons] == [0, 2, 1]


@pytest.mark.parametrize(("change", "part"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_changed_part_is_named(
    log: HandmadeLog, honest: pb.Evidence, change: Callable[[pb.Evidence], None], part: str
) -> None:
    evidence = pb.Evidence()
    evidence.CopyFrom(honest)
    change(evidence)
    assert refused(log, evidence) == part


def test_a_disclosure_that_was_changed_is_the_registrys_fault(log: HandmadeLog, honest: pb.Evidence) -> None:
    evidence = pb.Evidence()
    evidence.CopyFrom(honest)
    record = evidence.persons[1].subjects[0].records[0]
    record.disclosure = record.disclosure[:-1] + bytes((record.disclosure[-1] ^ 1,))
    answer = check(log, evidence)
    assert [shown.intact for shown in answer.persons[1].records] == [False, True]
    with pytest.raises(FormatError, match="disclosure"):
        Verifier(log.trust_root).verify_file(canonical.encode(evidence))


def test_an_institution_that_nothing_refers_to_is_refused(log: HandmadeLog, honest: pb.Evidence) -> None:
    more = make_evidence(log, "lender-1", ["person of running"])
    evidence = make_evidence(log, "lender-3", ["nobody"])
    evidence.institutions.insert(0, more.institutions[0])
    assert refused(log, evidence) == "institution state"
    assert honest.persons


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
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-2"))
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
    log.act(KeyServicesBody(KeyServices(2, (KeyService("key-service-c.example:443", seed("key-service-c")),))))
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
        assert refused(log, less) in {"annotation", "map proof of the subject", "rulebook"}
    without = pb.Evidence()
    without.CopyFrom(evidence)
    without.rulebook = b""
    assert refused(log, without) == "annotation"
    other = pb.Evidence()
    other.CopyFrom(evidence)
    other.rulebook = Rulebook(dispute_days=1).encode()
    assert refused(log, other) == "rulebook"


def test_a_restriction_after_an_answer_is_refused() -> None:
    log = honest_log()
    log.wait(10 * DAY_MS)
    log.annotate("lender-2", "lender-2", "disputed", DISPUTED)
    log.wait(11 * DAY_MS)
    key = RecordKey("lender-2", record_id("disputed"))
    head = log.state.chains[key].annotation
    assert head is not None
    # The registry's own rules would refuse the lapse: it forgets that the issuer answered.
    log.state.chains[key] = replace(
        log.state.chains[key], annotation=replace(head, unanswered_since=log.logged_at - 21 * DAY_MS)
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
        "map proof of the subject",
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
