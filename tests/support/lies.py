"""Every lie that an audit must find, committed with the registry's own keys: one function a lie.

Each function gets an honest log, already audited once, and the registry that serves it. It goes on dishonestly; all
that it does not lie about stays honest, so that the audit finds this lie and nothing else, unless it says so.
"""

from __future__ import annotations

# Importing a module of lies adds them to the list.
from tests.support import (
    acknowledgement_lies,
    closing_lies,
    head_lies,
    leaf_lies,
    listing_lies,
    overlay_lies,
    production_lies,
    quality_lies,
    statistics_lies,
)
from tests.support.lying import LIES, Forger, Lie, honest_log

__all__ = [
    "LIES",
    "Forger",
    "Lie",
    "acknowledgement_lies",
    "closing_lies",
    "head_lies",
    "honest_log",
    "leaf_lies",
    "listing_lies",
    "overlay_lies",
    "production_lies",
    "quality_lies",
    "statistics_lies",
]
