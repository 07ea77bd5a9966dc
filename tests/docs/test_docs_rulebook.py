"""The guides to rulebook and alerts: each field with the values that ship, each setting, and options that exist."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from client_sdk.alerting.settings import DeliverySettings
from client_sdk.cli import app
from client_sdk.kernel.formats.check_digits import lei_fits
from client_sdk.kernel.formats.jurisdiction import JURISDICTIONS
from client_sdk.kernel.formats.state import Rulebook

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[2] / "docs"
RULEBOOK = (DOCS / "rulebook.md").read_text("utf-8")


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]


def shown(value: object) -> str:
    """Return a value as a JSON file of limits holds it, a list item by item."""
    if isinstance(value, tuple):
        return "<br>".join(f"`{json.dumps(item)}`" for item in value) or "`[]`"
    return f"`{json.dumps(value)}`"


def test_each_field_of_the_rulebook_has_a_row_with_the_values_that_ship() -> None:
    table, _ = RULEBOOK.split("## Founding under uk")
    found = {cells[0].strip("`"): (cells[1], cells[2:]) for cells in rows(table)}
    names = [field.name for field in fields(Rulebook)]
    assert list(found) == names
    shipped = [Rulebook.shipped(name) for name in JURISDICTIONS]
    for name in names:
        meaning, values = found[name]
        assert meaning, name
        assert values == [shown(getattr(rulebook, name)) for rulebook in shipped], name


def test_the_options_of_a_member_in_the_united_kingdom_exist() -> None:
    _, founding = RULEBOOK.split("## Founding under uk")
    env = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    known = set(re.findall(r"--[a-z-]+", CliRunner().invoke(app, ["report", "--help"], env=env).stdout))
    (block,) = re.findall(r"credit-registry --home lender-1 report (.*?)```", founding, re.DOTALL)
    used = set(re.findall(r"--[a-z-]+", block))
    (creditor,) = re.findall(r"--original-creditor (\S+)", block)
    assert lei_fits(creditor)
    assert used <= known
    assert {"--id-type", "--issuing-state", "--original-creditor", "--days-past-due"} <= used


def test_the_file_of_alerts_in_the_docs_is_read_and_has_every_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```toml alerts.toml\n(.*?)```", (DOCS / "alerts.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "alerts.toml").write_text(block)
    (tmp_path / "smtp-password").touch(mode=0o600)
    (tmp_path / "smtp-password").write_text("secret\n")
    settings = DeliverySettings.from_home(tmp_path)
    unset = DeliverySettings()
    for field in fields(settings):
        assert getattr(settings, field.name) != getattr(unset, field.name), field.name
    assert settings.mail is not None
    assert settings.mail.user
    assert settings.mail.password == "secret"
