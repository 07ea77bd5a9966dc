"""The guide to the desk: its commands exist, its settings are those that are read, its numbers those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from client_sdk.cli import app
from client_sdk.desk import approval_requests, connections, dropped, form, jobs, kept, rights, settings
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages import PAGES, ROLE_PAGES, records

if TYPE_CHECKING:
    from pydantic import BaseModel

GUIDE = (Path(__file__).parents[2] / "docs" / "desk.md").read_text("utf-8")
COMMANDS = re.findall(r"^credit-registry --home lender-1 (desk.*)$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)
    verb = [word for word in words[:3] if re.fullmatch(r"[a-z]+", word) and word != "anna"]
    env = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    shown = CliRunner().invoke(app, [*verb, "--help"], env=env)
    assert shown.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", shown.stdout))


def test_every_setting_has_a_row() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", GUIDE.partition("## Settings")[2], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)}
    tables: dict[str, type[BaseModel]] = {
        "approval": settings.ApprovalSettings,
        "tls": settings.DeskTls,
        "openid": settings.OpenIdSettings,
    }
    known = {name for name in settings.DeskSettings.model_fields if name not in tables}
    known |= {f"{table}.{name}" for table, model in tables.items() for name in model.model_fields}
    assert named == known


def test_the_example_of_settings_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / settings.SETTINGS_FILE).write_text(example)
    read = settings.read_settings(tmp_path)
    assert read.openid is not None
    assert read.approval.above == {"CNY": "100,000.00"}
    assert read.openid.roles["credit-heads"] is rights.DeskRole.APPROVER


def test_roles_and_limits_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:read|also)", GUIDE, re.MULTILINE) == [role.value for role in rights.DeskRole]
    limits = " ".join(GUIDE.partition("## Limits")[2].split())
    handshakes = f"beside them, {connections.MOST_HANDSHAKES} whose TLS handshake is not finished"
    assert f"{connections.MOST_CONNECTIONS} connections and, {handshakes}" in limits
    assert (
        f"{connections.HANDSHAKE_SECONDS:.0f} seconds for that handshake, "
        f"{connections.HEAD_SECONDS:.0f} for the head of a request, {form.BODY_SECONDS:.0f} for its" in limits
    )
    assert f"{connections.ANSWER_SECONDS:.0f} for the answer" in limits
    sizes = {page.form_bytes >> 20 for pages in (PAGES, *ROLE_PAGES.values()) for page in pages} - {0}
    assert {int(size) for size in re.findall(r"(\d+) MiB", limits)} == sizes
    assert kept.KEPT_SECONDS == 600
    assert f"pages of {records._MOST} in order" in GUIDE
    assert f"at most {records._MOST_READ:,} of them" in limits
    assert f"{approval_requests.MOST} acts wait for approval, {approval_requests.MOST_OF_ONE} of one person" in limits
    assert f"at most {approval_requests.MOST} wait, of one person {approval_requests.MOST_OF_ONE}" in " ".join(
        GUIDE.split()
    )
    for act in ("REQUEST_APPROVAL", "READ_APPROVAL", "APPROVE", "RETURN", "TAKE_BACK", "LAPSE"):
        assert f"`{DeskAct(act).value}`" in GUIDE
    assert f"for which there are {form.LARGE_SECONDS:.0f} seconds" in limits
    assert f"{dropped.MOST_ROWS:,} rows a file" in limits
    assert (jobs.MOST_LIVE_OF_ONE, jobs.MOST_LIVE, jobs.KEPT_SECONDS) == (2, 8, 1_800)
    assert "Two jobs of a person wait or run, eight of all" in limits
    assert "forgotten half an hour after" in GUIDE
