"""Checkpoints of auditors beside an answer: how far enough of them have rebuilt the log, and every lie about it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk._protocol.replayed import ReplayTrust, replayed
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import canonical, note
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import Note, VerifierKey
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.cosigned import read_cosigned
from client_sdk.models.replayed import Replayed
from client_sdk.verification import verify
from tests.client_sdk.kernel.ledger.test_ledger_cosigned import AFTER, EVIDENCE, LOG, SECONDS, SIZE, others
from tests.support.handmade_log import signer
from tests.support.naive_cosigned import naive_replayed
from tests.support.naive_parts import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.models import Answer
    from tests.support.handmade_log import HandmadeLog

NAMES = ("one", "two", "three")
SIGNERS = {name: signer(f"replay {name}") for name in (*NAMES, "stranger")}
KEYS = {name: VerifierKey.cosigner(f"example/{name}/replay", each.public_key.raw) for name, each in SIGNERS.items()}
LINES = [f"witness {name} {KEYS[name].text()}" for name in NAMES]
ONE = WitnessQuorum.parse("\n".join([*LINES, "group any 1 one two three", "quorum any"]).encode())
TWO = WitnessQuorum.parse("\n".join([*LINES, "group most 2 one two three", "quorum most"]).encode())
BOTH = WitnessQuorum.parse("\n".join([*LINES, "group a 2 one two", "group b 1 a three", "quorum b"]).encode())


def rebuilt(name: str, size: int, at: int, log: HandmadeLog = AFTER) -> pb.CosignedCheckpoint:
    """What a registry shows beside the answer: so many leaves, as this auditor has cosigned them."""
    signed = note.parse(log.checkpoint(size))
    line = cosign(signed.text, KEYS[name].name, SIGNERS[name], at)
    older, newer = sorted((size, SIZE))
    path = log.tree.consistency_proof(older, newer) if older < newer else []
    whole = Note(signed.text, (*signed.signatures, line)).encode()
    return pb.CosignedCheckpoint(checkpoint=whole, consistency=b"".join(path))


def evidence(*shown: pb.CosignedCheckpoint) -> bytes:
    made = pb.Evidence()
    made.CopyFrom(EVIDENCE)
    made.replayed.extend(shown)
    return canonical.encode(made)


def read(*shown: pb.CosignedCheckpoint, quorum: WitnessQuorum = TWO) -> tuple[int, int] | None:
    """Size and time that verifier and second reader find; None where too few have replayed the log."""
    verified = Verifier(LOG.trust_root).verify_file(evidence(*shown))
    found = replayed(verified.replayed, verified.as_of, ReplayTrust(quorum))
    seen = None if found.at is None else (found.size, int(found.at.timestamp()))
    assert naively(*shown, quorum=quorum) == seen
    return seen


def naively(*shown: pb.CosignedCheckpoint, quorum: WitnessQuorum = TWO) -> tuple[int, int] | None:
    log = LOG.trust_root.log_key
    pairs = [(item.checkpoint, item.consistency) for item in shown]
    return naive_replayed(pairs, EVIDENCE.checkpoint, (log.name.encode(), log.raw), quorum.lines())


def test_auditors_count_each_up_to_a_checkpoint_of_its_own() -> None:
    shown = rebuilt("one", 5, SECONDS + 9), rebuilt("two", SIZE, SECONDS), rebuilt("three", 3, SECONDS + 5)
    assert read(*shown) == (3, SECONDS + 5)
    assert read(*shown[:2]) == (5, SECONDS)
    assert read(*shown, quorum=ONE) == (5, SECONDS + 9)
    # Whose line stands twice is counted by the newer one.
    assert read(rebuilt("one", 5, SECONDS), rebuilt("one", 3, SECONDS + 1), quorum=ONE) == (3, SECONDS + 1)
    # One that has read on beyond the answer counts as far as it has come.
    assert read(rebuilt("one", SIZE + 2, SECONDS), quorum=ONE) == (SIZE + 2, SECONDS)


def test_both_readers_agree_whatever_the_order_of_sizes_and_times() -> None:
    for sizes, times in [*product(product((2, 5), repeat=3), product((0, 7), repeat=3))][::9]:
        shown = [rebuilt(name, size, SECONDS + at) for name, size, at in zip(NAMES, sizes, times, strict=True)]
        for quorum in (ONE, TWO, BOTH):
            assert read(*shown, quorum=quorum) is not None


def test_too_few_auditors_make_no_replay() -> None:
    assert read() is None
    assert read(rebuilt("one", SIZE, SECONDS), rebuilt("stranger", SIZE, SECONDS)) is None
    assert replayed((), 0, ReplayTrust()) == Replayed(size=0, at=None, late=True)


def only(answers: tuple[Answer, ...]) -> Replayed:
    (answer,) = answers
    assert answer.replayed is not None
    return answer.replayed


def test_an_answer_says_whether_the_replay_is_late() -> None:
    as_of = Verifier(LOG.trust_root).verify_file(evidence()).as_of // 1_000
    file = evidence(rebuilt("one", 5, as_of - 3_600))
    timely = only(verify(file, LOG.trust_root, replaying=ONE, replay_max_lag=3_602))
    assert timely == Replayed(size=5, at=datetime.fromtimestamp(as_of - 3_600, UTC), late=False, named=True)
    assert not only(verify(file, LOG.trust_root, replaying=ONE)).late
    assert only(verify(file, LOG.trust_root, replaying=ONE, replay_max_lag=3_598)).late
    # A clock that runs a week ahead shows nothing.
    ahead = evidence(rebuilt("one", 5, as_of + 7 * 86_400))
    assert only(verify(ahead, LOG.trust_root, replaying=ONE)).late
    never = only(verify(evidence(rebuilt("one", 5, 2**63 - 1)), LOG.trust_root, replaying=ONE))
    assert (never.size, never.late) == (5, True)
    # The trust root names no auditor: no cosignature counts.
    assert only(verify(file, LOG.trust_root)) == Replayed()
    assert only(verify(file, LOG.trust_root)).to_dict() == {"size": 0, "at": None, "late": True, "named": False}


@pytest.mark.parametrize("side", [-1, 1])
def test_the_limit_itself_is_not_late_and_a_millisecond_more_is(side: int) -> None:
    shown = (read_cosigned(rebuilt("one", 5, SECONDS).checkpoint, LOG.trust_root.log_key),)
    at = SECONDS * 1_000
    for lag, off, late in ((60, 60_000, False), (60, 60_001, True), (0.5, 500, False), (0.5, 501, True), (1, 0, False)):
        found = replayed(shown, at + side * off, ReplayTrust(ONE, lag))
        assert (found.size, found.late) == (5, late)


def test_a_key_that_does_not_count_fills_no_quorum() -> None:
    shown = [read_cosigned(rebuilt(name, 5, SECONDS).checkpoint, LOG.trust_root.log_key) for name in ("one", "two")]
    at = SECONDS * 1_000
    assert not replayed(shown, at, ReplayTrust(TWO, 60)).late
    idle = frozenset((KEYS["two"],))
    assert replayed(shown, at, ReplayTrust(TWO, 60, idle)) == Replayed(named=True)
    assert not replayed(shown, at, ReplayTrust(ONE, 60, idle)).late
    assert replayed(shown, at, ReplayTrust(ONE, 60, frozenset(KEYS.values()))) == Replayed(named=True)


def _another_log() -> pb.CosignedCheckpoint:
    return rebuilt("one", SIZE, SECONDS, others())


def _another_history() -> pb.CosignedCheckpoint:
    shown = rebuilt("one", 5, SECONDS)
    shown.consistency = shown.consistency[32:] + shown.consistency[:32]
    return shown


def _a_false_line() -> pb.CosignedCheckpoint:
    shown = rebuilt("one", 5, SECONDS)
    signed = note.parse(shown.checkpoint)
    line = signed.signatures[1]
    forged = line._replace(signature=line.signature[:-1] + bytes((line.signature[-1] ^ 1,)))
    shown.checkpoint = Note(signed.text, (signed.signatures[0], forged)).encode()
    return shown


def _without_the_log() -> pb.CosignedCheckpoint:
    shown = rebuilt("one", 5, SECONDS)
    signed = note.parse(shown.checkpoint)
    shown.checkpoint = Note(signed.text, signed.signatures[1:]).encode()
    return shown


@pytest.mark.parametrize("lie", [_another_log, _another_history, _a_false_line, _without_the_log])
def test_a_lie_about_a_replay_spoils_the_evidence(lie: Callable[[], pb.CosignedCheckpoint]) -> None:
    shown = lie()
    with pytest.raises(VerificationError) as caught:
        verify(evidence(shown), LOG.trust_root, replaying=ONE)
    assert caught.value.part == "cosigned checkpoint"
    with pytest.raises(Wrong):
        naively(shown, quorum=ONE)


def test_more_than_eight_checkpoints_are_refused() -> None:
    shown = [rebuilt("one", 5, SECONDS + at) for at in range(9)]
    with pytest.raises(FormatError, match=r"replayed\.count"):
        Verifier(LOG.trust_root).verify_file(evidence(*shown))
    with pytest.raises(Wrong):
        naively(*shown)
