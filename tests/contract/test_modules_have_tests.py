"""Where the tests of a module are: in a file of its name, or in those that tests/README.md names for it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import PurePosixPath

from tests.contract.test_tracked_files import read, tracked

# Folders of tests whose files begin with another word than the folder's name.
WORDS = {"registry_server": "registry", "subject_key_service": "key_service"}
HEADING = "## Tests of a module"
SOURCES = ("client_sdk", "registry_server")
# Modules that are started by their name: an entry point of a program, or a verb when it is called.
STARTED = {
    "client_sdk.testing.forking": ("client_sdk.cli.app", "registry_server.entry"),
    "client_sdk.cli.app": ("client_sdk.cli.verbs.",),
    "registry_server.rpc.checking": ("registry_server.rpc.checking_process",),
}
# Commands that are run by their name, and the module of their entry point.
COMMANDS = {
    "credit-registry": "client_sdk.cli.app",
    "registry-server": "registry_server.entry",
    "subject-key-service": "registry_server.entry",
}


def modules() -> list[str]:
    """Paths of all modules of SDK and server that hold more than the names of a package."""
    names = tracked(*(f"{source}/*.py" for source in SOURCES))
    return [name for name in names if not name.endswith("/__init__.py")]


def files_of_tests() -> dict[str, str]:
    """Path of each file of tests by its name, which is there once."""
    names = tracked("tests/*.py")
    paths = [name for name in names if PurePosixPath(name).name.startswith("test_")]
    found = {PurePosixPath(path).stem: path for path in paths}
    assert len(found) == len(paths)
    return found


def has_tests_of_its_name(module: str, files: dict[str, str]) -> bool:
    path = PurePosixPath(module)
    folder, name = path.parent, path.stem.lstrip("_")
    word = WORDS.get(folder.name, folder.name)
    wanted = [f"tests/{folder}/test_{name}.py", f"tests/{folder}/test_{word}_{name}.py"]
    if folder.name == "client_sdk":
        wanted.append(f"tests/client_sdk/sdk/test_sdk_{name}.py")
    return not set(wanted).isdisjoint(files.values())


def rows() -> list[tuple[str, list[str]]]:
    """Each module of the table with the names of its files of tests."""
    _, _, rest = read("tests/README.md").partition(HEADING)
    found = []
    for folder, cell in re.findall(r"^\| `([\w/]+)` \| (.+) \|$", rest, re.MULTILINE):
        for line in cell.split("<br>"):
            names, _, tests = line.partition(": ")
            found += [(f"{folder}/{name}.py", tests.split(", ")) for name in names.split(", ")]
    return found


def test_each_module_has_tests_of_its_name_or_one_row() -> None:
    files = files_of_tests()
    named = [module for module, _ in rows()]
    without = [module for module in modules() if not has_tests_of_its_name(module, files)]
    assert sorted(named) == sorted(without)


def test_each_file_of_tests_in_a_row_is_there_and_reaches_the_module() -> None:
    files = files_of_tests()
    assert {name for _, names in rows() for name in names} <= set(files)
    wrong = [
        (module, name)
        for module, names in rows()
        for name in names
        if module.removesuffix(".py").replace("/", ".") not in reached_from(files[name])
    ]
    assert wrong == []


@cache
def reached_from(path: str) -> frozenset[str]:
    """Modules that a file imports, directly or through others, and those that are started by their name."""
    by_name = paths()
    seen: set[str] = set()
    folders = [str(folder) for folder in PurePosixPath(path).parents]
    waiting = [module_of(path), *(module_of(f"{folder}/conftest.py") for folder in folders)]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        waiting += imports_of(by_name[name])
        started = STARTED.get(name, ())
        waiting += [other for other in by_name if other.startswith(started)] if started else []
    return frozenset(seen)


@cache
def paths() -> dict[str, str]:
    """Path of each module of ours by its dotted name."""
    return {module_of(name): name for name in tracked(*(f"{top}/*.py" for top in (*SOURCES, "tests", "demo")))}


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports_of(path: str) -> tuple[str, ...]:
    """Modules, or names in them, that a file imports at run time, and its own folders."""
    found = [".".join(PurePosixPath(path).parts[:end]) for end in range(1, len(PurePosixPath(path).parts))]
    waiting: list[ast.AST] = [ast.parse(read(path))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Commands, and the modules of names that a package loads when they are first used, are named as text.
            found += [COMMANDS.get(node.value, node.value)]
    return tuple(found)
