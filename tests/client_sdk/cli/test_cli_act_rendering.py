"""Acts in words: a new rulebook marks what it changes."""

from dataclasses import replace

import pytest

from client_sdk.acts import Act, Rulebook, RulebookBody
from client_sdk.cli.ui.output import Output
from client_sdk.cli.verbs.act.rendering import act_lines


def test_a_new_rulebook_marks_what_changes_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    in_force = Rulebook.shipped("cn")
    act = Act("example", 6, bytes(32), RulebookBody(replace(in_force, reciprocity_days=92)))
    Output(as_json=False).result(None, *act_lines(act, in_force))
    marked = [line.split() for line in capsys.readouterr().out.splitlines() if "CHANGES" in line]
    assert marked == [["reciprocity_days", "92", "<-", "CHANGES,", "now", "184"]]
