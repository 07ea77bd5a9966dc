"""Wrong usage is told helpfully, ends with 2, and never shows what may be an identity number."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer._click.core import Context
from typer.main import get_command
from typer.testing import CliRunner

from client_sdk.cli import app
from client_sdk.cli.ui.exit_codes import EXIT_CODES
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import day
from client_sdk.desk.form_values import DAY_SENTENCE
from client_sdk.lending.typed_text import DAY_WANTED
from tests.support.command import Command as Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click.core import Command

NUMBER = "110105180001010010"
ASKING = ("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk", "--consent-date", "2026-01-01")
DIGEST = "00" * 32
ROOT = Path(__file__).parents[2] / "vectors" / "golden" / "trust-root.bin"
NAMED = ("--kind", "DEFAULT", "--reference", "x", "--first-day", "2026-01-01")


def loaded(group: Verbs) -> Iterator[tuple[str, Command]]:
    """The verbs and groups of a group, each imported."""
    for name in group.list_commands(Context(group)):
        yield name, group.load(name)


def verbs(group: Verbs | None = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every verb, those of groups included."""
    for name, command in loaded(group or program()):
        if isinstance(command, Verbs):
            yield from verbs(command, (*before, name))
        else:
            yield (*before, name)


def program() -> Verbs:
    made = get_command(app)
    assert isinstance(made, Verbs)
    return made


@pytest.fixture
def command(tmp_path: Path) -> Running:
    return Running(tmp_path / "home")


@pytest.fixture
def member(tmp_path: Path) -> Running:
    """A home as ``init`` leaves it, whose registry nobody runs."""
    made = Running(tmp_path / "lender-1")
    made("init", *INIT)
    return made


INIT = (
    *("--institution", "lender-1", "--name", "First Lender", "--licence", "L-1", "--role", "lender"),
    *("--registry", "127.0.0.1:9", "--registry-name", "test"),
)


@pytest.mark.parametrize("words", list(verbs()), ids=" ".join)
def test_every_help_names_examples_and_exit_codes(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert shown.exit_code == 0
    assert "Examples:" in shown.stdout
    for code, text in EXIT_CODES.items():
        assert re.search(rf"\b{int(code)}\s+{re.escape(text)}", shown.stdout)
    assert "--json" in shown.stdout
    assert "--home" in shown.stdout


def test_lists_of_verbs_say_of_each_what_its_own_help_begins_with() -> None:
    acts = program().load("act")
    assert isinstance(acts, Verbs)
    for group in (program(), acts):
        told = {name: later.help for name, later in group.later.items()}
        assert told == {name: (command.help or "").splitlines()[0] for name, command in loaded(group)}


@pytest.mark.parametrize("words", [("--help",), ("report", "--help"), ("act", "propose", "--help")], ids=" ".join)
def test_help_shows_flags_without_a_type(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).stdout
    assert "--help" in shown
    assert "<bool>" not in shown


def test_verbs_are_completed_with_their_help_and_their_words() -> None:
    def completed(words: str) -> str:
        env = {"_CREDIT_REGISTRY_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": f"credit-registry {words}"}
        return CliRunner().invoke(app, [], env=env, prog_name="credit-registry").stdout

    assert "Ask whether a person" in completed("ch")
    assert "approve" in completed("act ")
    assert "LOAN_APPROVAL" in completed("check --purpose LO")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("nothing",), 2),
        (("act", "nothing"), 2),
        (("--nothing",), 2),
        (("trust",), 2),
        (("check",), 2),
        (("check", "--purpose", "CURIOSITY"), 2),
        (("status",), 5),
        (("report", "--columns"), 0),
        (("report", "--columns", "--explain"), 0),
        (("--version",), 0),
        (("--help",), 0),
        (("report", "--help"), 0),
    ],
    ids=lambda value: " ".join(value) or "nothing said" if isinstance(value, tuple) else None,
)
@pytest.mark.parametrize("first", [True, False])
def test_json_is_one_document_in_utf_8_on_every_way_out(
    tmp_path: Path, words: tuple[str, ...], code: int, *, first: bool
) -> None:
    said = ["--json", *words] if first else [*words, "--json"]
    command = [str(Path(sys.executable).with_name("credit-registry")), *said]
    env = os.environ | {"PYTHONIOENCODING": "ascii", "CREDIT_REGISTRY_HOME": str(tmp_path / "none")}
    ended = subprocess.run(command, capture_output=True, check=False, env=env, timeout=120)
    document = json.loads(ended.stdout.decode("utf-8"))
    assert ended.returncode == code
    assert isinstance(document, dict)
    assert ("error" in document) is (code != 0)
    if code:
        assert document["error"]["exit_code"] == code
    assert b"Traceback" not in ended.stderr


