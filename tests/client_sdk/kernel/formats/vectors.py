"""Reads the vectors that the tests of the formats share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[3] / "vectors"


def load(path: str) -> Any:
    """Return a JSON file of tests/vectors."""
    return json.loads((VECTORS / path).read_text(encoding="utf-8"))
