"""A lender's day with a real registry: report, ask, keep evidence, correct, withdraw."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.rules.dates import day_of
from client_sdk.lending.files import write_portfolio
from tests.client_sdk.cli.command_samples import ASKING, id_number, name_words, report_words
from tests.client_sdk.sdk_samples import default_facts, default_report, history, listing_report, suit

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry
    from tests.support.command import Command


def report(lender: Command, number: int, **changes: str) -> dict[str, object]:
    return lender(*report_words(number, **changes), "--yes", given=id_number(number)).content


def test_what_one_lender_reports_another_is_shown_with_reasons(lender: Command, asker: Command, number: int) -> None:
    reported = report(lender, number)
    answer = asker(*ASKING, given=id_number(number)).content
    assert answer["verdict"] == "LISTED"
    assert [record["record_id"] for record in answer["records"]] == [reported["record_id"]]
    assert answer["records"][0]["facts"]["days_past_due"] == 29
    assert answer["assessment"]["outcome"] == "BLACKLISTED"
    assert answer["assessment"]["totals"] == [
        {"kind": "DEFAULT", "currency": "CNY", "records": 1, "amount": 123_000, "estimated": False}
    ]
    said = asker.said(*ASKING, given=id_number(number)).out
    for word in ("LISTED", "BLACKLISTED", "COUNTED", "1,230.00 CNY", "lender-1"):
        assert word in said


def test_nobody_is_clear_by_chance(asker: Command, number: int) -> None:
    answer = asker(*ASKING, given=id_number(number)).content
    assert (answer["verdict"], answer["assessment"]["outcome"]) == ("CLEAR", "NOT_ADVERSE")


def test_the_number_is_in_nothing_that_is_printed(lender: Command, asker: Command, number: int) -> None:
    printed = [
        lender.said(*report_words(number), "--yes", given=id_number(number)),
        asker.said(*ASKING, given=id_number(number)),
        asker(*ASKING, given=id_number(number)),
        lender(*("records", "--identity-file", "-"), given=id_number(number)),
    ]
    for ended in printed:
        assert id_number(number) not in ended.out + ended.err


def test_exit_code_tells_the_outcome_where_it_is_asked_for(lender: Command, asker: Command, number: int) -> None:
    asker(*ASKING, "--exit-code", given=id_number(number), code=0)
    report(lender, number)
    asker(*ASKING, given=id_number(number), code=0)
    asker(*ASKING, "--exit-code", given=id_number(number), code=1)


def test_own_criteria_are_followed(lender: Command, asker: Command, number: int, tmp_path: Path) -> None:
    report(lender, number)
    criteria = tmp_path / "criteria.toml"
    criteria.write_text("min_days_past_due = 30\n[min_amounts]\nCNY = 1\n")
    answer = asker(*ASKING, "--criteria", str(criteria), given=id_number(number)).content
    assert answer["assessment"]["outcome"] == "WATCH"
    assert [reason["id"] for reason in answer["assessment"]["reasons"]] == ["BELOW_DAYS"]


@pytest.mark.parametrize("text", ["no toml", "unknown = 1", "min_days_past_due = true", 'counted = ["DEFAULT OFF"]'])
def test_wrong_criteria_are_refused(asker: Command, tmp_path: Path, text: str) -> None:
    criteria = tmp_path / "criteria.toml"
    criteria.write_text(text)
    assert asker(*ASKING, "--criteria", str(criteria), given=id_number(1), code=2).reason == "USAGE"


def test_several_persons_of_a_file_are_asked_about_at_once(asker: Command, tmp_path: Path) -> None:
    listed = "\n".join(id_number(30_000 - place) for place in range(3))
    folder = tmp_path / "evidence"
    answers = asker(*ASKING, "--save", str(folder), given=f"# applicants\n\n{listed}\n").content["answers"]
    assert [answer["verdict"] for answer in answers] == ["CLEAR"] * 3
    assert len(list(folder.glob("*.evidence"))) == 3
    assert not list(folder.glob("*.person.json"))


def test_evidence_names_the_person_only_beside_it_and_only_if_asked(
    asker: Command, number: int, tmp_path: Path
) -> None:
    target = tmp_path / "answer.evidence"
    asker(*ASKING, "--save", str(target), given=id_number(number))
    beside = tmp_path / "answer.evidence.person.json"
    assert not beside.exists()
    target.unlink()
    asker(*ASKING, "--save", str(target), "--with-identity", given=id_number(number))
    assert json.loads(beside.read_text())["number"] == id_number(number)
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert id_number(number).encode() not in target.read_bytes()


def test_evidence_verifies_offline_and_a_changed_byte_does_not(
    lender: Command, asker: Command, registry: TestRegistry, number: int, tmp_path: Path
) -> None:
    report(lender, number)
    target = tmp_path / "answer.evidence"
    asker(*ASKING, "--save", str(target), given=id_number(number))
    root = ("--trust-root", str(registry.trust_root))
    nobody = asker.__class__(tmp_path / "nobody")
    told = nobody("verify", *root, str(target)).content
    assert told["verified"]
    assert told["persons"][0]["verdict"] == "LISTED"
    assert told["persons"][0]["records"][0]["unopened"] == "SEALED"
    assert not told["person_proved"]
    assert "key services" in nobody.said("verify", *root, str(target)).out
    with subprocess.Popen(["/bin/cat", str(target)], stdout=subprocess.PIPE) as beside:
        assert beside.stdout is not None
        assert nobody("verify", *root, f"/dev/fd/{beside.stdout.fileno()}").content["verified"]
    changed = bytearray(target.read_bytes())
    changed[len(changed) // 2] ^= 1
    target.write_bytes(changed)
    told = nobody("verify", *root, str(target), code=1).content
    assert not told["verified"]
    assert told["part"]


def test_a_member_proves_whom_evidence_is_about(lender: Command, asker: Command, number: int, tmp_path: Path) -> None:
    report(lender, number)
    target = str(tmp_path / "answer.evidence")
    asker(*ASKING, "--save", target, given=id_number(number))
    verify = ("verify", target, "--identity-file", "-")
    told = asker(*verify, given=id_number(number)).content
    assert told["person_proved"]
    assert told["persons"][0]["records"][0]["facts"]["days_past_due"] == 29
    assert asker(*verify, given=id_number(number + 1), code=1).content["rule"] == "person.pseudonym"


def test_an_inquiry_has_a_place_after_the_next_head(lender: Command, asker: Command, number: int) -> None:
    asked = asker(*ASKING, given=id_number(number)).content["inquiry_id"]
    report(lender, number)
    receipt = asker("inquiry", "receipt", asked).content
    assert (receipt["inquiry_id"], receipt["outcome"]) == (asked, "ANSWERED")
    newest = asker("inquiry", "list", "--limit", "1").content["inquiries"][0]
    told = (newest["inquiry_id"], newest["officer"], newest["purpose"], newest["outcome"])
    assert told == (asked, "clerk-7", "LOAN_APPROVAL", "ANSWERED")
    assert asker("inquiry", "list", "--since", "2190-01-01").content["inquiries"] == []
    assert "clerk-7" in asker.said("inquiry", "list").out


def test_a_receipt_beside_evidence_shows_anybody_that_the_question_was_put(
    lender: Command, asker: Command, registry: TestRegistry, number: int, tmp_path: Path
) -> None:
    evidence, other, receipt = (str(tmp_path / name) for name in ("an.evidence", "other.evidence", "an.receipt"))
    asked = asker(*ASKING, "--save", evidence, given=id_number(number)).content["inquiry_id"]
    asker(*ASKING, "--save", other, given=id_number(number))
    report(lender, number)
    assert asker("inquiry", "receipt", asked, "--out", receipt).content["file"] == receipt
    asker("inquiry", "receipt", asked, "--out", receipt, code=5)
    assert stat.S_IMODE((tmp_path / "an.receipt").stat().st_mode) == 0o600
    nobody = asker.__class__(tmp_path / "nobody")
    root = ("--trust-root", str(registry.trust_root))
    told = nobody("verify", *root, receipt).content
    assert (told["verified"], told["inquiry_id"], told["asker"], told["purpose"]) == (
        True,
        asked,
        "lender-2",
        "LOAN_APPROVAL",
    )
    assert nobody("verify", *root, evidence).content["inquiry_received_at"] is None
    together = nobody("verify", *root, evidence, "--inquiry-receipt", receipt).content
    assert (together["verified"], together["inquiry_received_at"]) == (True, told["received_at"])
    assert "took in this inquiry" in nobody.said("verify", *root, evidence, "--inquiry-receipt", receipt).out
    refused = nobody("verify", *root, other, "--inquiry-receipt", receipt, code=1).content
    assert (refused["verified"], refused["rule"]) == (False, "inquiry-receipt.inquiry")
    changed = tmp_path / "changed.receipt"
    data = (tmp_path / "an.receipt").read_bytes()
    changed.write_bytes(data[:-9] + bytes((data[-9] ^ 1,)) + data[-8:])
    assert nobody("verify", *root, str(changed), code=1).content["verified"] is False
    for words in (("--fingerprint", "0" * 64), ("--identity-file", "-")):
        nobody("verify", *root, evidence, "--inquiry-receipt", receipt, *words, code=2)


def test_a_trust_root_is_verified_by_its_fingerprint_alone(
    asker: Command, registry: TestRegistry, tmp_path: Path
) -> None:
    nobody = asker.__class__(tmp_path / "nobody")
    file = str(registry.trust_root)
    told = nobody("verify", file).content
    assert (told["verified"], told["fingerprint_compared"], told["threshold"]) == (True, False, 2)
    assert "compare it" in nobody.said("verify", file).out
    fingerprint = told["fingerprint"]
    spoken = " ".join(fingerprint[at : at + 8] for at in range(0, 64, 8)).upper()
    assert nobody("verify", file, "--fingerprint", spoken).content["fingerprint_compared"] is True
    said = nobody.said("verify", file, "--fingerprint", fingerprint).out
    assert "admin-1, admin-2" in said
    assert fingerprint[:8] in said
    other = nobody("verify", file, "--fingerprint", "0" * 64, code=1).content
    assert (other["verified"], other["rule"]) == (False, "trust-root.fingerprint")
    nobody("verify", file, "--fingerprint", "0f", code=2)
    changed = tmp_path / "changed.bin"
    data = registry.trust_root.read_bytes()
    for at in (4, len(data) // 2, len(data) - 1):
        changed.write_bytes(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
        assert nobody("verify", str(changed), "--fingerprint", fingerprint, code=1).content["verified"] is False


def test_the_same_report_again_gives_the_same_receipt(lender: Command, number: int) -> None:
    first, second = report(lender, number), report(lender, number)
    assert (second["record_id"], second["version"], second["index"]) == (
        first["record_id"],
        first["version"],
        first["index"],
    )


def test_a_broken_rule_is_named_and_nothing_is_sent(lender: Command, asker: Command, number: int) -> None:
    words = report_words(number, currency="CNX")
    error = lender(*words, "--yes", given=id_number(number), code=1).content["error"]
    assert error["reason"] == "RULES_BROKEN"
    assert "CURRENCY_INVALID" in [item["reason"] for item in error["violations"]]
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"


def test_a_dry_run_sends_nothing(lender: Command, asker: Command, number: int) -> None:
    assert lender(*report_words(number), "--dry-run", given=id_number(number)).content["dry_run"]
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"


def test_without_yes_and_without_anybody_to_ask_nothing_is_sent(lender: Command, asker: Command, number: int) -> None:
    assert lender(*report_words(number), given=id_number(number), code=2).reason == "USAGE"
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"


def test_a_correction_keeps_what_it_does_not_name(lender: Command, asker: Command, number: int) -> None:
    report(lender, number)
    correct = ("records", "correct", *name_words(number), "--principal", "99", "--identity-file", "-", "--yes")
    assert lender(*correct, given=id_number(number)).content["version"] == 2
    [record] = asker(*ASKING, given=id_number(number)).content["records"]
    assert record["version"] == 2
    assert record["facts"]["amounts"]["principal"] == 99
    assert record["facts"]["amounts"]["interest"] == 3_000
    april = {
        "month": "2025-04",
        "version": 2,
        "days_past_due": 29,
        "as_of": "2025-04-30",
        "follows": False,
        "code": "1",
    }
    assert record["months"][0] == april | {"standing": "OPEN"}
    assert "2025-05  OPEN" in asker.said(*ASKING, "--history", given=id_number(number)).out
    months = ("records", "history", *name_words(number))
    assert lender(*months, "--identity-file", "-", given=id_number(number)).content["months"] == record["months"]
    assert "not reported" in lender.said(*months).out


def test_a_correction_of_an_unknown_record_is_refused(lender: Command, number: int) -> None:
    correct = ("records", "correct", *name_words(number), "--principal", "99", "--identity-file", "-", "--yes")
    assert lender(*correct, given=id_number(number), code=1).reason == "RECORD_UNKNOWN"


def test_the_plan_of_a_version_warns_of_a_hundredfold_of_what_the_registry_holds(lender: Command, number: int) -> None:
    held = report(lender, number)
    principal = str(default_facts().amounts.principal * 100)
    changes = {"principal": principal, "as_of": "2025-05-01", "days_past_due": "31"}
    words = report_words(number, **changes)
    (warned,) = lender(*words, "--dry-run", given=id_number(number)).content["warnings"]
    assert (warned["column"], warned["rule"]) == ("principal", "money.hundredfold")
    # Without a terminal nobody agrees, and what was asked about stands there.
    assert "money.hundredfold" in lender.said(*words, given=id_number(number), code=2).err
    correct = ("records", "correct", str(held["record_id"]), "--identity-file", "-")
    asked = lender.said(*correct, "--principal", principal, given=id_number(number), code=2).err
    assert "money.hundredfold" in asked
    assert f"{held['record_id']}, version 1, OPEN" in asked


def test_a_withdrawn_record_is_gone(lender: Command, asker: Command, number: int) -> None:
    record = report(lender, number)["record_id"]
    # Without a terminal nobody agrees; which record it is, and why, stands before the question.
    said = lender.said("records", "withdraw", *name_words(number), code=2).err
    assert f"To be ended: DEFAULT {record} of lender-1" in said
    assert "1, OPEN, logged" in said
    assert "ERROR" in said
    # Nobody is asked, so that nothing would say why.
    unsaid = lender("records", "withdraw", *name_words(number), "--yes", code=2).content["error"]
    assert unsaid["message"] == "--yes without a reason"
    lender("records", "withdraw", *name_words(number), "--reason", "ERROR", "--yes")
    assert asker(*ASKING, given=id_number(number)).content["verdict"] == "CLEAR"
    listed = {item["record_id"]: item["standing"] for item in lender("records").content["records"]}
    assert listed[record] == "WITHDRAWN"
    assert lender("records", "withdraw", str(record), "--reason", "ERROR", "--yes", code=1).reason == "RECORD_ENDED"


def test_a_victim_of_identity_theft_is_freed_of_a_record(lender: Command, number: int, tmp_path: Path) -> None:
    record = str(report(lender, number)["record_id"])
    document = tmp_path / "police.pdf"
    document.write_bytes(b"report of the police")
    withdraw = ("records", "withdraw", record, "--yes")
    assert "withdrawal.evidence" in lender(*withdraw, "--reason", "IDENTITY_THEFT", code=2).out
    lender(*withdraw, "--set-aside", "--reason", "FRAUD", code=2)
    lender(*withdraw, "--reason", "IDENTITY_THEFT", "--evidence", str(document))
    (held,) = (item for item in lender("records").content["records"] if item["record_id"] == record)
    assert (held["reason"], held["evidence"]) == ("IDENTITY_THEFT", [sha256(document.read_bytes()).hexdigest()])


def test_a_listing_that_the_court_removed_is_withdrawn(lender: Command, number: int, tmp_path: Path) -> None:
    file, base = tmp_path / "listed.csv", 6_000 + number
    write_portfolio(file, [listing_report(base, rests=False)])
    assert lender("report", str(file), "--yes").content["accepted"] == 1
    (record,) = (item["record_id"] for item in lender("records").content["records"] if item["kind"] == "LISTING")
    withdraw = ("records", "withdraw", record, "--yes", "--reason", "COURT_REMOVED")
    assert lender(*withdraw, code=2).content["error"]["message"] == "--removed-on is missing"
    assert "found 10 characters" in lender.said(*withdraw, "--removed-on", "06/03/2026", code=2).err
    assert "a day to come" in lender(*withdraw, "--removed-on", "2190-01-01", code=2).out
    lender("records", "withdraw", record, "--yes", "--removed-on", "2026-03-06", code=2)
    # The court can have removed no entry before it was copied: that copy was an error.
    early = lender(*withdraw, "--removed-on", "2026-03-06", code=1).content["error"]
    assert early["violations"][0]["rule"] == "listing.removed-before"
    assert early["hint"].endswith("is withdrawn with --reason ERROR.")
    today = day_of(time.time_ns() // 1_000_000, "Asia/Shanghai").isoformat()
    done = lender(*withdraw, "--removed-on", today).content
    assert (done["removed_on"], done["due_on"] > today, done["late"]) == (today, True, False)
    rows = file.read_text().splitlines()
    columns = rows[0].split(",")
    cells = rows[1].split(",")
    cells[columns.index("ended_on")] = today
    file.write_text("\n".join((rows[0], ",".join(cells))) + "\n")
    (refused,) = lender("report", str(file), "--dry-run", code=1).content["rejected"]
    assert (refused["field"], refused["rule"]) == ("ended_on", "listing.removed")


def test_a_receipt_is_written_as_a_tlog_proof(lender: Command, number: int, tmp_path: Path) -> None:
    record = str(report(lender, number)["record_id"])
    out = tmp_path / "receipt.tlog-proof"
    by_name = lender("receipt", *name_words(number), "--out", str(out)).content
    assert by_name["record_id"] == record
    assert by_name["leaf"] == lender("receipt", record).content["leaf"]
    assert out.read_text().startswith("c2sp.org/tlog-proof@v1\nextra ")
    verified = lender("verify", str(out)).content
    assert (verified["verified"], verified["record_id"], verified["version"]) == (True, record, 1)
    changed = tmp_path / "changed.tlog-proof"
    changed.write_bytes(out.read_bytes().replace(b"\nindex ", b"\nindex 1", 1))
    assert lender("verify", str(changed), code=1).content["verified"] is False
    assert lender("receipt", record, "--version", "9", code=1).reason


def test_a_portfolio_is_planned_sent_and_repeated(lender: Command, number: int, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    base = 5_000 + number * 10
    write_portfolio(file, [*history(base), *suit(base + 1)])
    plan = lender("report", str(file), "--dry-run").content
    rows = plan["rows"]
    assert plan["rejected"] == []
    first = lender("report", str(file), "--yes").content
    assert (first["rows"], first["accepted"], first["rejected_rows"]) == (rows, rows, 0)
    second = lender("report", str(file), "--yes").content
    assert (second["accepted"], second["repeated"]) == (0, rows)
    said = lender.said("report", str(file), "--dry-run").out
    assert f"Plan: {rows} rows about 2 persons" in said
    assert "DEFAULT CURED" in said
    assert "Nothing was signed or sent" in said


def test_a_portfolio_goes_under_one_signature(lender: Command, asker: Command, number: int, tmp_path: Path) -> None:
    file = tmp_path / "judgments.csv"
    base = 8_000 + number * 10
    rows = [row for place in range(3) for row in suit(base + place)[:2]]
    write_portfolio(file, rows)
    plan = lender("report", str(file), "--one-signature", "--dry-run").content
    assert (plan["one_signature"], plan["rows"]) == (True, len(rows))
    said = lender.said("report", str(file), "--one-signature", "--dry-run").out
    assert "Signed together: one signature for up to 10,000 rows" in said
    first = lender("report", str(file), "--one-signature", "--yes").content
    assert (first["accepted"], first["signatures"]) == (len(rows), 1)
    assert "0 signatures made" in lender.said("report", str(file), "--one-signature", "--yes").out
    assert asker(*ASKING, given=id_number(base + 1)).content["verdict"] == "LISTED"


def test_one_signature_is_for_files_alone(lender: Command) -> None:
    told = lender("report", "--one-signature", "--kind", "DEFAULT", code=2)
    assert "FILE" in str(told.content["error"])


def test_rejected_rows_are_written_to_a_file_and_the_others_sent(lender: Command, number: int, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    base = 6_000 + number * 10
    write_portfolio(file, [default_report(base), default_report(base + 1), default_report(base + 2)])
    text = file.read_text().splitlines(keepends=True)
    text[2] = text[2].replace("CNY", "CNX")
    file.write_text("".join(text))
    told = lender("report", str(file), "--yes", code=1).content
    assert (told["accepted"], told["rejected_rows"]) == (2, 1)
    with (tmp_path / "portfolio.csv.rejected.csv").open(newline="") as rejected:
        [row] = csv.DictReader(rejected)
    assert set(row) == {"row", "reason", "field", "rule", "got", "want"}
    assert (row["row"], row["reason"]) == ("3", "CURRENCY_INVALID")
    assert id_number(base + 1) not in (tmp_path / "portfolio.csv.rejected.csv").read_text()
    file.write_text("".join(text).replace("CNX", "CNY"))
    told = lender("report", str(file), "--yes").content
    assert (told["accepted"], told["repeated"], told["rejected_file"]) == (1, 2, None)


def test_a_wrong_header_is_named(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    file.write_text("kind,colour\n")
    error = lender("report", str(file), "--yes", code=2).content["error"]
    [violation] = error["violations"]
    assert error["reason"] == "MALFORMED"
    assert violation["got"] == "1 unknown column, the first at place 2"


def test_a_portfolio_that_is_no_text_is_wrong_input(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    header = (Path(__file__).parents[3] / "examples" / "portfolio.csv").read_bytes().splitlines(keepends=True)[0]
    file.write_bytes(header + b"\xff\n")
    [violation] = lender("report", str(file), "--yes", code=2).content["error"]["violations"]
    assert (violation["row"], violation["rule"]) == (2, "file.encoding")


def test_a_portfolio_without_header_shows_nobody(lender: Command, number: int, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    write_portfolio(file, [default_report(number)])
    file.write_text(file.read_text().partition("\n")[2])
    ended = lender("report", str(file), "--yes", code=2)
    assert ended.content["error"]["violations"][0]["got"] == "no header"
    assert id_number(number) not in ended.out + ended.err


def test_status_tells_quota_outbox_and_certificate(lender: Command, number: int) -> None:
    before = lender("status").content
    report(lender, number)
    after = lender("status").content
    assert (after["institution"], after["state"], after["roles"]) == ("lender-1", "ACTIVE", ["LENDER"])
    assert after["size"] > before["size"]
    assert after["outbox_pending"] == 0
    assert len(after["key_services"]) == 2
    for service, earlier in zip(after["key_services"], before["key_services"], strict=True):
        assert service["reachable"]
        assert service["report_quota_left"] < earlier["report_quota_left"]
    levels = {level["gives"]: level for level in after["reciprocity"]["levels"]}
    assert levels["DEFAULT"]["reached"]
    assert after["reciprocity"]["held_back"] == []
    said = lender.said("status").out
    assert "nothing waits" in said
    assert "received is everything until" in said


def test_an_assessment_is_made_again_from_its_files(
    lender: Command, asker: Command, number: int, tmp_path: Path
) -> None:
    report(lender, number)
    evidence = tmp_path / "loan.evidence"
    told = asker(*ASKING, "--save", str(evidence), "--with-assessment", given=id_number(number)).content
    kept = tmp_path / "loan.evidence.assessment.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    reassessed = asker("reassess", str(evidence)).content
    assert (reassessed["matches"], reassessed["digest"]) == (True, told["assessment"]["digest"])
    assert asker("reassess", str(evidence), "--identity-file", "-", given=id_number(number)).content["matches"]
    criteria = tmp_path / "criteria.toml"
    criteria.write_text("refer_disputed = true\n")
    other = asker.said("reassess", str(evidence), "--criteria", str(criteria), code=1).out
    assert "DIFFERENT" in other
    assert "criteria: it is weighed by other criteria" in other
    assert asker.said(*ASKING, "--with-assessment", given=id_number(number), code=2).err


def test_a_rule_about_a_consent_names_the_option_that_was_typed(lender: Command, number: int) -> None:
    words = ("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-1", "--consent-date", "2199-01-01")
    asked = (*words, "--consent-digest", "ab" * 32, "--identity-file", "-")
    refused = lender.said(*asked, given=id_number(number), code=None)
    assert "--consent-date" in refused.err
    assert "inquiry.consent" not in refused.err