def test_verbs_of_the_design_are_there() -> None:
    asked = """init report check verify audit receipt status
        trust fetch|trust install|trust show|certificate install|certificate renew|certificate issue
        certificate request|certificate list|certificate revoke|act propose tls-key
        records correct|records withdraw|act list|act show|act approve|act propose institution|act propose key
        act propose state|act propose key-services|act propose rulebook|act propose erasure|act propose administrators
        act propose clock|key add|key revoke|inquiry receipt"""
    first, _, others = asked.partition("\n")
    wanted: set[tuple[str, ...]] = {(word,) for word in first.split()}
    wanted |= {tuple(item.split()) for line in others.splitlines() for item in line.split("|")}
    assert wanted <= set(verbs())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("init",), "--institution"),
        ((*ASKING,), "--consent-file"),
        ((*ASKING, "--consent-digest", DIGEST, "--with-identity", "--identity-file", "-"), "--save"),
        ((*ASKING, "--consent-digest", DIGEST), "--identity-file"),
        ((*ASKING, "--consent-digest", DIGEST, "--identity-file", "-"), "identity number"),
        (("report",), "FILE"),
        (("report", "--kind", "DEFAULT"), "--identity-file"),
        (("report", "nothing.csv"), "portfolio"),
        (("receipt",), "--reference"),
        (("receipt", "--kind", "DEFAULT"), "--first-day"),
        (("receipt", *NAMED, "--issuer", "lender-9"), "--issuer"),
        (("records", "withdraw", *NAMED, "--issuer", "lender-9", "--reason", "ERROR", "--yes"), "--issuer"),
        (("verify", "nothing.evidence"), "check --save"),
        (("verify", "/"), "not a regular file but a folder"),
        (("verify", "/dev/null"), "not a regular file but a device"),
        (("report", "/"), "not a regular file but a folder"),
        (("report", "/dev/null"), "not a regular file but a device"),
        ((*ASKING, "--consent-digest", DIGEST, "--identity-file", "/"), "not a file but a folder"),
        ((*ASKING, "--consent-digest", DIGEST, "--identity-file", "nothing.txt"), "no file of that name"),
        (("act", "propose", "key", "--end", DIGEST), "--institution"),
        (("act", "show", "nothing"), "act show"),
        (("act", "propose", "key"), "--grant"),
        (("act", "propose", "key-services"), "--retire"),
        (("records", "correct", *NAMED), "option"),
        (("records", "correct", *NAMED, "--from", "form.toml", "--principal", "1"), "alone"),
        (("audit", "--every", "60"), "--follow"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_missing_is_named_with_what_to_do(member: Running, words: tuple[str, ...], hint: str) -> None:
    if words == ("init",):
        member = Running(member.home.parent / "other")
    ended = member(*words, given="", code=2)
    error = ended.content["error"]
    assert error["reason"] == "USAGE"
    assert hint in f"{error['message']} {error.get('hint', '')}"


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "FILE", "--trust-root", "PIPE"),
        ("verify", "FILE", "--trust-root", "ROOT", "--witness-quorum", "PIPE"),
        ("reassess", "FILE", "--criteria", "PIPE"),
        ("trust", "install", "PIPE", "--fingerprint", DIGEST),
        ("certificate", "install", "PIPE"),
        ("certificate", "issue", "--enrolment", "PIPE", "--out", "NEW"),
        ("act", "propose", "institution", "--enrolment", "PIPE"),
        ("act", "propose", "rulebook", "--overlays", "PIPE"),
        (*ASKING, "--consent-file", "PIPE"),
        (*ASKING, "--consent-digest", DIGEST, "--criteria", "PIPE"),
        ("subject", "statement", "add", "lender-1/01234567-89ab-8def-8123-456789abcdef", "--text-file", "PIPE"),
    ],
    ids=" ".join,
)
def test_a_pipe_on_which_nobody_writes_is_not_waited_for(
    member: Running, tmp_path: Path, words: tuple[str, ...]
) -> None:
    names = {name: str(tmp_path / name.lower()) for name in ("PIPE", "FILE", "NEW")}
    os.mkfifo(names["PIPE"])
    Path(names["FILE"]).write_bytes(b"nothing")
    ended = member(*({"ROOT": str(ROOT), **names}.get(word, word) for word in words), given="", code=None)
    assert ended.code
    assert "no regular file but a pipe" in ended.out


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("--nothing",),
        ("check",),
        ("check", "--purpose", "CURIOSITY", "--officer", "c", "--consent-date", "2026-01-01"),
        ("check", "--purpose", "LOAN_APPROVAL", "--officer", "c", "--consent-date", "yesterday"),
        (*ASKING, "--consent-digest", "12"),
        (*ASKING, "--id-type", "LIBRARY_CARD"),
        ("act", "propose", "erasure", "--record", "x", "--ground", "y"),
        ("act", "propose", "erasure", "--record", "lender-1/00000000-0000-4000-8000-000000000000", "--ground", "y"),
        ("receipt", "no-uuid"),
        ("inquiry", "receipt", "zz"),
        ("trust",),
        ("key", "add", "--usage", "OPEN_DOORS"),
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2(command: Running, words: tuple[str, ...]) -> None:
    ended = command.said(*words, code=2)
    assert ended.err or ended.out


