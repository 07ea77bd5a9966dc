"""Reference of the settings of registry and key service, from the models that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.settings import SETTINGS_FILE, Settings
from registry_server.subject_key_service.settings import KeyServiceSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

__all__ = ["settings_page"]


def settings_page() -> str:
    """Return the page."""
    registry = f"In `{SETTINGS_FILE}` of its folder, or `REGISTRY_` and the name in capitals in the environment."
    key_service = "In `service.toml` of its folder."
    sections = (
        _section("The registry", registry, Settings),
        _section("A key service", key_service, KeyServiceSettings),
    )
    return "\n\n".join(("# Settings", *sections)) + "\n"


def _section(title: str, where: str, model: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join([f"## {title}", "", where, "", "| setting | default | is |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none: it must be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    empty = value is None or str(value) in {"", "()"}
    return "none" if empty else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
