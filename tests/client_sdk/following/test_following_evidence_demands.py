"""Evidence is held against the witnesses, auditors and members of its own time, as far as a home has followed acts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk._protocol.replayed import ReplayTrust
from client_sdk.following import DirectoryFollower, EvidenceDemands
from client_sdk.kernel.formats.act import InstitutionBody, RulebookBody, StateBody
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.replay_quorum import replay_name
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.replay_keys import idle_auditors
from tests.client_sdk.following.test_following_core import run
from tests.support.handmade_log import REGISTRY, signer
from tests.support.logbook import Logbook, LogbookRegistry

AUDITORS = ("auditor-1", "auditor-2")


def key(auditor: str, registry: str = REGISTRY) -> VerifierKey:
    return VerifierKey.cosigner(replay_name(registry, auditor), signer(f"replay of {auditor}").public_key.raw)


def lines(*keys: VerifierKey) -> tuple[str, ...]:
    named = [f"witness w{place} {each.text()}" for place, each in enumerate(keys)]
    members = " ".join(f"w{place}" for place in range(len(keys)))
    return (*named, f"group any 1 {members}", "quorum any")


def witness(name: str) -> tuple[str, ...]:
    return (f"witness w {VerifierKey.cosigner(name, signer(name).public_key.raw).text()}", "quorum w")


class Told(Logbook):
    """A log whose rulebook, auditors and witnesses change, and a member that follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.follower = DirectoryFollower(self.trust_root)

    def change(self, **changes: object) -> int:
        """Log another rulebook; return the size under whose HEAD it is in force."""
        self.act(RulebookBody(replace(self.state.directory.rulebook, **changes)))  # type: ignore[arg-type]  # by name
        return self.commit() + 1

    def enrol(self, name: str, *roles: Role) -> int:
        self.act(InstitutionBody(self.enrolment(name, roles, KeyUsage.AUDIT)))
        return self.commit() + 1

    def put(self, name: str, status: InstitutionStatus) -> int:
        self.act(StateBody(name, status))
        return self.commit() + 1

    def follow(self) -> None:
        run(self.follower, LogbookRegistry(self))


@pytest.fixture
def log() -> Told:
    return Told()


def test_evidence_is_held_against_the_rulebook_of_its_own_time(log: Told) -> None:
    demands = EvidenceDemands(log.follower, None, 60.0)
    assert demands(1) == demands(99)
    log.enrol("auditor-1", Role.AUDITOR)
    before = log.enrol("auditor-2", Role.AUDITOR)
    first = log.change(replay_quorum=lines(key("auditor-1")), witness_quorum=witness("w.example"))
    second = log.change(replay_quorum=lines(key("auditor-2")), witness_quorum=())
    log.follow()

    def named(size: int) -> tuple[list[VerifierKey], int]:
        quorums, replay = demands(size)
        return [each.key for each in replay.quorum.witnesses] if replay.quorum else [], len(quorums)

    assert named(before) == ([], 0)
    assert named(first) == ([key("auditor-1")], 1)
    assert named(second - 2) == ([key("auditor-1")], 1)
    assert named(second) == ([key("auditor-2")], 0)
    assert named(10**9) == ([key("auditor-2")], 0)
    assert named(0) == ([], 0)


def test_a_member_that_is_no_active_auditor_does_not_count_from_then_on(log: Told) -> None:
    strangers = (key("lender-1"), key("nobody"), key("auditor-2", "another.example"))
    for name in AUDITORS:
        log.enrol(name, Role.AUDITOR)
    first = log.change(replay_quorum=lines(key("auditor-1"), *strangers))
    suspended = log.put("auditor-1", InstitutionStatus.SUSPENDED)
    back = log.put("auditor-1", InstitutionStatus.ACTIVE)
    ended = log.put("auditor-1", InstitutionStatus.TERMINATED)
    log.follow()
    demands = EvidenceDemands(log.follower, None, 60.0)
    idle = {size: demands(size).replay.idle for size in (first, suspended, back, ended, ended + 50)}
    assert idle[first] == idle[back] == frozenset(strangers)
    assert idle[suspended] == idle[ended] == idle[ended + 50] == frozenset((*strangers, key("auditor-1")))
    assert idle_auditors(log.state.directory) == idle[ended]


def test_what_a_reader_names_counts_instead(log: Told) -> None:
    log.enrol("auditor-1", Role.AUDITOR)
    log.change(replay_quorum=lines(key("auditor-1")), witness_quorum=witness("w.example"))
    log.follow()
    own, nobody = WitnessQuorum.parse("\n".join(witness("own.example")).encode()), WitnessQuorum.parse(b"quorum none")
    mine = WitnessQuorum.parse("\n".join(lines(key("auditor-2"))).encode())
    assert len(EvidenceDemands(log.follower, own, 60.0)(99).quorums) == 2
    named = EvidenceDemands(log.follower, own, 60.0, (), mine)(99)
    assert named == ((), ReplayTrust(mine, 60.0))
    assert EvidenceDemands(log.follower, own, 60.0, None, nobody)(99).replay == ReplayTrust(None, 60.0)
