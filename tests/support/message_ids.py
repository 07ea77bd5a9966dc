"""The message ids of the command, of errors and of a person's own report, as they stand in the code.

Texts of the command are marked with ``say`` and ``N_``; names of pairs and columns are said by the functions that print
them; help is said where it is shown, a paragraph each. Errors are English where they are raised: their templates are
read from what raises them, with a numbered place for each value, and have the context ``error``.
"""

from __future__ import annotations

import ast
import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from babel.messages.extract import extract_from_dir
from typer.main import get_command

from client_sdk.cli.app import app
from client_sdk.cli.ui.failures import SYSTEM_ERRORS
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.spoken_help import LIBRARY_ERRORS, paragraphs
from client_sdk.kernel.ledger.findings import MEANINGS
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS, UNCOUNTED
from client_sdk.lending.column_guide import GUIDE
from client_sdk.sandbox.running import SHOWN
from client_sdk.texts.recognised import CONTEXT
from registry_server.errors import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click.core import Command

__all__ = ["MessageId", "message_ids"]

_COMMAND = Path("client_sdk/cli")
_REPORT = Path("client_sdk/subject_report")
_AUDIT = Path("client_sdk/auditing")
_NEXT = Path("client_sdk/texts/next_steps.py")
_ACTS = Path("client_sdk/act_titles.py")
_SANDBOX = Path("client_sdk/sandbox")
_DESKS = Path("client_sdk/testing/desks.py")
_TEMPLATES = Path("client_sdk/lending/templates.py")
# Where what is found and wanted is said: everywhere, as errors of bytes and proofs are shown to people too.
_OF_VALUES = ("client_sdk",)
# Id of a rule, which stands where another function of the same name takes what is wanted.
_RULE_ID = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
# Modules that put together what they found: each of their sentences may be a part of it.
_SENTENCES = (
    Path("client_sdk/doctor.py"),
    *(Path("client_sdk/lending", f"{name}.py") for name in ("row_warnings", "header", "text_source", "source")),
    Path("client_sdk/lending/kind_of_text.py"),
    Path("client_sdk/kernel/formats/rewritten.py"),
)
_ADDRESSES = Path("client_sdk/alerting/queue.py")
# Functions that return what is found.
_SAYING = {"_whole", "kind_of_text", "_characters", "details_of", "_details_of_member"}
# How long a time is: one unit, or the two largest.
_UNITS = ("d", "h", "min", "s", "ms")
_SPANS = (
    *(f"{{0}} {unit}" for unit in _UNITS),
    *(f"{{0}} {larger} {{1}} {smaller}" for larger, smaller in combinations(_UNITS, 2)),
)
_FOR_TESTS = Path("client_sdk/testing")
_ERRORS = {"ConfigError", "OutboxError", "DeliveryQueueError", "ExecutorError", "CriteriaFileError"}
# First of two in a tuple, and neither a name of a pair nor a column.
_NO_LABELS = {"record.toml", "no key for", "true", "failed_attempts", "happened_at"}
_WORD = re.compile(r"[A-Za-z]{2,}")
# A code of the contract, the same in each language.
_CODE = re.compile(r"[A-Z0-9_ ,|/.+-]*|(--listen: |chmod |credit-registry (certificate renew|verify )) *")


class MessageId(NamedTuple):
    """One message id.

    Attributes:
        context: ``error``, ``report``, or empty.
        text: English, with places.
    """

    context: str
    text: str


def message_ids() -> set[MessageId]:
    """Return every message id."""
    found = {MessageId("", text) for text in (*_marked(), *_labels(), *_help(), *_audit(), *_preview(), *_stories())}
    found |= {MessageId(CONTEXT, text) for text in (*_errors(), *_SPANS, *LIBRARY_ERRORS, *SYSTEM_ERRORS)}
    return found | {MessageId("report", text) for text in _terms()}


def _terms() -> Iterator[str]:
    """Yield the texts of a person's own report."""
    for _, tree in _modules(_REPORT):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == "Term":
                yield from (str(text.value) for text in node.args if isinstance(text, ast.Constant))


def _modules(*roots: Path) -> Iterator[tuple[Path, ast.Module]]:
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _marked() -> Iterator[str]:
    """Yield what is marked with ``say`` and ``N_``, and the nouns of ``counted``."""
    for _, tree in _modules(_COMMAND, _AUDIT, _NEXT, _ADDRESSES, _ACTS, _TEMPLATES, _SANDBOX, _DESKS):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            place = {"say": 0, "N_": 0, "counted": 1}.get(_called(node))
            if place is None or len(node.args) <= place:
                continue
            first = node.args[place]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{{count}} {first.value}" if _called(node) == "counted" else first.value


