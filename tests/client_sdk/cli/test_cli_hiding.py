"""Hiding repaid records by commands: an overlay of the rulebook, a portfolio, and records that come back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.lending.files import write_portfolio
from client_sdk.models import Amounts, CollectionStage, Standing
from tests.client_sdk.cli.command_samples import ASKING, id_number
from tests.client_sdk.cli.test_cli_ceremony import decide
from tests.client_sdk.sdk_samples import default_facts, default_report, history
from tests.support.overlays import REPAIR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.command import Command


def set_overlays(member: Callable[[str], Command], file: Path, content: object) -> None:
    """Log a rulebook with the overlays of a file."""
    file.write_text(json.dumps(content))
    decide(member, "rulebook", "--overlays", str(file))


def test_a_lender_hides_what_an_overlay_covers_and_shows_it_again(
    member: Callable[[str], Command], lender: Command, asker: Command, number: int, tmp_path: Path
) -> None:
    overlay = replace(REPAIR, hides_until=date(2090, 1, 1))
    set_overlays(member, tmp_path / "overlays.json", [overlay.to_dict()])
    assert overlay.name in member("auditor").said("act", "list", "--json").out
    small, large = 11_000 + number * 10, 11_001 + number * 10
    repaid = replace(
        default_facts(contract=f"HT-{small}"),
        as_of=date(2025, 6, 30),
        days_past_due=0,
        collection_stage=CollectionStage.ENDED,
        ended_on=date(2025, 6, 30),
    )
    portfolio = tmp_path / "portfolio.csv"
    cured = default_report(small, standing=Standing.CURED, facts=repaid)
    # Of the second one, the newest version says of nothing that it was overdue.
    newest, newest_reference = history(large)[-1].facts, history(large)[-1].reference
    assert newest is not None
    assert newest.amounts == Amounts(currency="CNY")
    write_portfolio(portfolio, [default_report(small), cured, *history(large)])
    lender("report", str(portfolio), "--yes")
    dry = lender("records", "hide", str(portfolio), "--overlay", overlay.name, "--dry-run").content
    assert dry["counts"] == {"covered": 1, "not covered": 1}
    assert dry["not_covered"] == [
        {
            "reference": newest_reference,
            "field": "facts.amounts",
            "rule": "overlay.covers",
            "got": "nothing overdue",
            "want": f"principal, interest and penalty together at most {overlay.most} in minor units, and above 0",
        }
    ]
    told = lender.said("records", "hide", str(portfolio), "--overlay", overlay.name, "--dry-run").out
    assert "facts.amounts" in told
    assert "nothing overdue" in told
    assert asker(*ASKING, given=id_number(small)).content["records"]
    hide = ("records", "hide", str(portfolio), "--overlay", overlay.name)
    asked = lender.said(*hide, code=2).err
    assert f"those of 2 DEFAULT records that overlay {overlay.name} covers" in asked
    assert "repaid until" in asked
    done = lender(*hide, "--yes").content
    assert (done["counts"], done["refused"]) == ({"hidden": 1, "not covered": 1}, [])
    again = lender(*hide, "--yes").content
    assert again["counts"] == {"hidden before": 1, "not covered": 1}
    assert asker(*ASKING, given=id_number(small)).content["verdict"] == "CLEAR"
    assert asker(*ASKING, given=id_number(large)).content["records"]
    (hidden,) = [one for one in lender("records").content["records"] if one["hidden"]]
    assert [(one["record_id"], one["outcome"]) for one in done["records"]] == [(hidden["record_id"], "hidden")]
    assert "LIVE, hidden" in lender.said("records").out
    unknown = lender("records", "hide", str(portfolio), "--overlay", "another", code=2).content["error"]
    assert unknown["hint"] == f"it has {overlay.name}."
    lender("records", "show-again", hidden["record_id"])
    assert lender("records", "show-again", hidden["record_id"], code=1).reason == "NOT_HIDDEN"
    assert asker(*ASKING, given=id_number(small)).content["records"]
    lender(*hide, "--yes")
    # A correction shows it without further words.
    later = replace(repaid, amounts=replace(repaid.amounts, principal=130_000))
    write_portfolio(tmp_path / "corrected.csv", [replace(cured, facts=later)])
    lender("report", str(tmp_path / "corrected.csv"), "--yes")
    assert asker(*ASKING, given=id_number(small)).content["records"]


def test_what_is_no_overlay_changes_no_rulebook(member: Callable[[str], Command], tmp_path: Path) -> None:
    file = tmp_path / "overlays.json"
    undated = {name: value for name, value in REPAIR.to_dict().items() if name != "hides_until"}
    for content in ("{", json.dumps([undated]), json.dumps([REPAIR.to_dict()] * 2), "[" * 10_000):
        file.write_text(content)
        ended = member("admin-1")("act", "propose", "rulebook", "--overlays", str(file), "--yes", code=2)
        assert ended.reason == "USAGE"
    assert member("admin-1")("act", "propose", "rulebook", "--yes", code=2).reason == "USAGE"
