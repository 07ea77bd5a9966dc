"""No module of ours imports itself through others, and no package of the SDK does."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import grimp
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("client_sdk", "registry_server")


def circle(graph: grimp.ImportGraph, node: Callable[[str], str]) -> list[str]:
    """Return nodes that import each other in turn; none where there is no such circle."""
    imports: dict[str, set[str]] = {}
    for module in graph.modules:
        found = {node(other) for other in graph.find_modules_directly_imported_by(module)} - {node(module)}
        imports.setdefault(node(module), set()).update(found)
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def package_of(module: str) -> str:
    """The part of the SDK that a module belongs to; models stand for themselves, as errors carry some of them."""
    parts = module.split(".")
    return module if parts[:2] == ["client_sdk", "models"] else ".".join(parts[:2])


def test_modules_import_each_other_in_one_direction(graph: grimp.ImportGraph) -> None:
    assert circle(graph, str) == []


def test_packages_of_the_sdk_import_each_other_in_one_direction(graph: grimp.ImportGraph) -> None:
    sdk = [module for module in graph.modules if not module.startswith("client_sdk")]
    for module in sdk:
        graph.remove_module(module)
    assert circle(graph, package_of) == []


def test_a_circle_is_found(graph: grimp.ImportGraph) -> None:
    graph.add_import(importer="client_sdk._transport.channels", imported="client_sdk.client")
    assert "client_sdk.client" in circle(graph, package_of)