def _audit() -> Iterator[str]:
    """Yield the texts of an audit's report: of its page, and what its findings mean."""
    yield from MEANINGS.values()
    for _, _, message, _, _ in extract_from_dir(_AUDIT, [("*.j2", "jinja2.ext:babel_extract")], keywords={"say": None}):
        yield message if isinstance(message, str) else message[0]


def _preview() -> Iterator[str]:
    """Yield what the limits of a rulebook change, and what of it is not counted."""
    yield from EFFECTS.values()
    yield from UNCOUNTED.values()


def _stories() -> Iterator[str]:
    """Yield the histories of those whom a sandbox names."""
    yield from (story.title for story in SHOWN)


def _labels() -> Iterator[str]:
    """Yield the names of pairs and the columns of tables, without the blanks before them."""
    for _, tree in _modules(_COMMAND):
        columns = {
            name.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and _called(node) == "table"
            for name in ast.walk(node.args[0])
            if isinstance(name, ast.Name)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call() if _called(node) == "table":
                    yield from _texts_in(node.args[0])
                case ast.Assign(targets=[ast.Name(id=name)]) if name in columns:
                    yield from _texts_in(node.value)
                case ast.Tuple(elts=[ast.Constant(value=str() as text), _]) if re.fullmatch(r" *[a-zA-Z][^_/=]*", text):
                    if text.strip() and not _CODE.fullmatch(text) and text not in _NO_LABELS:
                        yield text.lstrip()


def _texts_in(node: ast.expr) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.Constant) and isinstance(item.value, str) and _WORD.search(item.value):
            yield item.value.lstrip()


def _help() -> Iterator[str]:
    """Yield the help of every verb, a paragraph each, of its options, and of the program."""
    program = get_command(app)
    yield from paragraphs(program.help or "")
    yield from paragraphs(program.epilog or "")
    yield from _options(program)
    yield from (column.meaning for column in GUIDE.values())
    yield from _verbs(program)


def _verbs(group: Command) -> Iterator[str]:
    names = getattr(group, "later", None) or getattr(group, "commands", {})
    for name in names:
        verb = group.load(name) if isinstance(group, Verbs) and name in group.later else group.commands[name]  # type: ignore[attr-defined]  # groups and strings have it
        if isinstance(group, Verbs) and name in group.later:
            yield group.later[name].help
        yield from paragraphs(_with_brackets(verb.help or ""))
        yield from _options(verb)
        yield from _verbs(verb)


def _options(command: Command) -> Iterator[str]:
    for option in command.params:
        if told := getattr(option, "help", None):
            yield " ".join(_with_brackets(told).split())


def _with_brackets(text: str) -> str:
    """Undo ``without_markup``, which a verb's help has gone through when it is loaded in English."""
    return text.replace("\\[", "[")


def _errors() -> Iterator[str]:
    """Yield the templates of errors."""
    yield from (entry.text for entry in CATALOGUE.values())
    values = [Path(root) for root in _OF_VALUES]
    taking = _parameters(values)
    for _, tree in _modules(*_SENTENCES):
        yield from _sentences(tree)
    for path, tree in _modules(Path("client_sdk")):
        if path.is_relative_to(_FOR_TESTS):
            continue
        names = _names_of(tree)
        of_values = any(path.is_relative_to(root) for root in values)
        for node in ast.walk(tree):
            if of_values:
                yield from _prepared(node, names)
            if not isinstance(node, ast.Call):
                continue
            name = _called(node)
            of_part = name in {"FormatError", "VerificationError"} and path.is_relative_to(_COMMAND)
            if (name in _ERRORS and node.args) or of_part:
                yield from _templates(node.args[0], names)
            elif name == "NotPermittedError" and len(node.args) > 1:
                yield from _templates(node.args[1], names)
            elif name == "Examined":
                for argument in node.args[2:]:
                    yield from _templates(argument, names)
            if of_values:
                yield from _found_and_wanted(node, taking.get((path, name)) or taking.get((None, name), {}), names)


def _prepared(node: ast.AST, names: _Names) -> Iterator[str]:
    """Yield what is found or wanted where that is put together before it is raised, and the words of separators."""
    match node:
        case ast.Assign(targets=[ast.Name(id="got" | "want" | "VALUE_WANTED" | "NO_LONG_NUMBER")], value=value):
            yield from _templates(value, names)
        case ast.Assign(
            targets=[ast.Tuple(elts=[ast.Name(id="got"), ast.Name(id="want")])], value=ast.Tuple(elts=both)
        ):
            for value in both:
                yield from _templates(value, names)
        case ast.FunctionDef(name=name) if name in _SAYING:
            for part in ast.walk(node):
                if isinstance(part, ast.Return) and part.value is not None:
                    yield from _texts_of(part.value, names)
        case ast.Assign(targets=[ast.Name(id="SEPARATORS")], value=ast.Dict(values=values)):
            for value in values:
                yield from _templates(value, names)
        case _:
            return


