"""Administrators and auditor with a real registry: enrol, rotate and end keys, suspend, erase, audit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.acts import RulebookBody
from client_sdk.cli.ui.output import Output
from client_sdk.cli.ui.session import Run
from client_sdk.cli.verbs.act.proposing import propose_body
from client_sdk.errors import RuleError
from client_sdk.lending.files import write_portfolio
from tests.client_sdk.cli.command_samples import ASKING, id_number, report_words
from tests.client_sdk.sdk_samples import default_report
from tests.support.command import Command
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.acts import Body, Directory
    from client_sdk.testing import TestRegistry

    Member = Callable[[str], Command]


def decide(member: Member, *words: str) -> dict[str, object]:
    """Propose as one administrator, approve as another; the act is then logged."""
    proposed = member("admin-1")("act", "propose", *words, "--yes").content
    assert not proposed["logged"]
    approved = member("admin-2")("act", "approve", str(proposed["id"])[:12], "--yes").content
    assert approved["logged"]
    return approved


def init(registry: TestRegistry, home: Path, role: str = "LENDER") -> Command:
    command = Command(home)
    words = ("--institution", home.name, "--name", home.name, "--licence", "L", "--role", role)
    command("init", *words, "--registry", registry.address, "--registry-name", registry.name)
    return command


def enrol(registry: TestRegistry, member: Member, home: Path) -> Command:
    """Everything that a new lender and two administrators do, each step a command."""
    command = init(registry, home)
    enrolment = str(home / f"{home.name}.enrolment.json")
    decide(member, "institution", "--enrolment", enrolment)
    certificate = str(home.parent / f"{home.name}.pem")
    member("admin-1")("certificate", "issue", "--enrolment", enrolment, "--out", certificate)
    command("certificate", "install", certificate)
    fingerprint = member("admin-1")("trust", "show").content["fingerprint"]
    command("trust", "fetch", "--fingerprint", fingerprint)
    return command


def wait_until_known(command: Command) -> None:
    """Ask for the status until every key service has followed the directory to the act that enrols the member."""
    wait_until(lambda: command("status", code=None).code == 0, lambda: command.said("status", code=None).out)


def test_a_lender_is_enrolled_by_commands_alone(registry: TestRegistry, member: Member, tmp_path: Path) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c1")
    told = lender("status", code=None).content
    assert (told["state"], told["roles"]) == ("ACTIVE", ["LENDER"])
    until = told["certificate_until"]
    assert lender("certificate", "renew").content["not_after"] >= until


def keys_of(command: Command) -> dict[str, str]:
    """How each TLS key of a member stands, as `certificate list` tells."""
    listed = command("certificate", "list").content["certificates"]
    return {one["spki_hash"]: one["standing"] for one in listed}


def test_a_stolen_tls_key_is_replaced_and_revoked_by_the_member_itself(
    registry: TestRegistry, member: Member, tmp_path: Path
) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c8")
    (stolen,) = keys_of(lender)
    thief = Command(shutil.copytree(lender.home, tmp_path / "thief"))
    lender("certificate", "renew", "--new-key")
    assert not (lender.home / "tls" / "next-key.pem").exists()
    asked = lender("certificate", "revoke", stolen[:8], code=2)
    assert asked.reason == "USAGE"
    assert "act propose tls-key" in lender.said("certificate", "revoke", stolen[:8], "--yes").out
    (standing,) = {one for key, one in keys_of(lender).items() if key != stolen}
    assert (keys_of(lender)[stolen], standing) == ("REVOKED", "RUNNING")
    assert thief("certificate", "list", code=1).reason == "TLS_KEY_REVOKED"
    assert thief("certificate", "renew", code=1).reason == "TLS_KEY_REVOKED"
    seen = member("admin-2")("certificate", "list", "--institution", "lender-c8").content["certificates"]
    assert [set(one) for one in seen] == [{"institution", "spki_hash", "issued_at"}] * 2


def test_a_member_without_a_connection_hands_its_request_to_an_administrator(
    registry: TestRegistry, member: Member, tmp_path: Path
) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c9")
    shown = str(lender.home / "tls" / "certificate.pem")
    lender("certificate", "revoke", "--file", shown, "--yes")
    assert lender("certificate", "renew", code=1).reason == "TLS_KEY_REVOKED"
    old, request, issued = (str(tmp_path / name) for name in ("old.json", "request.json", "issued.pem"))
    lender("certificate", "request", "--out", old)
    refused = member("admin-1")("certificate", "issue", "--request", old, "--out", issued, code=1)
    assert refused.reason == "TLS_KEY_REVOKED"
    lender("certificate", "request", "--new-key", "--out", request)
    member("admin-1")("certificate", "issue", "--request", request, "--out", issued)
    lender("certificate", "install", issued)
    (running,) = (key for key, standing in keys_of(lender).items() if standing == "RUNNING")
    decide(member, "tls-key", "--institution", "lender-c9", "--end", running, "--ground", "theft")
    wait_until(lambda: lender("certificate", "list", code=None).code == 1)
    assert lender("certificate", "list", code=1).reason == "TLS_KEY_REVOKED"


def test_another_fingerprint_is_not_installed(registry: TestRegistry, member: Member, tmp_path: Path) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c2")
    root = tmp_path / "lender-c2" / "trust-root.bin"
    root.unlink()
    other = lender("trust", "fetch", "--fingerprint", "00" * 32, code=4).content["error"]
    assert (other["reason"], other["rule"]) == ("UNVERIFIABLE", "trust-root.fingerprint")
    # Both are shown, in groups as people read them out.
    assert "want 00000000 00000000" in other["message"]
    assert member("admin-1")("trust", "show").content["fingerprint"][:8] in other["message"]
    assert "mistyped" in other["hint"]
    for typed, got in (("deadbeef", "got 8 characters"), ("xy" * 32, "got 'x' among them")):
        told = lender("trust", "fetch", "--fingerprint", typed, code=2).content["error"]
        assert told["message"] == f"--fingerprint: want 64 hexadecimal digits, {got}"
    ended = lender("trust", "install", str(registry.trust_root), code=2)
    assert "--fingerprint" in ended.content["error"]["hint"]
    assert not root.exists()


def test_the_time_of_a_log_that_is_not_in_the_future_is_not_corrected(member: Member) -> None:
    told = member("admin-1")("act", "propose", "clock", "--yes", code=1).content["error"]
    assert (told["reason"], told["rule"]) == ("CORRECTION_INVALID", "clock.log-ahead")


def test_a_certificate_of_somebody_else_is_refused(registry: TestRegistry, tmp_path: Path) -> None:
    other = init(registry, tmp_path / "lender-c3")
    certificate = str(registry.home("lender-1") / "tls" / "certificate.pem")
    assert other("certificate", "install", certificate, code=5).reason == "CONFIG"


def test_an_act_is_read_before_it_is_signed(registry: TestRegistry, member: Member, tmp_path: Path) -> None:
    init(registry, tmp_path / "lender-c4")
    enrolment = str(tmp_path / "lender-c4" / "lender-c4.enrolment.json")
    proposed = member("admin-1")("act", "propose", "institution", "--enrolment", enrolment, "--yes").content
    shown = member("admin-3").said("act", "show", str(proposed["id"])[:12]).out
    assert "lender-c4 becomes a member" in shown
    assert "licence L" in shown
    assert "signed by admin-1; 2 must sign" in shown
    ended = member("admin-3")("act", "approve", str(proposed["id"]), given="", code=2)
    assert "--yes" in ended.content["error"]["hint"]
    assert member("admin-3")("act", "approve", str(proposed["id"]), "--yes").content["logged"]
    assert member("admin-3")("act", "approve", str(proposed["id"]), "--yes", code=2).reason == "USAGE"


def test_a_rule_that_an_act_breaks_is_named_before_it_is_signed(member: Member) -> None:
    ended = member("admin-1")(
        "act", "propose", "state", "--institution", "nobody", "--status", "SUSPENDED", "--yes", code=2
    )
    assert ended.reason == "INSTITUTION_UNKNOWN"
    assert ended.content["error"]["rule"]


def test_every_member_sees_the_acts_that_are_logged(member: Member) -> None:
    before = member("auditor")("act", "list").content["acts"]
    decided = decide(member, "rulebook", "--set", "dispute_days=18")
    decide(member, "rulebook", "--set", "dispute_days=17")
    for name in ("lender-1", "auditor", "admin-3"):
        acts = member(name)("act", "list").content["acts"]
        assert acts[:-2] == before
        assert [act["number"] for act in acts] == list(range(len(acts)))
        assert [act["index"] for act in acts] == sorted({act["index"] for act in acts})
        genesis, changed = acts[0], acts[-2]
        assert (genesis["kind"], genesis["index"], genesis["title"]) == ("genesis", 0, "The registry begins")
        assert genesis["institutions"] == ["admin-1", "admin-2", "admin-3"]
        assert (changed["kind"], changed["index"], changed["number"]) == (
            "rulebook",
            decided["index"],
            decided["number"],
        )
        assert (changed["institutions"], changed["approved_by"]) == ([], ["admin-1", "admin-2"])
        assert changed["body"]["dispute_days"] == 18
        assert changed["logged_at"] <= acts[-1]["logged_at"]
    shown = member("lender-1").said("act", "list").out.splitlines()
    assert len(shown) == len(before) + 3
    assert shown[0].split() == ["act", "leaf", "logged", "kind", "what", "institutions", "signed", "by"]
    enrolled = next(line for line in shown if "lender-1 becomes a member" in line)
    assert "institution" in enrolled
    assert enrolled.endswith("admin-1, admin-2")


def test_only_administrators_see_proposals(member: Member) -> None:
    error = member("lender-1")("act", "show", code=1).content["error"]
    assert error["want"] == "ADMINISTRATOR"


def test_keys_are_added_used_and_revoked(registry: TestRegistry, member: Member, tmp_path: Path, number: int) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c5")
    wait_until_known(lender)
    lender(*report_words(number), "--yes", given=id_number(number))
    added = lender("key", "add", "--usage", "REPORT").content
    assert lender("key", "use", "--usage", "REPORT", "keys/report-2.pem", code=5).reason == "CONFIG"
    decide(member, "key", "--grant", added["grant"])
    # The path as `key add` tells it, and as it is from here.
    lender("key", "use", "--usage", "REPORT", "keys/report-2.pem")
    used = lender("key", "use", "--usage", "REPORT", str(lender.home / "keys" / "report-2.pem")).content
    assert used["uri"] == "file:keys/report-2.pem"
    keys = {key["key_id"]: key for key in lender("key", "list").content["keys"]}
    assert keys[added["key_id"]]["used_here"]
    [old] = [key for key in keys.values() if key["usage"] == "REPORT" and not key["used_here"]]
    asked = lender("key", "revoke", old["key_id"][:12]).content
    assert asked["command"].endswith(old["key_id"])
    leaf = str(old["first"] + 1)
    revoke = ("key", "revoke", old["key_id"][:12], "--institution", "lender-c5", "--contested-from", leaf, "--yes")
    proposed = member("admin-1")(*revoke).content
    member("admin-3")("act", "approve", proposed["id"], "--yes")
    # The ended key had vouched for the TLS key; another one does so now.
    wait_until(lambda: lender("key", "list", code=None).code == 1)
    assert lender("key", "list", code=1).reason == "TLS_KEY_NOT_VOUCHED"
    lender("certificate", "renew")
    [ended] = [key for key in lender("key", "list").content["keys"] if key["key_id"] == old["key_id"]]
    assert ended["end"]
    assert ended["contested_from"] == int(leaf)
    answer = member("lender-2")(*ASKING, given=id_number(number)).content
    assert answer["records"][0]["contested"]
    assert answer["assessment"]["outcome"] == "REFER"
    [doubted] = lender("records").content["records"]
    assert doubted["contested"]
    confirm = ("records", "confirm", str(doubted["record_id"]), "--identity-file", "-", "--yes")
    # Key services read the new key a moment after the act.
    wait_until(lambda: lender(*confirm, given=id_number(number + 1), code=1).reason != "KEY_UNKNOWN")
    assert lender(*confirm, given=id_number(number + 1), code=1).reason == "SUBJECT_CHANGED"
    write_portfolio(tmp_path / "portfolio.csv", [default_report(number), default_report(number + 1)])
    by_file = lender("records", "confirm", "--portfolio", str(tmp_path / "portfolio.csv"), "--yes").content
    assert [(one["record_id"], one["version"]) for one in by_file["records"]] == [(doubted["record_id"], 2)]
    assert lender(*confirm, given=id_number(number), code=1).reason == "NOT_CONTESTED"
    answer = member("lender-2")(*ASKING, given=id_number(number)).content
    assert not answer["records"][0]["contested"]
    assert answer["assessment"]["outcome"] != "REFER"
    assert member("auditor")("audit", "--jobs", "1").content["clean"]


def test_a_suspended_lender_may_not_ask(registry: TestRegistry, member: Member, tmp_path: Path, number: int) -> None:
    lender = enrol(registry, member, tmp_path / "lender-c6")
    decide(member, "state", "--institution", "lender-c6", "--status", "suspended")
    assert lender("status", code=None).content["state"] == "SUSPENDED"
    error = lender(*ASKING, given=id_number(number), code=1).content["error"]
    assert error["hint"]


def test_a_successor_lists_and_withdraws_what_it_took_over(
    registry: TestRegistry, member: Member, tmp_path: Path, number: int
) -> None:
    gone, heir = enrol(registry, member, tmp_path / "lender-c7"), member("lender-2")
    wait_until_known(gone)
    reported = gone(*report_words(number), "--yes", given=id_number(number)).content
    record, theirs = str(reported["record_id"]), ("--issuer", "lender-c7")
    for words in (
        ("records", *theirs),
        ("receipt", record, *theirs),
        ("records", "withdraw", record, *theirs, "--reason", "ERROR", "--yes"),
    ):
        assert heir(*words, code=1).reason == "NOT_THE_SUCCESSOR"
    decide(member, "succession", "--institution", "lender-c7", "--successor", "lender-2", "--ground", "merger")
    named = heir("act", "list").content["acts"][-1]
    assert (named["kind"], named["institutions"]) == ("succession", ["lender-2", "lender-c7"])
    [listed] = heir("records", *theirs).content["records"]
    assert (listed["issuer"], listed["record_id"], listed["standing"]) == ("lender-c7", record, "OPEN")
    facts = heir("records", *theirs, "--identity-file", "-", given=id_number(number)).content["records"][0]["facts"]
    assert facts["days_past_due"] == 29
    receipt = heir("receipt", record, *theirs).content
    assert (receipt["issuer"], receipt["index"]) == ("lender-c7", reported["index"])
    ends = ("records", "succeed", record, *theirs, "--identity-file", "-", "--yes")
    heir(*ends, code=2, given=id_number(number))
    wrong = heir(*ends, "--standing", "CURED", code=1, given=id_number(number + 1))
    assert wrong.reason == "RECORD_UNKNOWN"
    cured = ("--standing", "CURED", "--collection-stage", "ENDED", "--days-past-due", "0")
    heir(*ends, *cured, "--ended-on", facts["as_of"], given=id_number(number))
    [paid] = heir(*ASKING, given=id_number(number)).content["records"]
    assert (paid["issuer"], paid["signer"], paid["standing"]) == ("lender-c7", "lender-2", "CURED")
    heir("records", "withdraw", record, *theirs, "--reason", "ERROR", "--yes")
    assert heir(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"
    assert heir("receipt", record, "--version", "3", *theirs).content["version"] == 3
    assert heir("receipt", record, "--version", "3", code=1).reason == "RECORD_UNKNOWN"


def test_records_that_nobody_takes_over_are_ended_and_only_watched(
    registry: TestRegistry, member: Member, tmp_path: Path, number: int
) -> None:
    gone = enrol(registry, member, tmp_path / "lender-d1")
    wait_until_known(gone)
    gone(*report_words(number), "--yes", given=id_number(number))
    decide(member, "state", "--institution", "lender-d1", "--status", "TERMINATED")
    decide(member, "ending", "--institution", "lender-d1", "--ground", "bankruptcy")
    answer = member("lender-2")(*ASKING, given=id_number(number)).content
    [record] = answer["records"]
    assert (record["issuer"], record["standing"], record["issuer_ended"]) == ("lender-d1", "OPEN", True)
    assert record["retain_until"]
    assert [reason["id"] for reason in answer["assessment"]["reasons"]] == ["ISSUER_ENDED"]
    late = member("admin-1")(
        *("act", "propose", "succession", "--institution", "lender-d1"),
        *("--successor", "lender-2", "--ground", "late", "--yes"),
        code=2,
    )
    assert late.reason == "STATE_INVALID"
    assert member("auditor")("audit", "--jobs", "1").content["clean"]


def test_an_erased_record_is_clear_and_the_audit_clean(member: Member, number: int) -> None:
    record = member("lender-1")(*report_words(number), "--yes", given=id_number(number)).content["record_id"]
    decide(member, "erasure", "--record", f"lender-1/{record}", "--ground", "ruling 7 of 2026")
    assert member("lender-2")(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"
    listed = {item["record_id"]: item["state"] for item in member("lender-1")("records").content["records"]}
    assert listed[record] == "ERASED"
    assert member("auditor")("audit", "--jobs", "1").content["clean"]


def test_a_rulebook_changes_only_what_is_said(member: Member) -> None:
    decide(member, "rulebook", "--set", "notice_hours=72")
    longer = member("admin-1")("act", "propose", "rulebook", "--set", "dispute_days=21", "--yes", code=2)
    assert "dispute_days" in longer.out
    proposed = member("admin-1")("act", "propose", "rulebook", "--set", "dispute_days=16", "--yes").content
    assert (proposed["body"]["dispute_days"], proposed["body"]["notice_hours"]) == (16, 72)
    assert proposed["body"]["retention_years"] == 5
    member("admin-2")("act", "approve", proposed["id"], "--yes")
    assert member("admin-1")("act", "propose", "rulebook", "--set", "x=1", "--yes", code=2).reason == "USAGE"


def test_doubt_begins_with_a_leaf_that_a_member_can_sign(member: Member) -> None:
    """The number 0 would say in the act that nothing is in doubt."""
    ended = ("--institution", "lender-1", "--end", "00" * 32, "--contested-from", "0", "--yes")
    assert "greater than or equal to 1" in member("admin-1").said("act", "propose", "key", *ended, code=2).err
    assert (
        "greater than or equal to 1"
        in member("lender-1").said("key", "revoke", "00", "--contested-from", "0", code=2).err
    )


def test_no_act_is_proposed_once_another_was_logged_since_it_was_decided(member: Member) -> None:
    def overtaken(directory: Directory) -> Body:
        decide(member, "rulebook", "--set", "correction_days=101")
        return RulebookBody(replace(directory.rulebook, stale_days=93))

    admin = member("admin-1")
    with pytest.raises(RuleError) as caught:
        propose_body(Run(Output(), admin.home), overtaken, yes=True)
    assert (caught.value.reason, caught.value.rule) == ("ACT_ORDER", "leaf.previous")
    waiting = admin("act", "show").content["proposals"]
    assert not [one for one in waiting if one["body"].get("stale_days") == 93]


def test_a_rulebook_is_looked_at_before_it_is_signed(member: Member) -> None:
    admin, limit = member("admin-1"), "daily_statements=4000001"
    waiting = len(admin("act", "show").content["proposals"])
    told = admin("act", "propose", "rulebook", "--set", limit, "--set", "stale_days=92", "--preview").content
    changes = {change["name"]: (change["before"], change["after"]) for change in told["changes"]}
    assert changes["stale_days"] == ("184", "92")
    assert changes["daily_statements"][1] == "4000001"
    assert told["lenders"] >= 2
    assert any("stale" in line for line in told["uncounted"])
    assert len(admin("act", "show").content["proposals"]) == waiting
    # From the one that ships, whatever has been changed meanwhile; of another jurisdiction nobody signs one.
    proposed = admin(
        "act", "propose", "rulebook", "--from", "cn", "--set", limit, "--set", "dispute_days=15", "--yes"
    ).content
    assert (proposed["body"]["daily_statements"], proposed["body"]["stale_days"]) == (4_000_001, 184)
    shown = member("admin-2").said("act", "preview", str(proposed["id"])[:12]).out
    assert "daily_statements" in shown
    assert "No record is kept for longer" in shown
    other = admin("act", "propose", "rulebook", "--from", "uk", "--preview", code=2)
    assert other.reason == "RULEBOOK_INVALID"
    assert other.content["error"]["field"] == "jurisdiction"
    assert other.content["error"]["want"] == "cn, which stays for good"
    ended = admin("act", "propose", "state", "--institution", "lender-1", "--status", "SUSPENDED", "--yes").content
    assert member("admin-2")("act", "preview", str(ended["id"])[:12], code=2).reason == "USAGE"


def test_a_rulebook_takes_the_holidays_that_are_decreed(member: Member) -> None:
    days = "holidays=2027-02-08,2027-01-01"
    decide(member, "rulebook", "--set", days, "--set", "workdays=2027-02-14")
    listed = member("lender-1").said("act", "list").out
    assert "rulebook" in listed
    saturday = member("admin-1")("act", "propose", "rulebook", "--set", "holidays=2027-01-02", "--yes", code=2)
    assert "Mondays to Fridays" in saturday.out + saturday.err
    nothing = member("admin-1")("act", "propose", "rulebook", "--set", "holidays=", "--yes").content
    assert (nothing["body"]["holidays"], nothing["body"]["workdays"]) == ([], ["2027-02-14"])


def test_key_services_of_the_next_version_are_proposed(member: Member, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("subject-key-service"))
    where = ("--home", str(tmp_path / "c"), "--name", "key-service-c", "--url", "127.0.0.1:9")
    subprocess.run([program, "init", *where], check=True, stdout=subprocess.DEVNULL)
    file = str(tmp_path / "c" / "key-service-c.key-service.json")
    proposed = member("admin-1")("act", "propose", "key-services", "--key-service", file, "--yes").content
    assert proposed["body"]["introduce"]["subject_key_version"] == 2
    assert proposed["body"]["introduce"]["services"][0]["url"] == "127.0.0.1:9"
    retire = ("act", "propose", "key-services", "--retire", "1", "--yes")
    assert member("admin-1")(*retire, code=2).reason == "KEY_SERVICES_INVALID"


def test_a_new_administrator_signs_in_a_file_that_another_brings(
    registry: TestRegistry, member: Member, tmp_path: Path
) -> None:
    newcomer = init(registry, tmp_path / "admin-4", "ADMINISTRATOR")
    enrolment = str(tmp_path / "admin-4" / "admin-4.enrolment.json")
    everybody = [word for place in range(1, 5) for word in ("--administrator", f"admin-{place}")]
    propose = ("act", "propose", "administrators", *everybody, "--threshold", "3", "--enrolment", enrolment, "--yes")
    proposed = member("admin-1")(*propose).content
    member("admin-2")("act", "approve", proposed["id"], "--yes")
    file = str(tmp_path / "administrators.act")
    member("admin-1")("act", "show", proposed["id"], "--out", file)
    assert newcomer("act", "approve", file, "--yes").content["signatures"] == 3
    assert member("admin-1")("act", "bring", file).content["logged"]
    assert member("lender-1")("status").content["act_number"] == proposed["number"]
    back = [word for place in range(1, 4) for word in ("--administrator", f"admin-{place}")]
    proposed = member("admin-1")("act", "propose", "administrators", *back, "--threshold", "2", "--yes").content
    member("admin-2")("act", "approve", proposed["id"], "--yes")
    assert member("admin-3")("act", "approve", proposed["id"], "--yes").content["logged"]


def test_a_genesis_of_other_keys_is_not_signed(registry: TestRegistry, tmp_path: Path) -> None:
    stranger = init(registry, tmp_path / "admin-9", "ADMINISTRATOR")
    genesis = str(registry.registry_home / "genesis.act")
    assert stranger("act", "approve", genesis, "--yes", code=5).reason == "CONFIG"
    shown = stranger.said("act", "show", genesis).out
    assert "The registry begins" in shown


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_audit_writes_its_report_in_three_forms(member: Member, tmp_path: Path, jobs: str, number: int) -> None:
    member("lender-1")(*report_words(number), "--yes", given=id_number(number))
    files = {form: tmp_path / f"audit.{form}" for form in ("html", "txt", "json")}
    words = ("--html", str(files["html"]), "--text", str(files["txt"]), "--json-file", str(files["json"]))
    told = member("auditor")("audit", *words, "--state", str(tmp_path / "state"), "--jobs", jobs).content
    assert told["clean"]
    assert told["signatures"] > 0
    assert json.loads(files["json"].read_text())["root"] == told["root"]
    assert "Nothing was found." in files["txt"].read_text()
    assert "<script" not in files["html"].read_text()
