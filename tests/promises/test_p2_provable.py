"""P2, Provable: evidence saved through the SDK is proof to whoever has nothing but the trust root."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pytest

from client_sdk import Client, Outcome, Verdict, verify
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.models import Purpose, written_consent
from client_sdk.verification import read_trust_root
from tests.client_sdk.sdk_samples import default_report, person
from tests.conformance.cases import CASES, TRUST_ROOT, cases

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.held import Site

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
PEOPLE = {Verdict.LISTED: 2_001, Verdict.CLEAR: 2_002}


class Saved(NamedTuple):
    """An evidence file and the only thing that its reader trusts."""

    evidence: bytes
    trust_root: bytes


@pytest.fixture(scope="session")
def saved(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[Verdict, Saved]:
    """The evidence of LISTED and of CLEAR, as the SDK saves it."""
    site.registry.client("lender-1").report(default_report(PEOPLE[Verdict.LISTED]))
    asker = site.registry.client("lender-2")
    folder = tmp_path_factory.mktemp("evidence")
    found = {}
    for verdict, number in PEOPLE.items():
        answer = asker.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is verdict
        path = answer.save(folder / f"{verdict}.evidence")
        found[verdict] = Saved(path.read_bytes(), site.registry.trust_root.read_bytes())
    return found


@pytest.mark.parametrize("verdict", PEOPLE)
def test_p2_listed_and_clear_are_both_proved(saved: dict[Verdict, Saved], verdict: Verdict, tmp_path: Path) -> None:
    """Provable. LISTED and CLEAR are both proved to the asker, who trusts no one's word: a verifier that trusts only
    the trust root accepts the file and refuses every change of it, each byte in its lowest and in its highest bit, and
    each truncation; the error names the part.
    """
    evidence, root = saved[verdict]
    (tmp_path / "trust-root.bin").write_bytes(root)
    (answer,) = verify(evidence, tmp_path / "trust-root.bin")
    assert answer.verdict is verdict
    verifier = Verifier(TrustRoot.parse(root))
    for place in range(len(evidence)):
        for bit in (0x01, 0x80):
            changed = bytearray(evidence)
            changed[place] ^= bit
            assert refused_part(verifier, bytes(changed)), f"byte {place}, bit {bit:#x}"
        assert refused_part(verifier, evidence[:place]), f"cut at {place}"
    assert refused_part(verifier, evidence + b"\x00")


def refused_part(verifier: Verifier, evidence: bytes) -> str:
    """Which part of the evidence is refused; empty where it is accepted."""
    try:
        verifier.verify_file(evidence)
    except FormatError as error:
        return error.part
    except RuleError as error:
        return error.field
    return ""


@pytest.mark.parametrize("verdict", PEOPLE)
def test_p2_what_does_not_verify_is_refused_and_never_clear(saved: dict[Verdict, Saved], verdict: Verdict) -> None:
    evidence, root = saved[verdict]
    trust_root, middle = TrustRoot.parse(root), len(evidence) // 2
    flipped = evidence[:middle] + bytes((evidence[middle] ^ 1,)) + evidence[middle + 1 :]
    for changed in (flipped, evidence[:-1], evidence + b"\0"):
        with pytest.raises(VerificationError) as caught:
            verify(changed, trust_root)
        assert caught.value.part
        assert caught.value.rule


@pytest.mark.parametrize("verdict", PEOPLE)
def test_p2_another_registry_proves_nothing(saved: dict[Verdict, Saved], verdict: Verdict) -> None:
    """The answer of a registry is proved under its own trust root and under no other."""
    own, other = TrustRoot.parse(saved[verdict].trust_root), read_trust_root(CASES / TRUST_ROOT)
    theirs = next(case for case in cases() if case.kind == "evidence" and case.accepted and case.under == TRUST_ROOT)
    assert verify(theirs.path, other)
    for evidence, root in ((saved[verdict].evidence, other), (theirs.path, own)):
        with pytest.raises(VerificationError):
            verify(evidence, root)


def test_p2_what_is_too_old_is_no_answer(site: Site) -> None:
    """A registry that shows an old HEAD, however well signed, proves neither LISTED nor CLEAR as of now: the directory
    is refused where it has to be followed first, and the answer is UNVERIFIABLE where it is known.
    """
    with Client(replace(site.registry.config("lender-2"), max_age=0.001)) as client:
        for number in PEOPLE.values():
            assert unproved_rule(client, number) == "head.age"


def unproved_rule(client: Client, number: int) -> str:
    """Which rule an answer breaks that must not be believed."""
    try:
        answer = client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    except VerificationError as error:
        return error.rule
    assert answer.verdict is Verdict.UNVERIFIABLE
    assert answer.assess().outcome is Outcome.REFER
    return "" if answer.failure is None else answer.failure.rule