@pytest.mark.parametrize(
    "words",
    [
        (*ASKING, NUMBER),
        (*ASKING, "--consent-digest", DIGEST, NUMBER),
        ("report", NUMBER),
        ("report", "portfolio.csv", NUMBER),
        ("status", NUMBER),
        ("verify", "answer.evidence", NUMBER),
        ("verify", NUMBER),
        ("act", "show", f"{NUMBER[:-1]}X"),
        (NUMBER,),
        ("act", NUMBER),
        ("act", "propose", NUMBER),
        ("trust", NUMBER),
        ("records", NUMBER),
        (*ASKING, "--consent-digest", DIGEST, "--identity-file", NUMBER),
        (*ASKING, "--consent-digest", DIGEST, "--identity", NUMBER),
        (*ASKING, "--consent-digest", DIGEST, f"--identity-number={NUMBER}"),
    ],
    ids=lambda words: " ".join(words).replace(" ".join(ASKING), "check").replace(DIGEST, "D").replace(NUMBER[:-1], "N"),
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_number_on_the_command_line_is_refused_and_not_repeated(
    command: Running, words: tuple[str, ...], *, as_json: bool
) -> None:
    ended = (command if as_json else command.said)(*words, code=2)
    assert NUMBER[:-1] not in ended.out + ended.err


def test_a_record_as_answers_write_it_is_told_apart_from_its_id(member: Running) -> None:
    record = "01234567-89ab-8def-8123-456789abcdef"
    assert "after the slash" in member.said("records", "withdraw", f"lender-1/{record}", code=2).err
    assert "such as lender-1/" in member.said("subject", "dispute", "open", record, "--code", "paid", code=2).err


def test_a_word_that_is_nearly_a_command_is_helped(command: Running) -> None:
    assert "Did you mean check?" in command.said("chek", code=2).err
    assert "Did you mean propose?" in command.said("act", "propos", code=2).err
    assert "There are: on, off." in command.said("subject", "alerts", "list", code=2).err


def test_a_wrong_number_is_refused_without_being_shown(member: Running) -> None:
    wrong = NUMBER[:-1] + "1"
    ended = member(*ASKING, "--consent-digest", DIGEST, "--identity-file", "-", given=wrong, code=2)
    assert "identity.checksum" in ended.content["error"]["message"]
    assert wrong not in ended.out + ended.err


def test_command_desk_and_api_name_the_same_forms_of_a_day() -> None:
    with pytest.raises(typer.BadParameter, match=DAY_WANTED):
        day("05/01/2026")
    assert f"Give {DAY_WANTED}." == DAY_SENTENCE


def test_a_missing_home_is_told(command: Running) -> None:
    ended = command("status", code=5)
    assert ended.reason == "CONFIG"
    assert "init" in ended.content["error"]["hint"]


def test_a_home_without_trust_root_says_how_to_get_it(member: Running) -> None:
    assert "trust fetch" in member("status", code=5).content["error"]["hint"]


def test_evidence_without_a_trust_root_says_where_one_comes_from(command: Running, tmp_path: Path) -> None:
    (tmp_path / "answer.evidence").write_bytes(b"x")
    assert "--trust-root" in command("verify", str(tmp_path / "answer.evidence"), code=2).content["error"]["hint"]


def test_a_lost_key_says_how_to_get_one_again(member: Running) -> None:
    (member.home / "keys" / "inquire.pem").unlink()
    asked = ("--consent-digest", DIGEST, "--identity-file", "-")
    (member.home / "trust-root.bin").touch()
    ended = member(*ASKING, *asked, given=NUMBER, code=5)
    assert ended.reason == "CONFIG"
    assert ended.content["error"]["hint"]


def test_columns_are_a_header_that_reads(command: Running) -> None:
    assert command.said("report", "--columns").out.startswith("kind,standing,id_type,id_number")


@pytest.mark.parametrize(
    ("verb", "shown"), [("sandbox", "the extras [server,desk], and no home"), ("audit", "needs the extra [dask]")]
)
def test_square_brackets_in_the_help_of_a_verb_are_shown(verb: str, shown: str) -> None:
    """The panels of the library read them as markup, and leave out what it does not know."""
    told = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).output
    assert shown in " ".join(told.replace("│", " ").split())
