"""Collects the rule ids of the source: what is passed wherever a function or a class has a parameter ``rule``.

An id is a constant, or a name ending in it that is put together at run time (``f"{field}.length"``), which stands for a
family of ids and is collected as ``*.length``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("client_sdk", "registry_server")
PARAMETER = "rule"
ID = re.compile(r"[A-Z]\d\d|[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)?")


@dataclass(frozen=True)
class Callable:
    """A function or class: its positional parameters, and whether any parameter is the rule."""

    positional: tuple[str, ...]
    takes_rule: bool


@dataclass
class Source:
    """One module: its calls and definitions, what it defines by name, and the values that its names are given."""

    name: str
    nodes: list[ast.AST] = field(default_factory=list)
    defined: dict[str, list[Callable]] = field(default_factory=dict)
    assigned: dict[str, list[ast.expr]] = field(default_factory=dict)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Callable:
    positional = tuple(a.arg for a in [*node.args.posonlyargs, *node.args.args] if a.arg not in {"self", "cls"})
    return Callable(positional, PARAMETER in {*positional, *(a.arg for a in node.args.kwonlyargs)})


def _class(node: ast.ClassDef) -> Callable:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return _function(part)
    fields = [p.target.id for p in node.body if isinstance(p, ast.AnnAssign) and isinstance(p.target, ast.Name)]
    return Callable(tuple(fields), PARAMETER in fields)


def _read(file: Path) -> Source:
    source = Source(str(file.relative_to(ROOT)))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            source.nodes.append(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name != "__init__":
                source.defined.setdefault(node.name, []).append(_function(node))
            case ast.ClassDef():
                source.defined.setdefault(node.name, []).append(_class(node))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                source.assigned.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                source.assigned.setdefault(name, []).append(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value):
                _unpack(source, names, value)
            case _:
                pass
    return source


def _unpack(source: Source, names: list[ast.expr], value: ast.expr) -> None:
    """Note ``reason, rule = value``: the rule is that part of the value."""
    for position, name in enumerate(names):
        if isinstance(name, ast.Name):
            source.assigned.setdefault(name.id, []).append(ast.Subscript(value, ast.Constant(position)))


def _inherit(sources: list[Source]) -> None:
    """Give each class without a constructor of its own the parameters of its base."""
    classes = [(s, n) for s in sources for n in s.nodes if isinstance(n, ast.ClassDef)]
    known = {n.name: _class(n) for _, n in classes}
    for _ in range(4):  # no hierarchy of errors is deeper
        for source, node in classes:
            for base in (known[b.id] for b in node.bases if isinstance(b, ast.Name) and b.id in known):
                if base.takes_rule and not known[node.name].takes_rule:
                    known[node.name] = base
                    source.defined[node.name] = [base]


def _candidates(call: ast.Call, source: Source, everywhere: dict[str, list[Callable]]) -> list[Callable]:
    match call.func:
        case ast.Name(id=name):
            return source.defined.get(name) or everywhere.get(name, [])
        case ast.Attribute(attr=name):
            found = [one for one in everywhere.get(name, []) if one.takes_rule]
            return [one for one in found if len(one.positional) == len(call.args)] or found
        case _:
            return []


def _given(call: ast.Call, candidates: list[Callable]) -> list[ast.expr]:
    if named := [keyword.value for keyword in call.keywords if keyword.arg == PARAMETER]:
        return named
    places = {one.positional.index(PARAMETER) for one in candidates if PARAMETER in one.positional}
    return [call.args[place] for place in places if place < len(call.args)]


def _ids(value: ast.expr, source: Source) -> set[str]:
    match value:
        case ast.Constant(value=str(text)):
            return {text} - {""}
        case ast.IfExp(body=one, orelse=other):
            return _ids(one, source) | _ids(other, source)
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(end))]):
            return {f"*{end}"}
        case ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_]):
            return {f"{begin}*"}
        case ast.Name(id=name):
            return {found for given in source.assigned.get(name, []) for found in _ids(given, source)}
        case ast.Subscript(value=whole, slice=part):
            return {found for one in _parts(whole, part, source) for found in _ids(one, source)}
        case _:
            return set()


def _parts(whole: ast.expr, part: ast.expr, source: Source) -> list[ast.expr]:
    """List what ``whole[part]`` may be: an element of a tuple, or any value of a dictionary that a name stands for."""
    match whole, part:
        case ast.IfExp(body=one, orelse=other), _:
            return [*_parts(one, part, source), *_parts(other, part, source)]
        case ast.Tuple(elts=elements), ast.Constant(value=int(position)):
            return elements[position : position + 1]
        case ast.Name(id=name), _:
            given = [value for value in source.assigned.get(name, []) if isinstance(value, ast.Dict)]
            return [entry for table in given for entry in table.values]
        case ast.Subscript(value=table, slice=key), _:
            return [found for entry in _parts(table, key, source) for found in _parts(entry, part, source)]
        case _:
            return []


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    positional = [*node.args.posonlyargs, *node.args.args]
    given = zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults, strict=True)
    keyword = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return [value for argument, value in [*given, *keyword] if argument.arg == PARAMETER and value is not None]


@cache
def rule_ids() -> dict[str, list[str]]:
    """Return every rule id of the source with the places that give it, as ``file:line``."""
    sources = [_read(file) for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    _inherit(sources)
    everywhere: dict[str, list[Callable]] = {}
    for source in sources:
        for name, found in source.defined.items():
            everywhere.setdefault(name, []).extend(found)
    ids: dict[str, list[str]] = {}
    for source in sources:
        for node in source.nodes:
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                values = _given(node, _candidates(node, source, everywhere))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                values = _defaults(node)
            for value in values:
                for id_ in filter(ID.fullmatch, _ids(value, source)):
                    ids.setdefault(id_, []).append(f"{source.name}:{value.lineno}")
    return ids
