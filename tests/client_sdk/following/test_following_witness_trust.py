"""What witnesses confirm of the log that a home was shown is found out afterwards; a contradiction stops all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError, RefusedError, RollbackError
from client_sdk.following import ContradictionError, DirectoryFollower, NewestCheckpoint, WitnessTrust, confirmation
from client_sdk.kernel.formats.note import Note, VerifierKey, parse
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.models import WitnessDemand, Witnessed
from client_sdk.quorums import quorums_of_home
from client_sdk.verification import verify_contradiction
from tests.client_sdk.following.test_following_newest import Log, note
from tests.client_sdk.kernel.ledger.test_ledger_cosigned import KEYS, QUORUM, SECONDS, cosigned_note
from tests.support.handmade_log import HandmadeLog
from tests.vectors.golden.generate import history

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.merkle import MemoryTree

ROOT = HandmadeLog(lenders=(), rulebook=Rulebook(witness_quorum=QUORUM.lines())).trust_root
ENOUGH = {"one": SECONDS, "two": SECONDS + 1}
OWN = f"witness mine {KEYS['stranger'].text()}\nquorum mine\n"


class WitnessedLog(Log):
    """A registry that also shows what witnesses have cosigned.

    Args:
        tree: all leaves of the log that it serves.
        cosigned: leaves that were cosigned; 0 for none.
        by: who has cosigned, and when.
        of: the history in which they are; that of the registry unless given.
    """

    def __init__(self, tree: MemoryTree, cosigned: int, by: dict[str, int], of: MemoryTree | None = None) -> None:
        super().__init__(tree)
        self.cosigned, self.by, self.of = cosigned, by, of or tree

    def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
        response = super().answer(request)
        if request.cosigned and self.cosigned:
            older, newer = sorted((request.known_size, self.cosigned))
            path = self.tree.consistency_proof(older, newer) if older < newer <= self.tree.size else []
            shown = cosigned_note(note(self.of, self.cosigned), self.by)
            message = evidence_pb2.CosignedCheckpoint(checkpoint=shown, consistency=b"".join(path))
            response.cosigned.CopyFrom(message)
        return response


class Home:
    """A member's home that was shown the first 9 leaves of a log; each look is that of a process of its own."""

    def __init__(self, folder: Path, demand: WitnessDemand = WitnessDemand.FOLLOW_UP) -> None:
        self.config = ClientConfig(
            institution="lender-1", registry="r:1", name=ROOT.registry, home=folder, witnessed=demand
        )
        self.config.state_folder.mkdir(parents=True, exist_ok=True)
        self.config.trust_root_file.write_bytes(ROOT.encode())
        self.newest = NewestCheckpoint(self.config.state_folder / "checkpoint", ROOT.log_key)

    def trust(self) -> WitnessTrust:
        return WitnessTrust(self.config, DirectoryFollower(ROOT), self.newest)

    def look(self, log: Log) -> tuple[int, bool] | None:
        """Follow up once; return up to where, and whether wholly, the log is confirmed then."""
        log.drive(self.trust().confirming())
        found = self.trust().witnessed()
        return None if found is None else (found.size, found.whole)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    Log(history(20, 1)).drive(made.newest.prove(note(history(20, 1), 9)))
    return made


def test_what_was_shown_is_confirmed_by_a_later_cosigned_checkpoint(home: Home) -> None:
    tree = history(20, 1)
    assert home.look(WitnessedLog(tree, 0, {})) == (0, False)
    assert home.look(WitnessedLog(tree, 7, ENOUGH)) == (7, False)
    assert home.look(WitnessedLog(tree, 12, ENOUGH)) == (12, True)
    # What witnesses have seen beyond it counts as shown from then on.
    known = home.newest.read()
    assert known is not None
    assert known.checkpoint.size == 12
    # Nothing more is asked, and an older one takes nothing back.
    quiet = WitnessedLog(tree, 10, ENOUGH)
    assert home.look(quiet) == (12, True)
    assert quiet.asked == []


