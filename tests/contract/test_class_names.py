"""A class name stands for one thing: none is defined twice in the SDK and the server, with or without underscore."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.contract.test_tracked_files import read, tracked


def test_no_class_name_is_defined_twice() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for name in tracked("client_sdk/**/*.py", "registry_server/**/*.py", "client_sdk/*.py", "registry_server/*.py"):
        for node in ast.walk(ast.parse(read(name))):
            if isinstance(node, ast.ClassDef):
                defined[node.name.lstrip("_")].append(f"{name}:{node.lineno}")
    assert len(defined) > 500
    assert {name: places for name, places in defined.items() if len(set(places)) > 1} == {}
