"""The help of both server programs: flags without a type, and every other option with what it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from registry_server.cli import app as registry
from registry_server.settings import SettingsError, load_settings
from registry_server.subject_key_service.commands import app as key_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import typer

PROGRAMS = {"registry-server": registry, "subject-key-service": key_service}
# What typer shows of an option for which nobody said what it takes.
UNNAMED = re.compile(r"<(?:bool|str|int|float|file|path|list\[\w+\])>|\b(?:TEXT|INTEGER|FLOAT|BOOLEAN|PATH)\b")


def commands(app: typer.Typer) -> Iterator[tuple[str, ...]]:
    """The words of each command and group."""
    yield ()
    program = get_command(app)
    assert isinstance(program, TyperGroup)
    for name, command in program.commands.items():
        yield (name,)
        yield from ((name, inner) for inner in getattr(command, "commands", ()))


@pytest.mark.parametrize(
    ("program", "words"), [(program, words) for program, app in PROGRAMS.items() for words in commands(app)]
)
def test_every_option_says_what_it_takes(program: str, words: tuple[str, ...]) -> None:
    env = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    shown = CliRunner().invoke(PROGRAMS[program], [*words, "--help"], env=env).stdout
    assert "--help" in shown
    assert CliRunner().invoke(PROGRAMS[program], [*words, "-h"], env=env).stdout == shown
    assert [line for line in shown.splitlines() if " --" in line and UNNAMED.search(line)] == []


@pytest.mark.parametrize(
    ("overrides", "environment", "source"),
    [
        ({"log_level": "chatty"}, {}, "the command line: log_level"),
        ({}, {"REGISTRY_LISTEN": "nonsense"}, "REGISTRY_LISTEN: listen: want HOST:PORT"),
        # By law, a period that is over has its effect soon.
        ({}, {"REGISTRY_HOUSEKEEPING_INTERVAL_SECONDS": "61"}, "REGISTRY_HOUSEKEEPING_INTERVAL_SECONDS: "),
        ({}, {}, "registry.toml: member_calls_max"),
    ],
)
def test_a_setting_that_is_not_in_order_is_told_with_where_it_came_from(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    overrides: dict[str, str],
    environment: dict[str, str],
    source: str,
) -> None:
    wrong = "" if overrides or environment else "member_calls_max = 0\n"
    (tmp_path / "registry.toml").write_text(f'registry = "example"\n{wrong}')
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=source) as refused:
        load_settings(tmp_path, dict(overrides))
    assert "pattern" not in str(refused.value)
