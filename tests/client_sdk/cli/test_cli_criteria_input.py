"""The file of a lender's criteria: each is read by the type of its default, and errors say what is wanted."""

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from client_sdk.cli.ui.criteria_input import read_criteria
from client_sdk.cli.ui.failures import UsageError
from client_sdk.models import Criteria, JudgmentStage, Kind, Standing

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
counted = ["DEFAULT OPEN"]
watched = ["default cured"]
min_days_past_due = 30
judgment_stages = ["JUDGED"]
forget_ended_after_days = 0
count_guarantors = false
refer_disputed = true
refer_stale = true
[min_amounts]
CNY = 50000
"""


def read(tmp_path: "Path", text: str) -> Criteria:
    file = tmp_path / "criteria.toml"
    file.write_text(text, "utf-8")
    return read_criteria(file)


def test_every_criterion_can_be_set_in_the_file(tmp_path: "Path") -> None:
    found = read(tmp_path, WHOLE)
    assert found == Criteria(
        counted=frozenset({(Kind.DEFAULT, Standing.OPEN)}),
        watched=frozenset({(Kind.DEFAULT, Standing.CURED)}),
        min_days_past_due=30,
        min_amounts={"CNY": 50000},
        judgment_stages=frozenset({JudgmentStage.JUDGED}),
        forget_ended_after_days=None,
        count_guarantors=False,
        refer_disputed=True,
        refer_stale=True,
    )
    assert not [one.name for one in fields(Criteria) if getattr(found, one.name) == getattr(Criteria(), one.name)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("count = 1", "count: no such setting"),
        ("count_guarantors = 1", "count_guarantors: want true or false"),
        ("min_days_past_due = true", "min_days_past_due: want a whole number"),
        ("min_amounts = 500", "min_amounts: want a table"),
        ("[min_amounts]\nCNY = 500.0", "min_amounts: want a table"),
        ("judgment_stages = 'JUDGED'", "judgment_stages: want a list of words"),
        ("counted = ['DEFAULT OPENED']", "'OPENED' is none of OPEN"),
    ],
)
def test_a_wrong_criterion_is_refused_with_what_is_wanted(tmp_path: "Path", text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