def test_what_witnesses_are_not_shown_ages_although_they_cosign_its_beginning_again_and_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, now = history(20, 1), [SECONDS + 10]
    monkeypatch.setattr("client_sdk.following.witness_trust.clock_ms", lambda: now[0] * 1_000)

    def confirmed(cosigned: int, seconds: int) -> tuple[int, bool, int]:
        """Look when both witnesses have just cosigned so many leaves; how far, and when, the log is confirmed."""
        now[0] = seconds
        home.look(WitnessedLog(tree, cosigned, {"one": seconds, "two": seconds}))
        found = home.trust().witnessed()
        assert found is not None
        assert found.at is not None
        return found.size, found.whole, int(found.at.timestamp())

    first = SECONDS + 10
    assert confirmed(5, first) == (5, False, first)
    # Nine leaves were shown: the same five, or six, or seven of them cosigned anew confirm nothing of the rest.
    for size, later in ((5, 60), (6, 3_600), (7, 86_400), (8, 864_000)):
        assert confirmed(size, first + later) == (size, False, first)
    # What is confirmed at last is of now, and what is shown beyond it is awaited from then on.
    assert confirmed(9, first + 900_000) == (9, True, first + 900_000)
    Log(tree).drive(home.newest.prove(note(tree, 15)))
    assert confirmed(9, first + 900_000) == (9, False, first + 900_000)
    assert confirmed(9, first + 900_100) == (9, False, first + 900_000)
    assert confirmed(12, first + 900_200) == (12, False, first + 900_000)
    # A clock that was ahead for a while hides nothing for longer than that.
    now[0] = first + 800_000
    assert home.trust().witnessed() == Witnessed()
    assert confirmed(13, first + 900_300) == (13, False, first + 800_000)


def test_a_line_that_does_not_verify_confirms_nothing_once_its_witness_is_trusted(home: Home) -> None:
    tree = history(20, 1)
    shown = parse(cosigned_note(note(tree, 12), ENOUGH | {"stranger": SECONDS}))
    spoilt = shown.signatures[-1]._replace(signature=bytes(72))

    class Planting(WitnessedLog):
        def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
            response = super().answer(request)
            planted = Note(shown.text, (*shown.signatures[:-1], spoilt)).encode()
            response.cosigned.checkpoint = planted if request.cosigned else response.cosigned.checkpoint
            return response

    assert home.look(Planting(tree, 12, ENOUGH)) == (12, True)
    home.config.quorum_file.write_text(OWN)
    assert home.trust().witnessed() == Witnessed()
    assert home.trust().aged(Witnessed(size=5)) == Witnessed(size=5)


def test_one_process_asks_now_and_then(home: Home) -> None:
    log, trust = WitnessedLog(history(20, 1), 0, {}), home.trust()
    for _ in range(3):
        log.drive(trust.confirming())
    assert len(log.asked) == 1


