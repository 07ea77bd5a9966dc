"""Policies of auditors that rebuild the log: which keys they may name, and in which rulebook they stand."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.replay_quorum import (
    read_auditors,
    read_replay_lines,
    read_witnesses,
    replay_name,
    replaying_institution,
)
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM

KEYS = [VerifierKey.cosigner(f"example/auditor-{number}/replay", bytes([number]) * 32) for number in range(1, 10)]
ONE = (f"witness a {KEYS[0].text()}", "quorum a")
# Of the auditor that ONE names, another key: two keys of one institution are not two institutions.
SECOND = f"witness b {VerifierKey.cosigner(KEYS[0].name, bytes([8]) * 32).text()}"
WITNESS = (f"witness w {VerifierKey.cosigner('w.example', bytes([7]) * 32).text()}", "quorum w")


def named(name: str) -> str:
    return f"witness a {VerifierKey.cosigner(name, bytes([1]) * 32).text()}"


def test_a_rulebook_names_auditors_beside_witnesses() -> None:
    book = Rulebook(witness_quorum=WITNESS, replay_quorum=ONE)
    assert Rulebook.of(book.message()) == book
    assert book.replaying is not None
    assert [witness.key for witness in book.replaying.witnesses] == KEYS[:1]
    assert Rulebook().replaying is None
    assert read_auditors(b"# ours\n" + "\n".join(ONE).encode()) == book.replaying
    assert read_auditors(b"quorum none\n").quorum == NO_QUORUM


def test_the_name_of_a_key_says_whose_replay_it_is() -> None:
    assert replay_name("example", "auditor-1") == KEYS[0].name
    with pytest.raises(FormatError):
        replay_name("of two words", "auditor-1")
    assert replaying_institution(KEYS[0].name) == "auditor-1"
    assert replaying_institution("a/registry/of/parts/auditor-1/replay") == "auditor-1"
    for name in ("auditor-1/replay", "/auditor-1/replay", "example//replay", "example/Auditor/replay", "example/a", ""):
        assert replaying_institution(name) == ""


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ((named("w.example"), "quorum a"), "replay-quorum.name"),
        ((named("/replay"), "quorum a"), "replay-quorum.name"),
        ((named("auditor-1/replay"), "quorum a"), "replay-quorum.name"),
        ((named("example/Auditor-1/replay"), "quorum a"), "replay-quorum.name"),
        ((ONE[0], SECOND, "group both 2 a b", "quorum both"), "replay-quorum.auditor"),
        ((f"{ONE[0]} https://a.example", "quorum a"), "replay-quorum.url"),
        ((*(f"witness a{n} {key.text()}" for n, key in enumerate(KEYS)), "quorum a0"), "replay-quorum.count"),
        ((f"witness w {VerifierKey.cosigner('x/y/replay', bytes([7]) * 32).text()}", "quorum w"), "replay-quorum.key"),
        (("quorum none",), "witness-quorum.none"),
        ((ONE[0], "quorum  a"), "witness-quorum.spelling"),
    ],
)
def test_other_keys_make_no_rulebook(lines: tuple[str, ...], rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_replay_lines(lines, WITNESS)
    assert caught.value.rule == rule
    with pytest.raises(FormatError):
        Rulebook(witness_quorum=WITNESS, replay_quorum=lines).message()
    message = Rulebook(witness_quorum=WITNESS).message()
    message.replay_quorum.extend(lines)
    with pytest.raises(FormatError):
        Rulebook.of(message)


def test_a_key_of_an_auditor_is_no_witness() -> None:
    policy = "\n".join(ONE).encode()
    with pytest.raises(FormatError, match="belongs into a replay quorum") as caught:
        read_witnesses(policy)
    assert caught.value.rule == "witness-quorum.replay"
    assert read_witnesses("\n".join(WITNESS).encode()).quorum == "w"
    with pytest.raises(FormatError, match=r"witness-quorum\.replay"):
        Rulebook(witness_quorum=ONE).message()
    message = Rulebook().message()
    message.witness_quorum.extend(ONE)
    with pytest.raises(FormatError, match=r"witness-quorum\.replay"):
        Rulebook.of(message)
    with pytest.raises(FormatError, match="and no witness"):
        read_auditors("\n".join(WITNESS).encode())
