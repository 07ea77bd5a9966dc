"""Policies of witnesses: third-party texts, and what k of n, groups of groups and none mean."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum, read_quorum_lines
from tests.client_sdk.kernel.formats.vectors import load

VECTORS = load("tlog-policy/policy_vectors.json")
KEYS = [VerifierKey.cosigner(f"w{number}.example", bytes([number]) * 32) for number in range(1, 6)]
WITNESSES = "".join(f"witness w{number} {key.text()}\n" for number, key in enumerate(KEYS, 1))


def cosigners(text: str) -> str:
    """The text with its keys as keys of cosigners: the vectors are older than algorithm 4 and have 1."""

    def changed(match: re.Match[str]) -> str:
        return VerifierKey.cosigner(match[1], b64decode(match[2])[1:]).text()

    return re.sub(r"(\S+?)\+[0-9a-f]{8}\+(\S+)", changed, text)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=range(len(VECTORS["accept"])))
def test_third_party_policies_are_accepted(case: dict[str, Any]) -> None:
    policy = WitnessQuorum.parse(cosigners(case["policy"]).encode())
    keys = [witness.key for witness in policy.witnesses]
    assert len(keys) == case["n"]
    for count in range(case["n"] + 1):
        for some in combinations(keys, count):
            assert policy.is_met(some) == (count >= case["k"])
    assert {witness.url for witness in policy.witnesses} == {
        "https://sigsum.org/witness/",
        "https://example.com/witness/",
    }


@pytest.mark.parametrize("case", VECTORS["reject"], ids=lambda case: case["why"])
def test_third_party_policies_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="policy"):
        WitnessQuorum.parse(cosigners(case["policy"]).encode())


def test_groups_may_stand_in_groups() -> None:
    policy = WitnessQuorum.parse(f"{WITNESSES}group banks 2 w1 w2 w3\ngroup all all banks w4\nquorum all\n".encode())
    for count in range(len(KEYS) + 1):
        for some in combinations(KEYS, count):
            assert policy.is_met(some) == (len({*some} & {*KEYS[:3]}) >= 2 and KEYS[3] in some)


def test_nothing_is_demanded_where_nothing_is_named() -> None:
    policy = WitnessQuorum.parse(b"quorum none")
    assert policy.is_met(())
    assert policy.met_at({}) is None


def test_the_age_is_that_of_the_newest_quorum() -> None:
    policy = WitnessQuorum.parse(f"{WITNESSES}group two 2 w1 w2 w3\nquorum two".encode())
    assert policy.met_at({KEYS[0]: 10, KEYS[1]: 30, KEYS[2]: 20, KEYS[4]: 90}) == 20
    assert policy.met_at({KEYS[0]: 10, KEYS[4]: 90}) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "policy.quorum"),
        ("quorum w1\nquorum w1", "policy.quorum"),
        ("group g any w1\ngroup h any w1\nquorum g", "policy.member"),
        ("group g 2 w1 w1\nquorum g", "policy.member"),
        ("group w1 any w2\nquorum w1", "policy.name"),
        ("group none any w2\nquorum none", "policy.name"),
        ("group g any g\nquorum g", "policy.defined"),
        ("group g 0 w1\nquorum g", "policy.threshold"),
        ("group g 3 w1 w2\nquorum g", "policy.threshold"),
        ("group g 01 w1\nquorum g", "policy.threshold"),
        ("group g any\nquorum g", "policy.line"),
        ("quorum w1 w2", "policy.line"),
        ("witnes w9 x\nquorum w1", "policy.line"),
        (f"witness w9 {KEYS[0].text()} a b\nquorum w1", "policy.line"),
        (f"witness w9 {KEYS[0].text()}\nquorum w1", "policy.key"),
        (f"log {VerifierKey.ed25519('log.example', KEYS[0].raw).text()}\nquorum w1", "policy.key"),
        (f"log {KEYS[0].text()}\nquorum w1", "vkey.algorithm"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        WitnessQuorum.parse((WITNESSES + text).encode())
    assert caught.value.rule == rule


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    with suppress(FormatError):
        WitnessQuorum.parse(data)


def test_two_keys_that_a_note_cannot_tell_apart_and_more_witnesses_than_a_note_has_lines_are_refused() -> None:
    twins = [VerifierKey.cosigner("w1.example", number.to_bytes(32, "big")) for number in (15_644, 89_790)]
    assert twins[0].key_id == twins[1].key_id
    with pytest.raises(FormatError, match=r"policy\.key"):
        WitnessQuorum.parse(
            "".join(f"witness w{n} {key.text()}\n" for n, key in enumerate(twins)).encode() + b"quorum w0"
        )
    keys = [VerifierKey.cosigner("w.example", number.to_bytes(32, "big")) for number in range(100)]
    lines = [f"witness w{number} {key.text()}\n" for number, key in enumerate(keys)]
    assert len(WitnessQuorum.parse("".join([*lines[1:], "quorum w1"]).encode()).witnesses) == 99
    with pytest.raises(FormatError, match=r"policy\.witnesses"):
        WitnessQuorum.parse("".join([*lines, "quorum w1"]).encode())


def test_a_rulebook_holds_a_policy_in_one_spelling() -> None:
    text = f"# ours\n{WITNESSES}\n group  two  any w1 w2 \nquorum two\n"
    lines = WitnessQuorum.parse(text.encode()).lines()
    assert lines[-2:] == ("group two 1 w1 w2", "quorum two")
    book = Rulebook(witness_quorum=lines)
    assert Rulebook.of(book.message()) == book
    assert book.quorum == WitnessQuorum.parse(text.encode())
    assert Rulebook().quorum is None


# What moves a terminal's cursor, is not seen, turns the text round, and looks like another letter.
HIDING = ("\x1b[2J", "g\u200b", "\u202eg", "\u0430ll")
ONE = (f"witness w1 {KEYS[0].text()} https://w1.example", f"witness w2 {KEYS[1].text()}", "group g 1 w1 w2", "quorum g")


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ((ONE[1], ONE[0], *ONE[2:], ONE[3]), "policy.quorum"),
        (("# ours", *ONE), "witness-quorum.spelling"),
        (("", *ONE), "witness-quorum.spelling"),
        ((*ONE[:2], "group g any w1 w2", ONE[3]), "witness-quorum.spelling"),
        ((*ONE[:3], "quorum  g"), "witness-quorum.spelling"),
        ((ONE[0], ONE[1], ONE[3], ONE[2]), "policy.defined"),
        ((f"log {VerifierKey.ed25519('log.example', bytes(32)).text()}", *ONE), "witness-quorum.log"),
        (("quorum none",), "witness-quorum.none"),
        *(((*ONE[:2], f"group {name} 1 w1 w2", f"quorum {name}"), "witness-quorum.characters") for name in HIDING),
        ((ONE[0] + "/\x7f", *ONE[1:]), "witness-quorum.characters"),
        (("\n".join(ONE),), "witness-quorum.length"),
        (("\ud800", *ONE), "witness-quorum.spelling"),
        ((*(["# more"] * 61), *ONE), "witness-quorum.length"),
        ((ONE[0] + "/" + "a" * 17_000, *ONE[1:]), "witness-quorum.length"),
        (tuple("quorum"), "policy.line"),
    ],
)
def test_another_spelling_makes_no_rulebook(lines: tuple[str, ...], rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_quorum_lines(lines)
    assert caught.value.rule == rule
    with pytest.raises(FormatError):
        Rulebook(witness_quorum=lines).message()
