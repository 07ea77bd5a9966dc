"""Result of one check of a checklist: of a member's home, or of a registry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from client_sdk.kernel.formats.plain import Plain

__all__ = ["Examined", "Grade"]


class Grade(StrEnum):
    """What a check found."""

    PASS = "PASS"  # noqa: S105 - a word, no password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Examined(Plain):
    """Result of one check.

    Attributes:
        check: its name, such as ``backup``.
        grade: PASS, WARN or FAIL.
        found: what there is.
        advice: what to do; empty where nothing is.
    """

    check: str
    grade: Grade
    found: str
    advice: str = ""
