"""The inbox as its people see it: notices listed, followed and acknowledged, all by commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from client_sdk.cli.ui.exit_codes import ExitCode
from tests.client_sdk.cli.command_samples import ASKING, id_number, report_words

if TYPE_CHECKING:
    from tests.support.command import Command


def test_a_withdrawal_goes_from_the_lender_to_the_asker_and_back(lender: Command, asker: Command, number: int) -> None:
    reported = lender(*report_words(number), "--yes", given=id_number(number)).content
    asker(*ASKING, given=id_number(number))
    before = asker("status").content["notices_waiting"]
    lender("records", "withdraw", reported["record_id"], "--reason", "ERROR", "--yes")
    found = [one for one in asker("inbox").content["notices"] if one["record_id"] == reported["record_id"]]
    (notice,) = found
    assert (notice["reason"], notice["issuer"], notice["acknowledged_index"]) == ("WITHDRAWN", "lender-1", None)
    assert f"lender-1/{reported['record_id']}" in asker.said("inbox").out
    status = asker("status")
    assert status.content["notices_waiting"] == before + 1
    assert "waiting: run `inbox`" in asker.said("status").out
    number_ = str(notice["number"])
    (receipt,) = asker("inbox", "acknowledge", number_).content["acknowledged"]
    assert (receipt["number"], receipt["repeated"]) == (notice["number"], False)
    assert "opening" not in receipt
    assert "as before" in asker.said("inbox", "acknowledge", number_).out
    assert reported["record_id"] not in json.dumps(asker("inbox").content)
    (kept,) = [one for one in asker("inbox", "--all").content["notices"] if one["number"] == notice["number"]]
    assert kept["acknowledged_index"] == receipt["index"]


def test_a_notice_that_is_not_there_is_a_mistake_in_use(asker: Command) -> None:
    told = asker("inbox", "acknowledge", "999999999", code=ExitCode.USAGE)
    assert "no such notice" in json.dumps(told.content)