def test_what_proves_nothing_stops_nobody(home: Home) -> None:
    tree = history(20, 1)
    old = WitnessedLog(tree, 7, ENOUGH)
    assert home.look(old) == (7, False)
    for by in ({"one": SECONDS}, {"one": SECONDS, "stranger": SECONDS}, {}):
        assert home.look(WitnessedLog(tree, 12, by)) == (7, False)

    class Refusing(Log):
        def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
            raise RefusedError("UNAVAILABLE", status="UNAVAILABLE", message=f"nothing about {request.known_size}")

    assert home.look(Refusing(tree)) == (7, False)

    class Scribbling(WitnessedLog):
        def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
            response = super().answer(request)
            shown = parse(response.cosigned.checkpoint)
            last = shown.signatures[-1]
            changed = last._replace(signature=last.signature[:-1] + bytes((last.signature[-1] ^ 1,)))
            response.cosigned.checkpoint = Note(shown.text, (*shown.signatures[:-1], changed)).encode()
            return response

    assert home.look(Scribbling(tree, 12, ENOUGH)) == (7, False)

    class Mumbling(WitnessedLog):
        def answer(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
            response = super().answer(request)
            response.cosigned.checkpoint = b"nothing that could be read"
            return response

    assert home.look(Mumbling(tree, 12, ENOUGH)) == (7, False)


@pytest.mark.parametrize("size", [9, 13])
def test_another_history_that_witnesses_see_is_proved_and_stops_all_until_a_person_acts(home: Home, size: int) -> None:
    other = history(20, 2)
    # Of one size the two notes prove it; of two, what the registry serves by now.
    lying = WitnessedLog(history(20, 1) if size == 9 else other, size, ENOUGH, of=other)
    with pytest.raises(ContradictionError, match=r"log\.fork") as caught:
        home.look(lying)
    proof = caught.value.kept
    assert proof is not None
    found = verify_contradiction(proof.read_bytes(), ROOT)
    assert {found.first.checkpoint.size, found.second.checkpoint.size} == {9, size}
    # Any later process is refused, whatever it is shown, until the file is moved away.
    for _ in range(2):
        with pytest.raises(RollbackError, match=r"log\.fork-proved") as stopped:
            Home(home.config.home).newest.check_trusted()
        assert str(proof) in str(stopped.value)
    proof.rename(proof.with_name("seen.proof"))
    home.newest.check_trusted()


def test_a_file_that_proves_nothing_stops_nobody(home: Home) -> None:
    state = home.config.state_folder
    (state / "contradiction-0000000000000000.proof").write_bytes(b"creditregistry/contradiction/v1\n")
    home.newest.check_trusted()


def test_forgetting_a_log_sets_its_proofs_aside_and_drops_what_was_confirmed(home: Home) -> None:
    assert home.look(WitnessedLog(history(20, 1), 12, ENOUGH)) == (12, True)
    with pytest.raises(ContradictionError):
        WitnessedLog(history(20, 2), 0, {}).drive(home.newest.prove(note(history(20, 2), 12)))
    known = home.newest.read()
    assert known is not None
    home.newest.forget(confirmation(known.checkpoint))
    home.newest.check_trusted()
    assert len(list(home.config.state_folder.glob("forgotten-contradiction-*.proof"))) == 1
    assert home.look(WitnessedLog(history(20, 2), 0, {})) == (0, False)


def test_a_cosigned_checkpoint_beyond_the_log_that_is_served_is_a_rollback(home: Home) -> None:
    class Short(WitnessedLog):
        def __init__(self) -> None:
            super().__init__(history(20, 1), 19, ENOUGH)
            self.size = 12

    # It proves the one history, so that it counts; what is served later must begin with it.
    short = Short()
    with pytest.raises(RollbackError, match=r"log\.rollback"):
        home.look(short)


def test_a_member_may_demand_more_and_may_demand_nothing(home: Home) -> None:
    home.config.quorum_file.write_text(OWN)
    tree = history(20, 1)
    assert len(quorums_of_home(home.config)) == 2
    assert home.look(WitnessedLog(tree, 12, ENOUGH)) == (0, False)
    assert home.look(WitnessedLog(tree, 12, {**ENOUGH, "stranger": SECONDS - 5})) == (12, True)
    careless = Home(home.config.home, WitnessDemand.NONE)
    silent = WitnessedLog(tree, 12, ENOUGH)
    assert careless.look(silent) is None
    assert silent.asked == []
    assert not careless.trust().strict
    assert Home(home.config.home, WitnessDemand.STRICT).trust().strict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quorum", r"policy\.line"),
        (f"log {VerifierKey.ed25519('other.example/log/1', bytes(32)).text()}\nquorum none", "another log"),
        (f"log {HandmadeLog().trust_root.log_key.text()}\nquorum nobody", r"policy\.defined"),
    ],
)
def test_an_own_policy_that_is_not_in_order_is_refused(home: Home, text: str, message: str) -> None:
    home.config.quorum_file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        home.trust()
    home.config.quorum_file.write_text(f"log {ROOT.log_key.text()}\n{OWN}")
    assert len(home.trust().quorums) == 2
    home.config.quorum_file.write_text("quorum none\n")
    assert len(home.trust().quorums) == 1
