"""One report from a TOML form: printed, read, and written in an editor until no rule is broken."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from client_sdk.cli.ui.record_form import annotated, form_text, read_form, without_notes
from client_sdk.errors import PreflightError
from client_sdk.kernel.formats.words import Kind
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.lending.rows import row_of
from client_sdk.models import RejectedRow, Violation
from tests.client_sdk.cli.command_samples import id_number
from tests.client_sdk.sdk_samples import default_report, listing_report, suit
from tests.support.command import Command

WHOLE = "as_of = 2026-03-31\nprincipal = 1250000\nestimated = true\nmeasures = ['FROZEN', 'SEALED']\n"


def filled(number: int, **changes: str) -> str:
    return form_text(Kind.DEFAULT, {**row_of(default_report(number)), **changes})


def editor(folder: Path, body: str) -> dict[str, str]:
    """An editor that is a Python program; the draft is ``path``, its count of runs ``runs``."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"counter = pathlib.Path({str(folder / 'runs')!r})\n"
        "runs = len(counter.read_text()) + 1 if counter.exists() else 1\n"
        "counter.write_text('x' * runs)\n"
        f"{body}\n"
    )
    return {"VISUAL": shlex.join([sys.executable, str(script)])}


@pytest.fixture
def home(lender: Command) -> Path:
    return lender.home


def drafts(home: Path) -> list[Path]:
    return sorted(home.glob("draft-*/record.toml"))


@pytest.mark.parametrize("kind", [None, *Kind])
def test_a_form_is_toml_with_the_columns_of_its_kind(kind: Kind | None) -> None:
    content = tomllib.loads(form_text(kind, {}))
    assert set(content) <= set(COLUMNS)
    assert ("product" in content) is (kind in (None, Kind.DEFAULT))
    assert ("stage" in content) is (kind in (None, Kind.JUDGMENT))
    assert ("grounds" in content) is (kind in (None, Kind.LISTING))
    assert read_form(form_text(kind, {})) == ({} if kind is None else {"kind": kind.name})


def test_what_a_form_holds_reads_as_the_same_report() -> None:
    for report in (default_report(1), *suit(2), listing_report(2)):
        read = report_of(read_form(form_text(report.kind, row_of(report))), 0)
        assert not isinstance(read, RejectedRow)
        assert row_of(read) == row_of(report)


@pytest.mark.parametrize("text", ['say "no"', "back\\slash", "tab\there", "终本 𠮷", "del\x7f", "half \ud800"])
def test_any_text_that_was_given_can_be_written_into_a_form(text: str) -> None:
    assert read_form(form_text(Kind.DEFAULT, {"approver": text}))["approver"] == text.replace("\ud800", "?")


def test_values_have_the_types_of_a_portfolio_and_dates_those_of_toml() -> None:
    assert read_form(WHOLE) == {
        "as_of": "2026-03-31",
        "principal": "1250000",
        "estimated": "true",
        "measures": "FROZEN SEALED",
    }
    assert read_form("notice_sent_at = 2026-01-20T10:00:00+08:00")["notice_sent_at"] == "2026-01-20T10:00:00+08:00"


@pytest.mark.parametrize(
    ("text", "field", "rule"),
    [
        ("princpal = 1", "princpal", "columns.known"),
        (f"n{id_number(1)} = 1", "file", "columns.known"),
        ("[facts]\nprincipal = 1", "facts", "columns.known"),
        ("principal = 12.5", "principal", "json.type"),
        ("principal = true", "principal", "json.type"),
        (f"reference = 0x{'f' * 6000}", "reference", "json.type"),
        ("reference = 2026-01-01", "reference", "json.type"),
        ("as_of = 2026-01-01T00:00:00", "as_of", "json.type"),
        ("measures = [1]", "measures", "json.type"),
        ("kind = DEFAULT", "file", "toml.form"),
        ('kind = "DEFAULT"\nkind = "JUDGMENT"', "file", "toml.form"),
        ("attempt = " + "9" * 5000, "file", "toml.form"),
        ("measures = " + "[" * 60_000, "file", "toml.form"),
    ],
    ids=lambda text: text[:24],
)
def test_a_form_that_is_not_in_order_is_refused_at_its_place(text: str, field: str, rule: str) -> None:
    with pytest.raises(PreflightError) as caught:
        read_form(text)
    (found,) = caught.value.violations
    assert (found.field, found.rule) == (field, rule)
    assert id_number(1) not in str(found)


