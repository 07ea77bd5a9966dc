"""Criteria as JSON: what their digest is made of, and what is kept with an answer."""

from __future__ import annotations

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
    return {
        "counted": [list(state) for state in sorted((str(kind), str(standing)) for kind, standing in criteria.counted)],
        "watched": [list(state) for state in sorted((str(kind), str(standing)) for kind, standing in criteria.watched)],
        "min_days_past_due": criteria.min_days_past_due,
        "min_amounts": dict(criteria.min_amounts),
        "judgment_stages": sorted(str(stage) for stage in criteria.judgment_stages),
        "forget_ended_after_days": criteria.forget_ended_after_days,
        "count_guarantors": criteria.count_guarantors,
        "refer_disputed": criteria.refer_disputed,
        "refer_stale": criteria.refer_stale,
    }


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
