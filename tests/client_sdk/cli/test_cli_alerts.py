"""Alerts by the command: a person hears of an inquiry and of a record, and a watched portfolio's changes are posted."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk.models import Role
from tests.client_sdk.cli.command_samples import ASKING, digest_of, id_number, report_words
from tests.client_sdk.cli.test_cli_screening import HEADER, WHY, line
from tests.client_sdk.sdk_samples import SIGNED_ON
from tests.support.command import Command
from tests.support.hooks import running_hook

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry
    from tests.support.hooks import Posted

ON = ("subject", "alerts", "on", "--officer", "desk-1", "--mandate-date", SIGNED_ON.isoformat(), "--identity-file", "-")
OWN_NETWORK = 'contact = "Consumer desk"\nwebhook_networks = ["127.0.0.0/8"]\n'


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Command:
    made = Command(registry.enrol("alert-desk", Role.REPRESENTATIVE))
    (made.home / "alerts.toml").write_text(OWN_NETWORK)
    return made


def verified(command: Command, url: str, got: Posted) -> dict[str, object]:
    """The content of a message that is signed by the secret that the command tells."""
    secret = base64.b64decode(command("alerts", "secret", url).content["secret"].removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    mac = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{mac}"
    content = json.loads(got.body)
    assert isinstance(content, dict)
    return content


def test_a_person_hears_of_an_inquiry_and_of_a_record(
    office: Command, lender: Command, asker: Command, number: int
) -> None:
    on = (*ON, "--mandate-digest", digest_of(number))
    with running_hook() as hook:
        asked = office(*on, "--webhook", hook.url, "--label", "case-17", given=id_number(number)).content
        lender(*report_words(number), "--yes", given=id_number(number))
        asker(*ASKING, given=id_number(number))
        assert office("alerts", "deliver").content == {"delivered": 2, "failed": 0, "given_up": 0}
        assert office("alerts", "deliver").content == {"delivered": 0, "failed": 0, "given_up": 0}
        kinds = [verified(office, hook.url, got)["type"] for got in hook.got]
        assert kinds == ["alert.new-record", "alert.access"]
        # No fact, no name of who asked, and nothing that names the person.
        assert all(word not in got.body for got in hook.got for word in (b"lender", id_number(number).encode()))
    told = office("alerts", "list").content
    assert [(one["label"], one["until"]) for one in told["persons"]] == [("case-17", asked["until"])]
    assert {(one["state"], one["to"]) for one in told["messages"]} == {("DELIVERED", "webhook at 127.0.0.1")}
    assert "case-17" in office.said("alerts", "list").out
    assert "deleted" in office.said("subject", "alerts", "off", asked["inquiry_id"]).out
    asker(*ASKING, given=id_number(number))
    office("alerts", "deliver")
    assert office("alerts", "list").content == {"persons": [], "messages": []}
    office("subject", "alerts", "off", asked["inquiry_id"], code=2)


def test_alerts_that_are_on_are_told_and_not_asked_for_twice(office: Command, number: int) -> None:
    on = (*ON, "--mandate-digest", digest_of(number), "--webhook", "https://hooks.example/a")
    asked = office(*on, given=id_number(number)).content
    held = office("alerts", "list").content
    refused = office(*on, "--label", "once more", given=id_number(number), code=1)
    assert refused.reason == "ALERTS_ON"
    error = refused.content["error"]
    assert asked["inquiry_id"] in error["got"]
    assert asked["until"] in error["got"]
    assert "subject alerts off" in office.said(*on, given=id_number(number), code=1).err
    assert office("alerts", "list").content == held
    office("subject", "alerts", "off", asked["inquiry_id"])
    anew = office(*on, given=id_number(number)).content
    office("subject", "alerts", "off", anew["inquiry_id"])


def test_mail_that_no_server_takes_is_told_of_at_once(office: Command, number: int) -> None:
    on = (*ON, "--mandate-digest", digest_of(number), "--mail", "p@mail.example", "--label", "no-server")
    assert "mail waits until alerts.toml names a mail server" in office.said(*on, given=id_number(number)).out
    (held,) = (one for one in office("alerts", "list").content["persons"] if one["label"] == "no-server")
    office("subject", "alerts", "off", held["alerts"])


def test_what_is_not_taken_waits_and_is_told(office: Command, asker: Command, number: int) -> None:
    on = (*ON, "--mandate-digest", digest_of(number))
    with running_hook() as hook:
        hook.status = 302
        asked = office(*on, "--webhook", hook.url, "--mail", "p@mail.example", given=id_number(number)).content
        asker(*ASKING, given=id_number(number))
        assert office("alerts", "deliver", code=1).content["failed"] == 2
        told = office("alerts", "list").content["messages"]
        assert {(one["state"], one["failure"]) for one in told} == {
            ("WAITING", "webhook.redirect"),
            ("WAITING", "mail.server"),
        }
        assert len(hook.got) == 1
    office("subject", "alerts", "off", asked["inquiry_id"])


def test_what_is_not_in_order_is_refused_before_anything_is_asked(
    office: Command, lender: Command, number: int
) -> None:
    given = id_number(number)
    on = (*ON, "--mandate-digest", digest_of(number))
    assert office(*on, given=given, code=2).reason == "USAGE"
    for url in (
        "http//x",
        "https://user:pw@hooks.example/",
        "https://hooks.example/#x",
        "https://10.0.0.1/",
        "https://[::1]/",
    ):
        assert office(*on, "--webhook", url, given=given, code=5).reason == "CONFIG"
    assert office(*on, "--mail", "a@b.example\r\nBcc: c@d.example", given=given, code=5).reason == "CONFIG"
    hook = ("--webhook", "https://hooks.example/a")
    for label in ("a\nb", "a\u2028b", "case\ufe0f 17", "\U0001fae8", "x" * 65):
        refused = office(*on, *hook, "--label", label, given=given, code=2)
        assert refused.content["error"]["message"].startswith("--label: ")
    for label in (given, f"case {given[:6]} {given[6:]}", "6222 0200 0000 0000"):
        refused = office(*on, *hook, "--label", label, given=given, code=2)
        assert (refused.reason, label in refused.err) == ("USAGE", False)
    office(*on, *hook, given=f"{given}\n{id_number(number + 1)}\n", code=2)
    late = office(*on, *hook, "--until", "2199-01-01", given=given, code=1).content["error"]["violations"][0]
    assert (late["field"], late["rule"]) == ("--until", "alerts.until")
    lender(*on, *hook, given=given, code=1)
    assert office("alerts", "list").content["persons"] == []
    # Who has asked for no alerts takes none, and delivers what else there is.
    assert lender("alerts", "deliver").content["delivered"] == 0


def test_changes_of_a_watched_portfolio_are_posted_once(
    asker: Command, lender: Command, tmp_path: Path, number: int
) -> None:
    (asker.home / "alerts.toml").write_text(OWN_NETWORK)
    base = 20_000 + 3 * number
    lender(*report_words(base), "--yes", given=id_number(base))
    file = tmp_path / "portfolio.csv"
    file.write_text(HEADER + line(3 * number))
    with running_hook() as hook:
        hook.status = 500
        look = ("watch", str(file), *WHY, "--webhook", hook.url)
        assert len(asker(*look).content["changes"]) == 1
        (waiting,) = asker("alerts", "list").content["messages"]
        assert (waiting["state"], waiting["failure"], waiting["label"]) == ("WAITING", "webhook.status", file.name)
        # Nothing has changed since: there is no second message.
        assert asker(*look).content["changes"] == []
        assert len(asker("alerts", "list").content["messages"]) == 1
        content = verified(asker, hook.url, hook.got[0])
    assert content["type"] == "watch.changed"
    data = content["data"]
    assert isinstance(data, dict)
    assert data["changes"] == [{"row": 2, "reference": f"LOAN-{3 * number}", "change": "LISTED"}]
    assert asker("watch", str(file), *WHY, "--webhook", "https://h.example/#x", code=5).reason == "CONFIG"
