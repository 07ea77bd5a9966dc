"""What evidence proves to somebody who has the trust root and nothing else, and what it never proves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk._protocol.opening import listed
from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    Kind,
    Standing,
)
from client_sdk.kernel.ledger.answer import VerifiedAnswer, Verifier
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.models.listed import Unopened
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import REGISTRY, HandmadeLog, seed, signer
from tests.support.lies import honest_log
from tests.support.proofs import prove_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

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


# Whole files


def test_the_golden_evidence_of_clear_verifies() -> None:
    answer = Verifier(ROOT).verify_file(EVIDENCE["clear"])
    (person,) = answer.persons
    assert not person.listed
    assert answer.inquiry.asker == "lender-3"
    assert answer.registry.registry == REGISTRY
    assert answer.checkpoint.size == 17


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


def test_a_field_that_this_version_does_not_know_is_told() -> None:
    evidence = canonical.parse(pb.Evidence, EVIDENCE["clear"], "evidence")
    # Field 9 of an answer about a subject.
    subject = evidence.persons[0].subjects[0].SerializeToString()
    more = pb.SubjectAnswer.FromString(subject + b"\x4a\x01x")
    evidence.persons[0].subjects[0].CopyFrom(more)
    with pytest.raises(FormatError) as caught:
        Verifier(ROOT).verify_file(evidence.SerializeToString(deterministic=True))
    assert (caught.value.part, caught.value.rule) == ("evidence", "canonical.unknown-field")


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


def _head_of(evidence: pb.Evidence) -> None:
    evidence.head = b"no leaf"


def _record_of(evidence: pb.Evidence) -> None:
    evidence.persons[0].subjects[0].records[0].leaf = b"no leaf"


@pytest.mark.parametrize(("change", "part"), [(_head_of, "head"), (_record_of, "record")])
def test_bytes_that_are_no_leaf_are_told_by_the_part_in_which_they_stand(
    change: Callable[[pb.Evidence], None], part: str
) -> None:
    evidence = canonical.parse(pb.Evidence, EVIDENCE["listed"], "evidence")
    change(evidence)
    with pytest.raises(FormatError) as caught:
        Verifier(ROOT).check(evidence)
    assert (caught.value.part, caught.value.rule) == (part, "leaf.size")


# One part at a time, in evidence that the honest log gives


def _a_cosigned_checkpoint(evidence: pb.Evidence) -> None:
    evidence.cosigned.checkpoint = evidence.checkpoint + b"x"


def _head_of_another_place(evidence: pb.Evidence) -> None:
    evidence.log_proof = evidence.log_proof[32:]


def _log_proof_cut(evidence: pb.Evidence) -> None:
    evidence.log_proof = evidence.log_proof[:-1]


def _head_is_a_statement(evidence: pb.Evidence) -> None:
    evidence.head = evidence.persons[1].subjects[0].records[0].leaf


def _another_entry_for_nothing(evidence: pb.Evidence) -> None:
    evidence.map_proof.others += bytes(64)


def _a_depth_missing(evidence: pb.Evidence) -> None:
    evidence.map_proof.depths = evidence.map_proof.depths[:-1]


def _a_sibling_more(evidence: pb.Evidence) -> None:
    evidence.map_proof.siblings += bytes(32)


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
    evidence.persons[2].subjects[0].records[0].annotations[0].index -= 1


def _an_annotation_in_the_place_of_the_head(evidence: pb.Evidence) -> None:
    evidence.persons[2].subjects[0].records[0].annotations[0].index += 1


def _an_annotation_twice(evidence: pb.Evidence) -> None:
    annotations = evidence.persons[2].subjects[0].records[0].annotations
    annotations.append(annotations[0])


def _a_text_that_nobody_wrote(evidence: pb.Evidence) -> None:
    evidence.persons[2].subjects[0].records[0].text_disclosure = b"text"


def _a_text_without_annotation(evidence: pb.Evidence) -> None:
    evidence.persons[1].subjects[0].records[0].text_disclosure = b"text"


def _no_rulebook(evidence: pb.Evidence) -> None:
    evidence.rulebook = b""


def _another_rulebook(evidence: pb.Evidence) -> None:
    evidence.rulebook = Rulebook(reciprocity_days=1).encode()


def _no_contribution(evidence: pb.Evidence) -> None:
    evidence.contribution = b""


def _contribution_of_another(evidence: pb.Evidence) -> None:
    evidence.contribution = Contribution("lender-1", "2026-01-01").encode()


def _another_contribution(evidence: pb.Evidence) -> None:
    given = Contribution.parse(evidence.contribution).after(Kind.JUDGMENT, "2026-01-01")
    evidence.contribution = given.encode()


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
    (_a_cosigned_checkpoint, "cosigned checkpoint"),
    (_head_of_another_place, "log proof"),
    (_log_proof_cut, "log proof"),
    (_head_is_a_statement, "head"),
    (_another_entry_for_nothing, "map proof"),
    (_a_depth_missing, "map proof"),
    (_a_sibling_more, "map proof"),
    (_institutions_out_of_order, "institution state"),
    (_issuer_missing, "record"),
    (_asker_missing, "inquiry"),
    (_no_person, "person"),
    (_persons_out_of_order, "inquiry"),
    (_person_of_no_position, "inquiry"),
    (_another_person, "inquiry"),
    (_no_version_of_the_keys, "inquiry"),
    (_another_version_of_the_keys, "inquiry"),
    (_a_record_hidden, "map proof"),
    (_all_records_hidden, "map proof"),
    (_records_out_of_order, "record"),
    (_a_record_twice, "record"),
    (_a_record_of_another_place, "map proof"),
    (_another_opening, "record"),
    (_an_annotation_as_a_record, "record"),
    (_an_annotation_hidden, "log proof"),
    (_an_annotation_of_another_place, "log proof"),
    (_an_annotation_in_the_place_of_the_head, "annotation"),
    (_an_annotation_twice, "annotation"),
    (_a_text_that_nobody_wrote, "annotation"),
    (_a_text_without_annotation, "annotation"),
    (_no_rulebook, "rulebook"),
    (_another_rulebook, "rulebook"),
    (_no_contribution, "contribution"),
    (_contribution_of_another, "contribution"),
    (_another_contribution, "map proof"),
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
    assert refused(log, evidence) == "map proof"
    prove_evidence(evidence, log.entries(), ["lender-1", "lender-3"], log.tree)
    assert refused(log, evidence) == "institution state"
    assert honest.persons


def test_a_persons_statement_that_a_restore_has_lost_spoils_no_answer_and_no_file_passes_without_it() -> None:
    log, sealed = honest_log(), b"sealed text"
    said = {"text_commitment": bytes(32), "disclosure_digest": disclosure_digest(sealed)}
    log.annotate("lender-3", "lender-1", "running", AnnotationFlag.STATEMENT, **said)
    log.head()
    evidence = make_evidence(log, "lender-3", ["person of running"], shown=range(1))
    (record,) = [one for one in evidence.persons[0].subjects[0].records if one.annotations]
    record.text_disclosure = sealed
    verifier = Verifier(log.trust_root)
    whole = verifier.verify_file(canonical.encode(evidence)).persons[0].records
    assert not any(shown.text_lost for shown in whole)
    record.text_disclosure = b""
    (lost,) = [shown for shown in check(log, evidence).persons[0].records if shown.text_lost]
    opened = listed(lost, {})
    assert opened.statement_unopened is Unopened.DISCLOSURE_MISMATCH
    assert opened.subject_statement == ""
    with pytest.raises(FormatError, match=r"annotation\.text"):
        verifier.verify_file(canonical.encode(evidence))
    record.text_disclosure = b"another text"
    assert refused(log, evidence) == "annotation"
