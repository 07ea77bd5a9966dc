"""The contract of the API is frozen in docs/desk-openapi.json, and says of each path what a program must know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from client_sdk.desk.api.application import contract
from client_sdk.desk.rights import ApiScope
from tests.client_sdk.desk.test_desk_api import rows
from tests.support.command import Command

FROZEN = Path("docs/desk-openapi.json")


def test_the_contract_is_the_frozen_one(tmp_path: Path) -> None:
    said = Command(tmp_path).said("desk", "contract").out
    assert said == FROZEN.read_text("utf-8"), f"credit-registry desk contract > {FROZEN}"
    assert json.loads(Command(tmp_path)("desk", "contract").out) == contract()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    paths: dict[str, dict[str, dict[str, Any]]] = json.loads(FROZEN.read_text("utf-8"))["paths"]
    return [(path, method, told) for path, methods in paths.items() for method, told in methods.items()]


def test_each_operation_has_a_token_a_scope_a_description_and_its_problems() -> None:
    names = [told["operationId"] for _, _, told in operations()]
    assert len(names) == len(set(names)) > 20
    for path, _, told in operations():
        (needed,) = told["security"]
        assert set(needed["token"]) <= set(ApiScope)
        assert needed["token"] or path in {"/token", "/openapi.json"}
        assert told["description"].endswith(".")
        assert [*told["responses"]["default"]["content"]] == ["application/problem+json"]


def test_no_number_of_a_person_is_in_any_address() -> None:
    for path, _, told in operations():
        for parameter in told.get("parameters", ()):
            assert parameter["in"] in {"path", "query"}
            assert not {"number", "identity", "id_number"} & {parameter["name"]} or path.startswith("/inbox/")


def test_a_report_of_the_contract_is_a_row_of_a_portfolio() -> None:
    told = next(told for path, _, told in operations() if path == "/reports")
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    (row,) = rows(1)
    assert set(row) <= set(schema["properties"])
    assert set(schema["required"]) <= set(row)
