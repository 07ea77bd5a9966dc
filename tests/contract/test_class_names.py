"""A class name stands for one thing: no public one is defined twice in the SDK and the server."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.contract.test_tracked_files import read, tracked


def test_no_public_class_name_is_defined_twice() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for name in tracked("client_sdk/**/*.py", "registry_server/**/*.py", "client_sdk/*.py", "registry_server/*.py"):
        for node in ast.parse(read(name)).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(name)
    assert len(defined) > 300
    assert {name: places for name, places in defined.items() if len(set(places)) > 1} == {}
