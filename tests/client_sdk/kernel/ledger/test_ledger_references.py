"""What an answer refers to is what its evidence shows: the same for who puts it together and who verifies it."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.act import KeyGrantBody, SuccessionBody, grant_key
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import AdministratorAct, InstitutionState, RegistryState
from client_sdk.kernel.formats.words import KeyUsage, LapseKind, Standing
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.references import Claim, References, acts_needed
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, signer
from tests.support.lies import honest_log


@pytest.fixture
def log() -> HandmadeLog:
    return honest_log()


def shown(log: HandmadeLog, *names: str) -> tuple[References, dict[str, InstitutionState], set[bytes], RegistryState]:
    """References of evidence that verifies, with the states and acts that it shows."""
    evidence = make_evidence(log, "lender-3", list(names))
    Verifier(log.trust_root).check(evidence)
    inquiry = Inquiry.parse(evidence.inquiry.payload)
    references = References(inquiry.asker, evidence.inquiry.key_id, inquiry.purpose)
    for person in evidence.persons:
        for subject in person.subjects:
            for record in subject.records:
                references.add_record(record)
    states = {state.id: state for state in map(InstitutionState.parse, evidence.institutions)}
    acts = {leaf_hash(leaf) for leaf in evidence.acts}
    assert references.institutions == set(states)
    assert references.rulebook is bool(evidence.rulebook)
    assert references.contribution is bool(evidence.contribution)
    registry = RegistryState.parse(evidence.registry_state)
    assert set(acts_needed(registry, references.claims(states))) == acts
    return references, states, acts, registry


def test_absence_refers_to_the_asker_alone(log: HandmadeLog) -> None:
    references, _, _, _ = shown(log, "nobody")
    assert references.institutions == {"lender-3"}


def test_a_successor_refers_to_the_act_that_named_it(log: HandmadeLog) -> None:
    log.say("lender-1", "debt", subject="victim")
    _, _, before, _ = shown(log_with_head(log), "victim")
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.say("lender-1", "debt", Standing.CURED, "victim", signer="lender-2")
    references, states, acts, _ = shown(log_with_head(log), "victim")
    assert references.institutions == {"lender-1", "lender-2", "lender-3"}
    # The succession; lender-2's enrolment in place of lender-1's.
    assert states["lender-1"].successions[-1].act_hash in acts - before


def test_a_further_key_refers_to_the_act_that_gave_it(log: HandmadeLog) -> None:
    own = signer("lender-1 second")
    granted = grant_key(REGISTRY, "lender-1", own, KeyUsage.REPORT, endorser=signer("lender-1 REPORT"))
    log.act(KeyGrantBody("lender-1", granted))
    log.say("lender-1", "debt", subject="victim", by=own)
    _, states, acts, _ = shown(log_with_head(log), "victim")
    key = states["lender-1"].key(own.public_key.key_id)
    assert key is not None
    assert key.act_hash in acts


def test_a_lapse_refers_to_who_disputed(log: HandmadeLog) -> None:
    log.wait(21 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    references, _, _, _ = shown(log_with_head(log), "person of disputed")
    # The asker, lender-3, is who disputed as well.
    assert references.institutions == {"lender-2", "lender-3"}


def test_a_state_that_lacks_the_key_that_signed_proves_nothing(log: HandmadeLog) -> None:
    references, states, _, _ = shown(log, "nobody")
    for wrong in ({}, {"lender-3": log.state.directory.institution("lender-2")}):
        with pytest.raises(FormatError):
            references.claims(wrong)
    assert references.claims(states)


def test_an_act_has_one_place(log: HandmadeLog) -> None:
    registry = log.state.directory.state
    act = bytes(32)
    claims = [Claim("lender-1", "lender-2", place, act) for place in (7, 8)]
    assert acts_needed(registry, claims[:1])[act] == 7
    with pytest.raises(FormatError) as caught:
        acts_needed(registry, claims)
    assert caught.value.rule == "acts.place"
    # Genesis is in the trust root: it is never shown.
    assert isinstance(registry.administrator_acts[0], AdministratorAct)
    assert registry.administrator_acts[0].leaf_hash not in acts_needed(registry, claims[:1])


def log_with_head(log: HandmadeLog) -> HandmadeLog:
    log.head()
    return log
