"""The newest checkpoint of a home: it moves forward by proofs alone, and what contradicts it is kept."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import transparency_pb2 as pb

from client_sdk._steps import beside, relay, run
from client_sdk.errors import ConfigError, RefusedError, VerificationError
from client_sdk.following import ContradictionError, NewestCheckpoint, confirmation
from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.lending.outbox import Outbox, Stored
from tests.support.handmade_log import signer
from tests.support.troubles import small_files_only
from tests.vectors.golden.generate import LOG_ORIGIN, history

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.following import Proving
    from client_sdk.kernel.formats.merkle import MemoryTree

SIGNER = signer("log")
KEY = VerifierKey.ed25519(LOG_ORIGIN, SIGNER.public_key.raw)


def note(tree: MemoryTree, size: int) -> bytes:
    return sign_checkpoint(LOG_ORIGIN, size, tree.root(size), SIGNER)


class Log:
    """Answers as a registry does, out of one tree.

    Args:
        tree: all leaves.
        size: how many of them are shown.
        tells_root: whether the root at the known size goes with the proof.
    """

    def __init__(self, tree: MemoryTree, size: int = 0, *, tells_root: bool = True) -> None:
        self.tree = tree
        self.size = size or tree.size
        self.tells_root = tells_root
        self.asked: list[tuple[int, int]] = []

    def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
        self.asked.append((request.known_size, request.to_size))
        newer = request.to_size or self.size
        if newer > self.size or request.known_size > newer:
            raise RefusedError("RANGE_INVALID", status="OUT_OF_RANGE")
        older = request.known_size
        path = self.tree.consistency_proof(older, newer) if 0 < older < newer else []
        return pb.GetCheckpointResponse(
            checkpoint=note(self.tree, self.size),
            consistency=b"".join(path),
            known_root=self.tree.root(older) if older and self.tells_root else b"",
        )

    def drive(self, steps: Proving) -> None:
        run(relay(steps, lambda request: beside(partial(self.answer, request))))


@pytest.fixture
def newest(tmp_path: Path) -> NewestCheckpoint:
    return NewestCheckpoint(tmp_path / "checkpoint", KEY)


def size_of(newest: NewestCheckpoint) -> int:
    known = newest.read()
    return 0 if known is None else known.checkpoint.size


def test_it_moves_forward_and_never_back(newest: NewestCheckpoint, tmp_path: Path) -> None:
    log = Log(history(20, 1))
    assert newest.read() is None
    for size in (5, 9, 7, 9, 20):
        log.drive(newest.prove(note(log.tree, size)))
    # What is the same needs no proof, and the first one has none.
    assert log.asked == [(5, 9), (7, 9), (9, 20)]
    assert size_of(newest) == size_of(NewestCheckpoint(tmp_path / "checkpoint", KEY)) == 20


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("later", [0, 4])
def test_another_history_is_refused_and_proved(newest: NewestCheckpoint, tmp_path: Path, size: int, later: int) -> None:
    log, other = Log(history(20, 1)), Log(history(size + later, 2))
    log.drive(newest.prove(note(log.tree, size)))
    with pytest.raises(ContradictionError, match=r"log\.fork"):
        other.drive(newest.prove(note(other.tree, size + later)))
    with pytest.raises(ContradictionError, match=r"log\.fork") as refused:
        other.drive(newest.prove(note(other.tree, size + later)))
    assert size_of(newest) == size
    assert refused.value.kept is not None
    proof = Contradiction.parse(refused.value.kept.read_bytes(), KEY)
    assert {proof.first.raw, proof.second.raw} == {refused.value.known, refused.value.shown}
    assert str(proof) in str(refused.value)
    # Told twice, kept once.
    assert [path.name for path in tmp_path.glob("*.proof")] == [refused.value.kept.name]
    # Nor is what continues the known one accepted any more.
    with pytest.raises(ContradictionError, match=r"log\.fork-proved"):
        newest.check_trusted()


def test_two_histories_on_a_full_disk_are_told_as_such_and_stop_every_call(
    newest: NewestCheckpoint, tmp_path: Path
) -> None:
    log, other = Log(history(20, 1)), Log(history(13, 2))
    log.drive(newest.prove(note(log.tree, 9)))
    with small_files_only(16):
        with pytest.raises(ContradictionError, match=r"It is not kept: .* cannot be written") as refused:
            other.drive(newest.prove(note(other.tree, 13)))
        assert (refused.value.rule, refused.value.kept) == ("log.fork", None)
        with pytest.raises(ContradictionError, match=r"log\.fork-proved"):
            newest.check_trusted()
    # As soon as there is room the proof is kept, for every process of the home.
    assert list(tmp_path.glob("*.proof")) == []
    for each in (newest, NewestCheckpoint(tmp_path / "checkpoint", KEY)):
        with pytest.raises(ContradictionError, match=r"log\.fork-proved"):
            each.check_trusted()
    (kept,) = tmp_path.glob("*.proof")
    proof = Contradiction.parse(kept.read_bytes(), KEY)
    assert {proof.first.raw, proof.second.raw} == {refused.value.known, refused.value.shown}
    kept.rename(tmp_path / "seen.proof")
    newest.check_trusted()


def test_a_rollback_on_a_full_disk_is_told_as_such(newest: NewestCheckpoint) -> None:
    log = Log(history(20, 1))
    log.drive(newest.prove(note(log.tree, 9)))
    with small_files_only(16), pytest.raises(ContradictionError, match=r"log\.rollback.* is not kept: "):
        Log(history(20, 1), 5).drive(newest.prove(note(log.tree, 5)))


def test_files_that_were_set_aside_or_prove_nothing_leave_room_for_a_proof(
    newest: NewestCheckpoint, tmp_path: Path
) -> None:
    for number in range(40):
        for name in ("forgotten-contradiction", "contradiction"):
            (tmp_path / f"{name}-{number}.proof").write_bytes(b"creditregistry/contradiction/v1\n")
    log, other = Log(history(20, 1)), Log(history(13, 2))
    log.drive(newest.prove(note(log.tree, 9)))
    with pytest.raises(ContradictionError) as refused:
        other.drive(newest.prove(note(other.tree, 13)))
    assert refused.value.kept is not None
    with pytest.raises(ContradictionError, match=r"log\.fork-proved"):
        newest.check_trusted()


def test_a_registry_that_hides_its_root_is_refused_and_its_note_is_kept(
    newest: NewestCheckpoint, tmp_path: Path
) -> None:
    log, other = Log(history(20, 1)), Log(history(13, 2), tells_root=False)
    log.drive(newest.prove(note(log.tree, 9)))
    with pytest.raises(ContradictionError, match=r"log\.fork") as refused:
        other.drive(newest.prove(note(other.tree, 13)))
    assert refused.value.kept is not None
    assert refused.value.kept.read_bytes() == note(other.tree, 13)
    assert list(tmp_path.glob("*.proof")) == []
    assert size_of(newest) == 9


def test_a_shorter_log_is_a_rollback_and_no_proof(newest: NewestCheckpoint, tmp_path: Path) -> None:
    log = Log(history(20, 1))
    log.drive(newest.prove(note(log.tree, 12)))
    old = Log(log.tree, 10)
    # What is smaller is shown by whoever was overtaken; that the log itself is shorter is told by its refusal.
    with pytest.raises(ContradictionError, match=r"log\.rollback") as refused:
        old.drive(newest.prove(note(log.tree, 10)))
    assert (refused.value.known, refused.value.shown) == (note(log.tree, 12), note(log.tree, 10))
    assert refused.value.kept is not None
    assert refused.value.kept.name.startswith("shown-10-")
    assert parse_checkpoint(refused.value.kept.read_bytes(), KEY).checkpoint.size == 10
    assert list(tmp_path.glob("*.proof")) == []
    assert size_of(newest) == 12


@pytest.mark.parametrize("shown", [12, 13, 16, 20])
def test_a_receipt_of_a_branch_that_was_given_up_is_proved_against_the_newest(
    newest: NewestCheckpoint, shown: int
) -> None:
    """What is kept is of both histories: only the receipt and what the log shows now contradict each other."""
    lost, other = history(20, 1), Log(history(20, 2), shown)
    other.drive(newest.prove(note(lost, 3)))
    with pytest.raises(ContradictionError, match=r"log\.fork") as refused:
        other.drive(newest.prove(note(lost, 12)))
    assert refused.value.kept is not None
    proof = Contradiction.parse(refused.value.kept.read_bytes(), KEY)
    assert {proof.first.raw, proof.second.raw} == {note(lost, 12), note(other.tree, shown)}
    # The log grows, and the proof of before is as good.
    other.size = 20
    with pytest.raises(ContradictionError) as again:
        other.drive(newest.prove(note(lost, 12)))
    assert again.value.kept == refused.value.kept


def test_a_receipt_that_the_log_has_lost_is_a_rollback(newest: NewestCheckpoint) -> None:
    log = Log(history(20, 1))
    log.drive(newest.prove(note(log.tree, 10)))
    with pytest.raises(ContradictionError, match=r"log\.rollback"):
        Log(log.tree, 10).drive(newest.prove(note(log.tree, 12)))
    assert size_of(newest) == 10


def test_a_refusal_of_a_log_that_is_long_enough_is_a_refusal(newest: NewestCheckpoint) -> None:
    log = Log(history(20, 1))
    log.drive(newest.prove(note(log.tree, 10)))
    steps = newest.prove(note(log.tree, 12))
    next(steps)
    request = steps.throw(RefusedError("NOT_PERMITTED"))
    with pytest.raises(RefusedError, match="NOT_PERMITTED"):
        steps.send(log.answer(request))


def test_what_another_key_has_signed_is_nothing(newest: NewestCheckpoint) -> None:
    log = Log(history(20, 1))
    forged = sign_checkpoint(LOG_ORIGIN, 12, log.tree.root(12), signer("another log"))
    with pytest.raises(VerificationError):
        log.drive(newest.prove(forged))
    assert newest.read() is None


def test_those_who_share_a_home_leave_the_largest(tmp_path: Path) -> None:
    tree = history(60, 1)
    problems: list[BaseException] = []

    def prove(first: int) -> None:
        try:
            own = NewestCheckpoint(tmp_path / "checkpoint", KEY)
            for size in range(first, 61, 4):
                Log(tree).drive(own.prove(note(tree, size)))
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            problems.append(error)

    threads = [threading.Thread(target=prove, args=(first,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert size_of(NewestCheckpoint(tmp_path / "checkpoint", KEY)) == 60


@pytest.mark.parametrize("content", [b"", b"garbage", note(history(9, 1), 9)[:-3]], ids=["empty", "garbage", "cut off"])
def test_a_damaged_file_is_refused_and_left(newest: NewestCheckpoint, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint").write_bytes(content)
    log = Log(history(20, 1))
    with pytest.raises(ConfigError, match="damaged"):
        log.drive(newest.prove(note(log.tree, 9)))
    assert (tmp_path / "checkpoint").read_bytes() == content


def test_it_is_forgotten_only_by_its_own_name_and_a_copy_is_left(newest: NewestCheckpoint) -> None:
    log = Log(history(20, 1))
    with pytest.raises(ConfigError):
        newest.forget("9:anything")
    log.drive(newest.prove(note(log.tree, 9)))
    known = newest.read()
    assert known is not None
    with pytest.raises(ConfigError, match="nothing was changed"):
        newest.forget(confirmation(known.checkpoint) + "=")
    kept = newest.forget(confirmation(known.checkpoint))
    assert kept.read_bytes() == known.raw
    assert newest.read() is None
    Log(history(7, 2)).drive(newest.prove(note(history(7, 2), 7)))
    assert size_of(newest) == 7


def test_an_outbox_remembers_which_receipts_were_not_proved(tmp_path: Path) -> None:
    tree = history(20, 1)

    def stored(number: int) -> Stored:
        return Stored("lender-1", bytes((number,)) * 16, 1, number, 0, b"payload", b"key", b"signature", b"")

    with Outbox(tmp_path / "outbox.sqlite", "registry.example", "lender-1") as outbox:
        outbox.settle(note(tree, 12), 12, [stored(2)])
        outbox.settle(note(tree, 9), 9, [stored(1)])
        outbox.settle(note(tree, 12), 12, [stored(3)])
        assert outbox.unproved() == [note(tree, 9), note(tree, 12)]
        outbox.proved([note(tree, 9)])
        outbox.settle(note(tree, 9), 9, [stored(4)])
    with Outbox(tmp_path / "outbox.sqlite", "registry.example", "lender-1") as outbox:
        assert outbox.unproved() == [note(tree, 12)]
