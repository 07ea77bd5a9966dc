"""The conformance suite: its files are those that the generator makes, and are judged as they must be."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conformance.cases import CASES, cases
from tests.conformance.generate import files
from tests.conformance.verify import KINDS

SECONDS = 120


def run(*words: str) -> tuple[int, dict[str, int]]:
    """Run the suite against a verifier; return its exit code and its last line."""
    command = [sys.executable, "-m", "tests.conformance", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1])


def test_every_file_is_what_is_made_now_and_judged_as_it_must_be() -> None:
    # Making a file includes judging it.
    made = files()
    found = {str(path.relative_to(CASES)): path.read_bytes() for path in CASES.rglob("*") if path.is_file()}
    assert sorted(found) == sorted(made)
    assert [name for name in made if found[name] != made[name]] == []


def test_every_kind_has_files_to_accept_and_to_reject_and_their_names_say_so() -> None:
    every = cases()
    assert {(case.kind, case.expect) for case in every} == {
        (kind, word) for kind in KINDS for word in ("accept", "reject")
    }
    assert [case.file for case in every if not case.file.startswith(f"{case.kind}/{case.expect}.")] == []


@pytest.mark.parametrize(("verifier", "judged"), [("true", "accept"), ("false", "reject")])
def test_a_verifier_that_always_says_the_same_is_wrong_about_all_others(verifier: str, judged: str) -> None:
    chosen = [case for case in cases() if case.kind == "receipt"]
    right = sum(case.expect == judged for case in chosen)
    code, told = run("--kind", "receipt", verifier)
    assert code == 1
    assert told == {"files": len(chosen), "right": right, "wrong": len(chosen) - right, "failed": 0}


def test_a_verifier_that_does_not_run_or_ends_otherwise_has_failed() -> None:
    for verifier in (["no-such-verifier"], ["sh", "-c", "exit 2"]):
        code, told = run("--kind", "receipt", "--", *verifier)
        assert code == 1
        assert told["failed"] == told["files"]


def test_the_command_of_this_project_judges_by_its_exit_code() -> None:
    for case in (
        next(case for case in cases() if (case.kind, case.expect) == which)
        for which in (
            ("evidence", "accept"),
            ("evidence", "reject"),
            ("trust-root", "accept"),
            ("trust-root", "reject"),
        )
    ):
        words = [sys.executable, "-m", "tests.conformance.verify", case.kind, str(case.trust_root), str(case.path)]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert (ended.returncode == 0) == case.accepted, ended.stderr
        assert "Traceback" not in ended.stderr
