"""A cosigned checkpoint beside an answer: one history, the witnesses that its reader trusts, and every lie about it."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk._protocol.witnessed import witnessed
from client_sdk.kernel.formats import canonical, note
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import Note, VerifierKey
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.cosigned import read_cosigned
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.naive_cosigned import naive_witnessed
from tests.support.naive_parts import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMES = ("one", "two", "three")
SIGNERS = {name: signer(f"witness {name}") for name in (*NAMES, "stranger")}
KEYS = {name: VerifierKey.cosigner(f"{name}.example", each.public_key.raw) for name, each in SIGNERS.items()}
QUORUM = WitnessQuorum.parse(
    "\n".join(
        [*(f"witness {name} {KEYS[name].text()}" for name in NAMES), "group most 2 one two three", "quorum most"]
    ).encode()
)
SECONDS = 1_790_000_000


def make_log() -> HandmadeLog:
    log = HandmadeLog()
    log.say("lender-1", "loan-1")
    log.head()
    return log


LOG = make_log()
EVIDENCE = make_evidence(LOG, "lender-3", ["person of loan-1"])
SIZE = len(LOG.leaves)
AFTER = make_log()
AFTER.say("lender-2", "loan-2")
AFTER.head()


def cosigned_note(checkpoint: bytes, times: dict[str, int]) -> bytes:
    """A checkpoint with the lines of these witnesses."""
    signed = note.parse(checkpoint)
    lines = [cosign(signed.text, KEYS[name].name, SIGNERS[name], at) for name, at in times.items()]
    return Note(signed.text, (*signed.signatures, *lines)).encode()


def beside(size: int, times: dict[str, int], log: HandmadeLog = AFTER) -> pb.CosignedCheckpoint:
    """What a registry shows beside the answer: the first so many leaves, as these witnesses cosigned them."""
    older, newer = sorted((size, SIZE))
    path = log.tree.consistency_proof(older, newer) if older < newer else []
    return pb.CosignedCheckpoint(checkpoint=cosigned_note(log.checkpoint(size), times), consistency=b"".join(path))


def read(cosigned: pb.CosignedCheckpoint | None) -> tuple[int, float, bool] | None:
    """Size, time and wholeness that the verifier finds; None where there is no quorum."""
    evidence = pb.Evidence()
    evidence.CopyFrom(EVIDENCE)
    if cosigned is not None:
        evidence.cosigned.CopyFrom(cosigned)
    verified = Verifier(LOG.trust_root).verify_file(canonical.encode(evidence))
    found = witnessed(verified.cosigned, verified.checkpoint.size, (QUORUM,))
    assert found is not None
    return None if found.at is None else (found.size, found.at.timestamp(), found.whole)


def naively(cosigned: pb.CosignedCheckpoint, policy: Sequence[str] = ()) -> tuple[int, int] | None:
    """The same by the second reader."""
    log = LOG.trust_root.log_key
    lines = policy or QUORUM.lines()
    return naive_witnessed(
        cosigned.checkpoint, cosigned.consistency, EVIDENCE.checkpoint, (log.name.encode(), log.raw), lines
    )


@pytest.mark.parametrize("size", [1, 2, 5, SIZE - 2, SIZE, SIZE + 1, SIZE + 2])
def test_smaller_and_larger_cosigned_checkpoints_count_as_far_as_they_reach(size: int) -> None:
    shown = beside(size, {"one": SECONDS, "two": SECONDS + 9, "three": SECONDS + 5})
    assert read(shown) == (size, SECONDS + 5, size >= SIZE)
    assert naively(shown) == (size, SECONDS + 5)


def test_without_a_quorum_an_answer_stands_and_is_not_witnessed() -> None:
    for times in ({}, {"one": SECONDS}, {"one": SECONDS, "stranger": SECONDS}, {"stranger": SECONDS}):
        assert read(beside(SIZE, times)) is None
        assert naively(beside(SIZE, times)) is None
    assert read(None) is None
    assert witnessed(None, SIZE, ()) is None


def test_each_quorum_that_is_demanded_must_be_met() -> None:
    own = WitnessQuorum.parse(f"witness s {KEYS['stranger'].text()}\nquorum s".encode())
    shown = read_cosigned(beside(SIZE, {"one": SECONDS, "two": SECONDS + 1}).checkpoint, LOG.trust_root.log_key)
    assert shown.met_at((QUORUM,)) == SECONDS
    assert shown.met_at((QUORUM, own)) is None
    times = {"one": SECONDS, "two": SECONDS + 1, "stranger": SECONDS - 50}
    both = read_cosigned(beside(SIZE, times).checkpoint, LOG.trust_root.log_key)
    assert both.met_at((QUORUM, own)) == SECONDS - 50


def test_a_time_from_beyond_the_readers_clock_makes_no_quorum_and_a_file_tells_it() -> None:
    ahead = SECONDS + 61
    shown = read_cosigned(beside(SIZE, {"one": ahead, "two": SECONDS}).checkpoint, LOG.trust_root.log_key)
    first = WitnessQuorum.parse(
        f"witness one {KEYS['one'].text()}\nwitness two {KEYS['two'].text()}\ngroup g any one two\nquorum g".encode()
    )
    now = SECONDS * 1_000
    for quorum, at in ((first, SECONDS), (QUORUM, None)):
        found = witnessed(shown, SIZE, (quorum,), now)
        assert found is not None
        assert (None if found.at is None else found.at.timestamp()) == at
        # A minute later by its clock it counts, as clocks differ by a minute.
        later = witnessed(shown, SIZE, (quorum,), now + 1_000)
        assert later is not None
        assert later.at is not None
    offline = witnessed(shown, SIZE, (first,))
    assert offline is not None
    assert offline.at is not None
    assert offline.at.timestamp() == ahead


def test_a_time_that_no_calendar_has_is_no_error() -> None:
    found = read(beside(SIZE, {"one": 2**63 - 1, "two": 2**63 - 1}))
    assert found is not None
    assert found[0] == SIZE


def others() -> HandmadeLog:
    """Another log under a key and an origin of its own."""
    log = make_log()
    log.origin = "other.example/log/1"
    return log


def _another_log() -> pb.CosignedCheckpoint:
    return beside(SIZE, {"one": SECONDS, "two": SECONDS}, others())


def _another_key() -> pb.CosignedCheckpoint:
    checkpoint = LOG.checkpoint(SIZE, signer("mole"))
    return pb.CosignedCheckpoint(checkpoint=cosigned_note(checkpoint, {"one": SECONDS, "two": SECONDS}))


def _another_root() -> pb.CosignedCheckpoint:
    checkpoint = sign_checkpoint(LOG.origin, SIZE, bytes(32), LOG.log_signer)
    return pb.CosignedCheckpoint(checkpoint=cosigned_note(checkpoint, {"one": SECONDS, "two": SECONDS}))


def _cosignatures_over_another_root() -> pb.CosignedCheckpoint:
    other = note.parse(cosigned_note(sign_checkpoint(LOG.origin, SIZE, bytes(32), LOG.log_signer), {"one": SECONDS}))
    own = note.parse(LOG.checkpoint())
    return pb.CosignedCheckpoint(checkpoint=Note(own.text, (*own.signatures, *other.signatures[1:])).encode())


def _a_fork_of_one_size() -> pb.CosignedCheckpoint:
    log = HandmadeLog()
    log.say("lender-1", "loan-of-nobody")
    log.head()
    return beside(SIZE, {"one": SECONDS, "two": SECONDS}, log)


def _a_fork_that_is_larger() -> pb.CosignedCheckpoint:
    log = HandmadeLog()
    log.say("lender-1", "loan-of-nobody")
    log.head()
    log.say("lender-2", "loan-2")
    log.head()
    return beside(SIZE + 2, {"one": SECONDS, "two": SECONDS}, log)


def _no_proof() -> pb.CosignedCheckpoint:
    shown = beside(SIZE - 2, {"one": SECONDS, "two": SECONDS})
    shown.consistency = b""
    return shown


def _a_proof_too_much() -> pb.CosignedCheckpoint:
    shown = beside(SIZE, {"one": SECONDS, "two": SECONDS})
    shown.consistency = bytes(32)
    return shown


def _half_a_hash() -> pb.CosignedCheckpoint:
    shown = beside(SIZE - 2, {"one": SECONDS, "two": SECONDS})
    shown.consistency = shown.consistency[:-1]
    return shown


def _one_witness_twice() -> pb.CosignedCheckpoint:
    shown = beside(SIZE, {"one": SECONDS})
    line = shown.checkpoint.splitlines(keepends=True)[-1]
    return pb.CosignedCheckpoint(checkpoint=shown.checkpoint + line)


def _a_line_that_was_changed() -> pb.CosignedCheckpoint:
    parsed = note.parse(beside(SIZE, {"one": SECONDS, "two": SECONDS}).checkpoint)
    last = parsed.signatures[-1]
    later = (SECONDS + 99).to_bytes(8, "big") + last.signature[8:]
    return pb.CosignedCheckpoint(
        checkpoint=Note(parsed.text, (*parsed.signatures[:-1], last._replace(signature=later))).encode()
    )


def _the_witnesses_first() -> pb.CosignedCheckpoint:
    parsed = note.parse(beside(SIZE, {"one": SECONDS, "two": SECONDS}).checkpoint)
    return pb.CosignedCheckpoint(checkpoint=Note(parsed.text, parsed.signatures[::-1]).encode())


def _an_empty_log() -> pb.CosignedCheckpoint:
    empty = b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    checkpoint = sign_checkpoint(LOG.origin, 0, empty, LOG.log_signer)
    return pb.CosignedCheckpoint(checkpoint=cosigned_note(checkpoint, {"one": SECONDS, "two": SECONDS}))


LIES = [
    _another_log,
    _another_key,
    _another_root,
    _cosignatures_over_another_root,
    _a_fork_of_one_size,
    _a_fork_that_is_larger,
    _no_proof,
    _a_proof_too_much,
    _half_a_hash,
    _one_witness_twice,
    _a_line_that_was_changed,
    _the_witnesses_first,
    _an_empty_log,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__[1:])
def test_a_lie_about_witnesses_makes_evidence_that_is_refused(lie: Callable[[], pb.CosignedCheckpoint]) -> None:
    with pytest.raises(FormatError) as caught:
        read(lie())
    assert caught.value.part == "cosigned checkpoint"
    with pytest.raises((Wrong, ValueError)):
        naively(lie())


def test_no_changed_byte_says_more_than_was_cosigned() -> None:
    shown = beside(SIZE - 2, {"one": SECONDS, "two": SECONDS})
    data = shown.SerializeToString()
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        try:
            found = read(pb.CosignedCheckpoint.FromString(changed))
        except Exception:  # noqa: BLE001, S112 - protobuf's own error is as good
            continue
        assert found is None
