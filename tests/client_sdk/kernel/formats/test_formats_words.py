"""Enumerations of the contract: words to programs and people, numbers in the formats."""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle
from itertools import pairwise

import pytest
from creditregistry.v1 import (
    alerts_pb2,
    breach_pb2,
    certificate_pb2,
    closing_pb2,
    common_pb2,
    facts_pb2,
    inquiry_pb2,
    statement_pb2,
    transparency_pb2,
)

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Standing, Word, word
from client_sdk.kernel.rules import fact_words

WORDS: list[type[Word]] = Word.__subclasses__()


@pytest.mark.parametrize("kind", WORDS)
def test_a_member_shows_and_writes_itself_as_its_word(kind: type[Word]) -> None:
    for member in kind:
        assert str(member) == f"{member}" == format(member) == member.name == member.value
        assert json.loads(json.dumps({"word": member, member: 1})) == {"word": member.name, member.name: 1}
        assert kind(member.name) is kind(member) is kind[member.name] is member
        assert pickle.loads(pickle.dumps(member)) is copy.deepcopy(member) is member  # noqa: S301  # our own bytes
        file = io.StringIO()
        csv.writer(file).writerow([member])
        assert file.getvalue() == f"{member.name}\r\n"


@pytest.mark.parametrize("kind", WORDS)
def test_members_are_found_by_number_and_ordered_by_it(kind: type[Word]) -> None:
    members = list(kind)
    assert [member.number for member in members] == list(range(1, len(members) + 1))
    backwards = members[::-1]
    assert sorted(backwards) == members
    assert all(before < after and after > before and before <= after >= before for before, after in pairwise(members))
    assert all(word(kind, member.number, "part", "field") is member for member in members)
    for number in (0, len(members) + 1, -1):
        with pytest.raises(FormatError):
            word(kind, number, "part", "field")


@pytest.mark.parametrize("text", ["", "open", "NONSENSE", 1, None])
def test_what_is_no_word_is_no_member(text: object) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        Standing(text)  # type: ignore[arg-type]  # what a program may hand in


def test_members_of_two_enumerations_have_no_order_and_other_text_has_its_own() -> None:
    with pytest.raises(TypeError, match="not supported"):
        sorted([Standing.OPEN, Kind.JUDGMENT])
    assert sorted([Standing.OPEN, "A", "Z"]) == ["A", "OPEN", "Z"]


def test_words_and_numbers_are_those_of_the_contract() -> None:
    files = (
        *(breach_pb2, certificate_pb2, closing_pb2, common_pb2, facts_pb2),
        *(inquiry_pb2, statement_pb2, alerts_pb2, transparency_pb2),
    )
    enums = {name: enum for file in files for name, enum in file.DESCRIPTOR.enum_types_by_name.items()}
    assert {fact_words.Product, Kind} < set(WORDS)
    for kind in WORDS:
        values = {_without_prefix(one.name, kind.__name__): one.number for one in enums[kind.__name__].values}
        assert {member.name: member.number for member in kind} | {"UNSPECIFIED": 0} == values


def _without_prefix(name: str, kind: str) -> str:
    prefix = "".join(f"_{char}" if char.isupper() else char.upper() for char in kind).removeprefix("_")
    return name.removeprefix(f"{prefix}_")