def test_a_name_that_is_nearly_a_column_is_helped() -> None:
    with pytest.raises(PreflightError, match="did you mean principal"):
        read_form("princpal = 1")


def test_broken_rules_stand_above_their_line_and_can_be_taken_out_again() -> None:
    text = form_text(Kind.DEFAULT, {})
    broken = [
        Violation(reason="FACTS_INVALID", field="as_of", rule="column.present", want="a value"),
        Violation(reason="MALFORMED", field="file", rule="toml.form", want="text", got="line 3, column 1"),
    ]
    noted = annotated(text, broken)
    lines = noted.splitlines()
    place = lines.index('as_of = ""')
    assert lines[place - 1] == "#! want a value (FACTS_INVALID, rule column.present)"
    assert lines[0].startswith("#! file: want text, got line 3")
    assert tomllib.loads(noted) == tomllib.loads(text)
    assert without_notes(noted).strip() == text.strip()


def test_a_template_is_printed_and_reported_once_it_is_filled_in(lender: Command, number: int, tmp_path: Path) -> None:
    printed = lender.said("report", "--template", "--kind", "DEFAULT").out
    assert printed.rstrip() == form_text(Kind.DEFAULT, {}).rstrip()
    form = tmp_path / "record.toml"
    form.write_text(filled(number, id_number="", id_type=""))
    dry = lender("report", "--from", str(form), "--dry-run", "--identity-file", "-", given=id_number(number))
    assert (dry.content["dry_run"], dry.content["follows"]) == (True, None)
    done = lender("report", "--from", str(form), "--identity-file", "-", "--yes", given=id_number(number)).content
    again = lender("report", "--from", "-", "--yes", given=filled(number)).content
    assert (again["record_id"], again["index"], again["repeated"]) == (done["record_id"], done["index"], True)
    # What changes is shown before it is signed, and of which record.
    changed = filled(number, days_past_due="28")
    follows = lender("report", "--from", "-", "--dry-run", given=changed).content["follows"]
    assert (follows["record_id"], follows["version"], follows["standing"]) == (done["record_id"], 1, "OPEN")
    assert [(item["column"], item["said"]) for item in follows["changed"]] == [("days_past_due", "28")]
    shown = lender.said("report", "--from", "-", "--dry-run", given=changed).out
    assert "A further version of" in shown
    assert "of which the registry holds version 1, OPEN" in shown


