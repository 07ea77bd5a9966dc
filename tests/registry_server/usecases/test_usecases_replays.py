"""Cosignatures of auditors are taken up, kept by key, and shown beside answers; what is none of this log is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import note as notes
from client_sdk.kernel.formats.act import InstitutionBody, RulebookBody
from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.complaint import Complaining
from client_sdk.kernel.formats.cosignature import cosign
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.merkle import EMPTY_ROOT
from client_sdk.kernel.formats.note import Note, VerifierKey
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.cosigned import check_one_history
from registry_server.errors import RegistryError
from registry_server.rpc.convert.checks import question
from registry_server.rpc.convert.transparency import checkpoint
from registry_server.storage import replays as table
from registry_server.usecases.check import Checks
from registry_server.usecases.cosigned_proofs import CosignedProofs
from registry_server.usecases.evidence import EvidencePage
from registry_server.usecases.replays import Replays
from registry_server.usecases.transparency import Transparency
from tests.support.handmade_log import REGISTRY, signer
from tests.support.registers import ORIGIN
from tests.support.registry import inquire
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.unit_of_work import Database

SIGNERS = {name: signer(f"replay {name}") for name in ("one", "two", "stranger")}
KEYS = {name: VerifierKey.cosigner(f"{REGISTRY}/{name}/replay", each.public_key.raw) for name, each in SIGNERS.items()}
LINES = (*(f"witness {name} {KEYS[name].text()}" for name in ("one", "two")), "group any 1 one two", "quorum any")


def signed(text_of: bytes, name: str, seconds: int) -> bytes:
    """A checkpoint as an auditor has cosigned it."""
    parsed = notes.parse(text_of)
    line = cosign(parsed.text, KEYS[name].name, SIGNERS[name], seconds)
    return Note(parsed.text, (*parsed.signatures, line)).encode()


def newest(ledger: Ledger, name: str, seconds: int) -> bytes:
    with ledger.view() as view:
        return signed(view.checkpoint, name, seconds)


def enrol_auditors(world: World, ledger: Ledger) -> None:
    for name in ("one", "two"):
        world.decide(ledger, InstitutionBody(world.enrolment(name, (Role.AUDITOR,), KeyUsage.AUDIT)))


def name_auditors(world: World, ledger: Ledger, lines: tuple[str, ...]) -> None:
    world.decide(ledger, RulebookBody(replace(ledger.directory.rulebook, replay_quorum=lines)))


REFUSED: dict[str, tuple[Callable[[World, Ledger, int], bytes], str]] = {
    "a stranger's": (lambda _, ledger, now: newest(ledger, "stranger", now), "replay.key"),
    "from the future": (lambda _, ledger, now: newest(ledger, "one", now + 3_600), "replay.ahead"),
    "of a longer log": (
        lambda world, _, now: signed(sign_checkpoint(ORIGIN, 999, bytes(32), world.log_signer), "one", now),
        "replay.size",
    ),
    "of no leaf": (
        lambda world, _, now: signed(sign_checkpoint(ORIGIN, 0, EMPTY_ROOT, world.log_signer), "one", now),
        "replay.size",
    ),
    "of another history": (
        lambda world, _, now: signed(sign_checkpoint(ORIGIN, 2, bytes(32), world.log_signer), "one", now),
        "replay.history",
    ),
    "without an auditor": (lambda _, ledger, __: newest_note(ledger), "replay.lines"),
    "of two auditors": (lambda _, ledger, now: signed(newest(ledger, "one", now), "two", now), "replay.lines"),
    "of another log": (
        lambda _, __, now: signed(sign_checkpoint(ORIGIN, 2, bytes(32), SIGNERS["one"]), "one", now),
        "note.untrusted",
    ),
    "with a changed line": (lambda _, ledger, now: _changed(newest(ledger, "one", now)), "signature.invalid"),
    "no note": (lambda *_: b"nothing", "note.separator"),
}


def newest_note(ledger: Ledger) -> bytes:
    with ledger.view() as view:
        return view.checkpoint


def _changed(data: bytes) -> bytes:
    parsed = notes.parse(data)
    line = parsed.signatures[1]
    raw = line.signature[:-1] + bytes((line.signature[-1] ^ 1,))
    return Note(parsed.text, (parsed.signatures[0], line._replace(signature=raw))).encode()


def refuse_all(world: World, ledger: Ledger, replays: Replays, now: int) -> None:
    """What is no replay of this log is refused, and kept by nobody."""
    for name, (make, rule) in REFUSED.items():
        with pytest.raises((RegistryError, FormatError, SignatureError)) as caught:
            replays.publish(make(world, ledger, now))
        assert isinstance(caught.value, Complaining)
        assert caught.value.complaint.rule == rule, name
    with ledger.view() as view:
        assert table.rows(view.work) == []


def test_answers_bring_what_each_auditor_has_rebuilt_last(database_url: str) -> None:
    world = World()
    log_key = VerifierKey.ed25519(ORIGIN, world.log_signer.public_key.raw)
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        replays, now = Replays(ledger), ledger.clock() // 1_000
        refuse_all(world, ledger, replays, now)

        def shown(name: str) -> list[tuple[str, int]]:
            # As another process, or this one after a second.
            checks = Checks(ledger, 1_000_000, CosignedProofs())
            (page,) = checks.answer([question(inquire(world, "lender-2", ["A"], name), "lender-2")])
            assert isinstance(page, EvidencePage)
            own = parse_checkpoint(page.evidence.checkpoint, log_key).checkpoint
            found = [check_one_history(item, own, log_key) for item in page.evidence.replayed]
            return [(item.note.signatures[1].name.split("/")[1], item.size) for item in found]

        assert shown("before any auditor") == []
        first = newest(ledger, "two", now - 50)
        replays.publish(first)
        replays.publish(first)
        begun = ledger.size
        assert shown("by one of them") == [("two", begun)]
        accept(ledger, world.report("lender-1", "loan", person="A"))
        replays.publish(newest(ledger, "one", now - 40))
        assert shown("in the order of the rulebook") == [("one", ledger.size), ("two", begun)]
        replays.publish(newest(ledger, "two", now - 30))
        # One that is older than what is kept changes nothing, though it comes later.
        replays.publish(first)
        assert shown("by both, anew") == [("one", ledger.size), ("two", ledger.size)]
        asked = checkpoint(Transparency(ledger, cosigned=CosignedProofs()).checkpoint(begun, cosigned=True))
        assert len(asked.replayed) == 2
        assert not checkpoint(Transparency(ledger).checkpoint(begun)).replayed
        # A member that is suspended says nothing of the log any more, and is heard again once it is active.
        world.set_state(ledger, "two", InstitutionStatus.SUSPENDED)
        assert [name for name, _ in shown("without the suspended one")] == ["one"]
        with pytest.raises(RegistryError) as silenced:
            replays.publish(newest(ledger, "two", now - 20))
        assert silenced.value.complaint.rule == "replay.key"
        world.set_state(ledger, "two", InstitutionStatus.ACTIVE)
        replays.publish(newest(ledger, "two", now - 20))
        assert [name for name, _ in shown("with the one that is active again")] == ["one", "two"]
        # Whom the rulebook does not name any more is not shown, and forgotten with the next one that comes.
        name_auditors(world, ledger, (LINES[0], "quorum one"))
        assert [name for name, _ in shown("by the one that is left")] == ["one"]
        replays.publish(newest(ledger, "one", now))
        with ledger.view() as view:
            assert [row.verifier_key for row in table.rows(view.work)] == [KEYS["one"].text()]


class Overtaken:
    """A ledger to which something happens after a commit was read, and before anything is written."""

    def __init__(self, ledger: Ledger, happen: Callable[[], None]) -> None:
        self._ledger = ledger
        self._happen: Callable[[], None] | None = happen

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    @property
    def database(self) -> Database:
        happen, self._happen = self._happen, None
        if happen is not None:
            happen()
        return self._ledger.database


def test_an_auditor_that_an_act_names_meanwhile_is_not_forgotten(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, (LINES[0], "quorum one"))
        now = ledger.clock() // 1_000

        def another_is_named_and_comes() -> None:
            name_auditors(world, ledger, LINES)
            Replays(ledger).publish(newest(ledger, "two", now))

        overtaken = Overtaken(ledger, another_is_named_and_comes)
        Replays(overtaken).publish(newest(ledger, "one", now))  # type: ignore[arg-type]  # it is one but for the moment
        with ledger.view() as view:
            assert {row.verifier_key for row in table.rows(view.work)} == {KEYS["one"].text(), KEYS["two"].text()}

        def it_is_named_no_more() -> None:
            name_auditors(world, ledger, (LINES[1], "quorum two"))

        late = Overtaken(ledger, it_is_named_no_more)
        with pytest.raises(RegistryError) as refused:
            Replays(late).publish(newest(ledger, "one", now + 1))  # type: ignore[arg-type]  # likewise
        assert refused.value.complaint.rule == "replay.key"


class OvertakenForEver(Overtaken):
    """A ledger to which an act comes each time between reading and writing."""

    def __init__(self, ledger: Ledger, happen: Callable[[], None]) -> None:
        super().__init__(ledger, happen)
        self.acts = 0
        self._again = happen

    @property
    def database(self) -> Database:
        self.acts += 1
        self._happen = self._again
        return super().database


def test_acts_that_come_again_and_again_end_the_call(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        again = OvertakenForEver(ledger, lambda: name_auditors(world, ledger, LINES))
        with pytest.raises(RegistryError) as overtaken:
            Replays(again).publish(newest(ledger, "one", ledger.clock() // 1_000))  # type: ignore[arg-type]  # likewise
        assert (overtaken.value.complaint.rule, again.acts) == ("replay.overtaken", 3)
        with ledger.view() as view:
            assert table.rows(view.work) == []


def test_no_changed_byte_of_a_cosignature_is_taken(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        enrol_auditors(world, ledger)
        name_auditors(world, ledger, LINES)
        replays, note = Replays(ledger), newest(ledger, "one", ledger.clock() // 1_000)
        odd = [note[:at] + bytes((note[at] ^ 1 << at % 8,)) + note[at + 1 :] for at in range(len(note))]
        odd += [note[:at] for at in range(0, len(note), 7)] + [note + b"\n", note + note, b"\0" * 65_536, b""]
        for data in odd:
            with pytest.raises((RegistryError, FormatError, SignatureError)):
                replays.publish(data)
        with ledger.view() as view:
            assert table.rows(view.work) == []
        replays.publish(note)
        with ledger.view() as view:
            assert [row.note for row in table.rows(view.work)] == [note]
