"""Regions inside resident numbers: a warning where the vectors want one, and never a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.regions import region_is_known

FILE = Path(__file__).parents[1] / "vectors/domain/identifiers.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
RESIDENTS = [vector for vector in VECTORS if vector["kind"] == "cn-resident-id" and vector["expect"] == "valid"]


@pytest.mark.parametrize("vector", RESIDENTS, ids=lambda vector: vector["value"])
def test_a_region_that_was_not_in_use_is_a_warning(vector: dict[str, Any]) -> None:
    identity = Identity.parse(IdType.CN_RESIDENT_ID, vector["value"])
    assert region_is_known(identity) is (vector.get("region") != "WARN")


def test_numbers_without_a_region_are_never_warned_about() -> None:
    assert region_is_known(Identity.parse(IdType.PASSPORT, "E12345678", "CN"))
    assert region_is_known(Identity.parse(IdType.CN_USCC, "91110000MA0000000H"))