def _texts_of(value: ast.expr, names: _Names) -> Iterator[str]:
    """Yield the templates that a function returns: one, or the names of a dictionary."""
    for part in [key for key in value.keys if key] if isinstance(value, ast.Dict) else [value]:
        yield from _templates(part, names)


def _sentences(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module: whatever has blanks and is no docstring."""
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in within | said:
            yield from (text for text in _templates(node, _names_of(tree)) if " " in text and text[0] not in " ,")


def _found_and_wanted(call: ast.Call, places: dict[str, int], names: _Names) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg in {"got", "want"}:
            yield from _templates(keyword.value, names)
    for place in places.values():
        if place < len(call.args):
            yield from _templates(call.args[place], names)


def _parameters(roots: list[Path]) -> dict[tuple[Path | None, str], dict[str, int]]:
    """Return at which places functions take ``got`` and ``want``: by module and name, and by name alone."""
    found: dict[tuple[Path | None, str], dict[str, int]] = {}
    for path, tree in _modules(*roots):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in node.args.args if argument.arg != "self"]
                places: dict[str, int] = {name: names.index(name) for name in ("got", "want") if name in names}
                if places:
                    found[path, node.name] = places
                    # Where two modules have one of this name, its own module alone says which it calls.
                    found[None, node.name] = places if found.get((None, node.name), places) == places else {}
    return found


class _Names(NamedTuple):
    """What names of a module stand for, as far as it is text.

    Attributes:
        texts: of its constants.
        tables: texts in a dictionary of the module.
        made: what a function returns, or a local name is set to.
    """

    texts: dict[str, str]
    tables: dict[str, list[ast.expr]]
    made: dict[str, list[ast.expr]]


def _names_of(tree: ast.Module) -> _Names:
    texts: dict[str, str] = {}
    tables: dict[str, list[ast.expr]] = {}
    made: dict[str, list[ast.expr]] = {}
    for line in tree.body:
        value = line.value if isinstance(line, ast.Assign | ast.AnnAssign) else None
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                texts[target.id] = value.value
            if isinstance(value, ast.Dict):
                tables[target.id] = value.values
    for found in ast.walk(tree):
        match found:
            case ast.FunctionDef(name=name):
                made.setdefault(name, []).extend(
                    part.value for part in ast.walk(found) if isinstance(part, ast.Return) and part.value is not None
                )
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                made.setdefault(name, []).append(value)
            case ast.Assign(targets=[ast.Tuple(elts=left)], value=ast.Tuple(elts=right)) if len(left) == len(right):
                for one, value in zip(left, right, strict=True):
                    if isinstance(one, ast.Name):
                        made.setdefault(one.id, []).append(value)
            case ast.Assign(targets=[ast.Tuple(elts=left)], value=ast.Subscript(value=ast.Name(id=name))) if (
                name in tables
            ):
                rows = [row.elts for row in tables[name] if isinstance(row, ast.Tuple)]
                for place, one in enumerate(left):
                    if isinstance(one, ast.Name):
                        made.setdefault(one.id, []).extend(row[place] for row in rows if place < len(row))
            case _:
                continue
    return _Names(texts, tables, made)


def _templates(node: ast.expr, names: _Names, within: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the templates that an expression may make, by what the names in it stand for."""
    match node:
        case ast.Constant(value=str() as text):
            found = text
        case ast.JoinedStr():
            found = _template(node, names)
            for value in node.values:
                if isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.IfExp | ast.BoolOp):
                    yield from (text.strip(" ,:;") for text in _templates(value.value, names))
        case ast.Name(id=name) if name in names.texts:
            found = names.texts[name]
        case (
            ast.Subscript(value=ast.Name(id=name)) | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get"))
        ) if name in names.tables:
            for value in names.tables[name]:
                yield from _templates(value, names, within)
            return
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name in names.made and name not in within:
            for value in names.made[name]:
                yield from _templates(value, names, (*within, name))
            return
        case ast.IfExp():
            yield from (*_templates(node.body, names, within), *_templates(node.orelse, names, within))
            return
        case ast.BoolOp():
            for value in node.values:
                yield from _templates(value, names, within)
            return
        case _:
            return
    if _RULE_ID.fullmatch(found):
        return
    if _WORD.search(re.sub(r"{\w+}", "", found)) and not _CODE.fullmatch(re.sub(r"{\w+}", "", found)):
        yield found


def _template(node: ast.JoinedStr, names: _Names) -> str:
    """Return the text of an f-string with a numbered place for each value; the same value has the same number."""
    text, used = "", list[str]()
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
        elif isinstance(value, ast.FormattedValue):
            if isinstance(value.value, ast.Name) and value.value.id in names.texts:
                text += names.texts[value.value.id]
                continue
            source = ast.unparse(value.value)
            if source not in used:
                used.append(source)
            text += f"{{{used.index(source)}}}"
    return text
