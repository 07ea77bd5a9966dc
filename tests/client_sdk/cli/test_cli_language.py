"""The language of the command: who decides it, that all of it is said, and that JSON stays English."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.main import get_command

from client_sdk.cli import app
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.spoken_help import wrapped
from client_sdk.texts import Language, speak
from client_sdk.texts.language import LANGUAGE_VARIABLE
from tests.support.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click.core import Command as Verb

CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORDS = re.compile(r"[A-Za-z]{2,}[,;:.)]* +[(`]?[A-Za-z]{2,}")
WIDTH = 80
# Said where they are printed.
ERRORS = ("ConfigError", "ConflictError", "FormatError", "NotPermittedError", "VerificationError")
# What says a text, and what takes words that no person reads: types, styles, options of the library.
SAYING = {"say", "N_", "counted", "recognised", "table", "_violation", *ERRORS}
HELP = {"word_option", "Later", "Column", "verb", "Option", "Argument", "Typer", "add_typer"}
OTHER = {"compile", "cast", "TypeVar", "removeprefix", "startswith", "endswith"}
# Names of module constants that are said where they are used, or that are the same in each language.
CONSTANTS = {
    *("_COLUMNS", "_STYLES", "_EXAMPLE", "SYSTEM_ERRORS", "LIBRARY_ERRORS", "_CODE", "help_"),
}
# Commands, as they are typed.
COMMANDS = re.compile(r" *(-|credit-registry|records correct) ?.*")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak(Language.ENGLISH)


def verbs(group: Verb, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every verb and group."""
    names = getattr(group, "later", None) or getattr(group, "commands", {})
    for name in names:
        later = isinstance(group, Verbs) and name in group.later
        verb = group.load(name) if isinstance(group, Verbs) and later else group.commands[name]  # type: ignore[attr-defined]  # groups and strings have it
        yield (*path, name)
        yield from verbs(verb, (*path, name))


def test_the_option_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Command(tmp_path / "none")
    monkeypatch.setenv(LANGUAGE_VARIABLE, "zh")
    assert "怎么办：" in nobody.said("status", code=5).err
    assert "What to do: " in nobody.said("--lang", "en", "status", code=5).err
    assert "What to do: " in nobody.said("status", "--lang=en", code=5).err
    monkeypatch.delenv(LANGUAGE_VARIABLE)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "怎么办：" in nobody.said("status", code=5).err
    monkeypatch.setenv("LC_ALL", "C")
    assert "怎么办：" in nobody.said("status", "--lang", "zh", code=5).err


def test_json_is_english_in_each_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LANGUAGE_VARIABLE, "zh")
    ended = Command(tmp_path / "none")("status", code=5)
    assert ended.reason == "CONFIG"
    assert not CHINESE.search(ended.out + ended.err)


def test_a_wrong_language_is_refused(tmp_path: Path) -> None:
    assert "--lang" in Command(tmp_path).said("--lang", "fr", "status", code=2).err


@pytest.mark.parametrize("words", [(), *verbs(get_command(app))], ids=" ".join)
def test_help_is_chinese_and_no_line_of_prose_is_left(words: tuple[str, ...], tmp_path: Path) -> None:
    said = Command(tmp_path).said("--lang", "zh", *words, "--help").out
    prose, _, codes = said.partition("示例：")
    assert prose.startswith("用法：credit-registry")
    assert CHINESE.search(prose.partition("\n")[2])
    # An English sentence: five words in a row, none of which is a name or a command.
    left = [line for line in (prose + codes).splitlines() if re.search(r"(?:\b[a-z]{2,}\b[ ,]+){4}[a-z]{2,}", line)]
    assert [line for line in left if "credit-registry" not in line] == []
    assert all(width(line) <= WIDTH for line in prose.splitlines() if CHINESE.search(line))


