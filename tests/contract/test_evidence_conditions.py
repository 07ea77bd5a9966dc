"""The conditions under which evidence is accepted: those that are written down are those that the verifier checks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "client_sdk/kernel/ledger/answer.py"
READING = ROOT / "client_sdk/kernel/ledger/answer_reading.py"


def written() -> dict[int, str]:
    """Conditions of proto/README.md 8, by number."""
    text = (ROOT / "proto/README.md").read_text()
    section = text[text.index("\n## 8. ") : text.index("\n## 9. ")]
    items = re.findall(r"^(\d+)\. (.+?)(?=^\d+\. |^\n|\n\n)", section, re.MULTILINE | re.DOTALL)
    return {int(number): " ".join(item.split()) for number, item in items}


def checked() -> list[tuple[int, str]]:
    """Comments of the verifier that name a condition, in order."""
    found = re.findall(r"^ +# (\d+)\. (.+)$", VERIFIER.read_text(), re.MULTILINE)
    return [(int(number), words) for number, words in found]


def test_the_verifier_goes_through_all_conditions_in_their_order() -> None:
    assert list(written()) == list(range(1, len(written()) + 1))
    assert [number for number, _ in checked()] == list(written())


def test_each_condition_is_named_by_its_first_words() -> None:
    conditions = written()

    assert [(number, words) for number, words in checked() if not conditions[number].startswith(words)] == []


def test_each_condition_but_the_form_has_a_function_that_names_it() -> None:
    lines = re.findall(r'"""(Conditions? .+)', (VERIFIER.read_text() + READING.read_text()))
    named = {int(number) for line in lines for number in re.findall(r"\b\d+\b", line)}
    ranges = [(int(first), int(last)) for line in lines for first, last in re.findall(r"(\d+) to (\d+)", line)]
    named |= {number for first, last in ranges for number in range(first, last + 1)}

    assert named == set(written()) - {1}
