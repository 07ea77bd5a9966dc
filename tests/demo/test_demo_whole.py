"""The demo from end to end, as ``make demo`` runs it: what it leaves, and that it stops what it started."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from filelock import FileLock

from client_sdk.errors import VerificationError
from client_sdk.lending.files import read_portfolio
from client_sdk.models import Verdict
from client_sdk.testing.desks import LINK
from client_sdk.testing.folder import reserved
from client_sdk.testing.ports import listens
from client_sdk.testing.site import Site
from client_sdk.verification import read_trust_root, verify, verify_contradiction

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 900
PARTIES = (
    *("registry", "key-service-a", "key-service-b", "auditor", "office"),
    *(f"admin-{number}" for number in (1, 2, 3)),
    *(f"lender-{number}" for number in (1, 2, 3, 4)),
)


DESK = re.compile(r"\(([a-z0-9-]+)\)  http://127\.0\.0\.1:(\d+)$", re.MULTILINE)


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "demo", "--folder", str(folder), *more]


class Played(NamedTuple):
    """A demo that was played.

    Attributes:
        folder: of all parties.
        said: on standard output.
        kept: whether everything was still running once it had been played, as was asked for.
        desks: of which of the members a desk could be reached then.
        status: with which it ended when it was interrupted then.
    """

    folder: Path
    said: str
    kept: bool
    desks: list[str]
    status: int


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A demo that was played once for all workers of this run, and left running until Ctrl-C."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    shared = tmp_path_factory.getbasetemp().parent / f"demo-{run}"
    folder, result = shared / "demo", shared / "result.json"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not result.exists():
            result.write_text(json.dumps(play(folder)))
    played = Played(folder, *json.loads(result.read_text()))
    assert (folder / "summary.json").exists(), played.said
    return played


def play(folder: Path) -> tuple[str, bool, list[str], int]:
    with subprocess.Popen(command(folder, "--keep"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C stops everything" in line:
                break
        kept = running(folder) == {True}
        desks = [member for member, port in DESK.findall(said) if listens(int(port))]
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
    return said, kept, desks, process.returncode


def running(folder: Path) -> set[bool]:
    """Whether all (True alone), none (False alone) or some of the services listen."""
    return {listens(port) for port in Site.load(folder).ports.values()}


def test_every_party_has_its_folder(played: Played) -> None:
    folder = played.folder
    assert all((folder / party).is_dir() for party in PARTIES)
    keys = [path for path in folder.rglob("*.pem") if b"PRIVATE KEY" in path.read_bytes()]
    assert keys
    assert [path for path in keys if path.stat().st_mode & 0o077] == []


def test_the_counts_are_those_of_the_stories(played: Played) -> None:
    counted = json.loads((played.folder / "summary.json").read_text())
    assert counted["verdicts"] == {"LISTED": 610, "CLEAR": 390, "UNVERIFIABLE": 0}
    assert counted["assessments"] == {"BLACKLISTED": 300, "WATCH": 220, "NOT_ADVERSE": 480, "REFER": 0}
    assert counted["borrowers"] == 1_000
    assert counted["chains"] >= 20


def test_an_answer_says_that_the_auditor_has_rebuilt_its_log(played: Played) -> None:
    rebuilt = json.loads((played.folder / "summary.json").read_text())["rebuilt"]
    assert (rebuilt["findings"], rebuilt["late"]) == (0, False)
    assert 0 < rebuilt["audited"] == rebuilt["shown"]
    assert "and the auditor has rebuilt" in played.said


def test_a_batch_of_judgments_goes_under_one_signature(played: Played) -> None:
    counted = json.loads((played.folder / "summary.json").read_text())
    assert (counted["judgments"], counted["signatures"]) == (500, 1)
    assert "500 judgments logged, 1 signature made" in played.said


def test_a_dispute_without_an_answer_restricts_the_record_by_itself(played: Played) -> None:
    dispute = json.loads((played.folder / "summary.json").read_text())["dispute"]
    assert dispute == {
        "shown": [[], ["DISPUTED"], ["DISPUTED", "RESTRICTED"]],
        "assessments": ["BLACKLISTED", "BLACKLISTED", "NOT_ADVERSE"],
        "notices": ["RESTRICTED"],
    }
    assert "Five weeks pass, and lender-1 does not answer" in played.said


def test_the_portfolios_lie_in_the_lenders_folders(played: Played) -> None:
    folder = played.folder
    rows = [row for n in (1, 2, 3, 4) for row in read_portfolio(folder / f"lender-{n}" / "portfolio.csv")]
    assert len(rows) == json.loads((folder / "summary.json").read_text())["versions"]


def test_the_borrower_takes_her_own_report_home_with_its_evidence(played: Played) -> None:
    folder = played.folder / "office" / "report"
    assert {path.name for path in folder.iterdir()} == {
        *("report.evidence", "report.zh.html", "report.zh.pdf", "report.en.html", "report.en.pdf"),
    }
    trust_root = played.folder / json.loads((played.folder / "summary.json").read_text())["trust_root"]
    assert [answer.verdict for answer in verify(folder / "report.evidence", trust_root)] == [Verdict.LISTED]
    english = (folder / "report.en.html").read_text()
    assert "Harbour Consumer Finance" in english or "Lakeside Bank" in english
    assert "to decide on a loan" in english


@pytest.mark.parametrize("verdict", [Verdict.LISTED, Verdict.CLEAR])
def test_anybody_verifies_the_evidence_and_no_other(played: Played, verdict: Verdict) -> None:
    folder = played.folder
    paths = json.loads((folder / "summary.json").read_text())
    evidence, trust_root = folder / paths["evidence"][verdict.value.lower()], folder / paths["trust_root"]
    assert [answer.verdict for answer in verify(evidence, trust_root)] == [verdict]
    changed = bytearray(evidence.read_bytes())
    changed[len(changed) // 3] ^= 0x80
    with pytest.raises(VerificationError):
        verify(bytes(changed), trust_root)


def test_a_registry_that_shows_two_histories_is_caught_and_a_third_party_checks_the_proof(played: Played) -> None:
    summary = json.loads((played.folder / "summary.json").read_text())
    fork, root = summary["fork"], read_trust_root(played.folder / summary["trust_root"])
    # Asked about one person, one lender is told so and another otherwise; witnesses have confirmed one log alone.
    assert (fork["verdicts"], fork["whole"]) == (["LISTED", "CLEAR"], [True, False])
    proof = verify_contradiction((played.folder / fork["proof"]).read_bytes(), root)
    assert proof.first.checkpoint.root != proof.second.checkpoint.root
    # Each answer is proved by itself: alone, neither lender could have told.
    for lender in ("lender-3", "lender-4"):
        evidence = played.folder / "two-histories" / lender / "evidence" / "applicant.evidence"
        assert verify(evidence, root)
    assert "witnesses have signed all" in played.said


def test_it_tells_a_newcomer_step_by_step(played: Played) -> None:
    assert all(f" {number}. " in played.said for number in range(1, 18))
    assert all(
        word in played.said for word in ("BLACKLISTED", "WATCH", "NOT_ADVERSE", "CLEAR", "refused", "0 findings")
    )


def test_it_runs_on_where_asked_and_nothing_is_left_running(played: Played) -> None:
    assert played.kept
    assert played.status == 0
    assert running(played.folder) == {False}


def test_the_desks_of_its_members_run_where_it_runs_on(played: Played) -> None:
    assert played.desks == ["lender-1", "lender-2", "lender-3", "lender-4", "office", "auditor", "admin-1"]
    assert len(LINK.findall(played.said)) == len(played.desks)
    assert not any(listens(int(port)) for _, port in DESK.findall(played.said))


def test_what_is_interrupted_stops_everything(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(command(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "listens on" in line:
                process.send_signal(signal.SIGTERM)
                break
        said = process.stdout.read()
    assert process.returncode == 130
    assert "every program was stopped" in said
    assert running(folder) == {False}


def test_what_fails_says_what_and_where_to_look(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(command(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " 2. " in line:
                # An administrator's key is lost before it has signed the genesis act.
                (folder / "admin-1" / "keys" / "administer.pem").unlink()
                break
        said = process.stdout.read()
    assert process.returncode == 1
    assert "act approve" in said
    assert "ended with" in said
    assert str(folder) in said


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert "holds something else" in done.stdout
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with reserved(tmp_path, Site.FILE):
        done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert "another run" in done.stdout


def test_what_is_left_running_is_shown_with_the_line_that_makes_the_commands_available(played: Played) -> None:
    assert played.said.index("/bin/activate") < played.said.index("credit-registry --home lender-2 status")