def width(line: str) -> int:
    return len(line) + len(re.findall(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", line))


def test_lines_are_broken_between_characters_and_before_no_closing_mark() -> None:
    lines = wrapped("报送违约、判决、执行和失信名单记录：从 portfolio.csv 批量报送（或报送一条记录的一个版本）。", 20)
    assert "".join(lines).replace(" ", "") == (
        "报送违约、判决、执行和失信名单记录：从portfolio.csv批量报送（或报送一条记录的一个版本）。"
    )
    assert all(width(line) <= 22 and line[0] not in "、。：，）" for line in lines)


def test_what_the_library_says_of_a_command_line_is_said_in_chinese(tmp_path: Path) -> None:
    chinese = Command(tmp_path)
    for words in (
        ("stauts",),
        ("check", "--none"),
        ("check", "--purpose"),
        ("check", "--purpose", "NONE"),
        ("dispute", "show"),
        ("inbox", "acknowledge", "x"),
        ("inbox", "--after", "-1"),
        ("report", "--id-type", "NONE"),
    ):
        said = chinese.said("--lang", "zh", *words, code=2).err
        assert re.match(r"USAGE: .*[\u4e00-\u9fff]", said), words
        assert not re.search(r"\b(?:Invalid|Missing|No such|requires|valid|range|not)\b", said), said
    said = chinese.said("--lang", "zh", "inbox", "acknowledge", "x", code=2).err
    assert "`credit-registry inbox acknowledge --help`" in said


def test_english_loads_no_catalogue_and_chinese_no_babel() -> None:
    program = (
        "import sys; from client_sdk.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "import json; json.dump(sorted(sys.modules), sys.stderr)"
    )
    for language, catalogue in (("en", False), ("zh", True)):
        command = [sys.executable, "-c", program, "--lang", language, "--help"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        loaded = json.loads(done.stderr)
        assert ("client_sdk.texts.catalogue" in loaded) is catalogue
        assert not [name for name in loaded if name.split(".")[0] in {"babel", "rich", "grpc", "cryptography"}]


def test_no_text_of_the_command_is_left_unsaid() -> None:
    left = []
    for path in sorted(Path("client_sdk/cli").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            text = _text(node, above)
            if WORDS.search(text) and not COMMANDS.fullmatch(text) and not _is_said(node, above):
                left.append(f"{path}:{node.lineno}: {text[:70]!r}")  # type: ignore[attr-defined]  # groups and strings have it
    assert left == []


def _text(node: ast.AST, above: dict[ast.AST, ast.AST]) -> str:
    """What a string says, values left out; nothing for a docstring, a part of a string, and any other node."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "-" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "" if isinstance(above[node], ast.JoinedStr | ast.Expr) else node.value
    return ""


def _is_said(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    while node in above:
        inner, node = node, above[node]
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SAYING | HELP | OTHER:
                return True
            case ast.keyword(arg="help" | "examples" | "style") | ast.Compare():
                return True
            # The name of a pair, which the pair says.
            case ast.Tuple(elts=[first, _]) if first is inner:
                return True
            case ast.Assign(targets=[ast.Name(id=name)]) if name in CONSTANTS:
                return True
            case ast.arg():
                return True
            case ast.AnnAssign(annotation=annotation) if annotation is inner:
                return True
            case ast.FunctionDef(returns=annotation) if annotation is inner:
                return True
            # Passed to the library as help.
            case ast.Assign(targets=[ast.Name(id=name)]) if name.endswith(("_HELP", "_MEANING")):
                return True
    return False


@pytest.mark.parametrize(("encoding", "begins"), [("gbk", "用法："), ("utf-8", "用法："), ("ascii", "Usage:")])
def test_a_console_without_chinese_characters_is_spoken_to_in_english(encoding: str, begins: str) -> None:
    command = [str(Path(sys.executable).with_name("credit-registry")), "--lang", "zh", "check", "--help"]
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    assert done.stdout.decode(encoding if encoding != "ascii" else "utf-8").strip().startswith(begins)