def test_a_form_says_which_rule_is_broken_by_its_column(lender: Command, number: int, tmp_path: Path) -> None:
    form = tmp_path / "record.toml"
    form.write_text(filled(number, as_of="", days_past_due="many"))
    error = lender("report", "--from", str(form), "--yes", code=1).content["error"]
    assert {item["field"] for item in error["violations"]} == {"as_of", "days_past_due"}
    assert id_number(number) not in str(error)


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "FORM", "portfolio.csv"),
        ("--from", "FORM", "--reference", "other"),
        ("--from", "FORM", "--identity-file", "-"),
        ("--from", "nothing.toml"),
        ("--edit", "--dry-run"),
        ("--edit", "portfolio.csv"),
        ("--edit", "--from", "FORM", "--reference", "other"),
        ("--template", "--kind", "DEFALUT"),
        ("--edit", "--kind", "DEFALUT"),
        ("FORM",),
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_refused(lender: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    form = tmp_path / "record.toml"
    form.write_text(filled(1))
    given = [str(form) if word == "FORM" else word for word in words]
    assert lender("report", *given, "--yes", given=id_number(1), code=2).reason == "USAGE"


def test_an_editor_is_opened_until_no_rule_is_broken(
    lender: Command, number: int, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    body = f"""
text = path.read_text()
if runs == 1:
    mode = oct(path.stat().st_mode & 0o777) + oct(path.parent.stat().st_mode & 0o777)
    pathlib.Path({str(seen)!r}).write_text(mode)
    (path.parent / "record.toml~").write_text(text)
    path.write_text({filled(number, days_past_due="many")!r})
else:
    assert "#! want a whole number from 0" in text, text
    path.write_text(text.replace('"many"', '29'))
"""
    for name, value in editor(tmp_path, body).items():
        monkeypatch.setenv(name, value)
    done = lender("report", "--edit", "--kind", "DEFAULT", "--yes").content
    assert done["version"] == 1
    assert (tmp_path / "runs").read_text() == "xx"
    assert seen.read_text() == "0o6000o700"
    assert list(home.glob("draft-*")) == []


def test_the_usual_editor_is_not_started_where_nobody_can_type(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("VISUAL", "EDITOR")}
    command = [PROGRAM, "--home", str(home), "report", "--edit", "--kind", "DEFAULT"]
    ended = subprocess.run(command, input="", capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no terminal for the editor vi" in ended.stderr
    assert list(home.glob("draft-*")) == []


def test_columns_that_are_given_stand_in_the_form(
    lender: Command, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"assert 'reference = \"loan-{number}\"' in path.read_text()\npath.write_text({filled(number)!r})"
    for name, value in editor(tmp_path, body).items():
        monkeypatch.setenv(name, value)
    lender("report", "--edit", "--kind", "DEFAULT", "--reference", f"loan-{number}", "--yes")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(3)", 5),
        ("", 1),
        ("path.write_bytes(b'\\xff' + path.read_bytes())", 2),
    ],
    ids=["the editor fails", "left as it was", "no text"],
)
def test_what_was_written_is_kept_where_it_cannot_be_reported(
    lender: Command, number: int, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    wrong = filled(number, days_past_due="many")
    for name, value in editor(tmp_path, f"if runs == 1: path.write_text({wrong!r})\n{end}").items():
        monkeypatch.setenv(name, value)
    ended = lender("report", "--edit", "--yes", code=code)
    (kept,) = drafts(home)
    assert str(kept) in ended.err
    assert b"many" in kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert id_number(number) not in ended.out + ended.err
    right = f"path.write_text({filled(number)!r})"
    for name, value in editor(tmp_path, right).items():
        monkeypatch.setenv(name, value)
    if code != 2:
        lender("report", "--edit", "--from", str(kept), "--yes")
        assert not kept.parent.exists()
        return
    kept.unlink()
    kept.parent.rmdir()


PROGRAM = str(Path(sys.executable).with_name("credit-registry"))


@pytest.mark.parametrize("number_of_signal", [signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_is_told_to_end_leaves_no_draft(
    lender: Command, number: int, tmp_path: Path, home: Path, number_of_signal: signal.Signals
) -> None:
    written = f"path.write_text({filled(number)!r})"
    end = f"{written}\nimport os, time\nos.kill(os.getppid(), {int(number_of_signal)})"
    words = [PROGRAM, "--home", str(lender.home), "report", "--edit", "--yes"]
    environment = os.environ | editor(tmp_path, end)
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 128 + number_of_signal, ended.stderr
    assert list(home.glob("draft-*")) == []
    assert id_number(number) not in ended.stdout + ended.stderr


def test_an_editor_that_changes_nothing_is_opened_once_more_and_not_for_ever(
    lender: Command, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in editor(tmp_path, "if runs == 1: path.write_text('no toml\\u2028')").items():
        monkeypatch.setenv(name, value)
    error = lender("report", "--edit", "--yes", code=2).content["error"]
    assert error["violations"][0]["rule"] == "toml.form"
    assert (tmp_path / "runs").read_text() == "xx"
    (kept,) = drafts(home)
    assert without_notes(kept.read_text()).strip("\n") == "no toml\u2028"
    kept.unlink()
    kept.parent.rmdir()


def test_a_form_that_was_not_changed_is_opened_again_with_its_broken_rules(
    lender: Command, number: int, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = tmp_path / "record.toml"
    form.write_text(filled(number, days_past_due="many"))
    body = """
text = path.read_text()
if runs == 2:
    assert "#! want a whole number from 0" in text, text
    path.write_text(text.replace('"many"', '29'))
"""
    for name, value in editor(tmp_path, body).items():
        monkeypatch.setenv(name, value)
    assert lender("report", "--edit", "--from", str(form), "--yes").content["version"] == 1
    assert (tmp_path / "runs").read_text() == "xx"
    assert drafts(home) == []


@pytest.mark.parametrize("body", ["path.write_text('')", "pass", "sys.exit(1)"], ids=["emptied", "untouched", "failed"])
def test_nothing_is_kept_where_nothing_was_written(
    lender: Command, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    for name, value in editor(tmp_path, body).items():
        monkeypatch.setenv(name, value)
    lender("report", "--edit", "--yes", "--identity-file", "-", given=id_number(1), code=None)
    assert drafts(home) == []


def test_an_editor_that_is_not_there_says_what_to_set(
    lender: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")
    error = lender("report", "--edit", "--yes", code=2).content["error"]
    assert "EDITOR" in error["hint"]
    assert drafts(home) == []


def test_a_home_that_is_none_is_told_before_anything_is_written(tmp_path: Path) -> None:
    assert Command(tmp_path / "none")("report", "--edit", code=5).reason == "CONFIG"


def test_a_record_is_corrected_by_its_id_in_the_form_of_what_is_held(
    lender: Command, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, whose = id_number(number), ("--identity-file", "-")
    done = lender("report", "--from", "-", "--yes", given=filled(number)).content
    correct = ("records", "correct", done["record_id"], *whose, "--yes")
    form = lender(*correct, "--template", given=given).content["template"]
    # What names the record or the person is no part of it.
    naming = {"kind", "reference", "first_day", "standing", "id_type", "id_number", "issuing_state"}
    assert set(read_form(form)) == set(row_of(default_report(number))) - naming
    file = tmp_path / "held.toml"
    file.write_text(form)
    same = lender(*correct, "--from", str(file), given=given).content
    assert (same["version"], same["repeated"]) == (1, True)
    file.write_text(form.replace('principal = "', 'principal = "9'))
    assert lender(*correct, "--from", str(file), given=given).content["version"] == 2
    # The editor begins with the newest version, and is opened again where a rule is broken.
    body = """
text = path.read_text()
assert 'principal = "9' in text, text
path.write_text(text.replace('as_of = "', 'as_of = "x') if runs == 1 else text.replace('as_of = "x', 'as_of = "'))
"""
    for name, value in editor(tmp_path, body).items():
        monkeypatch.setenv(name, value)
    assert lender(*correct, "--edit", given=given).content["repeated"] is True
    assert (tmp_path / "runs").read_text() == "xx"
    assert drafts(lender.home) == []
    # A draft that is kept says how to go on.
    for name, value in editor(tmp_path, "if runs == 3: path.write_text('no toml')").items():
        monkeypatch.setenv(name, value)
    ended = lender(*correct, "--edit", given=given, code=2)
    (kept,) = drafts(lender.home)
    assert f"records correct {done['record_id']} --edit --from {kept}" in ended.err
    kept.write_text(form)
    assert lender(*correct, "--from", str(kept), given=given).content["version"] == 3
    assert drafts(lender.home) == []
    for line in ('reference = "other"', 'standing = "CURED"', f'id_number = "{given}"'):
        file.write_text(f"{form}\n{line}\n")
        assert lender(*correct, "--from", str(file), given=given, code=2).reason == "USAGE"
    assert lender(*correct, "--from", str(file), "--principal", "1", given=given, code=2).reason == "USAGE"
    assert lender(*correct, "--template", given=id_number(number + 1), code=1).reason == "RECORD_UNKNOWN"
