"""Criteria as JSON: what their digest is made of, and what is kept with an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.facts import JudgmentStage
from client_sdk.models.weighing import Criteria

if TYPE_CHECKING:
    from client_sdk.kernel.formats.plain import Json

__all__ = ["criteria_content", "criteria_of"]


def criteria_content(criteria: Criteria) -> dict[str, Json]:
    """Return criteria as values that ``json.dumps`` takes; equal criteria give equal values."""
    return {name: _plain(getattr(criteria, name)) for name in Criteria.__dataclass_fields__}


def _plain(held: object) -> Json:
    """Return a set as a sorted list of words, or of lists of words; a mapping, a number and None as they are."""
    match held:
        case frozenset():
            return sorted(list(map(str, item)) if isinstance(item, tuple) else str(item) for item in held)
        case Mapping():
            return {str(currency): amount for currency, amount in held.items()}
        case bool() | int() | None:
            return held
        case _:
            raise TypeError(type(held).__name__)


def criteria_of(content: object) -> Criteria:
    """Return the criteria that ``criteria_content`` made this of.

    Raises:
        ConfigError: it is not the whole of such a value.
    """
    names = Criteria.__dataclass_fields__
    if not isinstance(content, dict) or set(content) != set(names):
        raise ConfigError(f"criteria: want an object with {', '.join(names)}")
    values = dict(content)
    try:
        for name in ("counted", "watched"):
            values[name] = frozenset((Kind(kind), Standing(standing)) for kind, standing in content[name])
        values["judgment_stages"] = frozenset(map(JudgmentStage, content["judgment_stages"]))
    except (TypeError, ValueError):
        raise ConfigError("criteria: counted, watched or judgment_stages hold no list of words") from None
    return Criteria(**values)
