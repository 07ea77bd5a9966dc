"""Files that an option names for output: new ones only, tried before anything is sent; the result is shown anyway."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.output import Output
from client_sdk.cli.ui.target import OutputFile
from client_sdk.errors import ConfigError
from client_sdk.lending.files import write_portfolio
from client_sdk.new_file import NewFile, check_new
from tests.client_sdk.cli.command_samples import ASKING, id_number, name_words, report_words
from tests.client_sdk.sdk_samples import default_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.testing import TestRegistry
    from tests.support.command import Command

NOTES = b"notes"


def portfolio(folder: Path, number: int, *, bad: bool = False) -> Path:
    """A portfolio of two rows, of which the second breaks a rule where asked."""
    file = folder / "portfolio.csv"
    write_portfolio(file, [default_report(40_000 + 2 * number), default_report(40_001 + 2 * number)])
    if bad:
        first, second, third = file.read_text().splitlines(keepends=True)
        file.write_text(first + second + third.replace("CNY", "CNX"))
    return file


def quota(asker: Command) -> list[int]:
    """How many persons the key services will still tell the member about today."""
    return [service["inquire_quota_left"] for service in asker("status").content["key_services"]]


def spelled(file: Path, spelling: str) -> Path:
    """Another name of a file."""
    other = file.parent / "other.csv"
    match spelling:
        case "same":
            other = file
        case "dots":
            other = file.parent / ".." / file.parent.name / file.name
        case "symbolic":
            other.symlink_to(file)
        case _:
            other.hardlink_to(file)
    return other


@pytest.mark.parametrize("dry", [("--dry-run",), ("--yes",)])
@pytest.mark.parametrize("spelling", ["same", "dots", "symbolic", "hard"])
@pytest.mark.parametrize("bad", [False, True])
def test_rejected_rows_never_go_over_the_portfolio_however_it_is_spelled(
    lender: Command, number: int, tmp_path: Path, dry: tuple[str], spelling: str, *, bad: bool
) -> None:
    file = portfolio(tmp_path, number, bad=bad)
    before, pending = file.read_bytes(), lender("status").content["size"]
    ended = lender("report", str(file), "--rejected", str(spelled(file, spelling)), *dry, code=5)
    assert "exists already" in ended.content["error"]["message"]
    assert file.read_bytes() == before
    assert lender("status").content["size"] == pending


@pytest.mark.parametrize("dry", [("--dry-run",), ("--yes",)])
def test_a_file_of_notes_is_neither_replaced_nor_deleted(
    lender: Command, number: int, tmp_path: Path, dry: tuple[str]
) -> None:
    file, notes = portfolio(tmp_path, number), tmp_path / "notes.txt"
    notes.write_bytes(NOTES)
    lender("report", str(file), "--rejected", str(notes), *dry, code=5)
    assert notes.read_bytes() == NOTES
    assert lender("report", str(file), "--yes").content["accepted"] == 2


def test_a_dry_run_writes_nothing(lender: Command, number: int, tmp_path: Path) -> None:
    file = portfolio(tmp_path, number, bad=True)
    for words in ((), ("--rejected", str(tmp_path / "new.csv"))):
        assert len(lender("report", str(file), *words, "--dry-run", code=1).content["rejected"]) == 1
        lender.said("report", str(file), *words, "--dry-run", code=1)
        assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_told_before_anything_is_sent(
    lender: Command, number: int, tmp_path: Path
) -> None:
    file = portfolio(tmp_path, number, bad=True)
    ended = lender("report", str(file), "--rejected", str(tmp_path / "nowhere" / "x.csv"), "--yes", code=5)
    assert "there is no folder" in ended.content["error"]["message"]
    assert lender("report", str(file), "--yes", code=1).content["accepted"] == 1


def test_each_run_gives_its_rejected_rows_a_file_of_its_own(lender: Command, number: int, tmp_path: Path) -> None:
    file = portfolio(tmp_path, number, bad=True)
    first = lender("report", str(file), "--yes", code=1).content["rejected_file"]
    (tmp_path / "portfolio.csv.rejected.csv").write_bytes(NOTES)
    second = lender("report", str(file), "--yes", code=1).content["rejected_file"]
    assert [Path(name).name for name in (first, second)] == [
        "portfolio.csv.rejected.csv",
        "portfolio.csv.rejected-2.csv",
    ]
    assert Path(first).read_bytes() == NOTES
    assert stat.S_IMODE(Path(second).stat().st_mode) == 0o600
    assert "CURRENCY_INVALID" in Path(second).read_text()


def test_a_folder_for_evidence_is_gone_again_where_nobody_could_be_asked(
    asker: Command, number: int, tmp_path: Path
) -> None:
    two = f"{id_number(number)}\n{id_number(number + 1)}\n"
    words = ["1234567" if word == "clerk-7" else word for word in ASKING]
    asker(*words, "--save", str(tmp_path / "new" / "folder"), given=two, code=2)
    assert list(tmp_path.iterdir()) == []


def test_evidence_is_saved_to_new_files_only_and_nobody_is_asked_about_otherwise(
    asker: Command, number: int, tmp_path: Path
) -> None:
    target = tmp_path / "answer.evidence"
    person = tmp_path / "answer.evidence.person.json"
    for taken in (target, person):
        taken.write_bytes(NOTES)
        left = quota(asker)
        asker(*ASKING, "--save", str(target), "--with-identity", given=id_number(number), code=5)
        assert quota(asker) == left
        assert taken.read_bytes() == NOTES
        taken.unlink()
    asker(*ASKING, "--save", str(target), "--with-identity", given=id_number(number))
    assert {file.name for file in tmp_path.iterdir()} == {target.name, person.name}


def test_a_receipt_goes_to_a_new_file_only(lender: Command, number: int, tmp_path: Path) -> None:
    lender(*report_words(number), "--yes", given=id_number(number))
    target = tmp_path / "receipt"
    target.write_bytes(NOTES)
    lender("receipt", *name_words(number), "--out", str(target), code=5)
    assert target.read_bytes() == NOTES


@pytest.mark.parametrize("option", ["--html", "--text", "--json-file"])
def test_an_audit_writes_its_report_to_new_files_only(
    member: Callable[[str], Command], tmp_path: Path, option: str
) -> None:
    target = tmp_path / "audit"
    target.write_bytes(NOTES)
    member("auditor")("audit", option, str(target), "--state", str(tmp_path / "state"), "--jobs", "1", code=5)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == NOTES


def test_a_certificate_goes_to_a_new_file_only(
    registry: TestRegistry, member: Callable[[str], Command], tmp_path: Path
) -> None:
    target = tmp_path / "lender.pem"
    target.write_bytes(NOTES)
    enrolment = str(registry.home("lender-1") / "lender-1.enrolment.json")
    member("admin-1")("certificate", "issue", "--enrolment", enrolment, "--out", str(target), code=5)
    assert target.read_bytes() == NOTES


def test_an_act_file_is_written_for_one_proposal_and_new(
    registry: TestRegistry, member: Callable[[str], Command], tmp_path: Path
) -> None:
    target = tmp_path / "act"
    genesis = str(registry.registry_home / "genesis.act")
    member("admin-1")("act", "show", "--out", str(target), code=2)
    member("admin-1")("act", "show", genesis, "--out", str(target), code=2)
    target.write_bytes(NOTES)
    member("admin-1")("act", "show", "ab" * 16, "--out", str(target), code=5)
    assert target.read_bytes() == NOTES


def test_a_portfolio_is_written_to_a_new_file_only(tmp_path: Path) -> None:
    for name in ("p.csv", "p.jsonl.gz"):
        (tmp_path / name).write_bytes(NOTES)
        with pytest.raises(ConfigError, match="exists already"):
            write_portfolio(tmp_path / name, [default_report(1)])
        assert (tmp_path / name).read_bytes() == NOTES


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    with NewFile(tmp_path / "left") as left:
        assert stat.S_IMODE(left.draft.stat().st_mode) == 0o600
        assert not left.path.exists()
    assert not list(tmp_path.iterdir())
    with NewFile(tmp_path / "late") as late:
        late.path.write_bytes(NOTES)
        with pytest.raises(ConfigError, match="exists already"):
            late.write(b"over")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"late": NOTES}


def test_what_is_no_place_for_a_file_is_refused(tmp_path: Path) -> None:
    dangling, pipe = tmp_path / "dangling", tmp_path / "pipe"
    dangling.symlink_to(tmp_path / "nothing")
    os.mkfifo(pipe)
    for path in (dangling, pipe, tmp_path, tmp_path / ("n" * 300), dangling / "x"):
        with pytest.raises(ConfigError):
            check_new(path)
        with pytest.raises(ConfigError):
            NewFile(path)


def test_a_name_that_was_taken_meanwhile_is_told_beside_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rejected.csv"
    with OutputFile(path) as target:
        path.write_bytes(NOTES)
        target.write(Output(), b"row\n")
    assert (target.written, target.code) == (None, ExitCode.SETUP)
    assert "exists already" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {path.name: NOTES}
