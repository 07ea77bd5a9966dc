"""Reference of the three commands, from the commands themselves: what ``--help`` says of each verb."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from client_sdk.cli.app import app as member_commands
from registry_server.cli.main import app as registry_commands
from registry_server.subject_key_service.commands import app as key_service_commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import typer

__all__ = ["command_pages"]

_PROGRAMS: Mapping[str, typer.Typer] = {
    "credit-registry": member_commands,
    "registry-server": registry_commands,
    "subject-key-service": key_service_commands,
}
# Of every verb; said once.
_EVERYWHERE = frozenset(("help", "home", "as_json"))


def command_pages() -> dict[str, str]:
    """Return the page of each program by its path."""
    return {f"generated/{name}.md": _page(name, app) for name, app in _PROGRAMS.items()}


def _page(name: str, app: typer.Typer) -> str:
    command = get_command(app)
    context = command.make_context(name, [], resilient_parsing=True)
    parts = [f"# {name}", _text(command.help), *_verbs(command, context, 2)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verbs(group: Any, context: Any, level: int) -> Iterator[str]:
    for name in group.list_commands(context):
        # Some groups import a verb when it is called, and list it by its first line before.
        command = group.load(name) if name in getattr(group, "later", {}) else group.get_command(context, name)
        if command is None or command.hidden:
            continue
        below = command.make_context(name, [], parent=context, resilient_parsing=True)
        yield f"{'#' * min(level, 4)} {below.command_path}"
        yield _text(command.help)
        if not hasattr(command, "list_commands") or command.invoke_without_command:
            yield f"```text\n{command.get_usage(below).removeprefix('Usage: ')}\n```"
            yield _parameters(command, below)
        if command.epilog:
            yield f"```text\n{_text(command.epilog)}\n```"
        if hasattr(command, "list_commands"):
            yield from _verbs(command, below, level + 1)


def _parameters(command: Any, context: Any) -> str:
    rows = []
    for parameter in command.get_params(context):
        if parameter.name in _EVERYWHERE or getattr(parameter, "hidden", False):
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            rows.append(f"| <code>{_cell(record[0])}</code> | {_cell(record[1])} |")
    return "\n".join(["| option | is |", "|---|---|", *rows]) if rows else ""


def _cell(text: str) -> str:
    return escape(" ".join(text.split()), quote=False).replace("|", "&#124;")


def _text(text: str | None) -> str:
    return (text or "").replace("\b", "").strip()
